"""Lists computed ahead of time, so that most pages only read one row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

import numpy as np
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from accounts.models import User
from catalog.models import Interaction, Song
from recommendations.conf import conf
from recommendations.engine import (
    Recommender,
    cut_blocks,
)
from recommendations.models import ListenerControl, ModelVersion, RecommendationList, Taste
from recommendations.services.data import training_rows
from recommendations.services.data.active_listeners import select_active_listeners
from recommendations.services.data.column_reader import Columns, make_reader
from recommendations.services.data.training_rows import Generations, TrainingRows
from recommendations.services.lists import exclusions, list_rules
from recommendations.services.lists.batch_lists import (
    BatchWithoutRepeats,
    WorkVersions,
    make_batch_lists,
    mark_dislikes,
    mark_hidden,
    select_events,
)
from recommendations.services.lists.list_request import AS_CONFIGURED
from recommendations.services.versions import registry

OnProgress = Callable[[str, int, int], None]
Keep = Callable[[int, int], None]

STAGE = "precomputing"

WRITTEN_TOGETHER = 2_500
"""Lists of one transaction: no other write waits longer than these take."""


def precompute(
    version: ModelVersion,
    *,
    rows: TrainingRows | None = None,
    on_progress: OnProgress | None = None,
    after: int = 0,
    keep: Keep | None = None,
    is_turn_over: Callable[[], bool] = lambda: False,
    only_outdated: bool = False,
) -> int:
    """Compute the list of every active listener with a history under one version; return how many were written.

    Memory is bounded by `precompute_batch`: a batch is computed on all processors, then written. (Writing one while the
    next is computed takes longer: both want the interpreter. Small batches do, too: in a large one more listeners have
    histories of the same length.) Who has a discovery setting of their own is served live.

    Parameters
    ----------
    rows
        What a training has just read, to make the lists from; without it the histories are read batch by batch. Who did
        something since gets a list of an old generation, which is not served.
    after
        Begin behind this listener's number.
    keep
        Called as `keep(last_listener_id, n_written)` in each transaction that wrote lists; what it
        raises takes them back.
    only_outdated
        Leave out who has a list of this version that may be served: nothing about its listener changed since.
    is_turn_over
        Asked after every batch; True ends the work there.
    """
    recommender = registry.load_recommender(version)
    histories: _HistorySource = (
        _TrainingHistories(rows, recommender) if rows else _DatabaseHistories(recommender)
    )
    unavailable = exclusions.build_catalog_mask(version, recommender)
    versions = exclusions.get_work_versions(version, recommender)
    listener_ids = select_listeners(histories.list_listener_ids())
    listener_ids = listener_ids[listener_ids > after]
    if only_outdated:
        listener_ids = listener_ids[~np.isin(listener_ids, find_current(version))]
    tell = on_progress or _ignore
    n, n_written = len(listener_ids), 0
    for batch in cut_blocks(n, conf.precompute_batch):
        # a batch of one block tells nothing of itself
        tell(STAGE, batch.start, n)
        block = histories.read_block(listener_ids[batch])
        lists = compute_lists(
            recommender, block, unavailable, versions, _report_part(tell, batch.start, n)
        )
        for chunk in cut_blocks(len(block.listener_ids), WRITTEN_TOGETHER):
            n_written += write_lists(_make_rows(version, block, lists, chunk), block.read_at, keep)
        if is_turn_over():
            return n_written
    tell(STAGE, n, n)
    return n_written


def _report_part(tell: OnProgress, start: int, n: int) -> OnProgress:
    """Return what tells the progress of one batch as that of all."""

    def tell_part(_stage: str, done: int, _total: int) -> None:
        tell(STAGE, start + done, n)

    return tell_part


def _ignore(stage: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""


def select_listeners(listener_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return who of them gets a list: active lately, personalised, without settings of how it is made.

    Nobody while the operator has rules for all lists: these are made when they are asked for.
    """
    if any(value is not None for value in list_rules.read_site_rules().values()):
        return listener_ids[:0]
    active = select_active_listeners().values("pk")
    allowed = (
        User.objects.with_training_consent().filter(pk__in=active).values_list("pk", flat=True)
    )
    has_rules = Q(pk__in=())
    for term in Taste.TERMS:
        has_rules |= Q(**{f"{term}__isnull": False})
    special = set(
        Taste.objects.filter(~Q(discovery=AS_CONFIGURED) | has_rules).values_list(
            "listener_id", flat=True
        )
    )
    special |= set(Taste.songs.through.objects.values_list("taste_id", flat=True))
    special |= set(
        ListenerControl.objects.filter(kind__in=ListenerControl.MOODS).values_list(
            "listener_id", flat=True
        )
    )
    is_wanted = np.isin(listener_ids, np.fromiter(allowed, dtype=np.int64))
    return listener_ids[
        is_wanted & ~np.isin(listener_ids, np.array(sorted(special), dtype=np.int64))
    ]


