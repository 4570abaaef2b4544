"""How good lists are for new listeners, by how many songs of theirs are known.

    python benchmarks/cold_start.py --train FILE [--item-features FILE] [--preset NAME] [--seed N]

The files are those of `benchmarks/quality.py`. A fifth of the listeners is kept out of the training; 0, 1, 2, 3, 5
and 10 of their songs are given, in random order since the files tell none, and the songs after the tenth are looked
for, the same ones each time. Beside the lists stand popularity, user kNN and item kNN with the settings that are good
on most listening data, and the interval of the paired difference to them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.listening_files import listening_parser, read_listening, refused_in_a_sentence
from recommendations.engine import PRESETS, Recommender, TrainingData
from recommendations.engine.algorithms import Algorithm, create_algorithm
from recommendations.engine.core.arrays import (
    count_per_row,
    cut_blocks,
    list_entry_rows,
    select_top_columns,
)
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.evaluation import bootstrap_pairs, metrics, split_by_listener
from recommendations.engine.evaluation.comparison import bootstrap_intervals

GIVEN = (0, 1, 2, 3, 5, 10)
PLAIN = {
    "user_knn": {"n_neighbours": 100, "idf_power": 1.0, "transform": "log"},
    "item_knn": {"n_neighbours": 500, "similarity": "tfidf", "transform": "log"},
}
"""The methods that lists for new listeners have to be as good as."""
K = 10
BLOCK = 256


def main() -> int:
    options = listening_parser(__doc__).parse_args()
    data = read_listening(options.train, options.train, options.item_features)
    interactions = data.interactions
    # a matrix lists each listener's songs by number, which often says how well known they are
    order = np.random.default_rng(options.seed).permutation(interactions.n_events)
    interactions = interactions.take(order)
    last = split_by_listener(interactions, seed=options.seed, n_given=max(GIVEN))
    recommender = Recommender(PRESETS[options.preset]).fit(
        last.train, data.features, seed=options.seed
    )
    learned = TrainingData(last.train.to_matrix(PRESETS[options.preset].weighting))
    plain = {
        name: create_algorithm(name, settings).fit(learned, seed=options.seed)
        for name, settings in PLAIN.items()
    }
    listeners = np.flatnonzero(count_per_row(last.test))
    test = last.test[listeners]
    print(f"{len(listeners)} new listeners\n{'given':>5}  {'system':<12}{'NDCG@10':>8}")
    for n in GIVEN:
        given = (
            split_by_listener(interactions, seed=options.seed, n_given=n).given
            if n
            else last.given.take(np.zeros(last.given.n_events, dtype=bool))
        )
        histories = recommender.histories(given)[listeners]
        lists = recommender.rank_songs(histories, K)
        systems = {name: lists[name] for name in ("recommender", "popularity")}
        systems |= {name: _list_songs(algorithm, histories) for name, algorithm in plain.items()}
        ndcg = {
            name: metrics.ndcg(find_hits(rows, test), count_per_row(test), K)
            for name, rows in systems.items()
        }
        for name, values in ndcg.items():
            interval = bootstrap_intervals(values[:, None], seed=options.seed)[0]
            if interval:
                print(
                    f"{n:>5}  {name:<12}{interval.mean:>8.4f} ({interval.low:.4f}-{interval.high:.4f})"
                    f"{_compare(ndcg['recommender'], values, options.seed) if name != 'recommender' else ''}",
                    flush=True,
                )
    return 0


def _list_songs(algorithm: Algorithm, histories: csr_matrix) -> NDArray[np.int32]:
    """Return an algorithm's own lists, (n, K), -1 where one ends early."""
    batches = []
    for rows in cut_blocks(histories.shape[0], BLOCK):
        scores = algorithm.score(histories[rows])
        scores[list_entry_rows(histories[rows]), histories[rows].indices] = np.nan
        best = select_top_columns(scores, K)
        batches.append(np.pad(best, ((0, 0), (0, K - best.shape[1])), constant_values=-1))
    return np.concatenate(batches)


def _compare(ours: NDArray[np.float64], theirs: NDArray[np.float64], seed: int) -> str:
    difference = bootstrap_pairs(ours, theirs, seed=seed)
    return f"  ours {difference.mean:+.4f} ({difference.low:+.4f} to {difference.high:+.4f})"


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("cold_start", main))
