"""Which song of the catalog a record means, and adding it when there is none: the only owner of this rule.

Works on a batch; a single listen is a batch of one, so that players, files and the API always agree. The rule, in
docs/matching.md ("Identity") with its reasons:

1. A song with the record's MusicBrainz recording id, Spotify id or ISRC, if the names agree.
2. A song with the record's match key, unless ids, lengths and albums speak against it.
3. A song that had these ids or names before it was merged or renamed, or whose artist had this name.
4. Else the song is new. Ids that its record shares with a song of other names stay with that song.

Every id that a song was heard with is kept: in its own column, or as a `SongAlias`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import IntegrityError, transaction

from accounts.models import User
from catalog.names.artist_credits import get_main_artist, strip_channel
from catalog.names.external_ids import clean_isrc, parse_uuid
from catalog.names.song_keys import GuestKeys, SongKeys, build_guest_keys, build_song_keys
from catalog.names.text import NAME_LENGTH, build_search_text
from catalog.records import SongRecord
from catalog.songs import credits
from catalog.songs.aliases import SongAlias, find_ids_by_former_key
from catalog.songs.former_artists import use_present_names
from catalog.songs.genres import add_genres
from catalog.songs.models import ArtistCredit, Song
from catalog.songs.new_songs import NewSongWriter, wait_for_other_writers
from catalog.songs.song_candidates import (
    IDS,
    Candidate,
    Candidates,
    Description,
    Resolution,
    choose_candidate,
    is_same_recording,
)
from catalog.songs.song_facts import FACTS, fill_missing_facts, find_album_ids, has_facts
from catalog.songs.visibility import get_bringer, publish_songs
from common.bulk_sql import cut_chunks, load_ids
from common.transactions import retry_conflicts

if TYPE_CHECKING:
    from catalog.imports.models import ImportRun

_REWRITTEN = (
    "title", "artist", "credit", "album", "search_text", "match_key", "work_key", *FACTS,
)  # fmt: skip
_TOGETHER = 100
"""Records that are looked up, and whose new songs are committed, at once: other writers wait no longer than that."""
_ATTEMPTS = 3


class SongResolver:
    """Finds songs by the rule of this module and adds those that are new.

    A record with a key is the song of that key, whatever its title: files name their songs so.

    Parameters
    ----------
    run
        The import that new songs are noted to come from.
    bringer
        The listener whose own new songs are; None: an operator's, and seen by all, known songs too.
    numbered
        New songs without a key get the next song_00042; else a key made of what they are recognised by.
    makes_genres
        Genres that nobody named before are added; else only known ones are linked.
    """

    def __init__(
        self,
        run: "ImportRun | None" = None,
        *,
        bringer: User | None = None,
        numbered: bool = False,
        makes_genres: bool = True,
    ) -> None:
        self._bringer = bringer
        self._makes_genres = makes_genres
        self._keys_by_names: dict[tuple[str, str], SongKeys] = {}
        self._guest_keys_by_names: dict[tuple[str, str], GuestKeys] = {}
        self._new_songs = NewSongWriter(
            run, bringer, self._get_keys, numbered=numbered, makes_genres=makes_genres
        )

    def prepare(self, records: Collection[SongRecord]) -> None:
        """Compute the keys of `records`; call it before the transaction of `resolve` opens."""
        self._keys_by_names, self._guest_keys_by_names = {}, {}
        for record in records:
            self._get_guest_keys(record)

    def find(self, records: Sequence[SongRecord]) -> list[int | None]:
        """Return the id of the song that each record means, None where there is none; changes nothing."""
        candidates = Candidates()
        described = {i: record._replace(key="") for i, record in enumerate(records)}
        descriptions = self._read_candidates(described, candidates)[1].values()
        picked = [choose_candidate(one, candidates) for one in descriptions]
        return [None if candidate is None else candidate.pk for candidate in picked]

    def resolve(self, records: Sequence[SongRecord]) -> Resolution:
        """Return the song of each record, adding what is new; call it inside a transaction.

        Known songs learn the ids and the length that they lack.
        """
        choice = self._choose(records)
        if choice.brought and wait_for_other_writers():
            choice = self._choose(records)  # they may have added some of these
        resolved, learned, brought = choice.resolved, choice.learned, choice.brought
        self._new_songs.add(choice.records, choice.new, brought, resolved)
        learned.write({candidate: resolved.ids[i] for i, candidate in brought.items()})
        if self._bringer is None:
            publish_songs((pk for pk in resolved.ids if pk is not None), None)
        return resolved

    def _choose(self, records: Sequence[SongRecord]) -> "_Choice":
        """Return which songs the records mean and which are new; changes nothing."""
        resolved = Resolution([None] * len(records))
        keyed = [i for i, record in enumerate(records) if record.key]
        new: dict[int, list[int]] = {i: [] for i in self._find_by_key(records, keyed, resolved)}
        candidates = Candidates()
        named = {i: record for i, record in enumerate(records) if not record.key or i in new}
        named, others = self._read_candidates(named, candidates)
        records = [named.get(i, record) for i, record in enumerate(records)]
        learned = _LearnedIds(candidates)
        brought: dict[int, Candidate] = {}
        for i, description in others.items():
            candidate = choose_candidate(description, candidates)
            if candidate is None and not (records[i].title and records[i].artist):
                resolved.reasons[i] = "no song of the catalog has that id"
                continue
            if candidate is None:
                candidate = Candidate(
                    None,
                    description.match_key,
                    None,
                    None,
                    "",
                    None,
                    description.album,
                    description.written_title,
                    records[i].artist,
                    i,
                )
                candidates.add("match_key", description.match_key, candidate)
                brought[i], new[i] = candidate, []
            learned.learn(candidate, description)
            if candidate.pk is None:
                new[candidate.position] += [] if candidate.position == i else [i]
            resolved.ids[i] = candidate.pk
        return _Choice(records, resolved, learned, new, brought)

    def _read_candidates(
        self, records: Mapping[int, SongRecord], candidates: Candidates
    ) -> tuple[dict[int, SongRecord], dict[int, Description]]:
        """Read the songs that the records may mean; return the records with their artists' present names.

        The descriptions are those of records without a key. A former name of an artist is looked up only where
        nothing else shows the song: one query more.
        """
        described = {i: self._describe(one) for i, one in records.items() if not one.key}
        candidates.read(described.values())
        unclear = {
            i: record
            for i, record in records.items()
            if record.artist
            and record.title
            and (record.key or choose_candidate(described[i], candidates) is None)
        }
        renamed = use_present_names(unclear) if unclear else {}
        more = {i: self._describe(one) for i, one in renamed.items() if not one.key}
        if more:
            candidates.read(more.values())
        return {**records, **renamed}, described | more

    def fill_missing(self, records: Sequence[SongRecord], resolved: Resolution) -> None:
        """Give known songs the features, album, genres and other facts that they lack and the records have."""
        record_by_song = {
            song_id: records[i]
            for i, song_id in enumerate(resolved.ids)
            if song_id is not None and i not in resolved.new and has_facts(records[i])
        }
        fill_missing_facts(record_by_song, makes_genres=self._makes_genres)

    def rewrite(self, records: Mapping[int, SongRecord]) -> set[int]:
        """Write the names and facts of records over songs; return the songs that were written.

        A record whose length or MusicBrainz id is another one is another recording: its song stays as it is.
        """
        songs = Song.objects.in_bulk(list(records))
        songs = {pk: song for pk, song in songs.items() if is_same_recording(song, records[pk])}
        if not songs:
            return set()
        records = {pk: records[pk] for pk in songs}
        records = {**records, **use_present_names(records)}
        written = list(records.values())
        artists = credits.find_or_add_artists(written)
        album_ids = find_album_ids(written, artists)
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
            for name in FACTS:
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

    def _get_guest_keys(self, record: SongRecord) -> GuestKeys:
        names = (record.artist, record.title)
        keys = self._guest_keys_by_names.get(names)
        if keys is None:
            match_key = self._get_keys(record).match_key if record.title else ""
            keys = build_guest_keys(record.artist, match_key, record.title) if match_key else ()
            self._guest_keys_by_names[names] = keys
        return keys

    def _describe(self, record: SongRecord) -> Description:
        match_key = self._get_keys(record).match_key if record.title else ""
        artist, _, title = match_key.partition("|")
        return Description(
            artist,
            title,
            match_key,
            parse_uuid(record.mbid),
            record.spotify_id or None,
            clean_isrc(record.isrc),
            record.duration_ms,
            record.album[:NAME_LENGTH],
            record.title.strip(),
            self._get_guest_keys(record),
        )

    # --- Songs that files name by keys of their own ---

    def _find_by_key(
        self, records: Sequence[SongRecord], positions: list[int], resolved: Resolution
    ) -> list[int]:
        ids = load_ids(Song, "key", (records[i].key for i in positions))
        ids |= find_ids_by_former_key({records[i].key for i in positions} - ids.keys())
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


class _LearnedIds:
    """What the songs of a batch learn: ids that nobody has go into their columns, the others become aliases."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._changed: dict[Candidate, set[str]] = {}
        self._aliases: dict[tuple[Candidate, str, str], None] = {}

    def learn(self, candidate: Candidate, description: Description) -> None:
        for name in IDS:
            value = getattr(description, name)
            own = getattr(candidate, name)
            if not value or own == value:
                continue
            is_free = self._candidates.find_owner(name, value) is None or name == "isrc"
            if not own and is_free:
                setattr(candidate, name, value)
                self._changed.setdefault(candidate, set()).add(name)
            elif candidate not in self._candidates.get(name, value):
                self._aliases[candidate, name, str(value)] = None
            self._candidates.add(name, value, candidate)
        if description.duration_ms and candidate.duration_ms is None:
            candidate.duration_ms = description.duration_ms
            self._changed.setdefault(candidate, set()).add("duration_ms")

    def write(self, added: dict[Candidate, int | None]) -> None:
        """Write what known songs learned; `added` has the ids of the new ones, whose columns are written already."""
        changed = [candidate for candidate in self._changed if candidate.pk is not None]
        self._fill_columns(changed)
        rows = [
            SongAlias(song_id=song_id, kind=kind, value=value)
            for candidate, kind, value in self._aliases
            if (song_id := candidate.pk or added.get(candidate))
        ]
        SongAlias.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)

    def _fill_columns(self, changed: list[Candidate]) -> None:
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
                Song.objects.bulk_update(songs, [*IDS, "duration_ms"], batch_size=100)
        except (
            IntegrityError
        ):  # another request gave one of the ids to another song at the same moment
            for one in changed:
                self._aliases |= {
                    (one, name, str(getattr(one, name))): None
                    for name in self._changed[one] & set(IDS)
                }


