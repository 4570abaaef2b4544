"""Whether a freshly trained version may take over by itself."""

from recommendations.conf import conf
from recommendations.engine import RecommenderConfig
from recommendations.services.training.offline_evaluation import FEW_LISTENERS, Evaluation
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

    Where one of the two learns for the songs that are heard next, these decide: an order learned for them finds fewer
    random songs, and would never get past the gate.
    """
    newest = evaluation.newest_comparison
    judged = evaluation if newest is None else newest
    ndcg, champion, difference = judged.ndcg, judged.champion_ndcg, judged.difference
    if champion is None or difference is None or difference[1] >= -conf.gate_drop * champion:
        return ""
    what = "NDCG@10" if newest is None else "NDCG@10 on the songs heard last"
    return (
        f"{what} is {ndcg:.3f}, the active version's configuration reaches {champion:.3f} on the same "
        f"split (difference {difference[0]:+.3f} to {difference[1]:+.3f}). Activate it by hand if that is meant."
    )


def _compare_with_own_figure(evaluation: Evaluation) -> str:
    """The same configuration on much worse data (a broken import, say) shows as a fall of its own figure."""
    active = registry.get_active_version()
    before = (active.metrics if active else {}).get("ndcg_10")
    if active is None or evaluation.champion_ndcg is not None or before is None:
        return ""
    if evaluation.interval[1] >= before * (1 - 2 * conf.gate_drop):
        return ""
    return (
        f"NDCG@10 fell from {before:.3f} ({active.name}) to {evaluation.ndcg:.3f} with the same configuration; "
        "look at the newest imports. Activate it by hand if that is meant."
    )
