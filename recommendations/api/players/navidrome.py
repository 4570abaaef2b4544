"""What the plugin in integrations/navidrome asks.

Each address is named after the plugin's function and answers in the shape that Navidrome reads, so that the plugin
passes both on as they are.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from accounts.requests import get_signed_in_user
from catalog.listenbrainz import playback_reports
from catalog.listenbrainz.payloads import FUTURE_TOLERANCE, MAX_DURATION_MS, MAX_NAME_LENGTH
from catalog.models import Artist, Song
from catalog.names.external_ids import parse_uuid
from catalog.play_rules import FIRST_MOMENT
from catalog.records import SongRecord
from recommendations.api.players.base import PlayerView, read_count, read_text
from recommendations.conf import conf
from recommendations.engine import LONGEST_PATH
from recommendations.services.lists.exclusions import load_unwanted
from recommendations.services.players import named_songs, radio
from recommendations.services.players.named_songs import Named
from recommendations.services.players.server_library import ServerLibrary
from recommendations.services.surfaces import sound_distances
from recommendations.services.surfaces.sonic_path import find_sonic_path

PLAYER = "navidrome"
USUAL_COUNT = 20
_OVER_ASKED = 3
"""Songs sent for each that is wanted where the server's library is not known: Navidrome leaves out what it lacks."""


class _NavidromeView(ABC, PlayerView):
    """POST with the plugin function's input as JSON."""

    def post(self, request: Request) -> Response:
        asked = request.data if isinstance(request.data, dict) else {}
        return Response(self.answer(asked))

    @abstractmethod
    def answer(self, asked: Mapping[str, Any]) -> Any: ...


class _ListView(_NavidromeView):
    """A list of songs or artists for the owner of the token."""

    def find_library(self, named: Named) -> ServerLibrary | None:
        return named_songs.find_listener_library(named, get_signed_in_user(self.request))

    def build_limits(self, library: ServerLibrary | None, count: int) -> dict[str, Any]:
        """Return n and the songs to choose from: those of the server, or more songs where it is not connected."""
        only: NDArray[np.int64] | None = library.read_song_ids() if library else None
        n = count if only is not None else min(count * _OVER_ASKED, conf.longest_list)
        return {"n": n, "only": only, "listener": get_signed_in_user(self.request)}


class SimilarToTrack(_ListView):
    def answer(self, asked: Mapping[str, Any]) -> Any:
        named = _read_named(asked)
        library = self.find_library(named)
        song = named_songs.find_named_song(named, library, get_signed_in_user(self.request))
        limits = self.build_limits(library, read_count(asked, "count", USUAL_COUNT))
        return {"songs": _build_songs(radio.list_similar(song, **limits) if song else [], library)}


class SimilarToAlbum(_ListView):
    def answer(self, asked: Mapping[str, Any]) -> Any:
        named = _read_named(asked)
        library = self.find_library(named)
        limits = self.build_limits(library, read_count(asked, "count", USUAL_COUNT))
        songs = radio.list_fitting(
            named_songs.list_named_album(named, library, get_signed_in_user(self.request)), **limits
        )
        return {"songs": _build_songs(songs, library)}


class _SongsByArtist(_ListView):
    """Songs for a named artist; none where the artist is not found."""

    @abstractmethod
    def list_songs(self, artist: Artist, **limits: Any) -> list[Song]: ...

    def answer(self, asked: Mapping[str, Any]) -> Any:
        named = _read_named(asked)
        library = self.find_library(named)
        artist = named_songs.find_named_artist(named, library, get_signed_in_user(self.request))
        limits = self.build_limits(library, read_count(asked, "count", USUAL_COUNT))
        return {"songs": _build_songs(self.list_songs(artist, **limits) if artist else [], library)}


class SimilarToArtist(_SongsByArtist):
    def list_songs(self, artist: Artist, **limits: Any) -> list[Song]:
        return radio.list_artist_radio(artist, **limits)


class TopSongs(_SongsByArtist):
    def list_songs(self, artist: Artist, **limits: Any) -> list[Song]:
        return radio.list_top_songs(artist, **limits)


