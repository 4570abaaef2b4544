"""What a fit is said to take of memory is what it takes, within 30 %."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recommendations.engine import ALGORITHMS, CLASSIC, PRESETS, DataSize, estimate_fit_bytes
from recommendations.engine.algorithms import create_algorithm

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = {
    "als": {"n_iterations": 1},
    "ials": {"n_iterations": 1, "n_factors": 64},
    "content": {"artist": 1.0, "genre": 0.5},
    "softmax": {"n_epochs": 1},
}
SIZES = {
    "als": [(20_000, 4_000, 500_000), (40_000, 20_000, 500_000)],
    "content": [(2_000, 100_000, 100_000), (2_000, 300_000, 100_000)],
    "ease": [(10_000, 3_000, 200_000), (2_500, 8_000, 200_000)],
}
NEIGHBOUR_SIZES = {
    None: [(10_000, 6_000, 400_000), (10_000, 12_000, 400_000)],
    0.001: [(30_000, 20_000, 400_000), (40_000, 30_000, 500_000)],
}
"""By the memory that is allowed: where all products are held, and where they are not."""
USUAL_SIZES = [(10_000, 4_000, 500_000), (20_000, 8_000, 1_500_000)]
MEASURE = """
import ctypes, gc, json, sys
from pathlib import Path
import numpy as np
from recommendations.engine import Interactions, ItemFeatures, Recommender, RecommenderConfig
from recommendations.engine import TrainingData, Weighting
from recommendations.engine.algorithms import create_algorithm

def kilobytes(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))

def rest():
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)

def world(n_listeners, n_items, n_events):
    rng = np.random.default_rng(0)
    items = np.minimum((rng.random(n_events) ** 2 * n_items).astype(int), n_items - 1)
    pairs = np.unique(rng.integers(0, n_listeners, n_events) * n_items + items)
    features = ItemFeatures.build(rng.random((n_items, 8)), np.arange(n_items) // 10)
    times = rng.integers(1_600_000_000, 1_700_000_000, len(pairs))
    ids = np.arange(n_items)
    return Interactions.from_ids(pairs // n_items, pairs % n_items, timestamps=times, all_item_ids=ids), features

def fit(events, features):
    if "components" in task:
        return Recommender(RecommenderConfig.from_dict(task)).fit(events, features)
    data = TrainingData(events.to_matrix(Weighting()), features, events)
    return lambda: create_algorithm(task["name"], task["options"]).fit(data)

task, sizes = json.loads(sys.argv[1]), json.loads(sys.argv[2])
work = fit(*world(200, 100, 2000))  # what the first fit of a process needs of libraries
callable(work) and work()
for size in sizes:
    rest()
    empty = kilobytes("VmRSS")
    events, features = world(*size)
    rest()
    loaded = kilobytes("VmRSS")
    work = None if "components" in task else fit(events, features)
    rest()
    before = kilobytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    learned = work() if work else fit(events, features)
    peak = kilobytes("VmHWM") - before
    # of a whole fit the events are part of what is estimated
    events_kilobytes = 0 if work else 25 * events.n_events // 1024
    print(json.dumps([events.n_events, 1024 * (peak + events_kilobytes)]))
    del work, learned, events, features
"""


def measure(task: dict, sizes: list) -> list[tuple[int, int]]:
    """Return (events, peak bytes of the fit) at each size, measured in a process of its own."""
    command = [sys.executable, "-c", MEASURE, json.dumps(task), json.dumps(sizes)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/self/clear_refs").exists(), reason="only Linux tells a process's peak"
    ),
]


# what the prior takes depends on the pack, not on the listens
@pytest.mark.parametrize(
    ("name", "more"),
    [
        *((name, {}) for name in sorted(set(ALGORITHMS) - {"prior"})),
        ("als", {"weighted_regularization": True}),
        ("ease", {"n_neighbours": 100}),
        ("ease", {"n_neighbours": 100, "memory_gb": 0.001}),
    ],
)
def test_the_estimate_of_an_algorithm_is_within_a_third_of_what_it_takes(name, more):
    sizes = SIZES.get(name, USUAL_SIZES)
    if "n_neighbours" in more:
        sizes = NEIGHBOUR_SIZES[more.get("memory_gb")]
    options = OPTIONS.get(name, {}) | more
    measured = measure({"name": name, "options": options}, sizes)
    assert len(measured) == 2
    for (n_listeners, n_items, _), (n_pairs, peak) in zip(sizes, measured, strict=True):
        estimate = create_algorithm(name, options).fit_bytes(
            DataSize(n_listeners, n_items, n_pairs, n_pairs)
        )
        assert 0.7 <= estimate / peak <= 1.3, (name, n_items, estimate, peak)


def test_the_estimate_of_a_whole_fit_is_within_a_third_of_what_it_takes():
    config = CLASSIC.to_dict()
    config["components"]["als"]["n_iterations"] = 1
    measured = measure(config, USUAL_SIZES)
    assert len(measured) == 2
    for (n_listeners, n_items, _), (n_events, peak) in zip(USUAL_SIZES, measured, strict=True):
        estimate = estimate_fit_bytes(
            CLASSIC, n_listeners=n_listeners, n_items=n_items, n_events=n_events
        )
        assert 0.7 <= estimate / peak <= 1.3, (n_items, estimate, peak)


def test_a_search_takes_more_than_the_largest_of_what_it_tries():
    """The check before a training forgot ALS and neighbours of a search."""
    size = {"n_listeners": 1_000_000, "n_items": 1_000_000, "n_events": 50_000_000}
    tuned, classic = (estimate_fit_bytes(PRESETS[name], **size) for name in ("tuned", "classic"))
    largest_als = 4 * 384 * 2 * 1_000_000
    neighbours = 8 * 500 * 1_000_000
    assert tuned > classic + largest_als + neighbours
