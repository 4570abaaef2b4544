"""Recommendations and why, what became of them, and what a listener does not want, as JSON."""

from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Scope
from accounts.permissions import HasScopeOrIsAnonymous
from accounts.requests import SignedInApiRequest, get_signed_in_user
from catalog.api.lookups import get_artist, get_own_playlist, get_song, get_songs, validate_body
from catalog.api.serializers import PlaylistSerializer, SongSerializer
from catalog.models import Artist, Playlist
from common.api.paging import Cursor
from recommendations.api import answers
from recommendations.api.query_values import read_length, read_share
from recommendations.api.serializers.events import ImpressionIn, ImpressionOut, OutcomeIn
from recommendations.api.serializers.lists import (
    AbsenceSerializer,
    ExplainedSerializer,
    ListSerializer,
    PathSerializer,
)
from recommendations.api.serializers.me import HIDDEN_KINDS, GeneratedPlaylistsIn, HiddenSerializer
from recommendations.engine import LONGEST_PATH
from recommendations.models import ListenerControl
from recommendations.services.lists import list_request
from recommendations.services.lists.exclusions import load_unwanted
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.preferences import controls
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.explanation_facts import Explained, read_facts
from recommendations.services.serving import (
    feedback,
    recommend,
    similar_songs,
    song_explanation,
    visitor_lists,
)
from recommendations.services.serving.why_not import explain_absence
from recommendations.services.surfaces import (
    generated_playlists,
    playlist_continuation,
)
from recommendations.services.surfaces.sonic_path import USUAL_LENGTH, find_sonic_path

MAX_LIKED = 50

_K = OpenApiParameter("k", int, description="How many songs, 1 to 200; 20 if it is left out.")
_EXPLAIN = OpenApiParameter(
    "explain", bool, description="Leave the reasons out with `false`.", default=True
)


# --- Lists ------------------------------------------------------------------------------------------------------------


class Recommendations(APIView):
    """Songs for me, best first and artists apart, each with why. Without an account: from a few songs one likes.

    A list of the listener's own is answered from a cache while nothing has changed; `If-None-Match` saves the body.
    """

    permission_classes = [HasScopeOrIsAnonymous]

    @extend_schema(
        tags=["Recommendations"],
        parameters=[
            _K,
            OpenApiParameter(
                "discovery",
                float,
                description="0 familiar to 1 adventurous; my own setting otherwise.",
            ),
            OpenApiParameter(
                "seed",
                str,
                description="Id of one song: recommend from it and not from my history.",
            ),
            OpenApiParameter(
                "liked", str, description="Ids of up to 50 liked songs, separated by commas."
            ),
            _EXPLAIN,
        ],
        responses={200: ListSerializer, 304: None},
    )
    def get(self, request: Request) -> HttpResponse:
        k, explain = read_length(request), _read_flag(request, "explain")
        seeds = _read_seeds(request)
        if seeds or not request.user.is_authenticated:
            served = visitor_lists.recommend_from_songs(get_songs(seeds, request.user, "liked"), k)
            return Response(answers.serialize_list(served, None, with_reasons=explain))
        listener, discovery = get_signed_in_user(request), read_share(request, "discovery")

        def make() -> dict[str, Any]:
            served = recommend.recommend_songs(
                listener, k, discovery=discovery, may_interleave=True
            )
            return answers.serialize_list(served, listener, with_reasons=explain)

        asked = {"k": k, "discovery": discovery, "explain": explain}
        return answers.are_ready(request, listener, asked, make)


class SimilarSongs(APIView):
    """The songs most like this one."""

    permission_classes = [HasScopeOrIsAnonymous]

    @extend_schema(tags=["Recommendations"], parameters=[_K, _EXPLAIN], responses=ListSerializer)
    def get(self, request: Request, key: str) -> Response:
        context = ListenerContext.about_music(request.user)
        song = get_song(key, request.user)
        served = similar_songs.find_similar(song, read_length(request), context=context)
        return Response(
            answers.serialize_list(served, None, with_reasons=_read_flag(request, "explain"))
        )


