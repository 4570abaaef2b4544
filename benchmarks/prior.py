"""How much the counts of a seed pack find for listeners of a site without a crowd, by what they already heard.

    python benchmarks/prior.py --train FILE [--test FILE] [--item-features FILE] [--seeds 0,1] [--items N] [--floor N]
                               [--options JSON] [--json OUT]

The data are cut as `benchmarks/household.py` does, once for each seed. Every listener of the half that is no prior
is judged as if alone on a site: with all songs but the hidden fifth, and with 1, 2, 3 and 5 songs. Where nobody
shares songs, the default is the prior and content, half the weight each (`tuning/crowd.py`), so only those are
fitted: seconds instead of hours. Printed are the prior alone and beside content, each over the plain item kNN of the
same counts, with paired 95 % intervals. --options are other settings of the prior than the default's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from benchmarks.household import (
    PLAIN_PRIOR,
    Server,
    World,
    compare_pairs,
    first_songs,
    parse_numbers,
    rng_seed,
)
from benchmarks.listening_files import (
    Listening,
    listening_parser,
    read_listening,
    refused_in_a_sentence,
)
from recommendations.engine import FEWEST_LISTENERS, PRESETS, Interactions, TrainingData
from recommendations.engine.algorithms import Algorithm, create_algorithm
from recommendations.engine.core.arrays import count_per_row, list_entry_rows, select_top_columns
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.evaluation import metrics
from recommendations.engine.ranking.ensemble import Blend
from recommendations.engine.tuning.crowd import PRIOR_OPTIONS, PRIOR_SHARE

ALL_SONGS = "all but a fifth"
HISTORIES: tuple[str | int, ...] = (1, 2, 3, 5, ALL_SONGS)
PLAIN, PRIOR, BESIDE_CONTENT = "plain item kNN", "prior", "prior and content"


def main() -> int:
    options = _options()
    data = read_listening(options.train, options.test or options.train, options.item_features)
    rows = measure(options, data)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = listening_parser(__doc__)
    parser.add_argument("--test", type=Path)
    parser.add_argument("--seeds", type=parse_numbers, default=(0, 1))
    parser.add_argument("--items", type=int, default=1500, help="0 for all (default: 1500)")
    parser.add_argument("--floor", type=int, default=FEWEST_LISTENERS)
    parser.add_argument("--options", type=json.loads, default=PRIOR_OPTIONS)
    parser.add_argument("--json", type=Path, metavar="OUT")
    return parser.parse_args()


def measure(options: argparse.Namespace, data: Listening) -> list[dict[str, Any]]:
    """Measure and print each history length, and return what --json writes."""
    values: dict[str | int, dict[str, list[NDArray[Any]]]] = {n: {} for n in HISTORIES}
    for seed in options.seeds:
        world = World.cut(data, n_items=options.items, floor=options.floor, seed=seed)
        components = fit_components(world, options.options)
        for n_songs in HISTORIES:
            for name, ndcg in _measure_histories(world, components, n_songs, seed).items():
                values[n_songs].setdefault(name, []).append(ndcg)
    rows = []
    for n_songs, by_system in values.items():
        plain = np.concatenate(by_system[PLAIN])
        for name in by_system:
            ours = np.concatenate(by_system[name])
            row = compare_pairs(ours, plain, seed=0)
            rows.append({"songs": n_songs, "system": name, "ndcg@10": float(ours.mean()), **row})
            print(
                f"{n_songs!s:>16}, {len(ours)} listeners  {name:<20}{ours.mean():.4f}"
                f"  {row['ratio']:.3f} ({row['ratio_low']:.3f}-{row['ratio_high']:.3f})"
            )
    return rows


def fit_components(world: World, prior_options: dict[str, Any]) -> dict[str, Algorithm]:
    """Fit the prior, the plain item kNN of its counts, and content where anything is known of the items."""
    events = Interactions.from_matrix(world.listeners)
    config = PRESETS["standard"]
    data = TrainingData(events.to_matrix(config.weighting), world.features, events, world.prior)
    components = {
        PLAIN: create_algorithm("prior", PLAIN_PRIOR),
        PRIOR: create_algorithm("prior", prior_options),
    }
    if world.features is not None:
        components["content"] = create_algorithm("content", config.components["content"])
    return {name: algorithm.fit(data, seed=0) for name, algorithm in components.items()}


def _measure_histories(
    world: World, components: dict[str, Algorithm], n_songs: str | int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return each listener's NDCG@10 by every system, from so many of their songs."""
    if isinstance(n_songs, int):
        given, hidden = first_songs(world.listeners, n_songs, seed)
    else:
        server = Server.hide_songs(world.listeners, rng_seed(seed), world.listeners.shape[0])
        given, hidden = server.train, server.test
    strengths = Interactions.from_matrix(given).to_matrix(PRESETS["standard"].weighting)
    heard = (list_entry_rows(strengths), strengths.indices)
    scores = {name: algorithm.score(strengths) for name, algorithm in components.items()}
    for of_component in scores.values():
        of_component[heard] = np.nan
    content = scores.pop("content", None)
    if content is not None:
        weights = np.tile([PRIOR_SHARE, 1 - PRIOR_SHARE], (len(content), 1))
        total = Blend.from_scores([scores[PRIOR], content], weights).total()
        scores[BESIDE_CONTENT] = np.where(np.isfinite(total), total, np.nan)
        scores[BESIDE_CONTENT][heard] = np.nan
    return {name: _compute_ndcg(one, hidden) for name, one in scores.items()}


def _compute_ndcg(scores: NDArray[np.float32], hidden: csr_matrix) -> NDArray[np.float64]:
    hits = find_hits(select_top_columns(scores, 10), hidden)
    values: NDArray[np.float64] = metrics.ndcg(hits, count_per_row(hidden), 10)
    return values


if __name__ == "__main__":
    sys.exit(refused_in_a_sentence("prior", main))
