"""Genres of songs, by their names."""

from catalog.songs.models import Genre, Song
from catalog.songs.text import normalise
from common.bulk_sql import load_ids

GENRE_LENGTH = 100


def add_genres(genres_by_song: dict[int, tuple[str, ...]], *, makes_new: bool) -> None:
    """Link songs to genres by their names; genres nobody named before are added only with `makes_new`."""
    names = {
        normalise(name)[:GENRE_LENGTH]: name[:GENRE_LENGTH]
        for genres in genres_by_song.values()
        for name in genres
    }
    names.pop("", None)
    if not names:
        return
    ids = load_ids(Genre, "search_text", names)
    new = [Genre(name=name, search_text=key) for key, name in names.items() if key not in ids]
    if new and makes_new:
        Genre.objects.bulk_create(new, ignore_conflicts=True)
        ids = load_ids(Genre, "search_text", names)
    through = Song.genres.through
    links = {
        (song_id, ids[key])
        for song_id, genres in genres_by_song.items()
        for name in genres
        if (key := normalise(name)[:GENRE_LENGTH]) in ids
    }
    through.objects.bulk_create(
        [through(song_id=song_id, genre_id=genre_id) for song_id, genre_id in sorted(links)],
        ignore_conflicts=True,
        batch_size=400,
    )
