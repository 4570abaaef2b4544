"""AudioMuse's addresses, so that the plugins made for it ask this site instead; ids are the media server's."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import AddressTokenAuthentication
from accounts.models import Scope, User
from accounts.requests import SignedInApiRequest, get_signed_in_user
from catalog.models import Artist, ServerAccount, Song
from catalog.playlists import edit
from catalog.songs.search import SongSearch, search_songs
from recommendations.api.players.base import PlayerView, read_count, read_text
from recommendations.conf import conf
from recommendations.engine import LONGEST_PATH
from recommendations.services.lists.exclusions import load_unwanted
from recommendations.services.players import named_songs, radio
from recommendations.services.players.named_songs import Named
from recommendations.services.players.server_library import ServerLibrary, find_library
from recommendations.services.serving import recommend
from recommendations.services.surfaces import sound_distances
from recommendations.services.surfaces.sonic_path import find_sonic_path

USUAL_COUNT, USUAL_STEPS, MOST_ARTISTS = 10, 25, 30
NO_SERVER = "No music server is connected to this site, so its ids are unknown here. Ask the operator to connect it."


class Health(PlayerView):
    """Whether the site answers; open, as the plugins ask it without a token."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class _AudioMuseView(PlayerView):
    authentication_classes = [AddressTokenAuthentication]  # the plugin of Ampache sends no header

    def find_library(self, item_id: str) -> ServerLibrary:
        library = find_library(item_id, of=get_signed_in_user(self.request))
        if library is None:
            raise NotFound(NO_SERVER)
        return library

    def get_song(self, library: ServerLibrary, item_id: str) -> Song:
        song = library.find_song(item_id)
        if song is None:
            raise NotFound(f"There is no item {item_id[:100]!r} in {library.server.name}.")
        return song


class SimilarTracks(_AudioMuseView):
    """Songs like one: `item_id`, or `title` and `artist`; `n`, `eliminate_duplicates`."""

    def get(self, request: SignedInApiRequest) -> Response:
        query = request.query_params
        item_id = read_text(query, "item_id")
        library = self.find_library(item_id)
        song = (
            self.get_song(library, item_id)
            if item_id
            else _find_by_names(library, query, request.user)
        )
        songs = radio.list_similar(
            song,
            read_count(query, "n", USUAL_COUNT),
            listener=request.user,
            only=library.read_song_ids(),
            varied=read_text(query, "eliminate_duplicates").lower() != "false",
        )
        return Response(
            _build_items(library, songs, sound_distances.measure_distances(song, songs))
        )


class FindPath(_AudioMuseView):
    """Songs from `start_song_id` to `end_song_id`, at most `max_steps`."""

    def get(self, request: SignedInApiRequest) -> Response:
        query = request.query_params
        ids = [read_text(query, name) for name in ("start_song_id", "end_song_id")]
        if not all(ids):
            raise ValidationError(["Name start_song_id and end_song_id."])
        library = self.find_library(ids[0])
        start, end = (self.get_song(library, item_id) for item_id in ids)
        n = min(read_count(query, "max_steps", USUAL_STEPS, least=2), LONGEST_PATH)
        unwanted = load_unwanted(request.user)
        path = find_sonic_path(start, end, n, unwanted=unwanted, only=library.read_song_ids())
        if not path.songs:
            raise NotFound(path.reason)
        steps = dict(
            zip([song.pk for song in path.songs[1:]], np.array(path.steps) / 2, strict=True)
        )
        return Response(
            {"path": _build_items(library, path.songs, steps), "total_distance": path.length / 2}
        )


class SimilarArtists(_AudioMuseView):
    """Artists like one: `artist_id`, or `artist` as an id or a name; their songs with `include_component_matches`."""

    def get(self, request: SignedInApiRequest) -> Response:
        query = request.query_params
        named = read_text(query, "artist_id") or read_text(query, "artist")
        if not named:
            raise ValidationError(["Name an artist or an artist_id."])
        library = self.find_library(named)
        artist = named_songs.find_named_artist(
            Named(item_id=named, name=named), library, request.user
        )
        if artist is None:
            raise NotFound(f"There is no artist {named[:100]!r} in {library.server.name}.")
        n = min(read_count(query, "n", USUAL_COUNT), MOST_ARTISTS)
        near = radio.list_similar_artists(artist, n, listener=request.user)
        with_songs = read_text(query, "include_component_matches").lower() == "true"
        return Response(self._build_artists(library, artist, near, with_songs))

    def _build_artists(
        self, library: ServerLibrary, artist: Artist, near: list[Artist], with_songs: bool
    ) -> list[dict[str, Any]]:
        ids = library.read_artist_ids(near)
        own = self._list_songs(library, artist) if with_songs else []
        built = []
        for one in near:
            if one.pk not in ids:
                continue
            matches = []
            if with_songs:
                theirs = self._list_songs(library, one)
                matches = [
                    {"artist1_representative_songs": own, "artist2_representative_songs": theirs}
                ]
            built.append(
                {"artist": one.name, "artist_id": ids[one.pk], "component_matches": matches}
            )
        return built

    def _list_songs(self, library: ServerLibrary, artist: Artist) -> list[dict[str, Any]]:
        songs = radio.list_top_songs(
            artist,
            USUAL_COUNT,
            listener=get_signed_in_user(self.request),
            only=library.read_song_ids(),
        )
        ids = library.read_item_ids(songs)
        return [{"item_id": ids[song.pk], "title": song.title} for song in songs if song.pk in ids]


