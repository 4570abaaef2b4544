"""Batches of listeners through the pipeline, cut into blocks that are worked on by several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from recommendations.engine.core.arrays import NO_SONG
from recommendations.engine.pipeline.block_pipeline import Pipeline
from recommendations.engine.pipeline.packed_lists import RecommendedBatch
from recommendations.engine.pipeline.requests import ListenerBatch, ListRequest

Result = TypeVar("Result")


def map_blocks(
    work: Callable[[ListenerBatch], Result],
    blocks: Sequence[ListenerBatch],
    n_threads: int,
    on_progress: Callable[[int, int], None] | None,
) -> list[Result]:
    """Work on the blocks of listeners, several at once; numpy lets go of the GIL."""
    if len(blocks) == 1:
        return [work(blocks[0])]
    results: list[Result] = []
    sizes = np.cumsum([len(block) for block in blocks]).tolist()
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(n_threads) as pool:
        try:
            for result in pool.map(work, blocks):
                results.append(result)
                if on_progress:
                    on_progress(sizes[len(results) - 1], sizes[-1])
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return results


def make_batch(
    pipeline: Pipeline,
    listeners: ListenerBatch,
    request: ListRequest,
    n_threads: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> RecommendedBatch:
    """Return the explained lists of many listeners; by default one thread a processor."""
    blocks = map_blocks(
        lambda block: pipeline.make_lists(block, request),
        list(pipeline.cut_blocks(listeners)),
        n_threads or (os.cpu_count() or 1),
        on_progress,
    )
    return RecommendedBatch(blocks, len(listeners), request.k)


def rank_batch(
    pipeline: Pipeline,
    listeners: ListenerBatch,
    request: ListRequest,
    n_threads: int | None,
    on_progress: Callable[[int, int], None] | None,
) -> dict[str, NDArray[np.int32]]:
    """Return the lists without explanations and each component's own best songs, int32 (n, k) by name."""
    blocks = list(pipeline.cut_blocks(listeners))
    ranked_blocks = map_blocks(
        lambda block: pipeline.rank_songs(block, request),
        blocks,
        n_threads or (os.cpu_count() or 1),
        on_progress,
    )
    lists = {
        name: np.full((len(listeners), request.k), NO_SONG, dtype=np.int32)
        for name in ranked_blocks[0]
    }
    for block, ranked in zip(blocks, ranked_blocks, strict=True):
        for name, rows in ranked.items():
            lists[name][block.positions, : rows.shape[1]] = rows
    return lists


def find_batch_ranks(
    pipeline: Pipeline,
    listeners: ListenerBatch,
    songs: NDArray[np.int64],
    n_threads: int | None,
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the final score of one song a listener, (n,), and how many songs score above it."""
    blocks = list(pipeline.cut_blocks(listeners))
    results = map_blocks(
        lambda block: pipeline.find_ranks(block, songs[block.positions]),
        blocks,
        n_threads or (os.cpu_count() or 1),
        None,
    )
    scores, ranks = np.empty(len(songs), dtype=np.float32), np.empty(len(songs), dtype=np.int64)
    for block, (own, above) in zip(blocks, results, strict=True):
        scores[block.positions], ranks[block.positions] = own, above
    return scores, ranks
