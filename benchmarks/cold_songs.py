"""How often songs that nobody has heard yet reach those who will like them.

    python benchmarks/cold_songs.py --train FILE --item-features FILE [--preset NAME] [--seed N]

The files are those of `benchmarks/quality.py`. A twentieth of the songs is withheld from the training, listens and all;
only what is known of them (artist, genres, sound) is given. Looked for are the withheld songs of each listener: among
the first 20 when only withheld songs may come, and among the first 200 of the whole catalogue. Popularity cannot tell
songs without listeners apart; random is what chance gives.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags

from benchmarks.listening_files import listening_parser, read_listening, refused_in_a_sentence
from recommendations.engine import PRESETS, Interactions, Recommender
from recommendations.engine.core.arrays import (
    count_per_row,
    keep_positive,
    list_entry_rows,
    select_top_columns,
)
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.evaluation import metrics
from recommendations.engine.evaluation.comparison import bootstrap_intervals

SHARE = 0.05
AMONG_NEW, AMONG_ALL = 20, 200


def main() -> int:
    options = listening_parser(__doc__, needs_features=True).parse_args()
    data = read_listening(options.train, options.train, options.item_features)
    is_new = np.random.default_rng(options.seed).random(data.train.shape[1]) < SHARE
    trained, withheld = _columns(data.train, ~is_new), keep_positive(_columns(data.train, is_new))
    recommender = Recommender(PRESETS[options.preset])
    recommender.fit(Interactions.from_matrix(trained), data.features, seed=options.seed)
    listeners = np.flatnonzero((count_per_row(withheld) > 0) & (count_per_row(trained) > 0))
    histories = recommender.histories(Interactions.from_matrix(trained))[listeners]
    test = csr_matrix(withheld[listeners], dtype=bool)
    print(f"{is_new.sum()} songs withheld, {len(listeners)} listeners have some of them")
    print(f"{'':<14}{f'found in {AMONG_NEW} new songs':>26}{f'in {AMONG_ALL} of all songs':>24}")
    among_new = recommender.recommend_batch(histories, AMONG_NEW, unavailable=~is_new).item_rows
    among_all = recommender.rank_songs(histories, AMONG_ALL)
    _print(
        options.preset,
        _recall(among_new, test, AMONG_NEW),
        _recall(among_all["recommender"], test, AMONG_ALL),
    )
    for name in recommender.component_names:
        new = _best_new(recommender, name, histories, is_new)
        _print(
            f"{name} alone",
            _recall(new, test, AMONG_NEW),
            _recall(among_all[name], test, AMONG_ALL),
        )
    chance = AMONG_NEW / is_new.sum(), AMONG_ALL / (len(is_new) - count_per_row(histories).mean())
    print(f"{'random':<14}{chance[0]:>26.4f}{chance[1]:>24.4f}")
    return 0


def _columns(matrix: csr_matrix, keep: NDArray[np.bool_]) -> csr_matrix:
    kept = csr_matrix(matrix @ diags(keep.astype(np.float32)), dtype=np.float32)
    kept.eliminate_zeros()
    return kept


def _best_new(
    recommender: Recommender, name: str, histories: csr_matrix, is_new: NDArray[np.bool_]
) -> NDArray[np.int32]:
    scores = recommender.algorithms[name].score(histories)
    scores[list_entry_rows(histories), histories.indices] = np.nan
    scores[:, ~is_new] = np.nan
    return select_top_columns(scores, AMONG_NEW)


def _recall(lists: NDArray[np.int32], test: csr_matrix, k: int) -> str:
    values = metrics.recall(find_hits(lists, test), count_per_row(test), k)
    interval = bootstrap_intervals(values[:, None], seed=0)[0]
    return f"{interval.mean:.4f} ({interval.low:.4f}-{interval.high:.4f})" if interval else "nobody"


def _print(name: str, among_new: str, among_all: str) -> None:
    print(f"{name:<14}{among_new:>26}{among_all:>24}", flush=True)


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("cold_songs", main))
