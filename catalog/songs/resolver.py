"""Which song of the catalog a record means, and adding it when there is none: the only owner of this rule.

Works on a batch; a single listen is a batch of one, so that players, files and the API always agree. The rule, in
docs/matching.md ("Identity") with its reasons:

1. A song with the record's MusicBrainz recording id, Spotify id or ISRC, if the names agree.
2. A song with the record's match key, unless ids, lengths and albums speak against it.
3. Else the song is new. Ids that its record shares with a song of other names stay with that song.

Every id that a song was heard with is kept: in its own column, or as a `SongAlias`.
"""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.db.models.functions import Length

from catalog.records import FEATURES, SongRecord
from catalog.songs import credits
from catalog.songs.genres import add_genres
from catalog.songs.matching import (
    SongKeys,
    build_lookup_key,
    build_search_text,
    build_song_keys,
    build_title_key,
    clean_isrc,
    get_main_artist,
    names_agree,
    strip_channel,
)
from catalog.songs.models import Album, ArtistCredit, Song, SongAlias
from catalog.songs.text import normalise
from common.bulk_sql import chunks, load_ids

if TYPE_CHECKING:
    from catalog.imports.models import ImportRun

NAME_LENGTH = 500
_NUMBERED = "song_"
# any number; transactions that hand out song numbers wait for one another by it
_NUMBERING_LOCK = 743_102_116
_FILLED = (
    *FEATURES, "features_source", "other_sources", "year", "duration_ms", "album_id", "track_number", "disc_number",
)  # fmt: skip
_FACTS = ("year", "duration_ms", "track_number", "disc_number")
_REWRITTEN = (
    "title", "artist", "credit", "album", "search_text", "match_key", "work_key", *_FACTS,
)  # fmt: skip
_IDS = ("mbid", "spotify_id", "isrc")
_COLUMNS = ("pk", "match_key", *_IDS, "duration_ms", "album__search_text")
# names under which many different songs hide
_PLACEHOLDER_ARTISTS = frozenset(
    map(
        build_lookup_key,
        (
            "Unknown Artist",
            "<unknown>",
            "Unknown",
            "[unknown]",
            "Various Artists",
            "Various",
            "VA",
            "Artist",
            "n/a",
        ),
    )
)
_GENERIC_TITLES = frozenset(
    (
        "intro",
        "introduction",
        "outro",
        "interlude",
        "skit",
        "prelude",
        "overture",
        "untitled",
        "unknown",
        "hidden track",
    )
)
# lengths that differ by more than either are lengths of different recordings
_OTHER_LENGTH_MS = 10_000
_OTHER_LENGTH_SHARE = 0.07
_MANY = 900
_TOGETHER = 100
"""Records that are looked up, and whose new songs are committed, at once: other writers wait no longer than that."""
_ATTEMPTS = 3


@dataclass
class Resolution:
    """The result for each record by its position: the id of its song, or why it has none."""

    ids: list[int | None]
    new: set[int] = field(default_factory=set)
    reasons: dict[int, str] = field(default_factory=dict)


class _Description(NamedTuple):
    """What a record says about its song, in the form in which it is compared."""

    artist: str
    title: str
    match_key: str
    mbid: uuid.UUID | None
    spotify_id: str | None
    isrc: str
    duration_ms: int | None
    album: str


@dataclass(eq=False, slots=True)
class _Candidate:
    """A song that records may mean: of the catalog, or brought by an earlier record of the batch (`position`)."""

    pk: int | None
    match_key: str
    mbid: uuid.UUID | None
    spotify_id: str | None
    isrc: str
    duration_ms: int | None
    album: str
    position: int = -1

    @property
    def artist(self) -> str:
        return self.match_key.partition("|")[0]

    @property
    def title(self) -> str:
        return self.match_key.partition("|")[2]


