"""From the tables to the arrays that the engine learns from: the only reader for training."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from django.db import connection
from django.db.models import Max, Model
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from accounts.models import User
from catalog.models import AUDIO_FEATURES, Interaction, Song
from common.bulk_sql import cut_chunks
from recommendations.engine import Interactions, ItemFeatures, Prior
from recommendations.models import ListenerControl, ListenerState, ModelVersion
from recommendations.services.data import column_copy, interaction_rows, stored_events
from recommendations.services.data.column_reader import Columns, Reader, make_reader
from recommendations.services.data.column_store import ColumnStore, Manifest
from recommendations.services.seeds import seed_packs

OnRead = Callable[[int, int], None]
T = TypeVar("T")

BYTES_AN_EVENT = 25
"""Of the arrays of a training."""


@dataclass(frozen=True)
class Generations:
    """The state of each listener before anything of theirs was read: a later change outdates what is made from it.

    `listener_ids` is ascending, int64 (n,); `values` int64 (n,).
    """

    listener_ids: NDArray[np.int64]
    values: NDArray[np.int64]

    def look_up(self, listener_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the generation of each listener, 0 for those who have none yet."""
        if not len(self.listener_ids):
            return np.zeros(len(listener_ids), dtype=np.int64)
        positions = np.searchsorted(self.listener_ids, listener_ids).clip(
            max=len(self.listener_ids) - 1
        )
        return np.where(self.listener_ids[positions] == listener_ids, self.values[positions], 0)


@dataclass(frozen=True)
class TrainingRows:
    """What a training learns from: events, songs, up to which interaction they were read, and a seed pack's prior.

    `genre_ids` names the columns of the songs' genres, int64 (n_genres,).
    """

    interactions: Interactions
    features: ItemFeatures
    last_interaction_id: int
    n_left_out: int
    generations: Generations
    prior: Prior | None = None
    genre_ids: NDArray[np.int64] | None = None


def count_rows() -> tuple[int, int, int]:
    """Return how many interactions, listeners and songs there are: what a memory estimate needs."""
    return Interaction.objects.count(), User.objects.count(), Song.objects.count()


def is_newer_than(version: ModelVersion | None) -> bool:
    """True when something was heard since a version was trained."""
    newest = Interaction.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return newest > (version.last_interaction_id if version else 0)


def count_since(version: ModelVersion | None) -> int:
    """Return how many interactions came in since a version was trained; all of them without one."""
    last = version.last_interaction_id if version else 0
    return Interaction.objects.filter(pk__gt=last).count()


def read(on_progress: OnRead | None = None) -> TrainingRows:
    """Read everything that may be learned from, as of one moment, from the columnar copy.

    The copy is brought up to date first; what comes later has a higher id and is left to the next training. Rows
    are read in ranges of ids, each a short statement, so that SQLite's write-ahead log can be emptied in between.
    """
    tell = on_progress or _ignore
    with make_reader() as source:
        generations = read_generations(source)

    def read_state(
        store: ColumnStore, manifest: Manifest
    ) -> tuple[Interactions, int, ItemFeatures, NDArray[np.int64] | None]:
        with make_reader() as source:
            songs = read_songs(source)
            features, genre_ids = read_features(source, songs)
        ignored = read_ignored_pairs()
        interactions, n_ignored = stored_events.read_interactions(
            store,
            manifest,
            songs["id"],
            songs["duration_ms"],
            lambda events: stored_events.select_learnable(events, ignored),
            tell,
        )
        return interactions, n_ignored, features, genre_ids

    (interactions, n_ignored, features, genre_ids), manifest = column_copy.read_copy(
        tell, read_state
    )
    n_left_out = n_ignored + _count_left_out(manifest.left_out)
    prior = seed_packs.read_prior(interactions.items.ids)
    return TrainingRows(
        interactions, features, manifest.last_id, n_left_out, generations, prior, genre_ids
    )


@dataclass(frozen=True)
class Shards:
    """The events that may be learned from, listeners by listeners: each time it is gone through they are read anew.

    One shard is in memory at a time. `on_read` is called before each with how many of them are read.
    """

    store: ColumnStore
    manifest: Manifest
    songs: Columns
    ignored_pairs: NDArray[np.int64]
    on_read: OnRead

    def __iter__(self) -> Iterator[Interactions]:
        n_shards = len(self.manifest.partitions)
        for number in range(n_shards):
            self.on_read(number, n_shards)
            yield stored_events.read_shard(
                self.store,
                self.manifest,
                number,
                self.songs["id"],
                self.songs["duration_ms"],
                lambda events: stored_events.select_learnable(events, self.ignored_pairs),
            )


def read_shards(measure: Callable[[Shards], T], on_progress: OnRead) -> T:
    """Bring the columnar copy up to date and return what `measure` makes of its shards.

    It is called once more where a listener goes meanwhile. Takes the memory of one shard, some hundred thousand events.
    """

    def read_state(store: ColumnStore, manifest: Manifest) -> T:
        with make_reader() as source:
            songs = read_songs(source)
        return measure(Shards(store, manifest, songs, read_ignored_pairs(), on_progress))

    measured, _manifest = column_copy.read_copy(on_progress, read_state)
    return measured


def _count_left_out(listener_ids: Collection[int]) -> int:
    some = cut_chunks(listener_ids, 500)
    return sum(Interaction.objects.filter(listener_id__in=ids).count() for ids in some)