class SimilarArtists(_ListView):
    def answer(self, asked: Mapping[str, Any]) -> Any:
        named = _read_named(asked)
        library = self.find_library(named)
        artist = named_songs.find_named_artist(named, library, get_signed_in_user(self.request))
        if artist is None:
            return {"artists": []}
        n = read_count(asked, "limit", USUAL_COUNT)
        near = radio.list_similar_artists(artist, n, listener=get_signed_in_user(self.request))
        ids = library.read_artist_ids(near) if library else {}
        return {"artists": [_build_artist(one, ids.get(one.pk, "")) for one in near]}


class SonicSimilar(_ListView):
    """What sounds most like a song: the similar songs, ordered by sound alone."""

    def answer(self, asked: Mapping[str, Any]) -> Any:
        named = _read_song_ref(asked.get("song"))
        library = self.find_library(named)
        song = named_songs.find_named_song(named, library, get_signed_in_user(self.request))
        if song is None:
            return {"matches": []}
        limits = self.build_limits(library, read_count(asked, "count", USUAL_COUNT))
        songs = radio.list_similar(song, **limits)
        distances = sound_distances.measure_distances(song, songs)
        ordered = sorted(songs, key=lambda one: distances[one.pk])
        matches = _build_songs(ordered, library)
        return {
            "matches": [
                {"song": ref, "similarity": round(1 - distances[one.pk], 6)}
                for one, ref in zip(ordered, matches, strict=True)
            ]
        }


class SonicPath(_ListView):
    """Songs that lead from one song to another; the similarity is that to the song before."""

    def answer(self, asked: Mapping[str, Any]) -> Any:
        start, end = (_read_song_ref(asked.get(name)) for name in ("startSong", "endSong"))
        library = self.find_library(start)
        ends = [
            named_songs.find_named_song(one, library, get_signed_in_user(self.request))
            for one in (start, end)
        ]
        if ends[0] is None or ends[1] is None:
            return {"matches": []}
        count = min(read_count(asked, "count", USUAL_COUNT, least=2), LONGEST_PATH)
        path = find_sonic_path(
            ends[0],
            ends[1],
            count,
            unwanted=load_unwanted(get_signed_in_user(self.request)),
            only=library.read_song_ids() if library else None,
        )
        similarities = [1.0, *(1 - step / 2 for step in path.steps)]
        refs = _build_songs(path.songs, library)
        return {
            "matches": [
                {"song": ref, "similarity": round(similarity, 6)}
                for ref, similarity in zip(refs, similarities, strict=False)
            ]
        }


# --- What is played ---------------------------------------------------------------------------------------------------


class _PlaybackView(_NavidromeView):
    """What a listener plays, with a token of theirs that may listen."""

    scopes = (Scope.LISTEN, Scope.WRITE)
    throttle_scope = "listen"


class IsAuthorized(_PlaybackView):
    def answer(self, asked: Mapping[str, Any]) -> Any:
        return True


class NowPlaying(_PlaybackView):
    def answer(self, asked: Mapping[str, Any]) -> Any:
        playback_reports.announce_playing(
            get_signed_in_user(self.request), _read_track(asked), PLAYER
        )
        return {}


class Scrobble(_PlaybackView):
    def answer(self, asked: Mapping[str, Any]) -> Any:
        started_at = _read_moment(asked)
        playback_reports.record_scrobble(
            get_signed_in_user(self.request), _read_track(asked), started_at, PLAYER
        )
        return {}


class PlaybackReport(_PlaybackView):
    def answer(self, asked: Mapping[str, Any]) -> Any:
        state, position = asked.get("state"), asked.get("positionMs")
        if state not in playback_reports.STATES:
            raise ValidationError([f"state is one of {', '.join(playback_reports.STATES)}."])
        if (
            not isinstance(position, int)
            or isinstance(position, bool)
            or not 0 <= position <= MAX_DURATION_MS
        ):
            raise ValidationError([f"positionMs is a whole number from 0 to {MAX_DURATION_MS}."])
        rate = asked.get("playbackRate")
        is_rate = isinstance(rate, int | float) and not isinstance(rate, bool) and 0.1 <= rate <= 10
        playback_reports.record_report(
            get_signed_in_user(self.request),
            _read_track(asked),
            state,
            position,
            float(cast(float, rate)) if is_rate else 1.0,
            _read_moment(asked),
        )
        return {}


