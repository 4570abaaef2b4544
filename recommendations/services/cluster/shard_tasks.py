"""What a machine of the cluster does with one shard: read it, and give its share as bytes or as columns.

Each function takes the folder of the job as text and the number of the shard, so that it can be sent anywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine import Interactions, Recommender, RecommenderConfig, shards
from recommendations.services.cluster.job_folder import (
    MEASURED,
    Arrays,
    JobFolder,
    pack_arrays,
    unpack_arrays,
)
from recommendations.services.cluster.shard_reader import ShardReader

Columns = dict[str, NDArray[Any]]

_PAIRS = ("window", "ends")
_COUNTS = ("n_events", "n_pairs", "n_in_crowd", "n_who_like")


# --- One shard --------------------------------------------------------------------------------------------------------


def survey_shard(folder: str, fit: str, number: int) -> bytes:
    """Return the survey of a shard."""
    reader = ShardReader(JobFolder(Path(folder)))
    config = reader.request.recommender_config
    survey = shards.Survey.measure(_read(reader, fit, number), config.weighting)
    return pack_arrays(pack_survey(survey))


def sum_shard(folder: str, fit: str, number: int) -> bytes:
    """Return what a shard adds to the trend, the crowd, and the lengths of the songs."""
    reader = ShardReader(JobFolder(Path(folder)))
    config = reader.request.recommender_config
    survey = read_survey(JobFolder(Path(folder)), fit)
    events = _read(reader, fit, number)
    strengths = events.to_matrix(config.weighting)
    sums: Arrays = {"n_shared": np.array([survey.count_shared(strengths)])}
    for name, algorithm in _list_components(config).items():
        if algorithm.name == "popularity" and survey.ends is not None:
            recency = shards.Recency.measure(events, survey.ends, algorithm.half_life_days)
            sums |= {f"{name}.trend": recency.trend, f"{name}.n_recent": recency.n_recent}
        elif algorithm.name == "item_knn":
            sums[f"{name}.squares"] = shards.sum_squares(algorithm, survey.cap(strengths))
    return pack_arrays(sums)


def count_shard(folder: str, fit: str, component: str, number: int) -> Iterator[tuple[int, bytes]]:
    """Yield a shard's parts of the products of songs, each with the number of its block."""
    reader = ShardReader(JobFolder(Path(folder)))
    config = reader.request.recommender_config
    strengths = _cap(JobFolder(Path(folder)), fit, config, _read(reader, fit, number))
    algorithm = _list_components(config)[component]
    for share in shards.count_together(algorithm, strengths):
        yield share.block, pack_rows(share)


def rate_shard(folder: str, fit: str, component: str, number: int, first_row: int) -> Columns:
    """Return a shard's ratings for MLlib: f(strength) with its sign; listeners are numbered from `first_row` on."""
    reader = ShardReader(JobFolder(Path(folder)))
    config = reader.request.recommender_config
    strengths = _cap(JobFolder(Path(folder)), fit, config, _read(reader, fit, number))
    values = shards.transform_for_als(_list_components(config)[component], strengths)
    rows = np.repeat(np.arange(strengths.shape[0]), np.diff(strengths.indptr))
    return {
        "user": (rows + first_row).astype(np.int32),
        "item": strengths.indices.astype(np.int32),
        "rating": values,
    }


def sample_shard(folder: str, number: int) -> bytes:
    """Return the histories of the listeners of a shard who have songs held out, and these songs."""
    reader = ShardReader(JobFolder(Path(folder)))
    train, test = reader.read_split(number)
    is_chosen = np.diff(test.indptr) > 0
    given = train.take(is_chosen[train.listener_rows])
    test_rows = np.repeat(np.arange(test.shape[0]), np.diff(test.indptr))
    return pack_arrays(
        {
            "listener": train.listeners.ids[given.listener_rows],
            "item": given.item_rows,
            "kind": given.kinds,
            "plays": given.plays,
            "share": given.played_share,
            "moment": given.timestamps,
            "test_listener": train.listeners.ids[test_rows],
            "test_item": test.indices.astype(np.int32),
        }
    )


def _list_components(config: RecommenderConfig) -> dict[str, Any]:
    """Return the algorithms by name; of which class each is follows from the step that a shard is asked for."""
    return dict(Recommender(config).algorithms)


def _read(reader: ShardReader, fit: str, number: int) -> Interactions:
    return reader.read_split(number)[0] if fit == MEASURED else reader.read(number)


def _cap(
    folder: JobFolder, fit: str, config: RecommenderConfig, events: Interactions
) -> csr_matrix:
    return read_survey(folder, fit).cap(events.to_matrix(config.weighting))


# --- All parts of one block -------------------------------------------------------------------------------------------


def select_block(
    folder: str, fit: str, component: str, block: int, packed: Sequence[bytes]
) -> bytes:
    """Return the nearest songs of each song of a block, from all shards' parts of it."""
    job = JobFolder(Path(folder))
    algorithm = _list_components(job.read_request().recommender_config)[component]
    squares = job.read_arrays(f"{fit}-sums")[f"{component}.squares"]
    shares = [unpack_rows(block, share) for share in packed]
    return pack_rows(shards.select_neighbours(algorithm, shares, squares))


# --- As bytes ---------------------------------------------------------------------------------------------------------


def pack_rows(share: shards.PartialRows) -> bytes:
    return pack_arrays({"values": share.values, "columns": share.columns, "starts": share.starts})


def unpack_rows(block: int, packed: bytes) -> shards.PartialRows:
    return shards.PartialRows(block, **unpack_arrays(packed))


def pack_survey(survey: shards.Survey) -> Arrays:
    arrays: Arrays = {}
    for field in fields(survey):
        value = getattr(survey, field.name)
        arrays[field.name] = np.array([] if value is None else value)
    return arrays


def unpack_survey(arrays: Arrays) -> shards.Survey:
    values: dict[str, Any] = {field.name: arrays[field.name] for field in fields(shards.Survey)}
    values |= {name: int(arrays[name]) for name in _COUNTS}
    for name in _PAIRS:
        pair = arrays[name]
        values[name] = (int(pair[0]), int(pair[1])) if len(pair) else None
    return shards.Survey(**values | {"digest": str(arrays["digest"])})


def read_survey(folder: JobFolder, fit: str) -> shards.Survey:
    return unpack_survey(folder.read_arrays(f"{fit}-survey"))