class SongPath(APIView):
    """Songs that lead from this song to another in small steps of sound, both included.

    What I hid or dislike is not on the way.
    """

    permission_classes = [HasScopeOrIsAnonymous]

    @extend_schema(
        tags=["Recommendations"],
        parameters=[
            OpenApiParameter(
                "to",
                str,
                required=True,
                description="Id of the song to arrive at.",
                examples=[OpenApiExample("Example", "song_00007")],
            ),
            OpenApiParameter(
                "k",
                int,
                description=f"How many songs at most, 2 to {LONGEST_PATH}; 12 if left out.",
            ),
        ],
        responses=PathSerializer,
    )
    def get(self, request: Request, key: str) -> Response:
        to = request.query_params.get("to", "")
        start, (end,) = get_song(key, request.user), get_songs([to], request.user, "to")
        n = _read_path_length(request)
        path = find_sonic_path(start, end, n, unwanted=load_unwanted(request.user))
        return Response(PathSerializer(path).data)


class SongExplanation(APIView):
    """Why this song would or would not be recommended to me."""

    @extend_schema(tags=["Recommendations"], responses=ExplainedSerializer)
    def get(self, request: SignedInApiRequest, key: str) -> Response:
        song = get_song(key, request.user)
        explanation = song_explanation.explain_song(request.user, song)
        data: dict[str, Any] = {"song": SongSerializer(song).data, "explanation": None, "note": ""}
        if explanation is None:
            data["note"] = (
                "The model does not know this song yet; it can be explained after the next training."
            )
        else:
            facts = read_facts(request.user, [Explained(song, explanation)])
            data["explanation"] = answers.describe_reasons(
                explanation_text.describe(song, explanation, facts)
            )
        return Response(data)


class SongAbsence(APIView):
    """At which step a song falls out of my list, or that it is on it."""

    @extend_schema(tags=["Recommendations"], parameters=[_K], responses=AbsenceSerializer)
    def get(self, request: SignedInApiRequest, key: str) -> Response:
        absence = explain_absence(request.user, get_song(key, request.user), read_length(request))
        return Response(AbsenceSerializer(absence).data)


class ContinuePlaylist(APIView):
    """Songs that would fit one of my playlists."""

    @extend_schema(tags=["Playlists"], parameters=[_K, _EXPLAIN], responses=ListSerializer)
    def get(self, request: SignedInApiRequest, pk: UUID) -> Response:
        playlist = get_own_playlist(request.user, pk)
        served = playlist_continuation.continue_playlist(
            request.user, playlist, list_request.limit_length(read_length(request))
        )
        return Response(
            answers.serialize_list(
                served, request.user, with_reasons=_read_flag(request, "explain")
            )
        )


class GeneratedPlaylists(APIView):
    """Weekly jams, weekly discovery or daily mixes of the running period; they are made once and then stay."""

    @extend_schema(
        tags=["Playlists"],
        request=GeneratedPlaylistsIn,
        responses={200: PlaylistSerializer(many=True)},
    )
    def post(self, request: SignedInApiRequest) -> Response:
        kind = validate_body(GeneratedPlaylistsIn, request)["kind"]
        playlist_ids = [playlist.pk for playlist in generated_playlists.make(request.user, kind)]
        counted = Playlist.objects.filter(pk__in=playlist_ids).count_songs().order_by("period")
        return Response(PlaylistSerializer(counted, many=True).data)


# --- What became of them ----------------------------------------------------------------------------------------------


class Impressions(APIView):
    """Tell that a list was shown, with its receipt and the songs in the order they were shown in."""

    write_scopes = (Scope.LISTEN, Scope.WRITE)

    @extend_schema(
        tags=["Recommendations"],
        request=ImpressionIn,
        responses={201: ImpressionOut},
    )
    def post(self, request: SignedInApiRequest) -> Response:
        impression = validate_body(ImpressionIn, request)
        try:
            shown = feedback.record_impression(
                request.user,
                impression["receipt"],
                get_songs(impression["songs"], request.user),
                impression["surface"],
            )
        except feedback.EventRefused as error:
            raise ValidationError({"receipt": [str(error)]}) from None
        return Response({"id": str(shown.pk)}, status=status.HTTP_201_CREATED)