class _Candidates:
    """The songs that the records of one batch may mean, by their ids and match keys."""

    def __init__(self) -> None:
        self._by: dict[tuple[str, object], list[_Candidate]] = {}
        self._by_pk: dict[int, _Candidate] = {}

    def read(self, descriptions: Collection[_Description]) -> None:
        """Read what the catalog has; one query for each kind of id that occurs, one for names, one for aliases."""
        aliases: set[str] = set()
        for name in (*_IDS, "match_key"):
            values = {value for one in descriptions if (value := getattr(one, name))}
            for some_values in chunks(values, _MANY):
                rows = (
                    Song.objects.filter(**{f"{name}__in": some_values})
                    .order_by("pk")
                    .values_list(*_COLUMNS)
                )
                for row in rows:
                    self._note(row, name, row[_COLUMNS.index(name)])
            if name in _IDS:
                aliases.update(map(str, values))
        for some_values in chunks(aliases, _MANY):
            columns = [f"song__{name}" for name in _COLUMNS]
            aliased = SongAlias.objects.filter(value__in=some_values).order_by("pk")
            for kind, value, *row in aliased.values_list("kind", "value", *columns):
                self._note(tuple(row), kind, uuid.UUID(value) if kind == "mbid" else value)

    def get(self, name: str, value: object) -> list[_Candidate]:
        return self._by.get((name, value), [])

    def add(self, name: str, value: object, candidate: _Candidate) -> None:
        same_value = self._by.setdefault((name, value), [])
        if candidate not in same_value:
            same_value.append(candidate)

    def owner(self, name: str, value: object) -> _Candidate | None:
        """Return the song whose own id this is, not an alias."""
        return next((one for one in self.get(name, value) if getattr(one, name) == value), None)

    def _note(self, row: tuple, name: str, value: object) -> None:
        pk = row[0]
        candidate = self._by_pk.get(pk)
        if candidate is None:
            candidate = self._by_pk[pk] = _Candidate(*(*row[:-1], row[-1] or ""))
        self.add(name, value, candidate)


