"""Song records to rows: many at once, each song once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Length

from catalog.records import FEATURES, SongRecord
from catalog.songs.matching import (
    SongKeys,
    clean_isrc,
    lookup_key,
    main_artist,
    read_keys,
)
from catalog.songs.models import Album, Artist, Genre, Song
from catalog.songs.resolver import key_of, uuid_or_none
from catalog.songs.text import normalise
from common.bulk_sql import ids_by

if TYPE_CHECKING:
    from catalog.imports.models import ImportRun

NAME_LENGTH = 500
GENRE_LENGTH = 100
_NUMBERED = "song_"
# any number; transactions that hand out song numbers wait for one another by it
_NUMBERING_LOCK = 743_102_116
_FILLED = (*FEATURES, "features_source", "other_sources", "year", "duration_ms")


@dataclass
class Resolved:
    """Where records ended: the song's id in the place of each record, or why it has none."""

    ids: list[int | None]
    new: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)


class SongWriter:
    """Finds and adds songs.

    A record with a key is the song of that key, whatever its title: files name their songs so. A record without
    one is found by MusicBrainz id, Spotify id, ISRC, then artist and title (see `catalog.songs.matching`).

    Parameters
    ----------
    run
        The import that new songs are noted to come from.
    numbered
        New songs without a key get the next song_00042; else a key made of what they are recognised by.
    """

    def __init__(self, run: ImportRun | None = None, *, numbered: bool = False) -> None:
        self._run = run
        self._numbered = numbered
        self._keys_by_names: dict[tuple[str, str], SongKeys] = {}

    def prepare(self, records: Collection[SongRecord]) -> None:
        """Compute the match keys of `records`; call it before the transaction of `resolve` opens."""
        self._keys_by_names = {}
        for record in records:
            self._read_keys(record)

    def _read_keys(self, record: SongRecord) -> SongKeys:
        names = (record.artist, record.title)
        keys = self._keys_by_names.get(names)
        if keys is None:
            keys = self._keys_by_names[names] = read_keys(*names)
        return keys

    def _match_key(self, record: SongRecord) -> str:
        return self._read_keys(record).match_key

    def resolve(self, records: Sequence[SongRecord]) -> Resolved:
        """Return the song of each record, adding what is new; call it inside a transaction."""
        resolved = Resolved([None] * len(records))
        missing = [
            *self._find_by_key(records, [i for i, record in enumerate(records) if record.key], resolved),
            *self._find_by_identifiers(
                records, [i for i, record in enumerate(records) if not record.key], resolved
            ),
        ]
        self._add(records, sorted(missing), resolved)
        return resolved

    def fill_in(self, records: Sequence[SongRecord], resolved: Resolved) -> None:
        """Give known songs the features, year and duration that they lack and the records have."""
        known = {
            song_id: records[i]
            for i, song_id in enumerate(resolved.ids)
            if song_id is not None and i not in resolved.new and _has_facts(records[i])
        }
        songs = Song.objects.only("pk", *_FILLED).in_bulk(list(known))
        learned = [song for song in songs.values() if _learn(song, known[song.pk])]
        Song.objects.bulk_update(learned, _FILLED, batch_size=30)

    def _find_by_key(self, records: Sequence[SongRecord], places: list[int], resolved: Resolved) -> list[int]:
        ids = ids_by(Song, "key", (records[i].key for i in places))
        missing = []
        for i in places:
            resolved.ids[i] = ids.get(records[i].key)
            if resolved.ids[i] is None:
                missing.append(i)
        return self._without_taken_ids(records, missing, resolved)

    def _without_taken_ids(
        self, records: Sequence[SongRecord], places: list[int], resolved: Resolved
    ) -> list[int]:
        """Refuse new songs with an outer id that another song has."""
        free = []
        owners: dict[tuple[str, object], str] = {}
        for name, values in _outer_ids([records[i] for i in places]).items():
            rows = Song.objects.filter(**{f"{name}__in": values}) if values else Song.objects.none()
            owners.update({(name, value): key for value, key in rows.values_list(name, "key")})
        for i in places:
            record = records[i]
            own = [("mbid", uuid_or_none(record.mbid)), ("spotify_id", record.spotify_id or None)]
            owner = next((owners[o] for o in own if o[1] and owners.get(o, record.key) != record.key), None)
            if owner is not None:
                resolved.reasons[i] = f"song {owner} has the same MusicBrainz or Spotify id"
                continue
            owners.update({o: record.key for o in own if o[1]})
            free.append(i)
        return free

    def _find_by_identifiers(
        self, records: Sequence[SongRecord], places: list[int], resolved: Resolved
    ) -> list[int]:
        lookups = (
            ("mbid", lambda record: uuid_or_none(record.mbid)),
            ("spotify_id", lambda record: record.spotify_id),
            ("isrc", lambda record: clean_isrc(record.isrc)),
            ("match_key", lambda record: self._match_key(record) if record.title else ""),
        )
        missing = places
        for name, value_of in lookups:
            values = {i: value for i in missing if (value := value_of(records[i]))}
            ids = ids_by(Song, name, values.values())
            for i, value in values.items():
                resolved.ids[i] = ids.get(value)
            missing = [i for i in missing if resolved.ids[i] is None]
        return missing

    def _add(self, records: Sequence[SongRecord], places: list[int], resolved: Resolved) -> None:
        """Insert the songs that are not there; the first of several records of one song counts."""
        nameless = [i for i in places if not (records[i].title and records[i].artist)]
        resolved.reasons.update(dict.fromkeys(nameless, "no song of the catalog has that id"))
        keys = self._keys(records, sorted(set(places) - set(nameless)))
        if not keys:
            return
        known = ids_by(Song, "key", keys.values())
        first = {key: i for i, key in reversed(keys.items()) if key not in known}
        self._insert(records, first)
        ids = ids_by(Song, "key", first)
        resolved.new.update(i for key, i in first.items() if key in ids)
        for i, key in keys.items():
            resolved.ids[i] = known.get(key) or ids.get(key)
            if resolved.ids[i] is None:
                resolved.reasons[i] = "another song took one of its ids at the same moment; import it again"
        _add_genres({ids[key]: records[i].genres for key, i in first.items() if key in ids})

    def _insert(self, records: Sequence[SongRecord], places: dict[str, int]) -> None:
        new = [records[i] for i in places.values()]
        artists = _artist_ids(new)
        albums = _album_ids(new, artists)
        songs = [self._song(records[i], key, artists, albums) for key, i in places.items()]
        Song.objects.bulk_create(reversed(songs), batch_size=500, ignore_conflicts=True)

    def _keys(self, records: Sequence[SongRecord], places: list[int]) -> dict[int, str]:
        """Return the key of each new record; records of one song share it."""
        keys: dict[int, str] = {}
        unnamed: dict[str, list[int]] = {}
        made: dict[object, str] = {}
        for i in places:
            if records[i].key:
                keys[i] = records[i].key
                continue
            signs = _signs(records[i], self._match_key(records[i]))
            key = next((made[sign] for sign in signs if sign in made), None) or key_of(
                uuid_or_none(records[i].mbid), self._match_key(records[i])
            )
            made.update(dict.fromkeys(signs, key))
            unnamed.setdefault(key, []).append(i)
        numbers = _next_numbers(len(unnamed)) if self._numbered and unnamed else []
        for place, (key, same) in enumerate(unnamed.items()):
            keys.update(dict.fromkeys(same, f"{_NUMBERED}{numbers[place]:05d}" if self._numbered else key))
        return dict(sorted(keys.items()))

    def _song(
        self, record: SongRecord, key: str, artists: dict[str, int], albums: dict[tuple[int, str], int]
    ) -> Song:
        artist_id = artists[artist_name_key(record.artist)]
        title = record.title[:NAME_LENGTH]
        return Song(
            key=key,
            title=title,
            artist_id=artist_id,
            album_id=albums.get((artist_id, name_key(record.album))) if record.album else None,
            year=record.year,
            duration_ms=record.duration_ms,
            **dict(zip(FEATURES, record.features, strict=True)),
            features_source=record.features_source if _has_features(record) else "",
            mbid=uuid_or_none(record.mbid),
            isrc=clean_isrc(record.isrc),
            spotify_id=record.spotify_id or None,
            audio_url=record.audio_url,
            search_text=f"{name_key(title)} {artist_name_key(record.artist)}",
            **self._read_keys(record)._asdict(),
            import_run=self._run,
        )