class SearchTracks(_AudioMuseView):
    """Songs by `title` and `artist`, or by `search_query`."""

    def get(self, request: Request) -> Response:
        query = request.query_params
        words = " ".join(
            read_text(query, name) for name in ("search_query", "title", "artist")
        ).strip()
        if not words:
            return Response([])
        library = self.find_library("")
        songs = (
            search_songs(SongSearch(words=words), request.user)
            .filter(server_songs__server=library.server, server_songs__removed_at=None)
            .distinct()
        )
        return Response(_build_items(library, songs[: read_count(query, "limit", 20)], {}))


class MaxDistance(_AudioMuseView):
    """How far the song that sounds least like `item_id` is from it."""

    def get(self, request: Request) -> Response:
        item_id = read_text(request.query_params, "item_id")
        if not item_id:
            raise ValidationError(["Name an item_id."])
        library = self.find_library(item_id)
        song = self.get_song(library, item_id)
        distance, farthest = sound_distances.find_farthest(song, library.read_song_ids())
        ids = library.read_item_ids([farthest] if farthest else [])
        return Response(
            {"max_distance": distance, "farthest_item_id": next(iter(ids.values()), None)}
        )


class SonicFingerprint(_AudioMuseView):
    """Songs for the owner of the token, from what they hear; a token of the media server is not looked at."""

    def get(self, request: Request) -> Response:
        return self._answer(request.query_params)

    def post(self, request: Request) -> Response:
        return self._answer(request.data if isinstance(request.data, dict) else {})

    def _answer(self, asked: Mapping[str, Any]) -> Response:
        library = self.find_library("")
        named = read_text(asked, "jellyfin_user_identifier") or read_text(asked, "navidrome_user")
        if named and not self._is_owner(library, named):
            raise NotFound("A token answers for its owner only. Make one for each listener.")
        n = read_count(asked, "n", 100)
        only = set(library.read_song_ids().tolist())
        served = recommend.recommend_songs(get_signed_in_user(self.request), conf.longest_list)
        items = [item for item in served if item.song.pk in only][:n]
        # from 0 for the best on: plugins read it as how far a song is from the listener's taste
        distances = {item.song.pk: (item.position - 1) / len(served) for item in items}
        return Response(_build_items(library, [item.song for item in items], distances))

    def _is_owner(self, library: ServerLibrary, named: str) -> bool:
        """Whether the media server's user is the token's owner: by the account they joined, else by name."""
        joined = ServerAccount.objects.filter(
            server=library.server, user=get_signed_in_user(self.request)
        ).first()
        own = joined.account_name if joined else get_signed_in_user(self.request).username
        return own.casefold() == named.casefold()


class CreatePlaylist(_AudioMuseView):
    """Make a playlist of the token's owner from `track_ids`; what is unknown here is left out and counted."""

    scopes = (Scope.PLAYLISTS, Scope.WRITE)
    throttle_scope = "write"

    def post(self, request: SignedInApiRequest) -> Response:
        asked = request.data if isinstance(request.data, dict) else {}
        title, ids = read_text(asked, "playlist_name"), asked.get("track_ids")
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise ValidationError(["track_ids is a list of ids."])
        ids = list(dict.fromkeys(one for one in ids if "\0" not in one))[: edit.MAX_SONGS]
        library = self.find_library(ids[0][:255] if ids else "")
        songs = library.find_songs(ids)
        try:
            playlist = edit.create_playlist(
                request.user, title, songs=[songs[one] for one in ids if one in songs]
            )
        except edit.PlaylistError as error:
            raise ValidationError([str(error)]) from None
        n_missing = len(ids) - len(songs)
        message = (
            f"The playlist “{playlist.title}” is made; {n_missing} of its songs are not known here."
        )
        return Response({"message": message, "playlist_id": str(playlist.pk)}, status=201)


def _find_by_names(library: ServerLibrary, query: Mapping[str, Any], listener: User) -> Song:
    named = Named(name=read_text(query, "title"), artist=read_text(query, "artist"))
    if not (named.name and named.artist):
        raise ValidationError(["Name an item_id, or a title and an artist."])
    song = named_songs.find_named_song(named, library, listener)
    if song is None:
        raise NotFound(f"There is no song {named.name[:100]!r} by {named.artist[:100]!r} here.")
    return song


def _build_items(
    library: ServerLibrary, songs: Iterable[Song], distances: Mapping[int, float]
) -> list[dict[str, Any]]:
    """Return the songs that the server has, each with how far it is (0 to 1) where that is known."""
    songs = list(songs)
    ids = library.read_item_ids(songs)
    return [
        {
            "item_id": ids[song.pk],
            "title": song.title,
            "author": song.artist_credit,
            "album": song.album.title if song.album else "",
            **({"distance": round(float(distances[song.pk]), 6)} if song.pk in distances else {}),
        }
        for song in songs
        if song.pk in ids
    ]