def read_generations(
    source: Reader, first_listener: int = 0, last_listener: int = 2**62
) -> Generations:
    """Read the generations of a range of listeners; read them before the rows that lists are made from."""
    columns = source.select(
        f"SELECT listener_id, generation FROM {_name_table(ListenerState)} "  # noqa: S608
        f"WHERE listener_id BETWEEN {first_listener:d} AND {last_listener:d} ORDER BY listener_id",
        {"listener": np.int64, "generation": np.int64},
    )
    return Generations(columns["listener"], columns["generation"])


def read_histories(
    first_listener: int, last_listener: int, songs: Columns, item_ids: NDArray[Any]
) -> Interactions:
    """Read what the listeners of a range of ids have done up to now, over the songs of a recommender."""
    with make_reader() as source:
        events = interaction_rows.select_listener_range(source, first_listener, last_listener)
    return _build_interactions(events, _select_allowed(events), songs, item_ids)


def _ignore(done: int, total: int) -> None:
    """Progress that nobody asked for."""


def _name_table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def read_songs(source: Reader) -> Columns:
    """Return the catalog in order of its ids: the order of the matrix's columns."""
    types = {"id": np.int64, "artist": np.int64, "year": np.float32, "duration_ms": np.int64}
    types |= dict.fromkeys(AUDIO_FEATURES, np.float32)
    unknown = ", ".join(
        f"CAST(COALESCE({name}, -1) AS DOUBLE PRECISION)" for name in AUDIO_FEATURES
    )
    return source.select(
        f"SELECT id, artist_id, COALESCE(year, -1), COALESCE(duration_ms, -1), {unknown} "  # noqa: S608
        f"FROM {_name_table(Song)} ORDER BY id",
        types,
    )


def _select_allowed(events: Columns) -> NDArray[np.bool_]:
    """Return which events may be learned from: not of listeners who said no, not of songs they want ignored."""
    silent = User.objects.without_training_consent()
    silent_ids = np.fromiter(silent.values_list("pk", flat=True), dtype=np.int64)
    allowed = ~np.isin(events["listener"], silent_ids)
    return allowed & stored_events.select_learnable(events, read_ignored_pairs())


def read_ignored_pairs() -> NDArray[np.int64]:
    """Return the pairs of listener and song that must not be learned from, as `number_pairs` numbers them."""
    ignored = ListenerControl.objects.filter(
        kind__in=[ListenerControl.Kind.IGNORE_SONG, ListenerControl.Kind.NOT_ME]
    )
    pairs = np.array(list(ignored.values_list("listener_id", "song_id")), dtype=np.int64).reshape(
        -1, 2
    )
    return stored_events.number_pairs(pairs[:, 0], pairs[:, 1])


def _build_interactions(
    events: Columns, keep: NDArray[np.bool_], songs: Columns, item_ids: NDArray[Any]
) -> Interactions:
    kept = {name: column[keep] for name, column in events.items()}
    return Interactions.from_ids(
        kept["listener"],
        kept["song"],
        kinds=kept["kind"],
        plays=kept["plays"],
        played_share=_compute_played_share(kept, songs),
        timestamps=kept["moment"],
        all_item_ids=item_ids,
    )


def _compute_played_share(events: Columns, songs: Columns) -> NDArray[np.float32]:
    """Return the share of each song that was heard, NaN where nobody said how long, or the song is gone."""
    if not len(songs["id"]):
        return np.full(len(events["song"]), np.nan, dtype=np.float32)
    song_rows = np.searchsorted(songs["id"], events["song"]).clip(max=len(songs["id"]) - 1)
    share = stored_events.measure_played_share(events["played_ms"], songs["duration_ms"][song_rows])
    return np.where(songs["id"][song_rows] == events["song"], share, np.float32(np.nan))


def read_features(source: Reader, songs: Columns) -> tuple[ItemFeatures, NDArray[np.int64] | None]:
    """Return what is known of the songs, in the order of `read_songs`, and the ids of the genres."""
    n = len(songs["id"])
    audio = (
        np.array([songs[name] for name in AUDIO_FEATURES], dtype=np.float32)
        .reshape(len(AUDIO_FEATURES), n)
        .T
    )
    year = songs["year"]
    genres, genre_ids = _read_genres(source, songs["id"])
    features = ItemFeatures.build(
        audio=np.where(audio < 0, np.nan, audio),
        artist=_make_dense(songs["artist"]),
        genres=genres,
        year=np.where(year < 0, np.nan, year),
    )
    return features, genre_ids


def _make_dense(ids: NDArray[Any]) -> NDArray[np.int32]:
    return np.unique(ids, return_inverse=True)[1].astype(np.int32)


def _read_genres(
    source: Reader, song_ids: NDArray[Any]
) -> tuple[csr_matrix | None, NDArray[np.int64] | None]:
    sql = f"SELECT song_id, genre_id FROM {_name_table(Song.genres.through)}"  # noqa: S608
    pairs = source.select(sql, {"song": np.int64, "genre": np.int64})
    is_trained = np.isin(pairs["song"], song_ids)
    if not is_trained.any():
        return None, None
    rows = np.searchsorted(song_ids, pairs["song"][is_trained])
    genres, genre_columns = np.unique(pairs["genre"][is_trained], return_inverse=True)
    shape = (len(song_ids), len(genres))
    return csr_matrix((np.ones(len(rows), dtype=bool), (rows, genre_columns)), shape=shape), genres