def find_current(version: ModelVersion) -> NDArray[np.int64]:
    """Return who has a list of this version from their present state."""
    is_current = Q(generation=F("listener__listener_state__generation"))
    is_current |= Q(generation=0, listener__listener_state=None)
    lists = RecommendationList.objects.filter(is_current, version=version)
    return np.fromiter(lists.values_list("listener_id", flat=True).iterator(), dtype=np.int64)


# --- What listeners did -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _ListenerBlock:
    """Listeners in ascending order of their ids, what they did, and the state that was read.

    `histories` and `disliked` are float32 csr (n_listeners, n_items).
    """

    listener_ids: NDArray[np.int64]
    histories: csr_matrix
    disliked: csr_matrix
    generations: NDArray[np.int64]
    read_at: datetime


class _HistorySource(Protocol):
    """Where histories come from."""

    def list_listener_ids(self) -> NDArray[np.int64]:
        """Return who has a history, ascending."""

    def read_block(self, listener_ids: NDArray[np.int64]) -> _ListenerBlock:
        """Return what these listeners did."""


class _TrainingHistories:
    """Histories that a training read."""

    def __init__(self, rows: TrainingRows, recommender: Recommender) -> None:
        self._rows = rows
        self._recommender = recommender
        self._read_at = timezone.now()

    def list_listener_ids(self) -> NDArray[np.int64]:
        return np.sort(self._rows.interactions.listeners.ids)

    @cached_property
    def _matrices(self) -> tuple[csr_matrix, csr_matrix]:
        events = self._rows.interactions
        return self._recommender.histories(events), mark_dislikes(events, self._recommender)

    def read_block(self, listener_ids: NDArray[np.int64]) -> _ListenerBlock:
        histories, disliked = self._matrices
        rows = self._rows.interactions.listeners.rows(listener_ids)
        generations = self._rows.generations.look_up(listener_ids)
        return _ListenerBlock(
            listener_ids, histories[rows], disliked[rows], generations, self._read_at
        )


class _DatabaseHistories:
    """Histories as they are now, read for one range of ids after the other."""

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender
        with make_reader() as source:
            self._songs: Columns = training_rows.read_songs(source)

    def list_listener_ids(self) -> NDArray[np.int64]:
        heard = (
            Interaction.objects.order_by("listener_id")
            .values_list("listener_id", flat=True)
            .distinct()
        )
        return np.fromiter(heard, dtype=np.int64)

    def read_block(self, listener_ids: NDArray[np.int64]) -> _ListenerBlock:
        # Read first which state the lists will be about: a like during the work then outdates them.
        read_at = timezone.now()
        first, last = int(listener_ids[0]), int(listener_ids[-1])
        with make_reader() as source:
            generations: Generations = training_rows.read_generations(source, first, last)
        events = training_rows.read_histories(first, last, self._songs, self._recommender.item_ids)
        # a range of ids may hold others, who get no list
        events = select_events(listener_ids, events)
        ids = events.listeners.ids
        histories = self._recommender.histories(events)
        return _ListenerBlock(
            ids,
            histories,
            mark_dislikes(events, self._recommender),
            generations.look_up(ids),
            read_at,
        )