# --- Reading and building ---------------------------------------------------------------------------------------------


def _read_named(asked: Mapping[str, Any]) -> Named:
    return Named(
        item_id=read_text(asked, "id")[:255],
        name=read_text(asked, "name"),
        artist=read_text(asked, "artist"),
        mbid=read_text(asked, "mbid"),
        isrc=read_text(asked, "isrc"),
    )


def _read_song_ref(value: Any) -> Named:
    """Return what a reference says of a song; the artist is its own text, or the first of the artists."""
    asked = value if isinstance(value, dict) else {}
    named = _read_named(asked)
    artists = asked.get("artists")
    first = artists[0] if isinstance(artists, list) and artists else None
    if not named.artist and isinstance(first, dict):
        named = named._replace(artist=read_text(first, "name"))
    return named


def _read_track(asked: Mapping[str, Any]) -> SongRecord:
    """Return the song of a report; raise the 400 that names what is missing."""
    track = asked.get("track")
    track = track if isinstance(track, dict) else {}
    title, artist = read_text(track, "title"), read_text(track, "artist")
    if not title or not artist:
        raise ValidationError(["track needs a title and an artist."])
    credit = _read_credit(track.get("artists"))
    return SongRecord(
        line=0,
        title=title[:MAX_NAME_LENGTH],
        artist=" & ".join(name for name, _mbid in credit) or artist,
        album=read_text(track, "album"),
        duration_ms=_read_duration(track.get("duration")),
        mbid=_read_mbid(track, "mbzRecordingId"),
        artist_mbid=credit[0][1] if credit else "",
        credit=credit if len(credit) > 1 else (),
    )


def _read_credit(artists: Any) -> tuple[tuple[str, str], ...]:
    rows = [one for one in artists if isinstance(one, dict)] if isinstance(artists, list) else []
    named = [(read_text(one, "name"), _read_mbid(one, "mbid")) for one in rows[:20]]
    return tuple((name, mbid) for name, mbid in named if name)


def _read_mbid(source: Mapping[str, Any], name: str) -> str:
    mbid = parse_uuid(read_text(source, name))
    return str(mbid) if mbid else ""


def _read_duration(seconds: Any) -> int | None:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return int(seconds * 1000) if is_number and 1 <= seconds <= MAX_DURATION_MS / 1000 else None


def _read_moment(asked: Mapping[str, Any]) -> int:
    """Return when it was; raise the 400 for a time beyond tomorrow, beside which everybody's plays would look old."""
    moment = asked.get("timestamp")
    if (
        not isinstance(moment, int)
        or isinstance(moment, bool)
        or not FIRST_MOMENT <= moment <= time.time() + FUTURE_TOLERANCE
    ):
        raise ValidationError(
            [f"timestamp is a Unix time in seconds, from {FIRST_MOMENT} to tomorrow."]
        )
    return moment


def _build_songs(songs: Iterable[Song], library: ServerLibrary | None) -> list[dict[str, Any]]:
    """Return references by which Navidrome finds its own songs: its id, else MusicBrainz id, ISRC and names."""
    songs = list(songs)
    ids = library.read_item_ids(songs) if library else {}
    return [_build_song(song, ids.get(song.pk, "")) for song in songs]


def _build_song(song: Song, item_id: str) -> dict[str, Any]:
    fields = {
        "id": item_id,
        "name": song.title,
        "mbid": str(song.mbid or ""),
        "isrc": song.isrc,
        "artist": song.artist_credit,
        "artists": [_build_artist(song.artist, "")],
        "album": song.album.title if song.album else "",
        "durationMs": song.duration_ms or 0,
    }
    return {name: value for name, value in fields.items() if value}


def _build_artist(artist: Artist, item_id: str) -> dict[str, str]:
    fields = {"id": item_id, "name": artist.name, "mbid": str(artist.mbid or "")}
    return {name: value for name, value in fields.items() if value}
