"""Successive halving over the settings of the algorithms, each judged on the validation part."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.algorithms import (
    Algorithm,
    DataSize,
    TrainingData,
    create_algorithm,
    find_algorithm_name,
)
from recommendations.engine.core.config import RankerConfig, SearchConfig
from recommendations.engine.core.machine import GB, compute_memory_budget_gb
from recommendations.engine.core.seeding import make_generator
from recommendations.engine.data.side_information import has_side_information
from recommendations.engine.tuning.search_space import (
    DOUBLED,
    SPACE,
    Options,
    extend,
    make_cheap,
    plan_trials,
)
from recommendations.engine.tuning.validation import MIN_LISTENERS, Cases, Validation

SIDE_INFORMATION_STRENGTH = 1.0
"""What an artist's or genre's knowing a song counts, where an algorithm is told it: as much as one play."""

DECAYS = (0.97, 0.9, 0.8, 0.65)
"""What a song of the history counts for each step back; 1, no decay, is tried first."""

FEWEST_JUDGES = 200
"""A quick trial is judged by no fewer listeners, where there are as many."""

MEMORY_SHARE = 0.5
"""Part of the free memory that a fit of more factors than were planned may take."""

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Rung:
    """One round of the halving: what a trial costs, and which part of its settings goes on to the next.

    Attributes
    ----------
    name
        As the log says it.
    iterations
        Share of the iterations; below 1 the algorithm is in its cheap form.
    listeners
        Share of the validation's listeners that judge.
    kept
        Share of the settings that are tried in the next round.
    """

    name: str
    iterations: float
    listeners: float
    kept: float


RUNGS = (
    Rung("quick", 0.25, 0.34, 0.5),
    Rung("half", 0.5, 0.67, 0.34),
    Rung("full", 1.0, 1.0, 0.0),
)


@dataclass(frozen=True)
class Trial:
    """One fit of one component on the validation part.

    Attributes
    ----------
    rung
        Which round it belongs to; trials of different rounds are not compared.
    per_listener : float64 (n,)
        NDCG of the listeners that judged.
    """

    component: str
    options: Options
    ndcg: float
    algorithm: Algorithm
    rung: str = "full"
    per_listener: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class LeftOut:
    """Settings that were not tried because their fit would not have had the memory, in GB, that was free then."""

    component: str
    options: Options
    rung: str
    needed_gb: float
    free_gb: float


@dataclass(frozen=True)
class FinishedTrials:
    """What the halving tried, and what it left out for want of memory."""

    trials: list[Trial]
    left_out: list[LeftOut]


def search_component(
    data: TrainingData,
    name: str,
    *,
    trials: int,
    seed: int,
    seconds: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[dict[str, Any], list[Trial]]:
    """Find the best settings of one algorithm alone; what the comparison with single components uses.

    Without features in `data` it learns from the listens only.

    Raises
    ------
    NotEnoughData
        It cannot learn from this data.
    """
    validation = Validation.hold_out(
        data, RankerConfig().holdout_share, SearchConfig().max_listeners, seed
    )
    if not len(validation.validation_listeners):
        return dict(SPACE[name][0]), []
    search = SearchConfig(components=(name,), trials=trials, seconds=seconds)
    finished = run_trials(validation, search, seed, ignore_progress, clock).trials
    finished += run_side_information_trials(
        validation, select_best_trials(finished), search, seed, ignore_progress, clock
    )
    return select_best_trials(finished)[name].algorithm.options(), finished


def select_best_trials(trials: Sequence[Trial]) -> dict[str, Trial]:
    """Return each component's best trial of the last round, the first one where they are equal."""
    best: dict[str, Trial] = {}
    for trial in trials:
        if trial.rung != RUNGS[-1].name:
            continue
        if trial.component not in best or trial.ndcg > best[trial.component].ndcg:
            best[trial.component] = trial
    return best