class SongResolver:
    """Finds songs by the rule of this module and adds those that are new.

    A record with a key is the song of that key, whatever its title: files name their songs so.

    Parameters
    ----------
    run
        The import that new songs are noted to come from.
    numbered
        New songs without a key get the next song_00042; else a key made of what they are recognised by.
    makes_genres
        Genres that nobody named before are added; else only known ones are linked.
    """

    def __init__(
        self, run: "ImportRun | None" = None, *, numbered: bool = False, makes_genres: bool = True
    ) -> None:
        self._run = run
        self._numbered = numbered
        self._makes_genres = makes_genres
        self._keys_by_names: dict[tuple[str, str], SongKeys] = {}

    def prepare(self, records: Collection[SongRecord]) -> None:
        """Compute the keys of `records`; call it before the transaction of `resolve` opens."""
        self._keys_by_names = {}
        for record in records:
            self._get_keys(record)

    def find(self, records: Sequence[SongRecord]) -> list[int | None]:
        """Return the id of the song that each record means, None where there is none; changes nothing."""
        descriptions = [self._describe(record) for record in records]
        candidates = _Candidates()
        candidates.read(descriptions)
        picked = [_choose_candidate(one, candidates) for one in descriptions]
        return [None if candidate is None else candidate.pk for candidate in picked]

    def resolve(self, records: Sequence[SongRecord]) -> Resolution:
        """Return the song of each record, adding what is new; call it inside a transaction.

        Known songs learn the ids and the length that they lack.
        """
        resolved = Resolution([None] * len(records))
        keyed = [i for i, record in enumerate(records) if record.key]
        new: dict[int, list[int]] = {i: [] for i in self._find_by_key(records, keyed, resolved)}
        candidates = _Candidates()
        others = {i: self._describe(record) for i, record in enumerate(records) if not record.key}
        candidates.read(others.values())
        learned = _LearnedIds(candidates)
        brought: dict[int, _Candidate] = {}
        for i, description in others.items():
            candidate = _choose_candidate(description, candidates)
            if candidate is None and not (records[i].title and records[i].artist):
                resolved.reasons[i] = "no song of the catalog has that id"
                continue
            if candidate is None:
                candidate = _Candidate(
                    None, description.match_key, None, None, "", None, description.album, i
                )
                candidates.add("match_key", description.match_key, candidate)
                brought[i], new[i] = candidate, []
            learned.learn(candidate, description)
            if candidate.pk is None:
                new[candidate.position] += [] if candidate.position == i else [i]
            resolved.ids[i] = candidate.pk
        self._add(records, new, brought, resolved)
        learned.write({candidate: resolved.ids[i] for i, candidate in brought.items()})
        return resolved

    def fill_missing(self, records: Sequence[SongRecord], resolved: Resolution) -> None:
        """Give known songs the features, album, genres and other facts that they lack and the records have."""
        record_by_song = {
            song_id: records[i]
            for i, song_id in enumerate(resolved.ids)
            if song_id is not None and i not in resolved.new and _has_facts(records[i])
        }
        songs = Song.objects.only("pk", "artist_id", *_FILLED).in_bulk(list(record_by_song))
        changed = {
            pk for pk, song in songs.items() if _fill_missing_fields(song, record_by_song[pk])
        }
        changed |= _fill_missing_albums(list(songs.values()), record_by_song)
        fields = [name.removesuffix("_id") for name in _FILLED]
        Song.objects.bulk_update([songs[pk] for pk in sorted(changed)], fields, batch_size=30)
        _fill_missing_genres(record_by_song, makes_new=self._makes_genres)

    def rewrite(self, records: Mapping[int, SongRecord]) -> set[int]:
        """Write the names and facts of records over songs; return the songs that were written.

        A record whose length or MusicBrainz id is another one is another recording: its song stays as it is.
        """
        songs = Song.objects.in_bulk(list(records))
        songs = {pk: song for pk, song in songs.items() if _is_same_recording(song, records[pk])}
        written = [records[pk] for pk in songs]
        if not written:
            return set()
        artists = credits.find_or_add_artists(written)
        album_ids = _find_album_ids(written, artists)
        for (pk, song), artist_id, album_id in zip(songs.items(), artists, album_ids, strict=True):
            record = records[pk]
            main = get_main_artist(record.artist)[:NAME_LENGTH]
            song.title, song.artist_id, song.album_id = (
                record.title[:NAME_LENGTH],
                artist_id,
                album_id,
            )
            song.credit = credits.build_credit(record.artist, main)
            song.search_text = build_search_text(song.title, strip_channel(record.artist))
            song.match_key, song.work_key = self._get_keys(record)
            for name in _FACTS:
                setattr(song, name, getattr(record, name))
        Song.objects.bulk_update(songs.values(), _REWRITTEN, batch_size=50)
        self._link_anew({pk: records[pk] for pk in songs})
        return set(songs)

    def _link_anew(self, records: Mapping[int, SongRecord]) -> None:
        """Link songs to the artists and genres of their records and to no others."""
        ArtistCredit.objects.filter(song__in=records).delete()
        Song.genres.through.objects.filter(song_id__in=records).delete()
        credits.link_artists(records)
        genres = {pk: record.genres for pk, record in records.items()}
        add_genres(genres, makes_new=self._makes_genres)

    def _get_keys(self, record: SongRecord) -> SongKeys:
        names = (record.artist, record.title)
        keys = self._keys_by_names.get(names)
        if keys is None:
            keys = self._keys_by_names[names] = build_song_keys(*names)
        return keys

    def _describe(self, record: SongRecord) -> _Description:
        match_key = self._get_keys(record).match_key if record.title else ""
        artist, _, title = match_key.partition("|")
        return _Description(
            artist,
            title,
            match_key,
            parse_uuid(record.mbid),
            record.spotify_id or None,
            clean_isrc(record.isrc),
            record.duration_ms,
            normalise_name(record.album) if record.album else "",
        )

    # --- Songs that files name by keys of their own ---

    def _find_by_key(
        self, records: Sequence[SongRecord], positions: list[int], resolved: Resolution
    ) -> list[int]:
        ids = load_ids(Song, "key", (records[i].key for i in positions))
        missing = []
        for i in positions:
            resolved.ids[i] = ids.get(records[i].key)
            if resolved.ids[i] is None:
                missing.append(i)
        named = [i for i in missing if records[i].title and records[i].artist]
        resolved.reasons.update(
            dict.fromkeys(set(missing) - set(named), "no song of the catalog has that id")
        )
        return self._refuse_taken_ids(records, named, resolved)

    def _refuse_taken_ids(
        self, records: Sequence[SongRecord], positions: list[int], resolved: Resolution
    ) -> list[int]:
        """Refuse new songs with an outer id that another song has."""
        free = []
        owners: dict[tuple[str, object], str] = {}
        for name, values in _collect_outer_ids([records[i] for i in positions]).items():
            rows = Song.objects.filter(**{f"{name}__in": values}) if values else Song.objects.none()
            owners.update({(name, value): key for value, key in rows.values_list(name, "key")})
        for i in positions:
            record = records[i]
            own = [("mbid", parse_uuid(record.mbid)), ("spotify_id", record.spotify_id or None)]
            owner = next(
                (owners[o] for o in own if o[1] and owners.get(o, record.key) != record.key), None
            )
            if owner is not None:
                resolved.reasons[i] = f"song {owner} has the same MusicBrainz or Spotify id"
                continue
            owners.update({o: record.key for o in own if o[1]})
            free.append(i)
        return free

    # --- New songs ---

    def _add(
        self,
        records: Sequence[SongRecord],
        new: dict[int, list[int]],
        brought: dict[int, _Candidate],
        resolved: Resolution,
    ) -> None:
        """Insert the songs of the records at the positions `new`; its lists hold the other records of each song."""
        if not new:
            return
        keys = self._make_keys(records, new, brought)
        existing_ids = load_ids(Song, "key", keys.values())
        new_positions: dict[str, int] = {}
        for i, key in keys.items():
            if key not in existing_ids:
                new_positions.setdefault(key, i)
        self._insert(records, new_positions, brought)
        ids = load_ids(Song, "key", new_positions)
        resolved.new.update(i for key, i in new_positions.items() if key in ids)
        for i, key in keys.items():
            resolved.ids[i] = existing_ids.get(key) or ids.get(key)
            if resolved.ids[i] is None:
                resolved.reasons[i] = (
                    "another song took one of its ids at the same moment; import it again"
                )
            for other in new[i]:
                resolved.ids[other] = resolved.ids[i]
                if i in resolved.reasons:
                    resolved.reasons[other] = resolved.reasons[i]
        added = {ids[key]: records[i] for key, i in new_positions.items() if key in ids}
        add_genres(
            {pk: record.genres for pk, record in added.items()}, makes_new=self._makes_genres
        )
        credits.link_artists(added)

    def _make_keys(
        self,
        records: Sequence[SongRecord],
        positions: Iterable[int],
        brought: dict[int, _Candidate],
    ) -> dict[int, str]:
        """Return the key of each new song: its file's, the next number, or one made of what it is recognised by."""
        keys: dict[int, str] = {i: records[i].key for i in positions if records[i].key}
        unnamed = sorted(i for i in positions if not records[i].key)
        if self._numbered and unnamed:
            keys |= {
                i: f"{_NUMBERED}{number:05d}"
                for i, number in zip(unnamed, _reserve_numbers(len(unnamed)), strict=True)
            }
            return dict(sorted(keys.items()))
        taken = (
            load_ids(
                Song, "key", (make_song_key(None, brought[i].match_key) for i in unnamed)
            ).keys()
            if unnamed
            else set()
        )
        used = set(taken)
        for i in unnamed:
            key = make_song_key(brought[i].mbid, brought[i].match_key)
            if key in used:  # a song of the same names that this one is not
                record = records[i]
                details = (
                    record.album,
                    record.isrc,
                    record.spotify_id,
                    record.mbid,
                    str(record.duration_ms),
                )
                key = make_song_key(None, "\x1f".join((brought[i].match_key, *details)))
            used.add(key)
            keys[i] = key
        return dict(sorted(keys.items()))

    def _insert(
        self,
        records: Sequence[SongRecord],
        positions_by_key: dict[str, int],
        brought: dict[int, _Candidate],
    ) -> None:
        new = [records[i] for i in positions_by_key.values()]
        artists = credits.find_or_add_artists(new)
        album_ids = _find_album_ids(new, artists)
        songs = [
            self._build_song(records[i], key, artist_id, album_id, brought.get(i))
            for (key, i), artist_id, album_id in zip(
                positions_by_key.items(), artists, album_ids, strict=True
            )
        ]
        Song.objects.bulk_create(songs, batch_size=500, ignore_conflicts=True)

    def _build_song(
        self,
        record: SongRecord,
        key: str,
        artist_id: int,
        album_id: int | None,
        candidate: _Candidate | None,
    ) -> Song:
        title = record.title[:NAME_LENGTH]
        main = get_main_artist(record.artist)[:NAME_LENGTH]
        mbid, spotify_id, isrc = (
            parse_uuid(record.mbid),
            record.spotify_id or None,
            clean_isrc(record.isrc),
        )
        if candidate is not None:  # without what belongs to another song
            mbid, spotify_id, isrc = candidate.mbid, candidate.spotify_id, candidate.isrc
        return Song(
            key=key,
            title=title,
            artist_id=artist_id,
            credit=credits.build_credit(record.artist, main),
            album_id=album_id,
            track_number=record.track_number,
            disc_number=record.disc_number,
            year=record.year,
            duration_ms=record.duration_ms,
            **dict(zip(FEATURES, record.features, strict=True)),
            features_source=record.features_source if _has_features(record) else "",
            mbid=mbid,
            isrc=isrc,
            spotify_id=spotify_id,
            audio_url=record.audio_url,
            search_text=build_search_text(title, strip_channel(record.artist)),
            **self._get_keys(record)._asdict(),
            import_run=self._run,
        )


