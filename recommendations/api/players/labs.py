"""The addresses of ListenBrainz' labs that players ask for similar artists and recordings; open, as there."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.models import Artist, Song
from catalog.names.external_ids import parse_uuid
from recommendations.api.players.base import PlayerView
from recommendations.conf import conf
from recommendations.services.players import radio
from recommendations.services.serving import similar_songs

MOST_ASKED = 5
N_ARTISTS, N_RECORDINGS = 50, 100


class _LabsView(ABC, PlayerView):
    """GET with a list of ids in the address, or POST with `[{"…_mbids": ["…"]}]`."""

    authentication_classes = []
    permission_classes = []
    field = ""

    def get(self, request: Request) -> Response:
        return self._answer(request.query_params.get(self.field, "").split(","))

    def post(self, request: Request) -> Response:
        body = request.data[0] if isinstance(request.data, list) and request.data else request.data
        ids = body.get(self.field) if isinstance(body, dict) else None
        return self._answer(ids if isinstance(ids, list) else [ids])

    def _answer(self, texts: list[Any]) -> Response:
        texts = [one.strip() for one in texts if isinstance(one, str) and one.strip()]
        mbids = [parse_uuid(one) for one in texts]
        if not mbids or None in mbids or len(mbids) > MOST_ASKED:
            raise ValidationError([f"{self.field} is a list of 1 to {MOST_ASKED} MusicBrainz ids."])
        return Response(self.build(dict.fromkeys(mbids)))

    @abstractmethod
    def build(self, mbids: Iterable[Any]) -> list[dict[str, Any]]: ...


class SimilarArtists(_LabsView):
    field = "artist_mbids"

    def build(self, mbids: Iterable[Any]) -> list[dict[str, Any]]:
        built: list[dict[str, Any]] = []
        for artist in (
            Artist.objects.filter_visible(None).filter(mbid__in=list(mbids)).order_by("pk")
        ):
            near = [one for one in radio.list_similar_artists(artist, N_ARTISTS) if one.mbid]
            built += [
                {
                    "artist_mbid": str(one.mbid),
                    "name": one.name,
                    "comment": "",
                    "type": None,
                    "gender": None,
                    "score": len(near) - index,
                    "reference_mbid": str(artist.mbid),
                }
                for index, one in enumerate(near)
            ]
        return built


class SimilarRecordings(_LabsView):
    field = "recording_mbids"

    def build(self, mbids: Iterable[Any]) -> list[dict[str, Any]]:
        built: list[dict[str, Any]] = []
        for song in (
            Song.objects.filter_visible(None)
            .filter(mbid__in=list(mbids))
            .select_related("artist")
            .order_by("pk")
        ):
            served = similar_songs.find_similar(song, min(N_RECORDINGS, conf.longest_list))
            near = [item for item in served if item.song.mbid]
            built += [
                {
                    "recording_mbid": str(item.song.mbid),
                    "recording_name": item.song.title,
                    "artist_credit_name": item.song.artist_credit,
                    "release_name": item.song.album.title if item.song.album else None,
                    "release_mbid": _read_release(item.song),
                    "score": len(near) - index,
                    "reference_mbid": str(song.mbid),
                }
                for index, item in enumerate(near)
            ]
        return built


def _read_release(song: Song) -> str | None:
    return str(song.album.mbid) if song.album and song.album.mbid else None
