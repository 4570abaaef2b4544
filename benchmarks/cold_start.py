"""How good lists are for new listeners, by how many songs of theirs are known.

    python benchmarks/cold_start.py --train FILE [--item-features FILE] [--preset NAME] [--seed N]

The files are those of `benchmarks/quality.py`. A fifth of the listeners is kept out of the training; 0, 1, 2, 5
and 10 of their songs are given, in random order since the files tell none, and the songs after the tenth are looked
for, the same ones each time.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.listening_files import listening_parser, read_listening, refused_in_a_sentence
from recommendations.engine import PRESETS, Recommender
from recommendations.engine.core.arrays import count_per_row
from recommendations.engine.evaluation import listener_split, metrics
from recommendations.engine.evaluation.comparison import bootstrap_intervals

GIVEN = (0, 1, 2, 5, 10)
K = 10


def main() -> int:
    options = listening_parser(__doc__).parse_args()
    data = read_listening(options.train, options.train, options.item_features)
    interactions = data.interactions
    # a matrix lists each listener's songs by number, which often says how well known they are
    order = np.random.default_rng(options.seed).permutation(interactions.n_events)
    interactions = interactions.take(order)
    last = listener_split(interactions, seed=options.seed, n_given=max(GIVEN))
    recommender = Recommender(PRESETS[options.preset]).fit(
        last.train, data.features, seed=options.seed
    )
    listeners = np.flatnonzero(count_per_row(last.test))
    test = last.test[listeners]
    print(f"{len(listeners)} new listeners\n{'given':>5}  {'system':<12}{'NDCG@10':>8}")
    for n in GIVEN:
        given = (
            listener_split(interactions, seed=options.seed, n_given=n).given
            if n
            else last.given.take(np.zeros(last.given.n_events, dtype=bool))
        )
        lists = recommender.rank_songs(recommender.histories(given)[listeners], K)
        for system in ("recommender", "popularity"):
            hits = metrics.find_hits(lists[system], test)
            interval = bootstrap_intervals(
                metrics.ndcg(hits, count_per_row(test), K)[:, None], seed=options.seed
            )[0]
            if interval:
                print(
                    f"{n:>5}  {system:<12}{interval.mean:>8.4f} ({interval.low:.4f}-{interval.high:.4f})"
                )
    return 0


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("cold_start", main))
