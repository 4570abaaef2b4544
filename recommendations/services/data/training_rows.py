"""From the tables to the arrays that the engine learns from: the only reader for training."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import Max
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from accounts.models import User
from catalog.models import AUDIO_FEATURES, Interaction, Song
from recommendations.conf import conf
from recommendations.engine import Interactions, ItemFeatures, Prior
from recommendations.models import ListenerControl, ListenerState, ModelVersion
from recommendations.services.data import seed_packs
from recommendations.services.data.column_reader import Columns, Reader, reader

OnRead = Callable[[int, int], None]

_EVENT_TYPES = {
    "listener": np.int64,
    "song": np.int64,
    "kind": np.int8,
    "plays": np.int32,
    "played_ms": np.int32,
    "moment": np.int64,
}
BYTES_AN_EVENT = sum(np.dtype(type_).itemsize for type_ in _EVENT_TYPES.values())

USUAL_DURATION_MS = 210_000
"""Length that a song is taken to have while nobody told it: histories say how long was heard and not of how much."""


@dataclass(frozen=True)
class Generations:
    """The state of each listener before anything of theirs was read: a later change outdates what is made from it.

    `listener_ids` is ascending, int64 (n,); `values` int64 (n,).
    """

    listener_ids: NDArray[np.int64]
    values: NDArray[np.int64]

    def of(self, listener_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the generation of each listener, 0 for those who have none yet."""
        if not len(self.listener_ids):
            return np.zeros(len(listener_ids), dtype=np.int64)
        places = np.searchsorted(self.listener_ids, listener_ids).clip(
            max=len(self.listener_ids) - 1
        )
        return np.where(self.listener_ids[places] == listener_ids, self.values[places], 0)


@dataclass(frozen=True)
class TrainingRows:
    """What a training learns from: events, songs, up to which interaction they were read, and a seed pack's prior."""

    interactions: Interactions
    features: ItemFeatures
    last_interaction_id: int
    n_left_out: int
    generations: Generations
    prior: Prior | None = None


def count_rows() -> tuple[int, int, int]:
    """Return how many interactions, listeners and songs there are: what a memory estimate needs."""
    return Interaction.objects.count(), User.objects.count(), Song.objects.count()


def is_newer_than(version: ModelVersion | None) -> bool:
    """True when something was heard since a version was trained."""
    newest = Interaction.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return newest > (version.metadata.get("last_interaction_id", 0) if version else 0)


def count_since(version: ModelVersion | None) -> int:
    """Return how many interactions came in since a version was trained; all of them without one."""
    last = version.metadata.get("last_interaction_id", 0) if version else 0
    return Interaction.objects.filter(pk__gt=last).count()


def read(on_progress: OnRead | None = None) -> TrainingRows:
    """Read everything that may be learned from, as of one moment (T17).

    The newest interaction is looked up first; what comes later has a higher id and is left to the next training. Rows
    are read in ranges of ids, each a short statement, so that SQLite's write-ahead log can be emptied in between.
    """
    with reader() as source:
        generations = read_generations(source)
        last = _last_id(source)
        songs = read_songs(source)
        events = _events(source, last, on_progress or _ignore)
        features = _features(source, songs)
    keep = _select_allowed(events)
    interactions = _interactions(events, keep, songs, songs["id"].astype(np.int64))
    prior = seed_packs.read_prior(interactions.items.ids)
    return TrainingRows(interactions, features, last, int((~keep).sum()), generations, prior)


def read_generations(
    source: Reader, first_listener: int = 0, last_listener: int = 2**62
) -> Generations:
    """Read the generations of a range of listeners; read them before the rows that lists are made from."""
    found = source.select(
        f"SELECT listener_id, generation FROM {_table(ListenerState)} "  # noqa: S608
        f"WHERE listener_id BETWEEN {first_listener:d} AND {last_listener:d} ORDER BY listener_id",
        {"listener": np.int64, "generation": np.int64},
    )
    return Generations(found["listener"], found["generation"])


def read_histories(
    first_listener: int, last_listener: int, songs: Columns, item_ids: NDArray
) -> Interactions:
    """Read what the listeners of a range of ids have done up to now, over the songs of a recommender."""
    with reader() as source:
        events = _select_events(
            source, f"listener_id BETWEEN {first_listener:d} AND {last_listener:d}"
        )
    return _interactions(events, _select_allowed(events), songs, item_ids)


def _ignore(done: int, total: int) -> None:
    """Progress that nobody asked for."""


def _table(model) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _last_id(source: Reader) -> int:
    query = f"SELECT COALESCE(MAX(id), 0) FROM {_table(Interaction)}"  # noqa: S608
    return int(source.select(query, {"last": np.int64})["last"][0])


def read_songs(source: Reader) -> Columns:
    """Return the catalog in order of its ids: the order of the matrix's columns."""
    types = {"id": np.int64, "artist": np.int64, "year": np.float32, "duration_ms": np.int64}
    types |= dict.fromkeys(AUDIO_FEATURES, np.float32)
    unknown = ", ".join(
        f"CAST(COALESCE({name}, -1) AS DOUBLE PRECISION)" for name in AUDIO_FEATURES
    )
    return source.select(
        f"SELECT id, artist_id, COALESCE(year, -1), COALESCE(duration_ms, -1), {unknown} "  # noqa: S608
        f"FROM {_table(Song)} ORDER BY id",
        types,
    )