class _Choice(NamedTuple):
    """What the records of a batch mean.

    `records` have the present names of artists; `new` has the positions of new songs, each with those of the other
    records of the same song; `brought` the new songs that came without a key.
    """

    records: Sequence[SongRecord]
    resolved: Resolution
    learned: _LearnedIds
    new: dict[int, list[int]]
    brought: dict[int, Candidate]


# --- Single songs and small batches, for players and the API ----------------------------------------------------------


def find_song(record: SongRecord, listener: Any) -> Song | None:
    """Return the song that `record` means; None when the catalog has none that `listener` may see."""
    song_id = SongResolver().find([record])[0]
    songs = Song.objects.filter_visible(listener).select_related("artist", "album")
    return songs.filter(pk=song_id).first() if song_id else None


def find_or_add_song(record: SongRecord, listener: User | None = None) -> tuple[Song, bool]:
    """Return the song that a record describes (of a listener, or of an operator) and whether it is new to the catalog.

    Ids and a duration that the record has and the song lacks are filled in.
    """
    (song,), new = _resolve([record], listener)
    return song, bool(new)


def find_or_add_songs(records: Iterable[SongRecord], listener: User | None = None) -> list[Song]:
    """Return the songs that records of a listener or an operator describe, adding new ones.

    A hundred known songs cost a handful of queries.
    """
    return [
        song
        for some_records in cut_chunks(records, _TOGETHER)
        for song in _resolve(some_records, listener)[0]
    ]


@retry_conflicts
def _resolve(records: list[SongRecord], listener: User | None) -> tuple[list[Song], set[int]]:
    """Return the songs of the records, and the positions of new ones.

    Another request may take an id or a name of a new song at the same moment, or merge its artist; then it is looked
    up again.
    """
    resolver = SongResolver(bringer=get_bringer(listener), makes_genres=False)
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


def _collect_outer_ids(records: Sequence[SongRecord]) -> dict[str, set[Any]]:
    return {
        "mbid": {mbid for record in records if (mbid := parse_uuid(record.mbid))},
        "spotify_id": {record.spotify_id for record in records if record.spotify_id},
    }
