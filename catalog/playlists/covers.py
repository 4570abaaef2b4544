"""The picture of a playlist: the covers of its first songs."""

from collections.abc import Iterable

from catalog.playlists.models import Playlist, PlaylistItem
from catalog.songs.covers import name_drawn_cover
from catalog.songs.models import Song

N_COVERS = 4
_N_LOOKED_AT = 12
"""So many of the first songs are looked at: those of one album share a picture, those of one artist look alike."""


def list_covers(playlists: Iterable[Playlist]) -> dict[object, list[Song]]:
    """Return by playlist id four of its first songs with different covers, or one where there are not four.

    Artists come before a second cover of one of them.

    Two queries for all playlists; those without songs have an empty list.
    """
    songs: dict[object, list[Song]] = {playlist.pk: [] for playlist in playlists}
    items = PlaylistItem.objects.filter_listed().filter(
        playlist__in=list(songs), position__lte=_N_LOOKED_AT
    )
    items = items.select_related("song__artist", "song__album").prefetch_related("song__genres")
    for item in items.order_by("playlist_id", "position", "pk"):
        songs[item.playlist_id].append(item.song)
    return {playlist_id: choose_covers(of_list) for playlist_id, of_list in songs.items()}


def get_picture(song: Song) -> str:
    """Return what names the picture that is shown for a song: its real cover, else the drawn one."""
    return song.cover_tag or name_drawn_cover(song)


def choose_covers(songs: Iterable[Song]) -> list[Song]:
    """Return four songs with different covers, of different artists first, or one where there are not four."""
    artists: dict[int, Song] = {}
    by_cover: dict[str, Song] = {}
    for song in songs:
        artists.setdefault(song.artist_id, song)
        by_cover.setdefault(get_picture(song), song)
    firsts = {get_picture(song): song for song in artists.values()}
    different = list((firsts | by_cover).values())
    return different[: N_COVERS if len(different) >= N_COVERS else 1]
