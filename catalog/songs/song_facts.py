"""What songs lack and records have: albums, features, genres, years and lengths. Nothing known is overwritten."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.names.text import NAME_LENGTH, normalise_name
from catalog.records import AUDIO_FEATURES, SongRecord
from catalog.songs import credits
from catalog.songs.genres import add_genres
from catalog.songs.models import Album, Song
from common.bulk_sql import cut_chunks

_FILLED = (
    *AUDIO_FEATURES, "features_source", "other_sources", "year", "duration_ms", "album_id", "track_number",
    "disc_number",
)  # fmt: skip
FACTS = ("year", "duration_ms", "track_number", "disc_number")


def fill_missing_facts(record_by_song: Mapping[int, SongRecord], *, makes_genres: bool) -> None:
    """Give songs the features, album, genres and other facts that they lack and their records have."""
    songs = Song.objects.only("pk", "artist_id", *_FILLED).in_bulk(list(record_by_song))
    changed = {pk for pk, song in songs.items() if _fill_missing_fields(song, record_by_song[pk])}
    changed |= _fill_missing_albums(list(songs.values()), record_by_song)
    fields = [name.removesuffix("_id") for name in _FILLED]
    Song.objects.bulk_update([songs[pk] for pk in sorted(changed)], fields, batch_size=30)
    _fill_missing_genres(record_by_song, makes_new=makes_genres)


def find_album_ids(records: Sequence[SongRecord], artists: Sequence[int]) -> list[int | None]:
    """Return the album of each record, adding albums that are new; one of many artists is its album artist's."""
    named = [i for i, record in enumerate(records) if record.album and record.album_artist]
    credited = [
        SongRecord(records[i].line, records[i].title, records[i].album_artist) for i in named
    ]
    owners = list(artists)
    for i, artist_id in zip(
        named, credits.find_or_add_artists(credited) if named else (), strict=True
    ):
        owners[i] = artist_id
    albums = _find_or_add_albums(records, owners)
    return [
        albums.get((owner, normalise_name(record.album))) if record.album else None
        for record, owner in zip(records, owners, strict=True)
    ]


def _find_or_add_albums(
    records: Sequence[SongRecord], artists: Sequence[int]
) -> dict[tuple[int, str], int]:
    """Return the album's id by artist and normal form of the title, adding albums that are new."""
    wanted = {
        (artist_id, normalise_name(record.album)): record
        for record, artist_id in zip(reversed(records), reversed(artists), strict=True)
        if record.album
    }
    ids = _find_albums(wanted)
    new = [
        Album(
            artist_id=artist_and_title[0],
            search_text=artist_and_title[1],
            title=record.album[:NAME_LENGTH],
        )
        for artist_and_title, record in wanted.items()
        if artist_and_title not in ids
    ]
    Album.objects.bulk_create(reversed(new), ignore_conflicts=True, batch_size=500)
    return _find_albums(wanted) if new else ids


def _find_albums(wanted: dict[tuple[int, str], SongRecord]) -> dict[tuple[int, str], int]:
    ids: dict[tuple[int, str], int] = {}
    for some_artist_ids in cut_chunks({artist_id for artist_id, _ in wanted}):
        rows = Album.objects.filter(artist_id__in=some_artist_ids).order_by("-pk")
        ids.update(
            {
                (artist, text): pk
                for artist, text, pk in rows.values_list("artist", "search_text", "pk")
            }
        )
    return ids


def has_features(record: SongRecord) -> bool:
    return any(value is not None for value in record.features)


def has_facts(record: SongRecord) -> bool:
    facts = (getattr(record, name) for name in FACTS)
    return (
        has_features(record)
        or bool(record.album or record.genres)
        or any(f is not None for f in facts)
    )


def _fill_missing_fields(song: Song, record: SongRecord) -> bool:
    """Set what `song` lacks; return whether that was anything."""
    features = _select_missing(song, dict(zip(AUDIO_FEATURES, record.features, strict=True)))
    facts = _select_missing(song, {name: getattr(record, name) for name in FACTS})
    if features:
        song.learn_features(features, record.features_source)
    for name, value in facts.items():
        setattr(song, name, value)
    return bool(features or facts)


def _fill_missing_albums(
    songs: Sequence[Song], record_by_song: Mapping[int, SongRecord]
) -> set[int]:
    """Give songs without an album that of their record; return those that were changed."""
    without = [song for song in songs if song.album_id is None and record_by_song[song.pk].album]
    if not without:
        return set()
    records = [record_by_song[song.pk] for song in without]
    for song, album_id in zip(
        without, find_album_ids(records, [song.artist_id for song in without]), strict=True
    ):
        song.album_id = album_id
    return {song.pk for song in without}


def _fill_missing_genres(record_by_song: Mapping[int, SongRecord], *, makes_new: bool) -> None:
    """Link songs without any genre to those of their records."""
    named = {song_id for song_id, record in record_by_song.items() if record.genres}
    if not named:
        return
    with_genres: set[int] = set()
    for some_ids in cut_chunks(named):
        links = Song.genres.through.objects.filter(song_id__in=some_ids)
        with_genres.update(links.values_list("song_id", flat=True))
    add_genres(
        {song_id: record_by_song[song_id].genres for song_id in named - with_genres},
        makes_new=makes_new,
    )


def _select_missing(song: Song, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in facts.items()
        if value is not None and getattr(song, name) is None
    }
