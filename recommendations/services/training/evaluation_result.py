"""What was measured of a configuration, and what may be said of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

from django.utils.translation import ngettext

from recommendations.engine import (
    SYSTEM,
    EvaluationReport,
    Fidelity,
    ImprovedWeights,
    Ranker,
    Recommender,
    RecommenderConfig,
    compute_share_interval,
)

COMPARED = ("ndcg@10", "precision@10", "recall@20", "map@10")
FEW_LISTENERS = 20
"""With fewer measured listeners a figure says nothing, and is not said."""
FEW_SONGS = 10
LONGEST = 20
"""Length of the lists in which held-out songs are looked for (`recall@20`)."""


@dataclass(frozen=True)
class PairedComparison:
    """NDCG@10 of a configuration and of the active version's on one split.

    `difference` is the interval of ours minus theirs, paired by listener.
    """

    ndcg: float
    champion_ndcg: float
    difference: tuple[float, float]


@dataclass(frozen=True)
class Evaluation:
    """What was measured of a configuration, and of the active version's where that is another one.

    `config` is what was measured: where a search was asked for, what it found, and `tuning` is its log. `ranker` is
    the order that was measured; what serves takes it over. `newest` is, on a site of few listeners, how many of the
    songs heard last were found, and of how many. `interval` is around `ndcg`; `difference` is the interval
    of ours minus the champion's, paired by listener. `newest_comparison` is there where one of them learns for the
    songs that are heard next, which random songs do not tell. `weights` says how the weights of its blend were found,
    where they were.
    """

    config: RecommenderConfig
    tuning: dict[str, Any] | None
    report: EvaluationReport
    ndcg: float
    interval: tuple[float, float]
    champion_ndcg: float | None = None
    difference: tuple[float, float] | None = None
    listener_ids: tuple[int, ...] = ()
    fidelity: Fidelity | None = None
    ranker: Ranker | None = None
    newest: tuple[int, int] | None = None
    newest_comparison: PairedComparison | None = None
    fitted: Recommender | None = None
    weights: ImprovedWeights | None = None

    @property
    def n_measured(self) -> int:
        """Return on how many listeners the figures rest."""
        return len(self.listener_ids)

    @property
    def metrics(self) -> dict[str, Any]:
        """Return what a model version keeps: the figure in one number, and everything that was measured."""
        return {
            "ndcg_10": self.ndcg,
            "champion_ndcg_10": self.champion_ndcg,
            "report": self.report.to_dict(),
            "per_listener": self._list_per_listener(),
            "fidelity": self.fidelity and self.fidelity.to_dict(),
            "newest": self.newest and list(self.newest),
            "newest_comparison": self.newest_comparison and asdict(self.newest_comparison),
        }

    def _list_per_listener(self) -> dict[str, Any]:
        """Return the figures of each listener, so that any two versions can be compared on whom both measured."""
        measured = {
            metric: [
                None if isnan(value) else round(value, 5)
                for value in self.report.get_values(SYSTEM, metric)
            ]
            for metric in COMPARED
            if metric in self.report.metrics
        }
        return {"listener_ids": list(self.listener_ids)} | measured

    @property
    def sentence(self) -> str:
        beside = (
            ""
            if self.champion_ndcg is None
            else f", the active version's configuration {self.champion_ndcg:.3f}"
        )
        low, high = self.interval
        if self.n_measured < FEW_LISTENERS:
            return " ".join(
                filter(None, [describe_too_few(self.n_measured), describe_newest(self.newest)])
            )
        newest = self.newest_comparison
        heard_last = (
            ""
            if newest is None
            else f" Of the songs heard last {newest.ndcg:.3f}, the active version's configuration "
            f"{newest.champion_ndcg:.3f}."
        )
        return f"NDCG@10 {self.ndcg:.3f} ({low:.3f} to {high:.3f}){beside}.{heard_last}"


def describe_too_few(n_measured: int) -> str:
    """Say that the mean over a handful of listeners would be chance: on a site of one it was 1.000."""
    return ngettext(
        "Not measurable yet: songs could be held out of %(n)d listener's history, and it takes %(least)d.",
        "Not measurable yet: songs could be held out of %(n)d listeners' histories, and it takes %(least)d.",
        n_measured,
    ) % {"n": n_measured, "least": FEW_LISTENERS}


def describe_newest(newest: Sequence[int] | None) -> str:
    """Say what a few listeners' newest songs tell, with how sure that is; nothing of a handful of songs."""
    if newest is None or newest[1] < FEW_SONGS:
        return ""
    n_found, n_newest = newest
    share = compute_share_interval(n_found, n_newest)
    return ngettext(
        "Of the %(of)d songs heard last, %(n)d is among the first %(k)d of the lists (%(low)s to %(high)s).",
        "Of the %(of)d songs heard last, %(n)d are among the first %(k)d of the lists (%(low)s to %(high)s).",
        n_found,
    ) % {
        "of": n_newest,
        "n": n_found,
        "k": LONGEST,
        "low": f"{share.low:.0%}",
        "high": f"{share.high:.0%}",
    }
