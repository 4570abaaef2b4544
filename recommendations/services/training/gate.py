"""Whether a freshly trained version may take over by itself."""

from recommendations.conf import conf
from recommendations.engine import RecommenderConfig
from recommendations.services.training.evaluation_result import (
    FEW_LISTENERS,
    Evaluation,
    PairedComparison,
)
from recommendations.services.versions import registry


def find_champion_config(config: RecommenderConfig) -> RecommenderConfig | None:
    """Return the active version's configuration when it differs: it is then fitted and measured on the same split.

    The active artifact itself can't be measured fairly, because it has learned from what is held out.
    """
    active = registry.get_active_version()
    if active is None or active.config == config.to_dict():
        return None
    champion = RecommenderConfig.from_dict(active.config)
    return None if config.could_produce(champion) else champion


def decide_gate(evaluation: Evaluation | None) -> str:
    """Return why a version must not be activated by itself; empty when it may.

    With few measured listeners a difference is noise, and its interval too narrow: nothing is held back for it.
    """
    if evaluation is None or evaluation.n_measured < FEW_LISTENERS:
        return ""
    return _compare_with_champion(evaluation) or _compare_with_own_figure(evaluation)


def _compare_with_champion(evaluation: Evaluation) -> str:
    """Clearly worse: the whole interval of the paired difference lies below what may be lost.

    Where one of the two learns for the songs that are heard next, these decide if they are clear: an order learned for
    them finds fewer random songs. If they are not, random songs decide.
    """
    newest = evaluation.newest_comparison
    if newest is not None and _is_clearly_worse(newest.champion_ndcg, newest.difference):
        return _write_objection("NDCG@10 on the songs heard last", newest)
    if newest is not None and newest.difference[0] > 0:
        return ""
    champion, difference = evaluation.champion_ndcg, evaluation.difference
    if champion is None or difference is None or not _is_clearly_worse(champion, difference):
        return ""
    return _write_objection("NDCG@10", PairedComparison(evaluation.ndcg, champion, difference))


def _is_clearly_worse(champion: float, difference: tuple[float, float]) -> bool:
    return difference[1] < -conf.gate_drop * champion


def _write_objection(what: str, compared: PairedComparison) -> str:
    low, high = compared.difference
    return (
        f"{what} is {compared.ndcg:.3f}, the active version's configuration reaches {compared.champion_ndcg:.3f} "
        f"on the same split (difference {low:+.3f} to {high:+.3f}). Activate it by hand if that is meant."
    )


def _compare_with_own_figure(evaluation: Evaluation) -> str:
    """The same configuration on much worse data (a broken import, say) shows as a fall of its own figure."""
    active = registry.get_active_version()
    metrics = active.metrics if active else {}
    before, split = metrics.get("ndcg_10"), (metrics.get("report") or {}).get("split")
    if active is None or evaluation.champion_ndcg is not None or before is None:
        return ""
    if split is not None and split != evaluation.report.split:
        return ""  # random songs and those heard last are not equally hard to find
    if evaluation.interval[1] >= before * (1 - 2 * conf.gate_drop):
        return ""
    return (
        f"NDCG@10 fell from {before:.3f} ({active.name}) to {evaluation.ndcg:.3f} with the same configuration; "
        "look at the newest imports. Activate it by hand if that is meant."
    )
