"""Blends, the lists of several listeners who agreed to it, as JSON."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import SignedInApiRequest
from catalog.api.lookups import validate_body
from catalog.api.serializers import SongSerializer, document_example
from recommendations.api import examples
from recommendations.api.conflict import Conflict
from recommendations.models import Blend
from recommendations.services.surfaces import blends

Result = TypeVar("Result")

PROBLEMS = ("", "few", "model", "unknown", "taste")
REFUSALS = {
    "full": f"A blend has at most {blends.MOST_MEMBERS} members.",
    "too_many_blends": f"You are in {blends.MOST_BLENDS} blends already; leave one first.",
}


# --- What goes in and out ---------------------------------------------------------------------------------------------


@document_example(examples.BLEND)
class BlendSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    members = serializers.ListField(child=serializers.CharField(), help_text="Who joined.")


class InvitationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Of the blend.")
    title = serializers.CharField()
    invited_by = serializers.CharField(allow_null=True)


@document_example(examples.BLENDS)
class BlendsSerializer(serializers.Serializer[Any]):
    blends = BlendSerializer(many=True)
    invitations = InvitationSerializer(many=True, help_text="Those I have not answered.")


class BlendedSongSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    song = SongSerializer()
    fans = serializers.ListField(
        child=serializers.CharField(), help_text="Whom the song is for; empty: all of us."
    )
    least_percent = serializers.IntegerField(
        help_text="How many of the candidates the least content member likes less, in percent."
    )


@document_example(examples.BLEND_SONGS)
class BlendSongsSerializer(BlendSerializer):
    problem = serializers.ChoiceField(
        choices=PROBLEMS,
        help_text="Why there are no songs: few (fewer than two joined with personalisation on), model (none "
        "is trained), unknown (of nobody's taste anything is known), taste (no song that nobody minds); "
        "empty where there are.",
    )
    songs = BlendedSongSerializer(many=True)


@document_example({"title": "Kitchen"}, request_only=True)
class BlendIn(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=80)


@document_example({"username": "bob"}, request_only=True)
class InvitationIn(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)


# --- Views ------------------------------------------------------------------------------------------------------------


@extend_schema(tags=["Blends"])
class Blends(APIView):
    @extend_schema(responses=BlendsSerializer)
    def get(self, request: SignedInApiRequest) -> Response:
        """The blends I joined, and invitations that I have not answered."""
        invitations = blends.list_invitations(request.user)
        return Response(
            {
                "blends": [
                    _build_blend(
                        blend,
                        [
                            member.listener.get_username()
                            for member in blend.members.all()
                            if member.joined_at is not None
                        ],
                    )
                    for blend in blends.list_blends(request.user)
                ],
                "invitations": [
                    {
                        "id": str(one.blend_id),
                        "title": one.blend.title,
                        "invited_by": one.invited_by.get_username() if one.invited_by else None,
                    }
                    for one in invitations
                ],
            }
        )

    @extend_schema(request=BlendIn, responses={201: BlendSerializer})
    def post(self, request: SignedInApiRequest) -> Response:
        """Begin a blend; I have joined it. 409 where I am in too many."""
        title = validate_body(BlendIn, request)["title"]
        blend = _refuse_problems(lambda: blends.create_blend(request.user, title))
        body = _build_blend(blend, [request.user.get_username()])
        return Response(body, status=status.HTTP_201_CREATED)


@extend_schema(tags=["Blends"])
class OneBlend(APIView):
    @extend_schema(responses=BlendSongsSerializer)
    def get(self, request: SignedInApiRequest, pk: UUID) -> Response:
        """A blend that I joined: its members and songs, and whom each song is for."""
        blend = _get_blend(request, pk)
        blended = blends.blend_songs(blend)
        songs = SongSerializer()
        return Response(
            _build_blend(blend, blends.list_members(blend))
            | {
                "problem": blended.problem,
                "songs": [
                    {
                        "position": one.position,
                        "song": songs.to_representation(one.song),
                        "fans": list(one.fans),
                        "least_percent": one.least_percent,
                    }
                    for one in blended.songs
                ],
            }
        )

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInApiRequest, pk: UUID) -> Response:
        """Leave a blend, or decline an invitation to it."""
        blends.leave_blend(_get_blend(request, pk, has_joined=False), request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["Blends"])
class BlendInvitations(APIView):
    @extend_schema(request=InvitationIn, responses={204: None})
    def post(self, request: SignedInApiRequest, pk: UUID) -> Response:
        """Invite a listener by name to a blend that I joined; the answer is the same for names that nobody has."""
        blend = _get_blend(request, pk)
        name = validate_body(InvitationIn, request)["username"]
        _refuse_problems(lambda: blends.invite_listener(blend, request.user, name))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["Blends"])
class JoinBlend(APIView):
    @extend_schema(request=None, responses=BlendSerializer)
    def post(self, request: SignedInApiRequest, pk: UUID) -> Response:
        """Accept an invitation; once I joined it changes nothing."""
        blend = _get_blend(request, pk, has_joined=False)
        blends.join_blend(blend, request.user)
        return Response(_build_blend(blend, blends.list_members(blend)))


def _get_blend(request: SignedInApiRequest, pk: UUID, *, has_joined: bool = True) -> Blend:
    blend = blends.find_blend(request.user, pk, has_joined=has_joined)
    if blend is None:
        raise NotFound("There is no such blend of yours.")
    return blend


def _refuse_problems(act: Callable[[], Result]) -> Result:
    try:
        return act()
    except blends.BlendRefused as refusal:
        raise Conflict(REFUSALS[refusal.code]) from None


def _build_blend(blend: Blend, members: list[str]) -> dict[str, Any]:
    return {"id": str(blend.pk), "title": blend.title, "members": members}