class _LearnedIds:
    """What the songs of a batch learn: ids that nobody has go into their columns, the others become aliases."""

    def __init__(self, candidates: _Candidates) -> None:
        self._candidates = candidates
        self._changed: dict[_Candidate, set[str]] = {}
        self._aliases: dict[tuple[_Candidate, str, str], None] = {}

    def learn(self, candidate: _Candidate, description: _Description) -> None:
        for name in _IDS:
            value = getattr(description, name)
            own = getattr(candidate, name)
            if not value or own == value:
                continue
            is_free = self._candidates.owner(name, value) is None or name == "isrc"
            if not own and is_free:
                setattr(candidate, name, value)
                self._changed.setdefault(candidate, set()).add(name)
            elif candidate not in self._candidates.get(name, value):
                self._aliases[candidate, name, str(value)] = None
            self._candidates.add(name, value, candidate)
        if description.duration_ms and candidate.duration_ms is None:
            candidate.duration_ms = description.duration_ms
            self._changed.setdefault(candidate, set()).add("duration_ms")

    def write(self, added: dict[_Candidate, int | None]) -> None:
        """Write what known songs learned; `added` has the ids of the new ones, whose columns are written already."""
        changed = [candidate for candidate in self._changed if candidate.pk is not None]
        self._fill_columns(changed)
        rows = [
            SongAlias(song_id=song_id, kind=kind, value=value)
            for candidate, kind, value in self._aliases
            if (song_id := candidate.pk or added.get(candidate))
        ]
        SongAlias.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)

    def _fill_columns(self, changed: list[_Candidate]) -> None:
        songs = [
            Song(
                pk=one.pk,
                mbid=one.mbid,
                spotify_id=one.spotify_id,
                isrc=one.isrc,
                duration_ms=one.duration_ms,
            )
            for one in changed
        ]
        try:
            with transaction.atomic():
                Song.objects.bulk_update(songs, [*_IDS, "duration_ms"], batch_size=100)
        except (
            IntegrityError
        ):  # another request gave one of the ids to another song at the same moment
            for one in changed:
                self._aliases |= {
                    (one, name, str(getattr(one, name))): None
                    for name in self._changed[one] & set(_IDS)
                }