def run_trials(
    validation: Validation,
    search: SearchConfig,
    seed: int,
    report: OnProgress,
    clock: Callable[[], float],
) -> FinishedTrials:
    """Try the planned settings round by round, the better ones of each component again and at more cost.

    The clock only ends it: after `search.seconds` each component makes one trial of the last round, of the settings
    that were best by then, and no other trial begins. Without it the same data, seed and trials give the same, as
    long as the memory that is free allows the same: more factors are tried only where half of it is enough (what is
    not tried is in `left_out`), and EASE is solved exactly between as many songs as it holds (`EASE.memory_gb`).
    """
    planned = plan_trials(
        search, is_flat=_is_flat(validation), is_ordered=validation.is_ordered, seed=seed
    )
    halving = _Halving(validation, search.seconds, seed, report, clock)
    return halving.run(planned)


class _Halving:
    """Successive halving (Jamieson and Talwalkar, 2016), for each component by itself."""

    def __init__(
        self,
        validation: Validation,
        seconds: float | None,
        seed: int,
        report: OnProgress,
        clock: Callable[[], float],
    ) -> None:
        self._validation = validation
        self._seconds = seconds
        self._seed = seed
        self._report = report
        self._clock = clock
        self._start = clock()
        self._trials: list[Trial] = []
        self._left_out: list[LeftOut] = []

    def run(self, planned: list[tuple[str, Options]]) -> FinishedTrials:
        for number, rung in enumerate(RUNGS):
            cases = _take_judges(self._validation, rung.listeners, self._seed)
            counts = Counter(name for name, _ in planned)
            for done, (name, options) in enumerate(planned):
                self._report("search", number * len(planned) + done, len(RUNGS) * len(planned))
                # a single setting has nobody to be compared with before the last round
                is_compared = rung is RUNGS[-1] or counts[name] > 1
                if is_compared and self._is_due(name, rung):
                    self._try(name, options, rung, cases)
            if rung is not RUNGS[-1]:
                self._extend_factors(rung, cases)
                planned = self._keep_better(planned, rung)
        self._report("search", 1, 1)
        return FinishedTrials(self._trials, self._left_out)

    def _is_due(self, name: str, rung: Rung) -> bool:
        """Return whether a trial begins: in time always, then only the best of each component in the last round."""
        if self._seconds is None or self._clock() - self._start <= self._seconds:
            return True
        return rung is RUNGS[-1] and not self._list(name, rung)

    def _list(self, name: str, rung: Rung) -> list[Trial]:
        return [
            trial for trial in self._trials if trial.component == name and trial.rung == rung.name
        ]

    def _try(self, name: str, options: Options, rung: Rung, cases: Cases) -> None:
        algorithm = make_cheap(name, options, rung.iterations)
        algorithm.fit(self._validation.data, seed=self._seed)
        values = cases.ndcg(algorithm)
        trial = Trial(name, options, float(values.mean()), algorithm, rung.name, values)
        self._trials.append(trial)
        best = select_best_trials(self._trials)
        for one in self._list(name, rung):
            # what lost forgets what it learned, so that memory does not grow with the budget
            if one is not best.get(name):
                one.algorithm.reset()

    def _extend_factors(self, rung: Rung, cases: Cases) -> None:
        """Try twice the factors as long as the best setting has the most, and the fit half of the free memory."""
        names = {trial.component for trial in self._trials}
        for name in sorted(name for name in names if find_algorithm_name(name) in DOUBLED):
            while (trials := self._list(name, rung)) and self._is_due(name, rung):
                more = extend([one.options for one in trials], _find_best(trials).options)
                if more is None or self._leave_out(name, more, rung):
                    break
                self._try(name, more, rung, cases)

    def _leave_out(self, name: str, options: Options, rung: Rung) -> bool:
        """Return whether a fit with these options would take more than half of the free memory, and note it if so."""
        needed = _estimate_fit_gb(create_algorithm(name, options), self._validation)
        free = compute_memory_budget_gb(1.0)
        if needed <= MEMORY_SHARE * free:
            return False
        self._left_out.append(LeftOut(name, options, rung.name, needed, free))
        return True

    def _keep_better(
        self, planned: list[tuple[str, Options]], rung: Rung
    ) -> list[tuple[str, Options]]:
        """Return the better settings of each component, best first, one of each component by turns.

        Where nothing was tried, because there was no time or nothing to compare, the order stays.
        """
        kept: list[list[tuple[str, Options]]] = []
        for name in dict.fromkeys(name for name, _ in planned):
            ranked = sorted(self._list(name, rung), key=lambda trial: -trial.ndcg)
            settings = [(name, trial.options) for trial in ranked]
            settings = settings or [entry for entry in planned if entry[0] == name]
            kept.append(settings[: max(round(rung.kept * len(settings)), 1)])
        rows = zip_longest(*kept)
        return [entry for row in rows for entry in row if entry is not None]


