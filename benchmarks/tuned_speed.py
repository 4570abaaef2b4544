"""How long the tuned preset takes: the search, a refit with what it found, everybody's lists, one list, memory.

    python benchmarks/tuned_speed.py --train FILE [--item-features FILE] [--seed N]

The files are those of `benchmarks/quality.py`. Measured is the engine alone, without a database.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from scipy.sparse import csr_matrix

# one thread for BLAS, before numpy is imported: several make the fits up to ten times slower
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.listening_files import Listening, read_listening, refused_in_a_sentence
from benchmarks.speed import Row, print_rows, seconds
from recommendations.engine import PRESETS, Recommender

SEARCH_SECONDS = 240.0
REFIT_SECONDS = 75.0
BATCH_SECONDS = 40.0
LIVE_MS = 10.0
PEAK_MB = 3072.0
LENGTH = 20
N_LIVE = 200


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--item-features", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    data = read_listening(options.train, options.train, options.item_features)
    return print_rows(measure_rows(data, options.seed))


def measure_rows(data: Listening, seed: int) -> Iterator[Row]:
    """Yield the lines as they are measured."""
    interactions = data.interactions
    searched = Recommender(PRESETS["tuned"])
    duration = seconds(lambda: searched.fit(interactions, data.features, seed=seed))
    yield Row("search with the default budget, and fit", duration, "s", SEARCH_SECONDS)
    configured = Recommender(searched.config)
    searched.algorithms.clear()
    duration = seconds(lambda: configured.fit(interactions, data.features, seed=seed))
    yield Row("fit with the settings that were found", duration, "s", REFIT_SECONDS)
    histories = configured.histories(interactions)
    duration = seconds(lambda: configured.recommend_batch(histories, LENGTH))
    yield Row(f"{histories.shape[0]:,} explained lists of {LENGTH}", duration, "s", BATCH_SECONDS)
    yield Row(
        f"one list of {LENGTH} with its reasons, median of {N_LIVE}",
        _live(configured, histories),
        "ms",
        LIVE_MS,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Row("peak memory", peak, "MB", PEAK_MB)


def _live(recommender: Recommender, histories: csr_matrix) -> float:
    chosen = np.random.default_rng(0).choice(histories.shape[0], N_LIVE, replace=False)
    asked = [recommender.history(recommender.item_ids[histories[row].indices]) for row in chosen]
    times = []
    for history in asked:
        start = time.perf_counter()
        list(recommender.recommend(history, LENGTH))
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("tuned_speed", main))
