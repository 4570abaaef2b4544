"""Weights of a blend that a training finds on the site's own listeners, where the preset learns them."""

from recommendations.conf import conf
from recommendations.engine import ImprovedWeights, Recommender, Split, learn_weights


def find_weights(fitted: Recommender, split: Split, seed: int) -> ImprovedWeights | None:
    """Give a fitted recommender better weights if its configuration learns them; None where nothing was looked for."""
    if not fitted.config.learns_weights:
        return None
    weights = learn_weights(fitted, split, max_listeners=conf.evaluation_listeners, seed=seed)
    if weights is not None:
        fitted.use_weights(weights.weights)
    return weights


def describe_weights(weights: ImprovedWeights) -> str:
    """Say on whom weights were found, and what they are worth."""
    if weights.ndcg <= weights.given_ndcg:
        return (
            f"The preset's weights stay: on {weights.n_listeners:,} listeners none measured better."
        )
    return (
        f"Found weights for the algorithms on {weights.n_listeners:,} listeners: NDCG@10 before variety "
        f"{weights.ndcg:.3f}, by the preset's weights {weights.given_ndcg:.3f}."
    )
