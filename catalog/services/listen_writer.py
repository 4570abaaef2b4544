"""Listen records to rows: many at once, each fact once."""

import secrets
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from accounts.models import User
from catalog.models import ImportRun, Interaction, Song
from catalog.records import DISLIKE, LIKE, ListenRecord, RejectedRow, SongRecord
from catalog.services.bulk import ids_by, insert, moments
from catalog.services.song_writer import SongWriter

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
_DO_NOTHING = "ON CONFLICT DO NOTHING"
_CACHED_IDS = 30_000
_A_DAY = 86_400
SAME_PLAY = 60
"""Seconds within which two sources mean the same play of a song."""

Listen = tuple[int, int, ListenRecord]
"""Listener id, song id and what happened."""


class Written(NamedTuple):
    """What became of a chunk of records: every one was added, known already or rejected."""

    n_added: int
    n_known: int
    rejected: list[RejectedRow]


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
        self._songs = SongWriter(run)
        self._moment = moments()
        self._run_id = run.pk
        self._listener_ids: dict[str, int] = {}
        self._song_ids: dict[object, int] = {}

    def prepare(self, records: Sequence[ListenRecord]) -> None:
        """Compute the match keys of a chunk; call it before the transaction of `write` opens."""
        _keep_small(self._song_ids)
        songs = {record.song for record in records if record.song is not None}
        self._songs.prepare(songs - self._song_ids.keys())

    def write(self, records: Sequence[ListenRecord]) -> Written:
        """Write one chunk; call it inside a transaction."""
        listeners = self._listeners(records)
        songs = self._songs_of(records)
        latest = time.time() + _A_DAY
        rejected: list[RejectedRow] = []
        good: list[Listen] = []
        for record in records:
            song_id = songs.get(record.song or record.song_key)
            if song_id is None:
                rejected.append(RejectedRow(record.line, _unknown_song(record)))
            elif record.occurred_at is not None and record.occurred_at > latest:
                rejected.append(RejectedRow(record.line, "the time is in the future"))
            else:
                good.append((listeners[record.listener], song_id, record))
        n_added = self._insert(good)
        return Written(n_added, len(good) - n_added, rejected)

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
        timed = self._without_heard_elsewhere(timed)
        n_new = insert(Interaction, _FIELDS, [self._row(*listen) for listen in timed], _DO_NOTHING)
        return n_new + self._insert_opinions(opinions) + self._insert_untimed(untimed)

    def _without_heard_elsewhere(self, listens: list[Listen]) -> list[Listen]:
        """Leave out what another source of the listener's own history already told.

        Sources disagree about the second: some give the minute of the end only.
        """
        if self._own is None or not listens:
            return listens
        times = [listen[2].occurred_at or 0 for listen in listens]
        span = [datetime.fromtimestamp(t, UTC) for t in (min(times) - SAME_PLAY, max(times) + SAME_PLAY)]
        others = Interaction.objects.by(self._own).heard().exclude(source=self._source)
        heard = {
            (song_id, int(start.timestamp()) // SAME_PLAY): int(start.timestamp())
            for song_id, start in others.filter(occurred_at__range=span).values_list("song_id", "occurred_at")
            if start is not None
        }
        return [listen for listen in listens if not _was_heard(heard, listen[1], listen[2].occurred_at or 0)]

    def _insert_opinions(self, listens: list[Listen]) -> int:
        """Insert the last opinion of each pair; the others count as known."""
        last: dict[tuple[int, int], Listen] = {}
        for listen in sorted(listens, key=lambda listen: listen[2].occurred_at or 0):
            last[listen[:2]] = listen
        return insert(Interaction, _FIELDS, [self._row(*listen) for listen in last.values()], _LAST_OPINION)

    def _insert_untimed(self, listens: list[Listen]) -> int:
        """Insert one row a pair; each record of it counts, as its plays are in the row."""
        total: dict[tuple[int, int, int], list[int]] = {}
        for listener_id, song_id, record in listens:
            sums = total.setdefault((listener_id, song_id, record.kind), [0, 0])
            sums[0] += record.plays
            sums[1] += 1
        rows, alone = [], 0
        for (listener_id, song_id, kind), (plays, n_records) in total.items():
            rows.append((listener_id, song_id, kind, plays, None, None, self._source, self._run_id))
            alone += n_records - 1
        n_new = insert(Interaction, _FIELDS, rows, _ADD_UP)
        return n_new + (alone if n_new == len(rows) else 0)

    def _row(self, listener_id: int, song_id: int, record: ListenRecord) -> tuple:
        return (
            listener_id,
            song_id,
            record.kind,
            record.plays,
            record.played_ms,
            self._moment(record.occurred_at),
            self._source,
            self._run_id,
        )

    def _listeners(self, records: Sequence[ListenRecord]) -> dict[str, int]:
        if self._own is not None:
            return dict.fromkeys({record.listener for record in records}, self._own.pk)
        _keep_small(self._listener_ids)
        new = {record.listener for record in records} - self._listener_ids.keys()
        self._listener_ids.update(_listener_ids(new))
        return self._listener_ids

    def _songs_of(self, records: Sequence[ListenRecord]) -> dict[object, int]:
        wanted = dict.fromkeys(record.song or record.song_key for record in records)
        new = [song for song in wanted if song not in self._song_ids]
        self._song_ids.update(ids_by(Song, "key", [key for key in new if isinstance(key, str)]))
        described = [song for song in new if isinstance(song, SongRecord)]
        found = self._songs.resolve(described).ids
        self._song_ids.update({song: id_ for song, id_ in zip(described, found, strict=True) if id_})
        return self._song_ids


def _listener_ids(names: Iterable[str]) -> dict[str, int]:
    """Return ids by name; new names become accounts that nobody can sign in to yet."""
    names = set(names)
    ids = ids_by(User, "username", names)
    if new := sorted(names - ids.keys()):
        User.objects.bulk_create([_listener(name) for name in new], ignore_conflicts=True, batch_size=500)
        ids.update(ids_by(User, "username", new))
        # "Alice" and "alice" are one person
        for name in names - ids.keys():
            ids[name] = User.objects.get(username__iexact=name).pk
    return ids


def _was_heard(heard: dict[tuple[int, int], int], song_id: int, start: int) -> bool:
    """Whether `heard`, by song and minute, has the song less than a minute from `start`."""
    minutes = range(start // SAME_PLAY - 1, start // SAME_PLAY + 2)
    near = (heard.get((song_id, minute)) for minute in minutes)
    return any(moment is not None and abs(moment - start) < SAME_PLAY for moment in near)


def _listener(name: str) -> User:
    # what set_unusable_password() writes, ten times faster
    return User(username=name, password=f"{UNUSABLE_PASSWORD_PREFIX}{secrets.token_hex(20)}")


def _keep_small(cache: dict) -> None:
    if len(cache) > _CACHED_IDS:
        cache.clear()


def _unknown_song(record: ListenRecord) -> str:
    if record.song is not None:
        return "the song cannot be added: another song has one of its ids"
    return f"song {record.song_key[:60]!r} is not in the catalog; import the songs first"
