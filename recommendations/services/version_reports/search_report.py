"""What a version's search tried, chose and why, as rows for its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from recommendations.models import ModelVersion

HELD_OUT = {
    "last songs": _("the songs that each listener heard last"),
    "random songs": _("random songs of each listener"),
}
ROUNDS = {"quick": _("quick"), "half": _("half"), "full": _("full")}
LISTENERS = {"validation": _("known listeners"), "new listeners": _("new listeners")}


@dataclass(frozen=True)
class Choice:
    """The settings of one component; `margin` is how much better they are than the next best, with its interval."""

    component: str
    settings: str
    ndcg: float
    interval: tuple[float, ...]
    n_tried: int
    margin: dict[str, float] | None


@dataclass(frozen=True)
class TrialRow:
    component: str
    round: str | Promise
    settings: str
    ndcg: float
    interval: tuple[float, ...]
    n_listeners: int | None


@dataclass(frozen=True)
class ComparisonRow:
    system: str
    baseline: str
    listeners: str | Promise
    n_listeners: int
    difference: dict[str, float]


@dataclass(frozen=True)
class LeftOutRow:
    """Settings that were not tried because they would have taken more memory than was free, both in GB."""

    component: str
    settings: str
    needed_gb: float
    free_gb: float


@dataclass(frozen=True)
class SearchReport:
    """The log of a search; without one, of a version whose settings were given, only how its order was validated."""

    chosen: str
    reason: str
    held_out: str | Promise
    n_listeners: int | None
    n_songs: int | None
    is_warm: bool
    choices: list[Choice]
    comparisons: list[ComparisonRow]
    trials: list[TrialRow]
    left_out: list[LeftOutRow]


def describe_search(version: ModelVersion) -> SearchReport | None:
    """Return what the version's log says; None of one that neither searched nor learned an order."""
    log: dict[str, Any] = version.metadata.get("tuning") or {}
    if not log:
        return None
    validation = log.get("validation", {})
    return SearchReport(
        chosen=log.get("chosen", ""),
        reason=log.get("reason", ""),
        held_out=HELD_OUT.get(validation.get("held_out", ""), ""),
        n_listeners=validation.get("n_listeners", log.get("n_judges")),
        n_songs=validation.get("n_songs", log.get("n_hidden")),
        is_warm=bool(log.get("began_with")),
        choices=[_make_choice(name, one) for name, one in sorted(log.get("choices", {}).items())],
        comparisons=[_make_comparison(one) for one in log.get("comparisons", [])],
        trials=[_make_trial(one) for one in log.get("trials", [])],
        left_out=[_make_left_out(one) for one in log.get("left_out_for_memory", [])],
    )


def _make_choice(component: str, choice: Mapping[str, Any]) -> Choice:
    next_best = choice["next_best"]
    return Choice(
        component=component,
        settings=_describe_settings(choice["options"]),
        ndcg=choice["ndcg@10"],
        interval=tuple(choice["interval"]),
        n_tried=choice["n_tried"],
        margin=next_best and next_best["difference"],
    )


def _make_trial(trial: Mapping[str, Any]) -> TrialRow:
    return TrialRow(
        component=trial["component"],
        round=ROUNDS.get(trial.get("round", ""), ""),
        settings=_describe_settings(trial["options"]),
        ndcg=trial["ndcg@10"],
        interval=tuple(trial.get("interval", ())),
        n_listeners=trial.get("n_listeners"),
    )


def _make_left_out(left_out: Mapping[str, Any]) -> LeftOutRow:
    return LeftOutRow(
        component=left_out["component"],
        settings=_describe_settings(left_out["options"]),
        needed_gb=left_out["needed_gb"],
        free_gb=left_out["free_gb"],
    )


def _make_comparison(comparison: Mapping[str, Any]) -> ComparisonRow:
    return ComparisonRow(
        system=comparison["system"],
        baseline=comparison["baseline"],
        listeners=LISTENERS.get(comparison["listeners"], comparison["listeners"]),
        n_listeners=comparison["n_listeners"],
        difference=comparison["difference"],
    )


def _describe_settings(options: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name} {value}" for name, value in sorted(options.items()) if value is not None
    )