class Outcomes(APIView):
    """Tell that a shown song was opened, liked, disliked or hidden. Told twice, it counts once."""

    write_scopes = (Scope.LISTEN, Scope.WRITE)

    @extend_schema(tags=["Recommendations"], request=OutcomeIn, responses={204: None})
    def post(self, request: SignedInApiRequest, pk: UUID) -> Response:
        outcome = validate_body(OutcomeIn, request)
        song = get_songs([outcome["song"]], request.user, "song")[0]
        try:
            feedback.record_outcome(request.user, pk, song, outcome["kind"])
        except feedback.UnknownImpression as error:
            raise NotFound(str(error)) from None
        except feedback.EventRefused as error:
            raise ValidationError({"song": [str(error)]}) from None
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- What is not wanted -----------------------------------------------------------------------------------------------


@extend_schema(tags=["Opinions"], request=None, responses={204: None})
class HiddenSong(APIView):
    def put(self, request: SignedInApiRequest, key: str) -> Response:
        """Never recommend this song to me."""
        controls.hide_song(request.user, get_song(key, request.user))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def delete(self, request: SignedInApiRequest, key: str) -> Response:
        """Let this song be recommended again."""
        controls.unhide_song(request.user, get_song(key, request.user))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["Opinions"], request=None, responses={204: None})
class IgnoredSong(APIView):
    def put(self, request: SignedInApiRequest, key: str) -> Response:
        """Recommend nothing because of this song; it stays in my history."""
        controls.ignore_song(request.user, get_song(key, request.user))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def delete(self, request: SignedInApiRequest, key: str) -> Response:
        """Learn from this song again."""
        controls.unignore_song(request.user, get_song(key, request.user))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["Opinions"], request=None, responses={204: None})
class HiddenArtist(APIView):
    def put(self, request: SignedInApiRequest, pk: int) -> Response:
        """Never recommend anything by this artist to me."""
        visible = Artist.objects.filter_visible(request.user)
        controls.hide_artist(request.user, get_artist(visible, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def delete(self, request: SignedInApiRequest, pk: int) -> Response:
        """Let this artist be recommended again."""
        visible = Artist.objects.filter_visible(request.user)
        controls.unhide_artist(request.user, get_artist(visible, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class _HiddenPages(Cursor):
    address = "me/hidden/"


@extend_schema(tags=["Opinions"], parameters=[OpenApiParameter("kind", str, enum=HIDDEN_KINDS)])
class Hidden(ListAPIView[ListenerControl]):
    """Everything I have hidden or keep from being learned from, newest first."""

    serializer_class = HiddenSerializer
    pagination_class = _HiddenPages
    queryset = ListenerControl.objects.none()

    def get_queryset(self) -> QuerySet[ListenerControl]:
        wanted = self.request.query_params.get("kind")
        if wanted is not None and wanted not in HIDDEN_KINDS:
            kinds = ", ".join(HIDDEN_KINDS)
            raise ValidationError({"kind": [f"{wanted[:40]!r} is none; they are {kinds}."]})
        hidden = controls.list_hidden(get_signed_in_user(self.request)).filter(
            **{"kind": wanted} if wanted else {}
        )
        with_songs = hidden.select_related("song__album").prefetch_related("song__genres")
        return with_songs.annotate(moment=F("created_at"))


# --- Reading the query ------------------------------------------------------------------------------------------------


def _read_path_length(request: Request) -> int:
    text = request.query_params.get("k", str(USUAL_LENGTH))
    if not (
        text.isascii() and text.isdecimal() and len(text) < 10 and 2 <= int(text) <= LONGEST_PATH
    ):
        raise ValidationError(
            {"k": [f"k is a whole number from 2 to {LONGEST_PATH}, not {text[:20]!r}."]}
        )
    return int(text)


def _read_flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "true").lower()
    if text not in ("true", "false", "1", "0"):
        raise ValidationError({name: [f"{name} is true or false, not {text[:20]!r}."]})
    return text in ("true", "1")


def _read_seeds(request: Request) -> list[str]:
    params = request.query_params
    keys = [params["seed"]] if params.get("seed") else []
    keys += [key for key in params.get("liked", "").split(",") if key]
    if len(keys) > MAX_LIKED:
        raise ValidationError({"liked": [f"Name {MAX_LIKED} songs at most, not {len(keys)}."]})
    return keys