def list_hidden_pairs(first: int, last: int) -> NDArray[np.int64]:
    """Return what the listeners of a range of ids hid or do not want to be learned from: ids, int64 (n, 2)."""
    return np.array(list(_iterate_hidden_pairs(first, last)), dtype=np.int64).reshape(-1, 2)


def _iterate_hidden_pairs(first: int, last: int) -> Iterator[tuple[int, int]]:
    controls = ListenerControl.objects.filter(listener_id__gte=first, listener_id__lte=last)
    songs = controls.filter(kind__in=ListenerControl.NOT_OFFERED, song__isnull=False)
    yield from songs.values_list("listener_id", "song_id")
    artists = controls.filter(kind=ListenerControl.Kind.HIDE_ARTIST).values_list(
        "listener_id", "artist_id"
    )
    for listener_id, artist_id in artists:
        for song_id in Song.objects.by_artists([artist_id]).values_list("pk", flat=True):
            yield listener_id, song_id


# --- Making and writing lists -----------------------------------------------------------------------------------------


ListRow = tuple[int, int, str, int, str]
"""Listener, version, the list as JSON, generation, segment."""


def compute_lists(
    recommender: Recommender,
    block: _ListenerBlock,
    unavailable: NDArray[np.bool_] | None,
    versions: WorkVersions,
    on_progress: OnProgress,
) -> BatchWithoutRepeats:
    pairs = list_hidden_pairs(int(block.listener_ids[0]), int(block.listener_ids[-1]))
    exclude = block.disliked
    if len(pairs):
        exclude = exclude + mark_hidden(pairs, block.listener_ids, recommender)
    return make_batch_lists(
        recommender,
        block.histories,
        exclude,
        unavailable,
        versions,
        conf.precomputed_length,
        on_progress,
    )


def _make_rows(
    version: ModelVersion, block: _ListenerBlock, lists: BatchWithoutRepeats, rows: slice
) -> list[ListRow]:
    ids, generations = block.listener_ids[rows].tolist(), block.generations[rows].tolist()
    return [
        (listener_id, version.pk, lists.pack_json(position), generation, lists.segment(position))
        for position, listener_id, generation in zip(
            range(rows.start, rows.stop), ids, generations, strict=True
        )
    ]


def write_lists(rows: Sequence[ListRow], computed_at: datetime, keep: Keep | None) -> int:
    """Write a batch with one executemany; return how many were written.

    A list from an older state of its listener replaces nothing newer, and who left meanwhile gets none.
    """
    table = connection.ops.quote_name(RecommendationList._meta.db_table)
    users = connection.ops.quote_name(User._meta.db_table)
    is_postgresql = connection.vendor == "postgresql"
    items, lock = ("%s::jsonb", " FOR KEY SHARE") if is_postgresql else ("%s", "")
    sql = (
        f"INSERT INTO {table} (listener_id, version_id, items, generation, segment, computed_at) "  # noqa: S608
        f"SELECT id, %s, {items}, %s, %s, {'%s::timestamptz' if is_postgresql else '%s'} "
        f"FROM {users} WHERE id = %s{lock} ON CONFLICT (listener_id, version_id) DO UPDATE SET "
        "items = excluded.items, generation = excluded.generation, segment = excluded.segment, "
        f"computed_at = excluded.computed_at WHERE excluded.generation >= {table}.generation"
    )
    when = connection.ops.adapt_datetimefield_value(computed_at)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(sql, [(*row[1:], when, row[0]) for row in rows])
        n_written: int = cursor.rowcount
        if keep is not None:
            keep(rows[-1][0], n_written)
    return n_written