def _signs(record: SongRecord, match_key: str) -> list[tuple[str, object]]:
    """Return by what two records are seen to be one song."""
    signs: list[tuple[str, object]] = [("match_key", match_key)]
    signs += [("mbid", record.mbid)] if record.mbid else []
    return signs + ([("spotify_id", record.spotify_id)] if record.spotify_id else [])


def name_key(name: str) -> str:
    """Return how a name is searched, cut to its column."""
    return normalise(name[:NAME_LENGTH])[:NAME_LENGTH]


def artist_name_key(artist: str) -> str:
    return name_key(main_artist(artist))


def _outer_ids(records: Sequence[SongRecord]) -> dict[str, set]:
    return {
        "mbid": {mbid for record in records if (mbid := uuid_or_none(record.mbid))},
        "spotify_id": {record.spotify_id for record in records if record.spotify_id},
    }


def _next_numbers(n: int) -> range:
    """Return n numbers that no song_00042 has; the transaction that asked keeps them to itself."""
    if connection.vendor == "postgresql":  # SQLite has one writer at a time anyway
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_NUMBERING_LOCK])
    taken = Song.objects.filter(key__startswith=_NUMBERED).alias(length=Length("key"))
    longest = taken.aggregate(length=Max(Length("key")))["length"]
    if longest is None:
        return range(1, n + 1)
    last = taken.filter(length=longest).aggregate(last=Max("key"))["last"].removeprefix(_NUMBERED)
    if not last.isdecimal():  # somebody's own ids begin like ours
        numbered = taken.filter(key__regex=rf"^{_NUMBERED}[0-9]+$").values_list("key", flat=True)
        last = max((key.removeprefix(_NUMBERED) for key in numbered), key=int, default="0")
    return range(int(last) + 1, int(last) + 1 + n)


