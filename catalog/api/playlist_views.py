"""A listener's playlists as JSON and as files."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import SignedInApiRequest, get_signed_in_user
from catalog.api import examples, serializers
from catalog.api.lookups import get_own_playlist, get_songs, validate_body
from catalog.models import Playlist
from catalog.playlists import edit
from catalog.playlists.export import files

P = ParamSpec("P")
R = TypeVar("R")

_KIND_PARAMETER = OpenApiParameter("kind", str, enum=list(Playlist.Kind.values))


@extend_schema(tags=["Playlists"])
class PlaylistList(generics.ListAPIView[Playlist]):
    """My playlists: my own and those made for me, the last changed first."""

    serializer_class = serializers.PlaylistSerializer
    queryset = Playlist.objects.none()

    def get_queryset(self) -> QuerySet[Playlist]:
        owner = get_signed_in_user(self.request)
        mine = Playlist.objects.filter(owner=owner).count_songs()
        wanted = self.request.query_params.get("kind")
        if wanted is not None and wanted not in Playlist.Kind.values:
            raise ValidationError(
                {"kind": [f"{wanted[:40]!r} is none; they are {', '.join(Playlist.Kind.values)}."]}
            )
        return (mine.filter(kind=wanted) if wanted else mine).order_by("-updated_at", "pk")

    @extend_schema(parameters=[_KIND_PARAMETER])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        request=serializers.PlaylistIn,
        responses={201: serializers.PlaylistDetailSerializer},
        description="Make a playlist of mine, with songs or empty.",
    )
    def post(self, request: SignedInApiRequest) -> Response:
        wanted = validate_body(serializers.PlaylistIn, request)
        songs = get_songs(wanted.get("songs", []), request.user)
        with transaction.atomic():
            playlist = _apply_edit(
                edit.create_playlist,
                request.user,
                wanted["title"],
                songs=songs,
                description=wanted.get("description", ""),
            )
            if wanted.get("is_public"):
                edit.change_playlist(playlist, is_public=True)
        return Response(_serialize_detail(playlist), status=status.HTTP_201_CREATED)


@extend_schema(tags=["Playlists"], responses=serializers.PlaylistDetailSerializer)
class PlaylistDetail(APIView):
    def get(self, request: SignedInApiRequest, pk: UUID) -> Response:
        """One of my playlists with its songs and why each is in it."""
        return Response(_serialize_detail(get_own_playlist(request.user, pk)))

    @extend_schema(request=serializers.PlaylistChange)
    def patch(self, request: SignedInApiRequest, pk: UUID) -> Response:
        """Rename a playlist, describe it, or let others see it."""
        playlist = get_own_playlist(request.user, pk)
        wanted = validate_body(serializers.PlaylistChange, request)
        _apply_edit(edit.change_playlist, playlist, **wanted)
        return Response(_serialize_detail(playlist))

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInApiRequest, pk: UUID) -> Response:
        """Delete a playlist."""
        edit.delete_playlist(get_own_playlist(request.user, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["Playlists"])
class PlaylistSongs(APIView):
    @extend_schema(
        request=serializers.PlaylistSongIn,
        responses={
            200: serializers.PlaylistDetailSerializer,
            201: serializers.PlaylistDetailSerializer,
        },
    )
    def post(self, request: SignedInApiRequest, pk: UUID) -> Response:
        """Put a song at the end of a playlist; 200 when it was there already."""
        playlist = get_own_playlist(request.user, pk)
        wanted = validate_body(serializers.PlaylistSongIn, request)["song"]
        song = get_songs([wanted], request.user)[0]
        is_new = _apply_edit(edit.add_song, playlist, song)
        return Response(
            _serialize_detail(playlist),
            status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK,
        )


@extend_schema(tags=["Playlists"])
class PlaylistEntry(APIView):
    @extend_schema(request=serializers.PositionIn, responses=serializers.PlaylistDetailSerializer)
    def patch(self, request: SignedInApiRequest, pk: UUID, item: int) -> Response:
        """Move a song to another position, from 1."""
        playlist = get_own_playlist(request.user, pk)
        if not edit.move_item(
            playlist, item, validate_body(serializers.PositionIn, request)["position"]
        ):
            raise NotFound("There is no such entry in this playlist.")
        return Response(_serialize_detail(playlist))

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInApiRequest, pk: UUID, item: int) -> Response:
        """Take a song out of a playlist."""
        if not edit.remove_item(get_own_playlist(request.user, pk), item):
            raise NotFound("There is no such entry in this playlist.")
        return Response(status=status.HTTP_204_NO_CONTENT)


_FORMATS = list(files.CONTENT_TYPES)
# A generated client reads every answer as the first type it understands: as text all three can be read.
_TEXTS_FIRST = sorted(_FORMATS, key=lambda kind: (kind == "jspf", kind))


@extend_schema(
    tags=["Playlists"],
    parameters=[OpenApiParameter("as", str, enum=_FORMATS, default="jspf")],
    responses={
        (200, files.CONTENT_TYPES[kind]): OpenApiResponse(
            OpenApiTypes.OBJECT if kind == "jspf" else OpenApiTypes.STR,
            examples=[
                OpenApiExample(
                    "Example", examples.FILES[kind], media_type=files.CONTENT_TYPES[kind]
                )
            ],
        )
        for kind in _TEXTS_FIRST
    },
)
class PlaylistExport(APIView):
    def get(self, request: SignedInApiRequest, pk: UUID) -> HttpResponse:
        """A playlist as a file: JSPF with the reason for each song, M3U8 or CSV."""
        playlist = get_own_playlist(request.user, pk)
        wanted = request.query_params.get("as", "jspf")
        if wanted not in _FORMATS:
            raise ValidationError(
                {"as": [f"{wanted[:40]!r} is none; they are {', '.join(_FORMATS)}."]}
            )
        return HttpResponse(
            files.render_playlist(playlist, wanted, settings.SITE_URL),
            content_type=files.get_content_type(wanted),
            headers={"Content-Disposition": files.build_attachment_header(playlist, wanted)},
        )


def _apply_edit(act: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do something to a playlist; its rules become a 400."""
    try:
        return act(*args, **kwargs)
    except edit.PlaylistError as error:
        raise ValidationError(str(error)) from None


def _serialize_detail(playlist: Playlist) -> dict[str, Any]:
    return serializers.PlaylistDetailSerializer(get_own_playlist(playlist.owner, playlist.pk)).data
