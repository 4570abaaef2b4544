"""Listen records to rows: many at once, each fact once."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from accounts.models import User
from catalog.listening.models import Interaction, RecordingMsid
from catalog.listening.outdated_months import mark_days
from catalog.listening.preference_writer import write_preferences
from catalog.listening.same_play import PlayMatcher, build_report, lock_listener
from catalog.play_rules import LEAST_HEARD_MS, is_play
from catalog.playlists.playlist_writer import PlaylistWriter
from catalog.records import (
    DISLIKE,
    KIND_NAMES,
    LIKE,
    PLAY,
    SKIP,
    LeftOut,
    LeftOutRow,
    ListenRecord,
    PlaylistRecord,
    PreferenceRecord,
    RejectedRow,
    SongRecord,
)
from catalog.songs.aliases import find_ids_by_former_key
from catalog.songs.locks import hold_songs
from catalog.songs.models import Song
from catalog.songs.resolver import SongResolver
from catalog.songs.visibility import get_bringer
from common.bulk_sql import cut_chunks, insert_rows, load_ids, make_moment_converter

if TYPE_CHECKING:
    from catalog.imports.models import ImportRun

_FIELDS = ("listener", "song", "kind", "plays", "played_ms", "occurred_at", "source", "import_run")
_OPINIONS = (LIKE, DISLIKE)
# Rows of one file about the same pair add up when they have no times. An earlier import's row stays as it is, so that
# the same file twice counts once.
_ADD_UP = (
    "ON CONFLICT (listener_id, song_id, kind, source) WHERE kind IN (0, 3) AND occurred_at IS NULL "
    "DO UPDATE SET plays = catalog_interaction.plays + excluded.plays "
    "WHERE catalog_interaction.import_run_id = excluded.import_run_id"
)
# The last opinion of one file counts; what the site already knew stays.
_LAST_OPINION = (
    "ON CONFLICT (listener_id, song_id) WHERE kind IN (1, 2) "
    "DO UPDATE SET kind = excluded.kind, occurred_at = excluded.occurred_at "
    "WHERE catalog_interaction.import_run_id = excluded.import_run_id "
    "AND excluded.occurred_at >= catalog_interaction.occurred_at"
)
# Naming the one index that can refuse a play with its time saves PostgreSQL a look into each of the others.
_ONE_PLAY_A_MOMENT = (
    "ON CONFLICT (listener_id, song_id, occurred_at, kind) "
    "WHERE kind IN (0, 3) AND occurred_at IS NOT NULL DO NOTHING"
)
_CACHED_DESCRIPTIONS = 30_000
_CACHED_IDS = 250_000
"""A short text or number with its id takes a tenth of the memory of a song's description: 25 MB so many."""
_A_DAY = 86_400

Record = ListenRecord | PlaylistRecord | PreferenceRecord
Listen = tuple[int, int, ListenRecord]
"""Listener id, song id and what happened."""


class WriteCounts(NamedTuple):
    """What became of a chunk of records: every one was added, known already, left out or rejected.

    `kinds` counts the records that are in now by what they are ("play", "like", …), whether new or known.
    """

    n_added: int
    n_known: int
    rejected: list[RejectedRow]
    left_out: list[LeftOutRow] = []
    kinds: Mapping[str, int] = {}


