"""What kinds of recommenders are worth, each alone: the claims of a design beside what was measured.

    python benchmarks/families.py --train FILE --test FILE [--seed N] [--only NAME ...] [--json OUT]

The files are those of `benchmarks/quality.py`. Everything learns from the listens alone, with one setting that is good
on most listening data, and ranks the full catalogue. Given is NDCG@10, the ratio to the best row, coverage, seconds of
the fit and milliseconds a list. Neural collaborative filtering and, where the order of listening is known, a
transformer are measured where torch is installed, which the project does without (requirements-families.txt says how).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.listening_files import BadFile, Listening, read_listening, refused_in_a_sentence
from benchmarks.softmax_mf import SoftmaxMF
from recommendations.engine import PRESETS, TrainingData
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.arrays import (
    count_per_row,
    cut_blocks,
    list_entry_rows,
    select_top_columns,
)
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.evaluation import metrics
from recommendations.engine.tuning.search_space import EASE_PLUS

K = 10
BLOCK = 256
Scorer = Callable[[NDArray[np.intp]], NDArray[np.float32]]


@dataclass(frozen=True)
class Family:
    """One row of the table."""

    name: str
    ndcg: float
    coverage: float
    fit_seconds: float
    list_ms: float


def component(name: str, **options: Any) -> Callable[[csr_matrix, int], Scorer]:
    """Return what fits one of our algorithms on the listens."""

    def fit(strengths: csr_matrix, seed: int) -> Scorer:
        algorithm = create_algorithm(name, options).fit(TrainingData(strengths), seed=seed)
        return lambda rows: algorithm.score(strengths[rows])

    return fit


def fit_bpr(strengths: csr_matrix, seed: int) -> Scorer:
    from implicit.cpu.bpr import BayesianPersonalizedRanking

    model = BayesianPersonalizedRanking(
        factors=32, learning_rate=0.02, regularization=0.03, iterations=200, random_state=seed
    )
    model.fit(strengths, show_progress=False)
    return lambda rows: model.user_factors[rows] @ model.item_factors.T


def fit_softmax_mf(strengths: csr_matrix, seed: int) -> Scorer:
    return SoftmaxMF(seed=seed).fit(strengths).score


FAMILIES: dict[str, Callable[[csr_matrix, int], Scorer]] = {
    "popularity": component("popularity"),
    "ALS": component("als", n_factors=64, regularization=90.0, alpha=20.0, transform="binary"),
    "SGD-MF (BPR)": fit_bpr,
    "softmax MF": fit_softmax_mf,
    "item kNN": component("item_knn"),
    "user kNN": component("user_knn"),
    "iALS": component("ials", regularization=60.0),
    "softmax": component("softmax", n_factors=192),
    "EASE": component("ease"),
    "EASE+": component("ease", **EASE_PLUS),
    "EASE+, 50 neighbours": component("ease", **EASE_PLUS, n_neighbours=50),
    "EASE+, 100 neighbours": component("ease", **EASE_PLUS, n_neighbours=100),
    "EASE+, 200 neighbours": component("ease", **EASE_PLUS, n_neighbours=200),
}
"""The design's families and the engine's, by name."""


def list_families(data: Listening) -> dict[str, Callable[[csr_matrix, int], Scorer]]:
    """Return what can be fitted here: the neural ones need torch, the transformer the order of listening, too."""
    families = dict(FAMILIES)
    if importlib.util.find_spec("torch") is None:
        return families
    from benchmarks.neural import fit_neumf, fit_sasrec

    families["neural CF (NeuMF)"] = fit_neumf
    order = data.order
    if order is not None:
        families["transformer (SASRec)"] = lambda heard, seed: fit_sasrec(heard, order, seed)
    return families


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="families whose name starts so")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args()
    data = read_listening(options.train, options.test)
    families = measure(data, options.seed, tuple(options.only or [""]))
    if options.json:
        rows = [asdict(family) for family in families]
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(data: Listening, seed: int, beginnings: tuple[str, ...] = ("",)) -> list[Family]:
    """Fit and measure every family whose name begins so; print a line for each, and at the end the ratios to the best.

    Raises
    ------
    BadFile
        No family's name begins so.
    """
    strengths = data.interactions.to_matrix(PRESETS["tuned"].weighting)
    families = []
    chosen = {name: fit for name, fit in list_families(data).items() if name.startswith(beginnings)}
    if not chosen:
        raise BadFile(f"--only {' '.join(beginnings)}: no family's name begins so.")
    for name, fit in chosen.items():
        families.append(_measure_family(name, fit, strengths, data, seed))
        print(f"{name:<22}{families[-1].ndcg:.4f}", flush=True)
    best = max(family.ndcg for family in families)
    print(f"\n{'':<22}{'NDCG@10':>9}{'ratio':>7}{'cov@10':>8}{'fit s':>8}{'ms a list':>11}")
    for one in sorted(families, key=lambda family: -family.ndcg):
        print(
            f"{one.name:<22}{one.ndcg:>9.4f}{one.ndcg / best if best else 0:>7.2f}{one.coverage:>8.3f}"
            f"{one.fit_seconds:>8.1f}{one.list_ms:>11.2f}"
        )
    return families


def _measure_family(
    name: str,
    fit: Callable[[csr_matrix, int], Scorer],
    strengths: csr_matrix,
    data: Listening,
    seed: int,
) -> Family:
    started = time.process_time()
    score = fit(strengths, seed)
    fit_seconds = time.process_time() - started
    listeners = np.flatnonzero(count_per_row(data.test))
    started = time.process_time()
    batches = []
    for some in cut_blocks(len(listeners), BLOCK):
        rows = listeners[some]
        scores = np.array(score(rows), dtype=np.float32)
        scores[list_entry_rows(data.train[rows]), data.train[rows].indices] = np.nan
        best = select_top_columns(scores, K)
        batches.append(np.pad(best, ((0, 0), (0, K - best.shape[1])), constant_values=-1))
    list_ms = 1000 * (time.process_time() - started) / max(len(listeners), 1)
    lists, test = np.concatenate(batches), data.test[listeners]
    ndcg = metrics.ndcg(find_hits(lists, test), count_per_row(test), K)
    return Family(
        name, float(ndcg.mean()), metrics.coverage(lists, test.shape[1], K), fit_seconds, list_ms
    )


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("families", main))