def _find_best(trials: Sequence[Trial]) -> Trial:
    return max(trials, key=lambda trial: trial.ndcg)


def _take_judges(validation: Validation, share: float, seed: int) -> Cases:
    """Return a share of the listeners who judge; a smaller share is part of a larger one."""
    n_listeners = len(validation.validation_listeners)
    n_judges = min(max(round(share * n_listeners), FEWEST_JUDGES, MIN_LISTENERS), n_listeners)
    order = make_generator(seed, "judges of a round").permutation(n_listeners)
    return validation.cases(validation.validation_listeners[np.sort(order[:n_judges])])


def _estimate_fit_gb(algorithm: Algorithm, validation: Validation) -> float:
    strengths = validation.data.strengths
    size = DataSize(*strengths.shape, strengths.nnz, strengths.nnz)
    return algorithm.fit_bytes(size) / GB


def run_side_information_trials(
    validation: Validation,
    best: Mapping[str, Trial],
    search: SearchConfig,
    seed: int,
    report: OnProgress,
    clock: Callable[[], float] = time.monotonic,
) -> list[Trial]:
    """Try the best settings of each algorithm once more with the songs' artists and genres as listeners."""
    if not has_side_information(validation.data.features):
        return []
    start, finished = clock(), []
    tunable = [
        trial for trial in best.values() if "side_information" in trial.algorithm.option_names()
    ]
    for done, trial in enumerate(tunable):
        if search.seconds is not None and clock() - start > search.seconds / len(best):
            break
        report("search with artists and genres", done, len(tunable))
        options = {**trial.options, "side_information": SIDE_INFORMATION_STRENGTH}
        algorithm = create_algorithm(trial.component, options).fit(validation.data, seed=seed)
        finished.append(_judge(validation, trial.component, options, algorithm))
    report("search with artists and genres", len(tunable), len(tunable))
    return finished


def run_decay_trials(
    validation: Validation, best: Mapping[str, Trial], report: OnProgress
) -> list[Trial]:
    """Try how much less songs of the history count the longer ago they were heard; nothing is fitted for that."""
    if not validation.is_ordered:
        return []
    finished = []
    tunable = [
        trial for trial in best.values() if "history_decay" in trial.algorithm.option_names()
    ]
    for done, trial in enumerate(tunable):
        report("search of the decay", done, len(tunable))
        for decay in DECAYS:
            if decay != trial.algorithm.options()["history_decay"]:
                algorithm = trial.algorithm.with_decay(decay)
                options = {**trial.options, "history_decay": decay}
                finished.append(_judge(validation, trial.component, options, algorithm))
    report("search of the decay", len(tunable), len(tunable))
    return finished


def _judge(validation: Validation, component: str, options: Options, algorithm: Algorithm) -> Trial:
    values = validation.cases().ndcg(algorithm)
    return Trial(component, options, float(values.mean()), algorithm, per_listener=values)


def _is_flat(validation: Validation) -> bool:
    """Say whether all strengths are equal, so that every transform gives the same."""
    values = validation.data.strengths.data
    return bool((values == values[0]).all()) if len(values) else True


def ignore_progress(stage: str, done: int, total: int) -> None:
    """Progress that nobody asked for."""
