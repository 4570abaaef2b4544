"""Versions beside one another: figures with paired intervals, and the lists a listener would see under each."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from django.db import models
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from accounts.models import User
from common.templatetags.numbers import format_decimal
from recommendations.engine import SYSTEM, Interval, bootstrap_pairs
from recommendations.models import ModelVersion
from recommendations.services.lists.served_list import ServedSong
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.explanation_facts import read_facts
from recommendations.services.serving import recommend
from recommendations.services.training.evaluation_result import (
    FEW_LISTENERS,
    describe_newest,
    describe_too_few,
)

NEWEST = "newest"
"""The split of songs that each listener heard last."""
FEWEST_PAIRED = 10
FIDELITY_WORDS = {
    "score_fell": _("score falls without the song named as the reason"),
    "score_fell_control": _("score falls without another song (control)"),
    "rank_fell": _("rank falls without the song named as the reason"),
    "rank_fell_control": _("rank falls without another song (control)"),
    "beats_control": _("score falls further without the named song than without the other"),
    "rank_fell_decisive": _("rank falls without the named song where the words are “because of”"),
    "rank_fell_control_decisive": _("rank falls there without another song (control)"),
    "decisive": _("reasons whose words are “because of”"),
    "n_cases": _("cases looked at"),
}
METRIC_WORDS = {
    "precision": _("Share of the first %(k)s songs that had been held back from the listener."),
    "recall": _("Share of the held-back songs that are among the first %(k)s."),
    "ndcg": _(
        "Held-back songs among the first %(k)s, counted more the higher they are; 1 is best."
    ),
    "map": _("Precision at each held-back song of the first %(k)s, averaged; 1 is best."),
    "hit_rate": _("Share of the listeners with a held-back song among the first %(k)s."),
    "novelty": _("How few listeners have heard the songs, in bits: one more is half as many."),
    "diversity": _("How different the songs of a list are; 0 would be all alike."),
    "popularity_bias": _("How popular the songs are; 0.5 is chance, 1 only the most popular."),
    "coverage": _("Share of the catalog that is in the first %(k)s of at least one listener."),
}
"""What each metric means, in one sentence; `k` is the number after its @."""


def describe_metric(name: str) -> str:
    """Return the sentence for a metric such as ndcg@10; empty for one that has none."""
    metric, _at, k = name.partition("@")
    words = METRIC_WORDS.get(metric)
    return str(words) % {"k": k} if words else ""


# --- Figures ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One figure of two versions. `difference` is b minus a where it can be paired by listener."""

    name: str
    a: Any
    b: Any
    difference: Interval | None = None


@dataclass(frozen=True)
class Comparison:
    a: ModelVersion
    b: ModelVersion
    facts: list[Row]
    metrics: list[Row]
    segments: dict[str, list[Row]]
    fidelity: list[Row]
    configuration: list[Row]
    n_paired: int
    is_of_two_kinds: bool


@dataclass(frozen=True)
class Profile:
    """What is known of one version; `metrics` and `segments` hold a mean, or a mean with its interval."""

    metrics: dict[str, Any]
    segments: dict[str, dict[str, Any]]
    baselines: dict[str, dict[str, Any]]
    fidelity: dict[str, Any]
    configuration: dict[str, Any]
    is_by_newest: bool = False
    why_not: str = ""
    estimates: dict[str, Any] = field(default_factory=dict)
    indexes: dict[str, Any] = field(default_factory=dict)


def profile(version: ModelVersion) -> Profile:
    """Return what was measured of a version and how it is configured, for its page."""
    systems = version.metrics.get("report", {}).get("systems", {})
    return Profile(
        metrics=_get_overall(version),
        is_by_newest=_get_split(version) == NEWEST,
        segments={name: _get_segment(version, name) for name in _list_segment_names(version)},
        baselines={
            name: metrics.get("overall", {}) for name, metrics in systems.items() if name != SYSTEM
        },
        fidelity={} if explain_why_not_measurable(version) else _compare_fidelity(version),
        configuration={
            name: value for name, value in _flatten(version.config).items() if value is not None
        },
        why_not=explain_why_not_measurable(version),
        estimates=version.metadata.get("estimates", {}),
        indexes=version.metadata.get("indexes", {}),
    )


def compare(a: ModelVersion, b: ModelVersion) -> Comparison:
    """Put two versions side by side.

    Paired means: the same listeners, measured for each version on what was held out of its own data. Intervals are
    bootstrap intervals of the mean difference.
    """
    differences, n_paired = _compare_paired(a, b)
    segments = {
        segment: _make_rows(_get_segment(a, segment), _get_segment(b, segment), {})
        for segment in dict.fromkeys([*_list_segment_names(a), *_list_segment_names(b)])
    }
    return Comparison(
        a=a,
        b=b,
        facts=_list_facts(a, b),
        metrics=_make_rows(_get_overall(a), _get_overall(b), differences),
        segments=segments,
        fidelity=_make_rows(_compare_fidelity(a), _compare_fidelity(b), {}),
        configuration=_list_changes(_flatten(a.config), _flatten(b.config)),
        n_paired=n_paired,
        is_of_two_kinds=not _is_same_split(a, b),
    )


def explain_why_not_measurable(version: ModelVersion) -> str:
    """Say why the figures of a version mean nothing; empty where they mean something or there are none."""
    n = version.metrics.get("report", {}).get("n_listeners")
    if n is None or n >= FEW_LISTENERS:
        return ""
    return " ".join(
        filter(None, [describe_too_few(n), describe_newest(version.metrics.get("newest"))])
    )