def _artist_ids(records: Sequence[SongRecord]) -> dict[str, int]:
    """Return the artist's id by normal form of the name, adding artists that are new."""
    names = {artist_name_key(record.artist): record for record in reversed(records)}
    ids = ids_by(Artist, "search_text", names)
    new = [
        Artist(
            name=(name := main_artist(record.artist)[:NAME_LENGTH]),
            search_text=key,
            lookup_key=lookup_key(name),
        )
        for key, record in names.items()
        if key not in ids
    ]
    Artist.objects.bulk_create(reversed(new), ignore_conflicts=True, batch_size=500)
    return ids_by(Artist, "search_text", names) if new else ids


def _album_ids(records: Sequence[SongRecord], artists: dict[str, int]) -> dict[tuple[int, str], int]:
    wanted = {
        (artists[artist_name_key(record.artist)], name_key(record.album)): record
        for record in reversed(records)
        if record.album
    }
    ids = _known_albums(wanted)
    new = [
        Album(artist_id=place[0], search_text=place[1], title=record.album[:NAME_LENGTH])
        for place, record in wanted.items()
        if place not in ids
    ]
    Album.objects.bulk_create(reversed(new), ignore_conflicts=True, batch_size=500)
    return _known_albums(wanted) if new else ids


def _known_albums(wanted: dict[tuple[int, str], SongRecord]) -> dict[tuple[int, str], int]:
    known: dict[tuple[int, str], int] = {}
    artist_ids = iter({artist_id for artist_id, _ in wanted})
    while part := list(islice(artist_ids, 900)):
        rows = Album.objects.filter(artist_id__in=part).order_by("-pk")
        known.update(
            {(artist, text): pk for artist, text, pk in rows.values_list("artist", "search_text", "pk")}
        )
    return known


def _add_genres(genres_of: dict[int, tuple[str, ...]]) -> None:
    names = {
        normalise(name)[:GENRE_LENGTH]: name[:GENRE_LENGTH]
        for genres in genres_of.values()
        for name in genres
    }
    names.pop("", None)
    if not names:
        return
    ids = ids_by(Genre, "search_text", names)
    new = [Genre(name=name, search_text=key) for key, name in names.items() if key not in ids]
    if new:
        Genre.objects.bulk_create(new, ignore_conflicts=True)
        ids = ids_by(Genre, "search_text", names)
    through = Song.genres.through
    links = {
        (song_id, ids[key])
        for song_id, genres in genres_of.items()
        for name in genres
        if (key := normalise(name)[:GENRE_LENGTH])
    }
    through.objects.bulk_create(
        [through(song_id=song_id, genre_id=genre_id) for song_id, genre_id in sorted(links)],
        ignore_conflicts=True,
        batch_size=400,
    )


def _has_features(record: SongRecord) -> bool:
    return any(value is not None for value in record.features)


def _has_facts(record: SongRecord) -> bool:
    return _has_features(record) or record.year is not None or record.duration_ms is not None


def _learn(song: Song, record: SongRecord) -> bool:
    """Set what `song` lacks; return whether that was anything."""
    features = _lacking(song, dict(zip(FEATURES, record.features, strict=True)))
    facts = _lacking(song, {"year": record.year, "duration_ms": record.duration_ms})
    if features:
        song.learn_features(features, record.features_source)
    for name, value in facts.items():
        setattr(song, name, value)
    return bool(features or facts)


def _lacking(song: Song, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None and getattr(song, name) is None}