def _events(source: Reader, last: int, on_progress: OnRead) -> Columns:
    chunks = [{name: np.zeros(0, dtype=type_) for name, type_ in _EVENT_TYPES.items()}]
    for start, end in _ranges(last):
        on_progress(start, last)
        chunks.append(_select_events(source, f"id > {start:d} AND id <= {end:d}"))
    on_progress(last, last)
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in _EVENT_TYPES}


def _ranges(last: int) -> Iterator[tuple[int, int]]:
    return (
        (start, min(start + conf.read_chunk, last)) for start in range(0, last, conf.read_chunk)
    )


def _select_events(source: Reader, which: str) -> Columns:
    return source.select(
        f"SELECT listener_id, song_id, kind, plays, COALESCE(played_ms, -1), {_seconds('occurred_at')} "  # noqa: S608
        f"FROM {_table(Interaction)} WHERE {which}",
        _EVENT_TYPES,
    )


def _seconds(column: str) -> str:
    """Return SQL for a moment in unix seconds, -1 where it is unknown."""
    if connection.vendor == "postgresql":
        return f"COALESCE(CAST(FLOOR(EXTRACT(EPOCH FROM {column})) AS BIGINT), -1)"
    # unixepoch is twice as quick and came with SQLite 3.38
    has_unixepoch = sqlite3.sqlite_version_info >= (3, 38)
    seconds = f"unixepoch({column})" if has_unixepoch else f"strftime('%s', {column})"
    return f"COALESCE(CAST({seconds} AS INTEGER), -1)"


def _select_allowed(events: Columns) -> NDArray[np.bool_]:
    """Return which events may be learned from: not of listeners who said no, not of songs they want ignored."""
    silent = User.objects.exclude(pk__in=User.objects.with_training_consent().values("pk"))
    silent_ids = np.fromiter(silent.values_list("pk", flat=True), dtype=np.int64)
    allowed = ~np.isin(events["listener"], silent_ids)
    ignored = ListenerControl.objects.filter(
        kind__in=[ListenerControl.Kind.IGNORE_SONG, ListenerControl.Kind.NOT_ME]
    )
    pairs = np.array(list(ignored.values_list("listener_id", "song_id")), dtype=np.int64).reshape(
        -1, 2
    )
    return allowed & ~np.isin(
        _pair(events["listener"], events["song"]), _pair(pairs[:, 0], pairs[:, 1])
    )


def _pair(listener_ids: NDArray, song_ids: NDArray) -> NDArray[np.int64]:
    """Return one number a listener and song."""
    return np.asarray(listener_ids.astype(np.int64) * np.int64(2**32) + song_ids, dtype=np.int64)


def _interactions(
    events: Columns, keep: NDArray[np.bool_], songs: Columns, item_ids: NDArray
) -> Interactions:
    kept = {name: column[keep] for name, column in events.items()}
    return Interactions.from_ids(
        kept["listener"],
        kept["song"],
        kinds=kept["kind"],
        plays=kept["plays"],
        played_share=_played_share(kept, songs),
        timestamps=kept["moment"],
        all_item_ids=item_ids,
    )


def _played_share(events: Columns, songs: Columns) -> NDArray[np.float32]:
    """Return the share of each song that was heard, NaN where nobody told how long."""
    if not len(songs["id"]):
        return np.full(len(events["song"]), np.nan, dtype=np.float32)
    place = np.searchsorted(songs["id"], events["song"]).clip(max=len(songs["id"]) - 1)
    duration = songs["duration_ms"][place].astype(np.float32)
    known = (events["played_ms"] >= 0) & (songs["id"][place] == events["song"])
    share = events["played_ms"] / np.where(duration > 0, duration, np.float32(USUAL_DURATION_MS))
    return np.where(known, share, np.nan).astype(np.float32)


def _features(source: Reader, songs: Columns) -> ItemFeatures:
    n = len(songs["id"])
    audio = (
        np.array([songs[name] for name in AUDIO_FEATURES], dtype=np.float32)
        .reshape(len(AUDIO_FEATURES), n)
        .T
    )
    year = songs["year"]
    return ItemFeatures.build(
        audio=np.where(audio < 0, np.nan, audio),
        artist=_dense(songs["artist"]),
        genres=_genres(source, songs["id"]),
        year=np.where(year < 0, np.nan, year),
    )


def _dense(ids: NDArray) -> NDArray[np.int32]:
    return np.unique(ids, return_inverse=True)[1].astype(np.int32)


def _genres(source: Reader, song_ids: NDArray) -> csr_matrix | None:
    sql = f"SELECT song_id, genre_id FROM {_table(Song.genres.through)}"  # noqa: S608
    pairs = source.select(sql, {"song": np.int64, "genre": np.int64})
    known = np.isin(pairs["song"], song_ids)
    if not known.any():
        return None
    rows = np.searchsorted(song_ids, pairs["song"][known])
    genres, places = np.unique(pairs["genre"][known], return_inverse=True)
    shape = (len(song_ids), len(genres))
    return csr_matrix((np.ones(len(rows), dtype=bool), (rows, places)), shape=shape)