class ListenWriter:
    """Adds plays, skips and opinions; listeners and described songs that are new are added with them.

    Parameters
    ----------
    run
        The import that new rows are noted to come from.
    source
        What the rows say they come from; rows without time are known by it.
    listener
        Whose history this is; else each record names its listener.
    """

    def __init__(self, run: ImportRun, source: str, listener: User | None = None) -> None:
        self._source = source
        self._own = listener
        self._songs = SongResolver(run, bringer=get_bringer(listener))
        self._moment = make_moment_converter()
        self._run_id = run.pk
        self._listener_ids: dict[str, int] = {}
        self._song_ids: dict[object, int] = {}
        self._durations: dict[int, int | None] = {}
        self._sources: set[str] = set()
        self._same_plays = PlayMatcher(listener) if listener is not None else None
        self._playlists = PlaylistWriter(run, listener) if listener is not None else None

    def prepare(self, records: Sequence[Record]) -> None:
        """Compute the match keys of a chunk; call it before the transaction of `write` opens."""
        songs = {record.song for record in records if record.song is not None}
        _limit_cache(self._song_ids, _CACHED_DESCRIPTIONS if songs else _CACHED_IDS)
        self._songs.prepare(songs - self._song_ids.keys())

    def write(self, records: Sequence[Record]) -> WriteCounts:
        """Write one chunk; call it inside a transaction."""
        songs = self._resolve_and_hold_songs(records)
        listens = [record for record in records if isinstance(record, ListenRecord)]
        written = self._write_listens(listens, songs)
        entries = [record for record in records if isinstance(record, PlaylistRecord)]
        if entries:
            written = self._write_playlists(entries, songs, written)
        settings = [record for record in records if isinstance(record, PreferenceRecord)]
        return self._write_preferences(settings, songs, written) if settings else written

    def _write_preferences(
        self, settings: list[PreferenceRecord], songs: Mapping[object, int], others: WriteCounts
    ) -> WriteCounts:
        if self._own is None:
            reason = "a setting needs a listener whose it is"
            full = [RejectedRow(setting.line, reason) for setting in settings]
            return others._replace(rejected=[*others.rejected, *full])
        written = write_preferences(self._own, settings, songs)
        return others._replace(
            n_added=others.n_added + written.n_added,
            n_known=others.n_known + written.n_known,
            rejected=[*others.rejected, *written.rejected],
            kinds={**others.kinds, "setting": written.n_added + written.n_known},
        )

    def _write_playlists(
        self, entries: list[PlaylistRecord], songs: Mapping[object, int], listens: WriteCounts
    ) -> WriteCounts:
        if self._playlists is None:
            full = [
                RejectedRow(entry.line, "a playlist needs a listener whose it is")
                for entry in entries
            ]
            return listens._replace(rejected=[*listens.rejected, *full])
        playlists = self._playlists.write(entries, songs)
        n_songs = sum(entry.song is not None for entry in entries) - len(playlists.rejected)
        counts = {"playlist": playlists.n_begun, "playlist_song": n_songs}
        return listens._replace(
            n_added=listens.n_added + playlists.n_added,
            n_known=listens.n_known + playlists.n_known,
            rejected=[*listens.rejected, *playlists.rejected],
            kinds={**listens.kinds, **counts},
        )

    def _write_listens(
        self, records: list[ListenRecord], songs: Mapping[object, int]
    ) -> WriteCounts:
        listeners = self._load_listener_ids(records)
        latest = time.time() + _A_DAY
        rejected: list[RejectedRow] = []
        good: list[Listen] = []
        for record in records:
            song_id = songs.get(record.song or record.song_key)
            if song_id is None:
                rejected.append(RejectedRow(record.line, _describe_unknown_song(record)))
            elif record.occurred_at is not None and record.occurred_at > latest:
                rejected.append(RejectedRow(record.line, "the time is in the future"))
            else:
                good.append((listeners[record.listener], song_id, record))
        _note_msids(good)
        counted, left_out = self._judge_plays(good)
        n_added = self._insert(counted)
        kinds = Counter(KIND_NAMES[record.kind] for _listener, _song, record in counted)
        return WriteCounts(n_added, len(counted) - n_added, rejected, left_out, kinds)

    def _judge_plays(self, listens: list[Listen]) -> tuple[list[Listen], list[LeftOutRow]]:
        """Make skips of plays that are too short to be plays, and leave out those that the listener did not end."""
        short = [listen for listen in listens if _may_be_too_short(listen[2])]
        if not short:
            return listens, []
        durations = self._load_durations(song_id for _listener, song_id, _record in short)
        counted, left_out = [], []
        for listener_id, song_id, record in listens:
            if not _may_be_too_short(record) or is_play(record.played_ms, durations[song_id]):
                counted.append((listener_id, song_id, record))
            elif not record.played_ms:
                left_out.append(LeftOutRow(record.line, LeftOut.UNHEARD))
            elif record.is_broken_off:
                left_out.append(LeftOutRow(record.line, LeftOut.BROKEN_OFF))
            else:
                counted.append((listener_id, song_id, record._replace(kind=SKIP)))
        return counted, left_out

    def _insert(self, listens: list[Listen]) -> int:
        opinions, timed, untimed = [], [], []
        for listen in listens:
            record = listen[2]
            if record.kind in _OPINIONS:
                opinions.append(listen)
            elif record.occurred_at is None:
                untimed.append(listen)
            else:
                timed.append(listen)
        timed = self._drop_known_plays(timed)
        _mark_plays(timed)
        _mark_plays(untimed)
        n_new = insert_rows(
            Interaction, _FIELDS, [self._build_row(*listen) for listen in timed], _ONE_PLAY_A_MOMENT
        )
        return n_new + self._insert_opinions(opinions) + self._insert_plays_without_time(untimed)

    def _drop_known_plays(self, listens: list[Listen]) -> list[Listen]:
        """Leave out the plays of the listener's own history that another source told already."""
        if self._same_plays is None or self._own is None or not listens:
            return listens
        lock_listener(self._own)
        durations = self._load_durations(song_id for _listener, song_id, _record in listens)
        reports = [
            build_report(
                song_id,
                record.kind,
                record.occurred_at or 0,
                (record.source or self._source, self._run_id),
                durations[song_id] or (record.song.duration_ms if record.song else None),
                record.played_ms,
            )
            for _listener, song_id, record in listens
        ]
        self._sources.update(one.source[0] for one in reports)
        own_run = self._run_id if len(self._sources) == 1 else None
        is_new = self._same_plays.are_new(reports, leave_out_run=own_run)
        return [listen for listen, new in zip(listens, is_new, strict=True) if new]

    def _load_durations(self, song_ids: Iterable[int]) -> dict[int, int | None]:
        _limit_cache(self._durations)
        for some_ids in cut_chunks(set(song_ids) - self._durations.keys()):
            self._durations.update(
                Song.objects.filter(pk__in=some_ids).values_list("pk", "duration_ms")
            )
        return self._durations

    def _insert_opinions(self, listens: list[Listen]) -> int:
        """Insert the last opinion of each pair; the others count as known."""
        last: dict[tuple[int, int], Listen] = {}
        for listen in sorted(listens, key=lambda listen: listen[2].occurred_at or 0):
            last[listen[:2]] = listen
        return insert_rows(
            Interaction,
            _FIELDS,
            [self._build_row(*listen) for listen in last.values()],
            _LAST_OPINION,
        )

    def _insert_plays_without_time(self, listens: list[Listen]) -> int:
        """Insert one row a pair; each record of it counts, as its plays are in the row."""
        total: dict[tuple[int, int, int, str], list[int]] = {}
        for listener_id, song_id, record in listens:
            source = record.source or self._source
            sums = total.setdefault((listener_id, song_id, record.kind, source), [0, 0])
            sums[0] += record.plays
            sums[1] += 1
        rows, alone = [], 0
        for (listener_id, song_id, kind, source), (plays, n_records) in total.items():
            rows.append((listener_id, song_id, kind, plays, None, None, source, self._run_id))
            alone += n_records - 1
        n_new = insert_rows(Interaction, _FIELDS, rows, _ADD_UP)
        return n_new + (alone if n_new == len(rows) else 0)

    def _build_row(self, listener_id: int, song_id: int, record: ListenRecord) -> tuple[Any, ...]:
        return (
            listener_id,
            song_id,
            record.kind,
            record.plays,
            record.played_ms,
            self._moment(record.occurred_at),
            record.source or self._source,
            self._run_id,
        )

    def _load_listener_ids(self, records: Sequence[ListenRecord]) -> dict[str, int]:
        if self._own is not None:
            return dict.fromkeys({record.listener for record in records}, self._own.pk)
        _limit_cache(self._listener_ids)
        new = {record.listener for record in records} - self._listener_ids.keys()
        self._listener_ids.update(_find_or_add_listeners(new))
        return self._listener_ids

    def _resolve_and_hold_songs(self, records: Sequence[Record]) -> dict[object, int]:
        """Return song ids by what records say, and hold the songs.

        One that a merge has taken since the last chunk is looked up anew.
        """
        songs = self._resolve_songs(records)
        wanted = {
            song: songs[song] for one in records if (song := _get_song_reference(one)) in songs
        }
        present = hold_songs(wanted.values(), self._own)
        gone = [song for song, song_id in wanted.items() if song_id not in present]
        if not gone:
            return songs
        for song in gone:
            del self._song_ids[song]
        songs = self._resolve_songs(records)
        hold_songs((songs[song] for song in gone if song in songs), self._own)
        return songs

    def _resolve_songs(self, records: Sequence[Record]) -> dict[object, int]:
        wanted = dict.fromkeys(_get_song_reference(record) for record in records)
        new = [song for song in wanted if song not in self._song_ids]
        keys = {key for key in new if isinstance(key, str)}
        ids = load_ids(Song, "key", keys)
        self._song_ids.update(ids | find_ids_by_former_key(keys - ids.keys()))
        described = [song for song in new if isinstance(song, SongRecord)]
        resolved_ids = self._songs.resolve(described).ids
        self._song_ids.update(
            {song: id_ for song, id_ in zip(described, resolved_ids, strict=True) if id_}
        )
        return self._song_ids


