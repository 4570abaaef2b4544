"""Is what a Spark cluster learns as good as what one process learns? On the files of `benchmarks/quality.py`.

    SPARK_MASTER=spark://host:7077 python -m benchmarks.cluster --train FILE --test FILE [--item-features FILE]
                                                                [--preset large] [--seed N] [--json OUT]

The master and its workers run already (docs/operations.md), and SPARK_PYTHON and SPARK_OPTIONS are those of a site.
Both fit the same configuration on the same events; every listener of the test part is given a list by each. Printed
are NDCG@10, coverage, the paired difference with its interval, and the time of each fit.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("SECRET_KEY", "of-a-benchmark")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "musicrec_site.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from benchmarks.listening_files import (
    Listening,
    listening_parser,
    read_listening,
    refused_in_a_sentence,
)
from recommendations.engine import (
    PRESETS,
    Interactions,
    ItemFeatures,
    Recommender,
    RecommenderConfig,
)
from recommendations.engine.core.arrays import count_per_row
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.evaluation import bootstrap_pairs, metrics
from recommendations.services.cluster import submission
from recommendations.services.cluster.job_folder import FINAL, FitRequest, JobFolder, Progress
from recommendations.services.data.column_store import Manifest, choose_n_partitions

K = 10


def main() -> int:
    parser = listening_parser(__doc__)
    parser.set_defaults(preset="large")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args()
    data = read_listening(options.train, options.test, options.item_features)
    result = compare(options, data)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def compare(options: argparse.Namespace, data: Listening) -> Mapping[str, Any]:
    """Fit on the cluster and here; print and return the figures of both."""
    config = PRESETS[options.preset]
    features = data.features or ItemFeatures.build(np.full((data.train.shape[1], 8), np.nan))
    events = data.interactions
    started = time.perf_counter()
    there = fit_on_cluster(events, features, config, options.seed)
    between = time.perf_counter()
    here = Recommender(config).fit(events, features, seed=options.seed)
    seconds = {"cluster": between - started, "one process": time.perf_counter() - between}
    listeners = np.flatnonzero(count_per_row(data.test))
    test = data.test[listeners]
    values, result = {}, {}
    print(f"{'':<14}{'NDCG@10':>9}{'cov@10':>8}{'fit s':>8}")
    for name, recommender in (("cluster", there), ("one process", here)):
        lists = _rank(recommender, events, listeners)
        hits = find_hits(lists, test)
        values[name] = metrics.ndcg(hits, count_per_row(test), K)
        result[name] = {
            "ndcg@10": float(values[name].mean()),
            "coverage@10": metrics.coverage(lists, test.shape[1], K),
            "fit_seconds": round(seconds[name], 1),
        }
        one = result[name]
        print(f"{name:<14}{one['ndcg@10']:>9.4f}{one['coverage@10']:>8.3f}{seconds[name]:>8.1f}")
    difference = bootstrap_pairs(values["cluster"], values["one process"], seed=options.seed)
    ratio = float(values["cluster"].mean() / values["one process"].mean())
    print(
        f"\nThe cluster has {ratio:.3f} times the NDCG@10 of one process; the difference is "
        f"{difference.low:+.4f} to {difference.high:+.4f} (95 %, same listeners)."
    )
    return result | {"ratio": ratio, "difference_interval": [difference.low, difference.high]}


def fit_on_cluster(
    events: Interactions, features: ItemFeatures, config: RecommenderConfig, seed: int
) -> Recommender:
    """Have the cluster learn from all events, as a training does."""
    with tempfile.TemporaryDirectory() as name:
        folder = JobFolder(Path(name) / "job")
        manifest = write_events(folder, events)
        folder.write_songs(events.items.ids, np.zeros(events.n_items, dtype=np.int64), features)
        folder.write_arrays("ignored", {"pairs": np.zeros(0, dtype=np.int64)})
        folder.write_request(FitRequest(config.to_dict(), seed, 0.0, 0.2, manifest.last_id))
        submission.run_job(folder, _ignore)
        # mapped files stay readable when their folder goes
        return Recommender.load(folder.path / FINAL)


def write_events(folder: JobFolder, events: Interactions) -> Manifest:
    """Write events into the job's columnar files."""
    n = len(events.item_rows)
    rows: dict[str, NDArray[Any]] = {
        "id": np.arange(1, n + 1, dtype=np.int64),
        "listener": events.listener_rows.astype(np.int64) + 1,
        "song": events.items.ids[events.item_rows],
        "kind": events.kinds.astype(np.int8),
        "plays": events.plays.astype(np.int32),
        "played_ms": np.full(n, -1, dtype=np.int32),
        "moment": events.timestamps.astype(np.int64),
    }
    store = folder.store
    with store.lock():
        manifest = store.write_manifest(Manifest(partitions=((),) * choose_n_partitions(n)))
        return store.append(manifest, rows, n)


def _rank(
    recommender: Recommender, events: Interactions, listeners: NDArray[np.intp]
) -> NDArray[np.int32]:
    histories = recommender.histories(events)
    lists = recommender.rank_songs(histories[listeners], K)["recommender"]
    return np.pad(lists, ((0, 0), (0, K - lists.shape[1])), constant_values=-1)


def _ignore(progress: Progress) -> None:
    """How far it is; nobody asked."""


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("cluster", main))
