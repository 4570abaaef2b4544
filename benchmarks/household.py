"""How good the lists are for one listener, a household, a club: servers without a crowd.

    python benchmarks/household.py --train FILE [--test FILE] [--item-features FILE] [--preset NAME] [--seed N]
                                   [--items N] [--sizes 1,2,5,20,100] [--judged N] [--floor N] [--with-prior-only]
                                   [--json OUT]

The files are those of `benchmarks/prepare.py`; both parts together are all that was heard. Half of the listeners are
"elsewhere": what they heard together makes the prior (pairs of at least --floor listeners). The other half is
dealt out to servers of each size, the library being the --items items that most listeners heard. On each server every
listener hides a fifth of their songs (at least one); the full library is ranked without what was heard. Listeners of a
server are judged until --judged of each size were. Then newcomers (listeners of no server) with 0, 1, 2, 3 and 5 songs
ask the same servers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.listening_files import (
    BadFile,
    Listening,
    listening_parser,
    read_listening,
    refused_in_a_sentence,
)
from recommendations.engine import (
    FEWEST_LISTENERS,
    PRESETS,
    Interactions,
    ItemFeatures,
    Prior,
    Recommender,
    TrainingData,
    bootstrap_pairs,
)
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.arrays import count_per_row, list_entry_rows, select_top_columns
from recommendations.engine.core.intervals import bootstrap_intervals
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.evaluation import metrics

DEPTH = 20
TEST_SHARE = 0.2
SIZES = (1, 2, 5, 20, 100)
NEWCOMERS_HAVE = (0, 1, 2, 3, 5)
MOST_NEWCOMERS = 240
PLAIN_PRIOR = {"evenness": 0.0, "short_discount": 0.0, "long_discount": 0.0}
ALONE = {
    "popularity": ("popularity", {}),
    "item kNN": ("item_knn", {}),
    "user kNN": ("user_knn", {}),
    "prior's item kNN": ("prior", PLAIN_PRIOR),
}
"""What the default must never be worse than: each fitted with its own defaults on the server's listens."""
DEFAULT, WITHOUT = "default", "default without prior"


