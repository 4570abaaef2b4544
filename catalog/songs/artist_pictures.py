"""The pictures of artists, and of albums in rankings: the cover of one of their songs, a real one first."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, TypeVar

from django.db.models import Min, Q

from catalog.songs.models import Artist, Song

Key = TypeVar("Key")


def list_with_pictures(artists: Iterable[Artist], listener: Any) -> list[tuple[Artist, Song]]:
    """Return the artists, each with the song whose picture is shown for them; three queries.

    Artists of whose songs `listener` may see none are left out.
    """
    wanted = list(artists)
    songs = load_picture_songs(choose_picture_songs("artist", [one.pk for one in wanted], listener))
    return [(artist, songs[artist.pk]) for artist in wanted if artist.pk in songs]


def choose_picture_songs(
    owner: Literal["artist", "album"], ids: Collection[int], listener: Any
) -> dict[int, int]:
    """Return by id of artist or album the id of the song whose picture is shown for it; at most one query.

    A song with a real cover comes before one with a drawn one, then the first that came here, so that a picture stays.
    """
    if not ids:
        return {}
    songs = Song.objects.filter_visible(listener).filter(**{f"{owner}__in": ids})
    firsts = (
        songs.order_by()
        .values(owner)
        .annotate(real=Min("pk", filter=~Q(cover_tag="")), first=Min("pk"))
    )
    return {row[owner]: row["real"] or row["first"] for row in firsts}


def load_picture_songs(chosen: Mapping[Key, int]) -> dict[Key, Song]:
    """Return by the same keys the songs of these ids, ready for `cover_url`; at most two queries."""
    songs = Song.objects.for_cards().in_bulk(list(set(chosen.values()))) if chosen else {}
    return {key: songs[song_id] for key, song_id in chosen.items() if song_id in songs}