def summarise_headline(version: ModelVersion, metric: str = "ndcg@10") -> dict[str, float] | None:
    """Return mean, low and high of a version's metric, None when it was not measured."""
    value = _get_overall(version).get(metric)
    return value if isinstance(value, dict) else None


def get_mean(version: ModelVersion, metric: str) -> float | None:
    """Return the mean of a version's metric, None when it was not measured."""
    return _get_mean(_get_overall(version).get(metric))


def _get_system(version: ModelVersion) -> dict[str, Any]:
    system: dict[str, Any] = version.metrics.get("report", {}).get("systems", {}).get(SYSTEM, {})
    return system


def _get_overall(version: ModelVersion) -> dict[str, Any]:
    """Return the figures over all listeners; none where they mean nothing."""
    if explain_why_not_measurable(version):
        return {}
    overall: dict[str, Any] = _get_system(version).get("overall", {})
    return overall


def _list_segment_names(version: ModelVersion) -> Iterable[str]:
    segments: Iterable[str] = _get_system(version).get("segments", {})
    return segments


def _get_segment(version: ModelVersion, name: str) -> dict[str, Any]:
    segment: dict[str, Any] = _get_system(version).get("segments", {}).get(name, {})
    return segment


def _compare_fidelity(version: ModelVersion) -> dict[str, Any]:
    """Return in how many cases the reasons were true, in words a table can have; empty when it was not measured."""
    fidelity = version.metrics.get("fidelity") or {}
    return {
        str(words): fidelity[name]
        for name, words in FIDELITY_WORDS.items()
        if fidelity.get(name) is not None
    }


def _make_rows(a: dict[str, Any], b: dict[str, Any], differences: dict[str, Interval]) -> list[Row]:
    names = dict.fromkeys([*a, *b])
    return [
        Row(name, _get_mean(a.get(name)), _get_mean(b.get(name)), differences.get(name))
        for name in names
    ]


def _get_mean(value: Any) -> float | None:
    return value.get("mean") if isinstance(value, dict) else value


def _list_facts(a: ModelVersion, b: ModelVersion) -> list[Row]:
    fields = (
        "preset", "n_listeners", "n_songs", "n_interactions", "data_from", "data_until", "fit_seconds", "size_bytes",
    )  # fmt: skip
    return [
        Row(
            str(cast("models.Field[Any, Any]", ModelVersion._meta.get_field(f)).verbose_name),
            _make_fact(a, f),
            _make_fact(b, f),
        )
        for f in fields
    ]


def _make_fact(version: ModelVersion, field: str) -> Any:
    value = getattr(version, field)
    return f"{format_decimal(value / 1e6, 1)} MB" if field == "size_bytes" else value


def _compare_paired(a: ModelVersion, b: ModelVersion) -> tuple[dict[str, Interval], int]:
    """Return the interval of b minus a for each metric kept by listener, and over how many listeners."""
    of_a, of_b = (version.metrics.get("per_listener") or {} for version in (a, b))
    if not _is_same_split(a, b):
        return {}, 0
    ids, in_a, in_b = np.intersect1d(
        of_a.get("listener_ids", []), of_b.get("listener_ids", []), return_indices=True
    )
    if len(ids) < FEWEST_PAIRED:
        return {}, len(ids)
    shared = [name for name in of_a if name in of_b and name != "listener_ids"]
    intervals = {}
    for name in shared:
        values_a, values_b = _list_values(of_a[name])[in_a], _list_values(of_b[name])[in_b]
        if np.isfinite(values_b - values_a).any():
            intervals[name] = bootstrap_pairs(values_b, values_a)
    return intervals, len(ids)


def _get_split(version: ModelVersion) -> str:
    return str((version.metrics.get("report") or {}).get("split", ""))


def _is_same_split(a: ModelVersion, b: ModelVersion) -> bool:
    """Return whether the same kind of songs was looked for: those heard last are harder to find than random ones."""
    return NEWEST not in {_get_split(a), _get_split(b)} or _get_split(a) == _get_split(b)


def _list_values(listed: list[float | None]) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in listed], dtype=np.float64)


def _flatten(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        flat |= _flatten(inner, f"{path}.{key}" if path else key)
    return flat


def _list_changes(a: dict[str, Any], b: dict[str, Any]) -> list[Row]:
    return [
        Row(name, a.get(name), b.get(name))
        for name in dict.fromkeys([*a, *b])
        if a.get(name) != b.get(name)
    ]


# --- Lists ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PreviewedSong:
    """A song of a list with its reason, and whether the other list has it too."""

    served: ServedSong
    reason: str
    is_in_both: bool


def preview(
    listener: User, versions: Iterable[ModelVersion], n: int = 20
) -> list[list[PreviewedSong]]:
    """Return the list that a listener would see now under each version."""
    lists = [recommend.recommend_songs(listener, n, version=version) for version in versions]
    facts = read_facts(listener, [item for served in lists for item in served])
    shared = (
        set.intersection(*({song.pk for song in served.songs} for served in lists))
        if lists
        else set()
    )
    return [
        [
            PreviewedSong(item, why.sentence, item.song.pk in shared)
            for item, why in zip(served, explanation_text.describe_list(served, facts), strict=True)
        ]
        for served in lists
    ]
