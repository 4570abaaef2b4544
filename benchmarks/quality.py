"""How good the lists are, beside each algorithm alone, implicit's own ALS and popularity.

    python benchmarks/quality.py --train FILE --test FILE [--item-features FILE] [--preset NAME] [--seed N]
                                 [--budget SECONDS] [--json OUT]

Train and test are scipy .npz CSR matrices (listeners x items) or CSV (listener,item[,value]). Item features are a CSV
whose first column is the item (the column number, from 0, with .npz) and whose other columns are numbers (audio, year;
empty = unknown) or text (artist, genre). Everything is fitted on train only, the ranker and all settings included; the
full catalogue is ranked without the train items. Each system runs in a process of its own, so that its peak memory is
its own. Components learn from the listens alone (content from the features); where items have artists or genres, the
rows "told" (kind `ablation`) show what an algorithm alone makes of listens and features together. Without --budget the
search makes its default number of trials, and the result is the same each time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

# one thread for BLAS, before numpy is imported: several make the fits up to ten times slower
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import resource
import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.listening_files import (
    BadFile,
    Listening,
    listening_parser,
    read_listening,
    refused_in_a_sentence,
)
from recommendations.engine import (
    PRESETS,
    NotEnoughData,
    Recommender,
    RecommenderConfig,
    TrainingData,
    learn_weights,
    sample_split,
)
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.arrays import (
    count_per_row,
    cut_blocks,
    list_entry_rows,
    select_top_columns,
)
from recommendations.engine.core.config import SearchConfig
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.data.side_information import has_side_information
from recommendations.engine.evaluation import bootstrap_pairs, metrics
from recommendations.engine.evaluation.comparison import bootstrap_intervals
from recommendations.engine.tuning.hyperparameter_search import search_component

COMPONENTS = ("als", "ials", "softmax", "ease", "item_knn", "user_knn", "content", "popularity")
TOLD = ("als", "ials", "softmax", "ease", "item_knn")
PEER = "implicit_als_defaults"
NAMES = ("ndcg@10", "recall@20", "precision@10")
DEPTH = 20
BLOCK = 256
N_WEIGHING = 1_200
"""Listeners who have songs held out of the training part to find weights."""


@dataclass(frozen=True)
class Task:
    """One system to measure."""

    name: str
    kind: str
    train: Path
    test: Path
    item_features: Path | None
    seed: int
    budget: float | None


@dataclass(frozen=True)
class Measured:
    """Lists for listeners with something in the test part, and what they cost."""

    lists: NDArray[np.int32]
    longer: NDArray[np.int32]
    fit_seconds: float
    peak_mb: float


def main() -> int:
    options = _options()
    result = measure(options, read_listening(options.train, options.test, options.item_features))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = listening_parser(__doc__)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument(
        "--budget", type=float, metavar="SECONDS", help="for each search; default: by trials"
    )
    parser.add_argument("--json", type=Path, metavar="OUT")
    return parser.parse_args()


def measure(options: argparse.Namespace, data: Listening) -> dict[str, Any]:
    """Measure every system, print a line for each, and return what --json writes."""
    if not data.test.nnz:
        raise BadFile(f"{options.test} holds nothing to find again.")
    kinds = [(options.preset, "preset"), *((name, "component") for name in COMPONENTS)]
    if has_side_information(data.features):
        kinds += [(f"{name} told artists and genres", "ablation") for name in TOLD]
    kinds.append((PEER, "peer"))
    files = (options.train, options.test, options.item_features)
    systems, values = [], {}
    print(
        f"{'':<34}{'NDCG@10':>26}{'Recall@20':>11}{'Prec@10':>9}{'cov@10':>8}{'fit s':>8}{'peak MB':>9}"
    )
    for name, kind in kinds:
        measured = run_alone(Task(name, kind, *files, options.seed, options.budget))
        if measured is None:
            print(f"{name:<34} cannot learn from this data")
            continue
        values[name] = _values(measured, data)
        systems.append(_system(name, kind, measured, values[name], data, options.seed))
        print(_line(systems[-1]), flush=True)
    return _summary(options, systems, values)


def _summary(
    options: argparse.Namespace,
    systems: list[dict[str, Any]],
    values: dict[str, NDArray[np.float64]],
) -> dict[str, Any]:
    components = [system for system in systems if system["kind"] == "component"]
    best = max(components, key=lambda system: system["ndcg@10"])["name"]
    ours, theirs = values[options.preset][:, 0], values[best][:, 0]
    difference = bootstrap_pairs(ours, theirs, seed=options.seed)
    ratio = float(ours.mean() / theirs.mean()) if theirs.mean() else float("inf")
    print(
        f"\n{options.preset} has {ratio:.3f} times the NDCG@10 of the best component alone ({best}); "
        f"the difference is {difference.low:+.4f} to {difference.high:+.4f} (95 %, same listeners)."
    )
    return {
        "preset": options.preset,
        "seed": options.seed,
        "systems": systems,
        "best_component": best,
        "ratio": ratio,
        "difference_interval": [difference.low, difference.high],
    }


def _values(measured: Measured, data: Listening) -> NDArray[np.float64]:
    """One value a listener of the test part: NDCG@10, recall@20, precision@10."""
    listeners = np.flatnonzero(count_per_row(data.test))
    test = data.test[listeners]
    hits, n_test = find_hits(measured.lists, test), count_per_row(test)
    longer = find_hits(measured.longer, test)
    return np.column_stack(
        [
            metrics.ndcg(hits, n_test, 10),
            metrics.recall(longer, n_test, 20),
            metrics.precision(hits, 10),
        ]
    )


def _system(
    name: str,
    kind: str,
    measured: Measured,
    values: NDArray[np.float64],
    data: Listening,
    seed: int,
) -> dict[str, Any]:
    intervals = bootstrap_intervals(values, seed=seed)
    result = {
        metric: float(interval.mean)
        for metric, interval in zip(NAMES, intervals, strict=True)
        if interval
    }
    ranges = {
        f"{metric} interval": [i.low, i.high]
        for metric, i in zip(NAMES, intervals, strict=True)
        if i
    }
    return {
        "name": name,
        "kind": kind,
        **result,
        "coverage@10": metrics.coverage(measured.lists, data.train.shape[1], 10),
        "fit_seconds": round(measured.fit_seconds, 2),
        "peak_mb": round(measured.peak_mb),
        **ranges,
    }


def _line(system: dict[str, Any]) -> str:
    low, high = system["ndcg@10 interval"]
    return (
        f"{system['name']:<34}{system['ndcg@10']:>9.4f} ({low:.4f}-{high:.4f}){system['recall@20']:>11.4f}"
        f"{system['precision@10']:>9.4f}{system['coverage@10']:>8.3f}{system['fit_seconds']:>8.1f}{system['peak_mb']:>9}"
    )


# -- one system, in a process of its own ----------------------------------------------------------------------


def run_alone(task: Task) -> Measured | None:
    """Run a task in a fresh process; None where the algorithm cannot learn from the data."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(run, task).result()