# --- Single songs and small batches, for players and the API ----------------------------------------------------------


def find_song(record: SongRecord) -> Song | None:
    """Return the song that `record` means; None when the catalog has none."""
    song_id = SongResolver().find([record])[0]
    return (
        Song.objects.select_related("artist", "album").filter(pk=song_id).first()
        if song_id
        else None
    )


def find_or_add_song(record: SongRecord) -> tuple[Song, bool]:
    """Return the song that `record` describes and whether it is new to the catalog.

    Ids and a duration that the record has and the song lacks are filled in.
    """
    (song,), new = _resolve([record])
    return song, bool(new)


def find_or_add_songs(records: Iterable[SongRecord]) -> list[Song]:
    """Return the songs that the records describe, adding new ones; a hundred known songs cost a handful of queries."""
    return [
        song for some_records in chunks(records, _TOGETHER) for song in _resolve(some_records)[0]
    ]


def _resolve(records: list[SongRecord]) -> tuple[list[Song], set[int]]:
    """Return the songs of the records, and the positions of new ones.

    Another request may take an id or a name of a new song at the same moment; then it is looked up again.
    """
    resolver = SongResolver(makes_genres=False)
    resolver.prepare(records)  # before the transaction opens
    for _attempt in range(_ATTEMPTS):
        with transaction.atomic():
            resolved = resolver.resolve(records)
        if None not in resolved.ids:
            break
    songs = Song.objects.select_related("artist", "album").in_bulk(
        [pk for pk in resolved.ids if pk]
    )
    return [songs[pk] for pk in resolved.ids if pk is not None], resolved.new


# --- The rule ---------------------------------------------------------------------------------------------------------


def _choose_candidate(description: _Description, candidates: _Candidates) -> _Candidate | None:
    """Return the song that is meant; None when it is new."""
    for name in _IDS:
        value = getattr(description, name)
        for candidate in candidates.get(name, value) if value else ():
            if not description.match_key or _do_names_agree(description, candidate):
                return candidate
    if not description.match_key:
        return None
    same = [
        one
        for one in candidates.get("match_key", description.match_key)
        if not _are_different_recordings(description, one)
    ]
    return min(same, key=lambda one: _count_differences(description, one), default=None)