@dataclass(frozen=True)
class World:
    """Listening cut in two: the counts of listeners elsewhere, and the listeners who may be on a server.

    Attributes
    ----------
    prior : Prior
    listeners : csr (n, n_items)
        Plays of those who may be on a server.
    newcomers : csr (m, n_items)
        Listeners of no server.
    features : ItemFeatures or None
    """

    prior: Prior
    listeners: csr_matrix
    newcomers: csr_matrix
    features: ItemFeatures | None

    @classmethod
    def cut(cls, data: Listening, *, n_items: int, floor: int, seed: int) -> World:
        """Keep the items that most listeners heard, and deal the listeners out.

        Raises
        ------
        BadFile
            There are too few listeners.
        """
        heard = csr_matrix(data.train + data.test)
        if heard.shape[0] < 4:
            raise BadFile("A household benchmark needs at least 4 listeners.")
        n_listeners = np.bincount(heard.indices, minlength=heard.shape[1])
        items = np.sort(np.argsort(-n_listeners, kind="stable")[: n_items or heard.shape[1]])
        heard = heard[:, items]
        order = np.random.default_rng(seed).permutation(heard.shape[0])
        elsewhere, here = np.array_split(order, 2)
        features = None if data.features is None else data.features.take(items)
        artist = None if features is None else features.artist
        keys = np.array([str(item) for item in items])
        prior = Prior.count(heard[elsewhere], keys, fewest_listeners=floor, artist=artist).over(
            keys
        )
        here = here[count_per_row(heard[here]) >= 5]
        n_newcomers = min(MOST_NEWCOMERS, len(here) // 4)
        return cls(prior, heard[here[n_newcomers:]], heard[here[:n_newcomers]], features)

    def servers(self, size: int, n_judged: int, seed: int) -> Iterator[Server]:
        """Yield servers of this size, every listener on one of them at most, until enough listeners are judged."""
        order = np.random.default_rng([seed, size]).permutation(self.listeners.shape[0])
        done = 0
        for start in range(0, len(order) - size + 1, size):
            if done >= n_judged:
                return
            rows = order[start : start + size]
            yield Server.hide_songs(
                self.listeners[rows], int(rng_seed(seed, size, start)), n_judged - done
            )
            done += size


def rng_seed(*numbers: int) -> int:
    """Return a seed made of several numbers."""
    return int(np.random.default_rng(list(numbers)).integers(2**31))


@dataclass(frozen=True)
class Server:
    """What the listeners of one server heard, and what they are to find.

    Attributes
    ----------
    train, test : float32 csr (n_listeners, n_items)
    judged : int (m,)
    """

    train: csr_matrix
    test: csr_matrix
    judged: NDArray[np.intp]

    @classmethod
    def hide_songs(cls, heard: csr_matrix, seed: int, n_judged: int) -> Server:
        """Hide a fifth of each listener's items, at least one."""
        rng = np.random.default_rng(seed)
        rows = list_entry_rows(heard)
        order = np.lexsort((rng.random(heard.nnz), rows))
        rank = np.empty(heard.nnz, dtype=np.int64)
        rank[order] = np.arange(heard.nnz) - heard.indptr[rows[order]]
        n_test = np.maximum(np.rint(count_per_row(heard) * TEST_SHARE), 1)
        is_test = rank < n_test[rows]
        train, test = (_keep_entries(heard, keep) for keep in (~is_test, is_test))
        return cls(train, test, np.arange(min(heard.shape[0], n_judged)))


def _keep_entries(matrix: csr_matrix, keep: NDArray[np.bool_]) -> csr_matrix:
    result = csr_matrix(matrix, dtype=np.float32, copy=True)
    result.data[~keep] = 0
    result.eliminate_zeros()
    return result


def main() -> int:
    options = _options()
    data = read_listening(options.train, options.test or options.train, options.item_features)
    result = measure(options, data)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = listening_parser(__doc__)
    parser.set_defaults(preset="standard" if "standard" in PRESETS else "tuned")
    parser.add_argument("--test", type=Path)
    parser.add_argument(
        "--items", type=int, default=1500, help="of the library; 0 for all (default: 1500)"
    )
    parser.add_argument("--sizes", type=parse_numbers, default=SIZES)
    parser.add_argument(
        "--judged", type=int, default=160, help="listeners of each size (default: 160)"
    )
    parser.add_argument("--floor", type=int, default=FEWEST_LISTENERS)
    parser.add_argument(
        "--with-prior-only",
        action="store_true",
        help="leave out the default without prior, which takes half of the time",
    )
    parser.add_argument("--json", type=Path, metavar="OUT")
    return parser.parse_args()


def parse_numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def measure(options: argparse.Namespace, data: Listening) -> dict[str, Any]:
    """Measure all systems at all sizes, print a table for each, and return what --json writes."""
    world = World.cut(data, n_items=options.items, floor=options.floor, seed=options.seed)
    print(f"{world.listeners.shape[1]:,} items; prior: {world.prior.summarise()}")
    sizes = []
    for size in options.sizes:
        result = of_size(world, size, options)
        print(
            f"\n{size} listeners on a server ({result['n_judged']} judged, {result['n_servers']} servers)"
        )
        for name, row in result["systems"].items():
            low, high = row["interval"]
            print(
                f"  {name:<26}{row['ndcg@10']:.4f} ({low:.4f}-{high:.4f})  recall@20 {row['recall@20']:.4f}"
                f"  coverage {row['coverage@10']:.3f}"
            )
        for name, row in result["default minus"].items():
            print(
                f"  default / {name:<26}{row['ratio']:.3f}, paired ({row['ratio_low']:.3f}-{row['ratio_high']:.3f})"
            )
        for n_songs, row in result["newcomers"].items():
            print(
                f"  newcomers, {n_songs} songs: "
                + "  ".join(f"{k} {v:.4f}" for k, v in row.items())
            )
        sys.stdout.flush()
        sizes.append(result)
    return {
        "preset": options.preset,
        "seed": options.seed,
        "prior": world.prior.summarise(),
        "sizes": sizes,
    }


def of_size(world: World, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Measure every system on servers of one size, paired by listener."""
    values: dict[str, list[NDArray[Any]]] = {}
    shown: dict[str, list[NDArray[Any]]] = {}
    new: dict[int, dict[str, list[NDArray[Any]]]] = {n: {} for n in NEWCOMERS_HAVE}
    says = []
    n_servers = 0
    for server in world.servers(size, options.judged, options.seed):
        n_servers += 1
        systems = fitted_systems(world, server, options)
        says.append(systems.say)
        test = server.test[server.judged]
        for name, lists in systems.lists(server.train[server.judged]).items():
            values.setdefault(name, []).append(_values(lists, test))
            shown.setdefault(name, []).append(lists[:, :10])
        if n_servers <= 4:
            for n_songs in NEWCOMERS_HAVE:
                given, hidden = first_songs(world.newcomers, n_songs, options.seed)
                for name, lists in systems.lists(given).items():
                    if name in (DEFAULT, WITHOUT, *ALONE):
                        new[n_songs].setdefault(name, []).append(_values(lists, hidden)[:, 0])
    rows = {
        name: _row(np.concatenate(v), shown[name], world, options.seed)
        for name, v in values.items()
    }
    ours = np.concatenate(values[DEFAULT])[:, 0]
    differences = {
        name: compare_pairs(ours, np.concatenate(v)[:, 0], options.seed)
        for name, v in values.items()
        if name != DEFAULT
    }
    return {
        "n_listeners": size,
        "n_servers": n_servers,
        "n_judged": len(ours),
        "say": float(np.mean(says)),
        "systems": rows,
        "default minus": differences,
        "by history": _by_history(values, world, size, options),
        "newcomers": {
            n: {name: float(np.concatenate(v).mean()) for name, v in values_by_system.items()}
            for n, values_by_system in new.items()
        },
    }


def compare_pairs(
    ours: NDArray[np.float64], baseline: NDArray[np.float64], seed: int
) -> dict[str, Any]:
    """Return the difference of the same listeners with its interval, and both as ratios to the baseline's mean."""
    difference = bootstrap_pairs(ours, baseline, seed=seed).to_dict()
    mean = max(float(baseline.mean()), 1e-9)
    ratios = {
        "ratio": float(ours.mean()) / mean,
        "ratio_low": 1 + difference["low"] / mean,
        "ratio_high": 1 + difference["high"] / mean,
    }
    return difference | ratios


def _by_history(
    values: dict[str, list[NDArray[Any]]], world: World, size: int, options: argparse.Namespace
) -> dict[str, dict[str, float]]:
    servers = world.servers(size, options.judged, options.seed)
    lengths = np.concatenate([count_per_row(server.train[server.judged]) for server in servers])
    ranges = {
        "up to 15": lengths <= 15,
        "16 to 30": (lengths > 15) & (lengths <= 30),
        "31 on": lengths > 30,
    }
    return {
        label: {
            "n": int(rows.sum()),
            **{name: float(np.concatenate(v)[rows, 0].mean()) for name, v in values.items()},
        }
        for label, rows in ranges.items()
        if rows.any()
    }


def first_songs(heard: csr_matrix, n: int, seed: int) -> tuple[csr_matrix, csr_matrix]:
    """Return n random songs of each listener, and all the others."""
    rng = np.random.default_rng([seed, n])
    rows = list_entry_rows(heard)
    order = np.lexsort((rng.random(heard.nnz), rows))
    rank = np.empty(heard.nnz, dtype=np.int64)
    rank[order] = np.arange(heard.nnz) - heard.indptr[rows[order]]
    is_given = rank < np.minimum(n, count_per_row(heard) - 1)[rows]
    return _keep_entries(heard, is_given), _keep_entries(heard, ~is_given)


@dataclass(frozen=True)
class Systems:
    """Everything that was fitted on one server.

    Attributes
    ----------
    presets
        Name -> fitted recommender.
    alone
        Name -> fitted algorithm.
    say
        What the crowd may say on this server.
    """

    presets: dict[str, Recommender]
    alone: dict[str, Any]

    @property
    def say(self) -> float:
        return float(self.presets[DEFAULT].metadata["crowd"]["say"])

    def lists(self, histories: csr_matrix) -> dict[str, NDArray[np.int32]]:
        """Return the best songs of every system, int32 (n, DEPTH), -1 where a list ends early."""
        strengths = Interactions.from_matrix(histories).to_matrix(
            self.presets[DEFAULT].config.weighting
        )
        by_system = {}
        for name, recommender in self.presets.items():
            ranked = recommender.rank_songs(strengths, DEPTH)
            by_system[name] = ranked.pop("recommender")
            if name == DEFAULT:
                by_system |= {f"its {component}": lists for component, lists in ranked.items()}
        for name, algorithm in self.alone.items():
            scores = algorithm.score(strengths)
            scores[list_entry_rows(strengths), strengths.indices] = np.nan
            lists = select_top_columns(scores, DEPTH)
            by_system[name] = np.pad(
                lists, ((0, 0), (0, DEPTH - lists.shape[1])), constant_values=-1
            )
        return by_system


def fitted_systems(world: World, server: Server, options: argparse.Namespace) -> Systems:
    """Fit the preset with and without the prior, and each plain algorithm."""
    events = Interactions.from_matrix(server.train)
    config = PRESETS[options.preset]
    priors = {DEFAULT: world.prior, WITHOUT: None}
    if options.with_prior_only:
        del priors[WITHOUT]
    presets = {
        name: Recommender(config).fit(events, world.features, prior=prior, seed=options.seed)
        for name, prior in priors.items()
    }
    data = TrainingData(events.to_matrix(config.weighting), None, events, world.prior)
    alone = {
        name: create_algorithm(algorithm, settings).fit(data, seed=options.seed)
        for name, (algorithm, settings) in ALONE.items()
    }
    return Systems(presets, alone)


def _values(lists: NDArray[np.int32], test: csr_matrix) -> NDArray[np.float64]:
    hits, n_test = find_hits(lists, test), count_per_row(test)
    return np.column_stack([metrics.ndcg(hits, n_test, 10), metrics.recall(hits, n_test, 20)])


def _row(
    values: NDArray[Any], shown: list[NDArray[Any]], world: World, seed: int
) -> dict[str, Any]:
    interval = bootstrap_intervals(values, seed=seed)[0]
    return {
        "ndcg@10": float(values[:, 0].mean()),
        "interval": [interval.low, interval.high] if interval else [0.0, 1.0],
        "recall@20": float(values[:, 1].mean()),
        "coverage@10": metrics.coverage(np.concatenate(shown), world.listeners.shape[1], 10),
    }


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("household", main))