def run(task: Task) -> Measured | None:
    """Fit and recommend, here."""
    data = read_listening(task.train, task.test, task.item_features)
    fit: Callable[[Task, Listening], Callable[[int], NDArray[np.int32]]] = {
        "preset": _preset,
        "component": _component,
        "ablation": _component,
        "peer": _peer,
    }[task.kind]
    start = time.perf_counter()
    try:
        recommend = fit(task, data)
    except NotEnoughData:
        return None
    seconds = time.perf_counter() - start
    lists, longer = recommend(10), recommend(DEPTH)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Measured(lists, longer, seconds, peak)


def _preset(task: Task, data: Listening) -> Callable[[int], NDArray[np.int32]]:
    config = PRESETS[task.name]
    if config.search and task.budget is not None:
        config = replace(config, search=replace(config.search, seconds=task.budget, trials=1000))
    if config.learns_weights:
        config = replace(config, weights=_find_weights(config, data, task.seed))
    recommender = Recommender(config).fit(data.interactions, data.features, seed=task.seed)
    histories = recommender.histories(data.interactions)
    listeners = np.flatnonzero(count_per_row(data.test))
    # the lists as listeners get them: with variety, one length at a time
    return lambda k: _wide(recommender.rank_songs(histories[listeners], k)["recommender"], k)


def _find_weights(
    config: RecommenderConfig, data: Listening, seed: int
) -> Mapping[str, Mapping[str, float]]:
    """Return the weights that measure best on songs held out of the training part, as a training finds them."""
    split = sample_split(data.interactions, n_listeners=N_WEIGHING, seed=seed)
    fitted = Recommender(config).fit(split.train, data.features, seed=seed)
    improved = learn_weights(fitted, split, max_listeners=0, seed=seed)
    return improved.weights if improved else config.weights


def _component(task: Task, data: Listening) -> Callable[[int], NDArray[np.int32]]:
    """Tune one algorithm alone with the budget that the preset's whole search has."""
    strengths = data.interactions.to_matrix(PRESETS["tuned"].weighting)
    name = task.name.split()[0]
    uses_features = name == "content" or task.kind == "ablation"
    training = TrainingData(strengths, data.features if uses_features else None)
    trials = SearchConfig().trials if task.budget is None else 1000
    options, _ = search_component(
        training, name, trials=trials, seed=task.seed, seconds=task.budget
    )
    algorithm = create_algorithm(name, options).fit(training, seed=task.seed)
    return _by_scores(lambda rows: algorithm.score(strengths[rows]), data)


def _peer(task: Task, data: Listening) -> Callable[[int], NDArray[np.int32]]:
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(random_state=task.seed)
    model.fit(data.train, show_progress=False)
    return _by_scores(lambda rows: model.user_factors[rows] @ model.item_factors.T, data)


def _by_scores(
    score: Callable[[NDArray[np.intp]], NDArray[np.float32]], data: Listening
) -> Callable[[int], NDArray[np.int32]]:
    listeners = np.flatnonzero(count_per_row(data.test))

    def recommend(k: int) -> NDArray[np.int32]:
        batches = []
        for some in cut_blocks(len(listeners), BLOCK):
            heard = data.train[listeners[some]]
            scores = np.array(score(listeners[some]), dtype=np.float32)
            scores[list_entry_rows(heard), heard.indices] = np.nan
            batches.append(_wide(select_top_columns(scores, k), k))
        return np.concatenate(batches)

    return recommend


def _wide(lists: NDArray[np.int32], k: int) -> NDArray[np.int32]:
    return np.pad(lists, ((0, 0), (0, k - lists.shape[1])), constant_values=-1)


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("quality", main))