def _mark_plays(listens: Iterable[Listen]) -> None:
    """Mark the months of plays for the kept sums."""
    plays = [(pk, one.occurred_at) for pk, _song, one in listens if one.kind == PLAY]
    days = {(pk, None if at is None else at // _A_DAY) for pk, at in plays}
    mark_days((pk, None if day is None else date(1970, 1, 1) + timedelta(day)) for pk, day in days)


def _get_song_reference(record: Record) -> SongRecord | str | None:
    return record.song or (record.song_key if isinstance(record, ListenRecord) else None)


def _find_or_add_listeners(names: Iterable[str]) -> dict[str, int]:
    """Return ids by name; new names become accounts that nobody can sign in to yet."""
    names = set(names)
    ids = load_ids(User, "username", names)
    if new := sorted(names - ids.keys()):
        User.objects.bulk_create(
            [_build_listener(name) for name in new], ignore_conflicts=True, batch_size=500
        )
        ids.update(load_ids(User, "username", new))
        # "Alice" and "alice" are one person
        for name in names - ids.keys():
            ids[name] = User.objects.with_name(name).get().pk
    return ids


def _may_be_too_short(record: ListenRecord) -> bool:
    """Whether a record is one play that was heard for less than a play of any song needs."""
    return (
        record.kind == PLAY
        and record.plays == 1
        and record.played_ms is not None
        and record.played_ms < LEAST_HEARD_MS
    )


def _build_listener(name: str) -> User:
    # what set_unusable_password() writes, ten times faster
    return User(username=name, password=f"{UNUSABLE_PASSWORD_PREFIX}{secrets.token_hex(20)}")


def _limit_cache(cache: dict[Any, Any], most: int = _CACHED_IDS) -> None:
    if len(cache) > most:
        cache.clear()


def _describe_unknown_song(record: ListenRecord) -> str:
    if record.song is not None and not record.song.title:
        return "no song of the catalog has that id"
    if record.song is not None:
        return "the song cannot be added: another song has one of its ids"
    return f"song {record.song_key[:60]!r} is not in the catalog; import the songs first"


def _note_msids(listens: Iterable[Listen]) -> None:
    """Keep which song each message id of ListenBrainz is, so that a heart by it is understood later."""
    songs = {UUID(record.msid): song_id for _listener, song_id, record in listens if record.msid}
    RecordingMsid.objects.bulk_create(
        (RecordingMsid(msid=msid, song_id=song_id) for msid, song_id in songs.items()),
        ignore_conflicts=True,
        batch_size=5_000,
    )