def _do_names_agree(description: _Description, candidate: _Candidate) -> bool:
    return names_agree(description.artist, description.title, candidate.artist, candidate.title)


def _are_different_recordings(description: _Description, candidate: _Candidate) -> bool:
    """Whether two songs of the same names are two recordings.

    One sign is not enough: compilations give a song other ids, a single another album, a radio edit another length.
    Under placeholder names ("Unknown Artist", "Intro") another album is enough.
    """
    is_generic = description.artist in _PLACEHOLDER_ARTISTS or _is_generic(description.title)
    if is_generic and description.album != candidate.album:
        return (
            bool(description.album and candidate.album)
            or description.artist in _PLACEHOLDER_ARTISTS
        )
    return _count_differences(description, candidate) >= (1 if is_generic else 2)


def _count_differences(description: _Description, candidate: _Candidate) -> int:
    """Count the signs that two songs of the same names are two recordings: ids, lengths and albums, 0 to 3."""
    ids = any(
        (own := getattr(description, name)) and (other := getattr(candidate, name)) and own != other
        for name in ("mbid", "isrc")
    )
    lengths = _lengths_differ(description.duration_ms, candidate.duration_ms)
    albums = (
        description.album
        and candidate.album
        and build_title_key(description.album) != build_title_key(candidate.album)
    )
    return bool(ids) + lengths + bool(albums)


def _is_same_recording(song: Song, record: SongRecord) -> bool:
    """Return whether nothing but names has changed, as far as one can tell."""
    mbid = parse_uuid(record.mbid)
    has_other_id = mbid is not None and song.mbid is not None and mbid != song.mbid
    return not has_other_id and not _lengths_differ(song.duration_ms, record.duration_ms)


def _lengths_differ(one: int | None, other: int | None) -> bool:
    if not one or not other:
        return False
    return abs(one - other) > max(_OTHER_LENGTH_MS, _OTHER_LENGTH_SHARE * max(one, other))


def _is_generic(title: str) -> bool:
    return title in _GENERIC_TITLES or (title.startswith("track ") and title[6:].isdigit())


# --- Keys and names ---------------------------------------------------------------------------------------------------


def parse_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def make_song_key(mbid: uuid.UUID | None, match_key: str) -> str:
    """Return the public id of a song that came with a listen; the same song gets the same one."""
    return f"mb-{mbid}" if mbid else f"heard-{hashlib.sha256(match_key.encode()).hexdigest()[:24]}"


def normalise_name(name: str) -> str:
    """Return how a name is searched, cut to its column."""
    return normalise(name[:NAME_LENGTH])[:NAME_LENGTH]


def _collect_outer_ids(records: Sequence[SongRecord]) -> dict[str, set]:
    return {
        "mbid": {mbid for record in records if (mbid := parse_uuid(record.mbid))},
        "spotify_id": {record.spotify_id for record in records if record.spotify_id},
    }


def _reserve_numbers(n: int) -> range:
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


def _find_album_ids(records: Sequence[SongRecord], artists: Sequence[int]) -> list[int | None]:
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
    artist_ids = iter({artist_id for artist_id, _ in wanted})
    while some_artist_ids := list(islice(artist_ids, 900)):
        rows = Album.objects.filter(artist_id__in=some_artist_ids).order_by("-pk")
        ids.update(
            {
                (artist, text): pk
                for artist, text, pk in rows.values_list("artist", "search_text", "pk")
            }
        )
    return ids


def _has_features(record: SongRecord) -> bool:
    return any(value is not None for value in record.features)


def _has_facts(record: SongRecord) -> bool:
    facts = (getattr(record, name) for name in _FACTS)
    return (
        _has_features(record)
        or bool(record.album or record.genres)
        or any(f is not None for f in facts)
    )


def _fill_missing_fields(song: Song, record: SongRecord) -> bool:
    """Set what `song` lacks; return whether that was anything."""
    features = _select_missing(song, dict(zip(FEATURES, record.features, strict=True)))
    facts = _select_missing(song, {name: getattr(record, name) for name in _FACTS})
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
        without, _find_album_ids(records, [song.artist_id for song in without]), strict=True
    ):
        song.album_id = album_id
    return {song.pk for song in without}


def _fill_missing_genres(record_by_song: Mapping[int, SongRecord], *, makes_new: bool) -> None:
    """Link songs without any genre to those of their records."""
    named = {song_id for song_id, record in record_by_song.items() if record.genres}
    if not named:
        return
    with_genres: set[int] = set()
    for some_ids in chunks(named, _MANY):
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
