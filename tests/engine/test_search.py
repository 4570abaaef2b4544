"""The search: what it tries, what goes on to the next round, what the clock may do, and what its log says."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from recommendations.engine import PRESETS, Interactions, Recommender, TrainingData, Weighting
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.config import RankerConfig, SearchConfig
from recommendations.engine.tuning import hyperparameter_search
from recommendations.engine.tuning.hyperparameter_search import (
    RUNGS,
    ignore_progress,
    run_trials,
    select_best_trials,
)
from recommendations.engine.tuning.search_space import (
    MOST_FACTORS,
    SPACE,
    VARIED,
    extend,
    make_cheap,
    plan_trials,
)
from recommendations.engine.tuning.validation import Validation
from tests.engine.worlds import taste_world

COMPONENTS = ("ease", "item_knn", "user_knn")


@pytest.fixture(scope="module")
def world():
    return taste_world(n_listeners=260, n_items=80)


@pytest.fixture(scope="module")
def validation(world):
    interactions, _ = world
    data = TrainingData(interactions.to_matrix(Weighting()), None, interactions)
    return Validation.hold_out(data, 0.2, 1500, seed=1)


def plan(**options):
    search = SearchConfig(components=COMPONENTS, **options)
    return plan_trials(search, is_flat=False, is_ordered=True, seed=1)


def search_world(validation, trials=12, seconds=None, clock=lambda: 0.0):
    config = SearchConfig(components=COMPONENTS, trials=trials, seconds=seconds)
    return run_trials(validation, config, 1, ignore_progress, clock).trials


@pytest.fixture(scope="module")
def trials(validation):
    return search_world(validation)


def list_settings(trials, rung, component):
    return [
        (trial.ndcg, trial.options)
        for trial in trials
        if trial.rung == rung and trial.component == component
    ]


# -- what is tried --------------------------------------------------------------------------------------------


def test_the_space_contains_the_settings_that_won_elsewhere():
    bm25 = {"n_neighbours": 400, "similarity": "bm25", "bm25_b": 0.45}
    assert any(bm25.items() <= options.items() for options in SPACE["item_knn"])
    ease = SPACE["ease"]
    # learned from all songs, as elsewhere, and from the nearest ones
    assert {bool(options.get("n_neighbours")) for options in ease} == {True, False}
    tried = {
        option: {options[option] for options in ease if option in options} for option in ease[0]
    }
    # listeners weigh in by the root of .5 in the model, so the exponents of songs are half of these
    assert tried["song_weight"] >= {0.4, 0.5, 0.6}
    assert tried["denoising"] >= {0.1, 0.3, 0.5}
    assert tried["popularity_discount"] >= {0.1, 0.2}
    assert max(options["n_factors"] for options in SPACE["ials"]) >= 384


def test_factors_are_doubled_as_long_as_the_most_are_the_best():
    tried = [{"n_factors": n, "regularization": 40.0} for n in (64, 384, 256)]
    reached = [tried[1]]
    while (more := extend(tried, reached[-1])) is not None:
        tried.append(more)
        reached.append(more)
    assert [options["n_factors"] for options in reached] == [384, 2 * 384, MOST_FACTORS]
    assert {options["regularization"] for options in reached} == {40.0}
    assert extend(tried, tried[0]) is None
    assert extend([{"n_neighbours": 50}], {"n_neighbours": 50}) is None


def test_first_settings_of_every_component_are_tried_before_second_ones():
    first = {"ease": {"regularization": 33.0}}
    planned = plan(trials=7, first=first)
    assert [name for name, _ in planned] == [*COMPONENTS, *COMPONENTS, "ease"]
    assert planned[0] == ("ease", first["ease"])
    assert planned[1] == ("item_knn", SPACE["item_knn"][0])


def test_what_is_left_of_the_budget_goes_to_variations_within_their_bounds():
    n_settings = sum(len(SPACE[name]) for name in COMPONENTS)
    planned = plan(trials=n_settings + 30)
    assert len(planned) == n_settings + 30
    assert planned[:n_settings] == plan(trials=n_settings)
    for name, options in planned[n_settings:]:
        first = SPACE[name][0]
        changed = {option for option in options if options[option] != first.get(option)}
        assert changed <= set(VARIED)
        assert all(VARIED[one][0] <= options[one] <= VARIED[one][1] for one in changed)
    assert {name for name, _ in planned[n_settings:]} == set(COMPONENTS)
    assert planned == plan(trials=n_settings + 30)


def test_a_quick_trial_is_cheap_and_a_full_one_is_the_algorithm_itself():
    exact = {"regularization": 50.0, "denoising": 0.2}
    assert make_cheap("ease", exact, 0.25).options() == {
        **create_algorithm("ease", exact).options(),
        "n_neighbours": 200 // 4,
    }
    near = {**exact, "n_neighbours": 70}
    assert make_cheap("ease", near, 0.25).options() == create_algorithm("ease", near).options()
    assert make_cheap("ease", exact, 1.0).n_neighbours is None
    iterations = make_cheap("ials", {}, 1.0).n_iterations
    assert make_cheap("ials", {}, 0.5).n_iterations == iterations // 2
    knn = {"n_neighbours": 40}
    assert make_cheap("item_knn", knn, 0.25).options() == make_cheap("item_knn", knn, 1).options()


# -- halving --------------------------------------------------------------------------------------------------


def test_the_better_settings_of_each_component_go_on_to_the_next_round(trials):
    for component in COMPONENTS:
        rounds = [list_settings(trials, rung.name, component) for rung in RUNGS]
        assert len(rounds[0]) == 12 // len(COMPONENTS)
        for rung, now, after in zip(RUNGS, rounds, rounds[1:], strict=False):
            n_kept = max(round(rung.kept * len(now)), 1)
            ranked = sorted(now, key=lambda trial: -trial[0])
            if n_kept > 1 or rung is RUNGS[-2]:
                assert [options for _, options in after] == [
                    options for _, options in ranked[:n_kept]
                ]


def test_later_rounds_are_judged_by_more_listeners_the_last_by_all(trials, validation):
    judges = [
        {len(trial.per_listener) for trial in trials if trial.rung == rung.name} for rung in RUNGS
    ]
    assert all(len(sizes) == 1 for sizes in judges)
    sizes = [sizes.pop() for sizes in judges]
    assert sizes == sorted(sizes)
    assert sizes[-1] == len(validation.validation_listeners)


def test_only_the_best_of_the_last_round_keep_what_they_learned(trials):
    best = select_best_trials(trials)
    assert set(best) == set(COMPONENTS)
    for trial in trials:
        assert trial.algorithm.is_fitted == (best[trial.component] is trial)


def test_the_same_data_seed_and_trials_try_and_find_the_same(trials, validation):
    again = search_world(validation)
    assert [(one.component, one.options, one.rung, one.ndcg) for one in again] == [
        (one.component, one.options, one.rung, one.ndcg) for one in trials
    ]


@pytest.mark.parametrize("n_ticks", [1, 4, 9])
def test_the_clock_only_ends_it_with_one_full_trial_a_component(trials, validation, n_ticks):
    """Each look at the clock is a second later."""
    ticks = count()
    stopped = search_world(validation, seconds=n_ticks, clock=lambda: float(next(ticks)))
    assert set(select_best_trials(stopped)) == set(COMPONENTS)
    quick = [trial for trial in stopped if trial.rung == RUNGS[0].name]
    expected = [trial for trial in trials if trial.rung == RUNGS[0].name][: len(quick)]
    assert len(quick) == n_ticks
    assert [trial.options for trial in quick] == [trial.options for trial in expected]
    for component in {trial.component for trial in quick}:
        tried = [trial for trial in quick if trial.component == component]
        best = max(tried, key=lambda trial: trial.ndcg)
        assert select_best_trials(stopped)[component].options == best.options


def test_a_single_setting_is_tried_in_full_at_once(validation):
    trials = search_world(validation, trials=3)
    assert [(trial.component, trial.rung) for trial in trials] == [
        (name, RUNGS[-1].name) for name in COMPONENTS
    ]


# -- the log --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def log(world):
    search = SearchConfig(components=("ease", "item_knn"), trials=8)
    ranker = RankerConfig(
        n_by_component=20, n_by_artist=5, n_trees=15, min_leaf=5, newest_held_out=True
    )
    config = replace(PRESETS["tuned"], search=search, ranker=ranker)
    return Recommender(config).fit(*world, seed=3).metadata["tuning"]


def test_the_log_says_what_was_chosen_and_by_how_much_the_next_best_differs(log):
    for component, choice in log["choices"].items():
        tried = [trial for trial in log["trials"] if trial["component"] == component]
        full = sorted(
            (trial for trial in tried if trial["round"] == "full"),
            key=lambda trial: -trial["ndcg@10"],
        )
        assert choice["ndcg@10"] == full[0]["ndcg@10"]
        assert choice["options"] == full[0]["options"]
        assert choice["n_tried"] == len({str(sorted(one["options"].items())) for one in tried})
        low, high = choice["interval"]
        assert low <= choice["ndcg@10"] <= high
        difference = choice["next_best"]["difference"]
        assert difference["mean"] == pytest.approx(
            full[0]["ndcg@10"] - full[1]["ndcg@10"], abs=2e-5
        )
        assert difference["low"] <= difference["mean"] <= difference["high"]
        assert difference["mean"] >= 0


@pytest.mark.parametrize(("free_mb", "is_left_out"), [(1.0, True), (1000.0, False)])
def test_the_log_says_what_was_left_out_for_memory(world, monkeypatch, free_mb, is_left_out):
    """Both settings that are tried have 128 factors, so 256 come next, where half of the free memory is enough."""
    free_gb = free_mb * 2**20 / 2**30
    monkeypatch.setattr(
        hyperparameter_search, "compute_memory_budget_gb", lambda share: share * free_gb
    )
    first = {"als": {**SPACE["als"][0], "regularization": 20.0}}
    search = SearchConfig(components=("als",), trials=2, first=first)
    config = replace(PRESETS["tuned"], search=search)
    log = Recommender(config).fit(*world, seed=3).metadata["tuning"]
    quick = [trial for trial in log["trials"] if trial["round"] == RUNGS[0].name]
    tried = {trial["options"]["n_factors"] for trial in quick}
    if is_left_out:
        (left_out,) = log["left_out_for_memory"]
        assert tried == {128}
        assert (left_out["component"], left_out["round"]) == ("als", RUNGS[0].name)
        assert left_out["options"]["n_factors"] == 256
        assert left_out["free_gb"] == round(free_gb, 3)
        # the factors of both sides alone are 4 bytes * 256 * (listeners + songs)
        assert left_out["needed_gb"] >= round(4 * 256 * 300 / 2**30, 3)
    else:
        assert tried >= {128, 256}
        assert log["left_out_for_memory"] == []


def test_the_log_says_which_songs_validated(log, world):
    assert log["validation"]["held_out"] == "last songs"
    assert log["validation"]["n_listeners"] == log["n_judges"]
    interactions, features = world
    without_times = replace(
        interactions, timestamps=np.full(interactions.n_events, -1), positions=None
    )
    assert isinstance(without_times, Interactions)
    search = SearchConfig(components=("item_knn",), trials=1)
    config = replace(PRESETS["tuned"], search=search)
    fitted = Recommender(config).fit(without_times, features, seed=3)
    assert fitted.metadata["tuning"]["validation"]["held_out"] == "random songs"
