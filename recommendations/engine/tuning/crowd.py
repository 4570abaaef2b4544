"""How much of a crowd a site has, and what each component may say because of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms import (
    Algorithm,
    TrainingData,
    create_algorithm,
    find_algorithm_name,
)
from recommendations.engine.core.arrays import count_per_row, keep_positive, select_top_columns
from recommendations.engine.core.config import SEGMENTS, RankerConfig, RecommenderConfig
from recommendations.engine.core.ordered import count_steps_back
from recommendations.engine.core.seeding import derive_seed
from recommendations.engine.data.side_information import has_side_information
from recommendations.engine.ranking.ensemble import Blend
from recommendations.engine.tuning.blend_weights import ensure_weight
from recommendations.engine.tuning.validation import (
    MIN_LISTENERS,
    Cases,
    K,
    Validation,
    measure_ndcg,
)

ENOUGH_SONGS = 5
"""A listener of fewer songs is not yet part of a crowd."""
HALF_A_CROWD = 25.0
"""With so many listeners who share their songs, what listeners here say weighs half."""
PRIOR_SHARE = 0.5
"""Of what the crowd leaves over, the prior's part; the rest is content's."""
PRIOR_OPTIONS = {"transform": "log"}
"""A song played often says more than one played once, but not as many times more."""
LEAST_POPULARITY, LEAST_WITHOUT_PRIOR = 0.02, 0.15
"""Of cold listeners' weights, whatever the crowd."""
COLD_POPULARITY, WARM_POPULARITY = 0.1, 0.05
"""Popularity's weight, beside the crowd's, where neither content nor prior nor order is known."""
LEAST_SAY = 0.001
ORDER_SHARE = 0.15
"""Of what the crowd leaves over, the part of what a listener plays one after the other, where that is known."""
LITTLE_SAY = 0.5
"""With less of a crowd, what listeners play one after the other is a component of its own."""
ALONE = ("content", "prior", "transitions")
"""Components that work for one listener; all others learn from many."""
FEWEST_OF_ARTIST, MOST_OF_ARTIST = 2, 5
"""Most songs of one artist in a list, without and with a crowd. Five of ten cost .1 % of NDCG@10 on the playlists."""
MANY_LISTENERS = 300
"""With so many listeners what learns a number for each pair of songs is trusted half; factors take the rest."""
MANY_LISTENERS_TO_RANK = 1000
"""With fewer listeners a ranker may be worse than the blend; it must measure better."""
LINEAR_SHARE_ALONE = 0.5
"""Part of the linear order for listens alone: without artists the trees find little that a sum does not say."""
LEARN_PAIRS = ("ease", "item_knn")
MOST_VALIDATION_LISTENERS = 300
"""At most so many listeners judge the prior."""
PRIOR_WEIGHTS = (0.0, 0.15, 0.3, 0.5, 0.7, 0.85, 1.0)
"""What is tried for the prior where there are enough listeners to judge by."""


@dataclass(frozen=True)
class Crowd:
    """Listeners who know enough songs, and how much they have in common.

    Attributes
    ----------
    n_listeners
        With at least `ENOUGH_SONGS` liked songs.
    overlap
        Mean share of their songs that another one of them likes, too; 0 to 1.
    """

    n_listeners: int
    overlap: float

    @classmethod
    def measure(cls, strengths: csr_matrix) -> Crowd:
        """Measure it; the cost is linear in the pairs."""
        liked = keep_positive(strengths)
        liked = liked[count_per_row(liked) >= ENOUGH_SONGS]
        if not liked.shape[0]:
            return cls(0, 0.0)
        is_shared = (np.bincount(liked.indices, minlength=liked.shape[1]) > 1)[liked.indices]
        shared = np.add.reduceat(is_shared, liked.indptr[:-1], dtype=np.float64)
        return cls(int(liked.shape[0]), float((shared / count_per_row(liked)).mean()))

    @property
    def say(self) -> float:
        """What listeners here may say, 0 (nobody has a song in common) to 1; rises with both numbers."""
        n = max(self.n_listeners - 1, 0) * self.overlap
        return n / (n + HALF_A_CROWD)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "n_listeners": self.n_listeners,
            "overlap": round(self.overlap, 4),
            "say": round(self.say, 4),
        }


def fit_to_crowd(config: RecommenderConfig, data: TrainingData, seed: int) -> RecommenderConfig:
    """Return the configuration with the weights that suit the site's crowd, and with the prior where there is one.

    With less of a crowd more of each weight goes from components that learn from many listeners to those that
    work for one, and a list has fewer songs of one artist: what works for one listener would fill it with them.
    Where there are enough listeners to judge by, the prior's weight is what measures best on songs held out of the
    data; at 0 the configuration is the one without a prior.
    """
    if not config.follows_crowd:
        return config
    crowd = Crowd.measure(data.strengths)
    config = _cap_artists(_shift_to_factors(config, crowd), crowd)
    is_ordered = count_steps_back(data.strengths) is not None
    if crowd.n_listeners >= MANY_LISTENERS_TO_RANK:
        config = _add_for_ranker(config, data, is_ordered=is_ordered)
    if crowd.say < LITTLE_SAY and is_ordered:
        config = replace(config, components={"transitions": {}, **config.components})
    plain = _shift_weights(config, crowd, _find_heirs(config, data, has_prior=False))
    if data.prior is None or not data.prior.together.nnz:
        return plain
    prior_weight = _search_prior_weight(plain, data, seed)
    if prior_weight == 0:
        return plain
    components = {**config.components, "prior": dict(PRIOR_OPTIONS)}
    if prior_weight is None:
        extended = replace(config, components=components)
        return _shift_weights(extended, crowd, _find_heirs(config, data, has_prior=True))
    weights = {
        segment: _mix_prior(values, prior_weight) for segment, values in plain.weights.items()
    }
    return replace(plain, components=components, weights=weights)


def _add_for_ranker(
    config: RecommenderConfig, data: TrainingData, *, is_ordered: bool
) -> RecommenderConfig:
    """Add what helps the ranker where only listens are known, and where their order is."""
    if is_ordered and config.ranker is not None:
        ordered = (
            {**config.where_next, **config.where_ordered}
            if config.learns_newest
            else config.where_ordered
        )
        config = replace(config, components={**ordered, **config.components})
    if not config.listens_alone or has_side_information(data.features):
        return config
    ranker = config.ranker and replace(config.ranker, linear_share=LINEAR_SHARE_ALONE)
    components = {**config.listens_alone, **config.components}
    return replace(config, components=components, ranker=ranker)


def _shift_to_factors(config: RecommenderConfig, crowd: Crowd) -> RecommenderConfig:
    """Move weight from what learns pairs of songs to the factors of iALS, the more the fewer listeners there are."""
    if "ials" not in config.components:
        return config
    kept = crowd.n_listeners / (crowd.n_listeners + MANY_LISTENERS)
    weights = {}
    for segment, values in config.weights.items():
        shifted = {
            name: value * kept if name in LEARN_PAIRS else value for name, value in values.items()
        }
        moved = sum(values.values()) - sum(shifted.values())
        weights[segment] = {**shifted, "ials": shifted.get("ials", 0.0) + moved}
    return replace(config, weights=weights)


def _cap_artists(config: RecommenderConfig, crowd: Crowd) -> RecommenderConfig:
    """Say how many songs of one artist a list may have, where the configuration leaves it open."""
    if config.artist_cap is not None:
        return config
    share = min(1.0, crowd.say / LITTLE_SAY)
    spread = MOST_OF_ARTIST - FEWEST_OF_ARTIST
    return replace(config, artist_cap=FEWEST_OF_ARTIST + int(spread * share))


def _mix_prior(weights: Mapping[str, float], prior: float) -> dict[str, float]:
    return {name: (1 - prior) * value for name, value in weights.items()} | {"prior": prior}


def _find_heirs(
    config: RecommenderConfig, data: TrainingData, *, has_prior: bool
) -> dict[str, float]:
    """Return what works for one listener here, and its part of the weight that the crowd leaves over."""
    heirs = {"prior": PRIOR_SHARE} if has_prior else {}
    remaining = 1 - sum(heirs.values())
    has_content = has_side_information(data.features) or (
        data.features is not None and bool(np.isfinite(data.features.audio).any())
    )
    if has_content and "content" in config.components:
        heirs["content"] = remaining
    if "transitions" in config.components:
        # what a listener plays together says little about new songs, but all where nothing else is known
        share = ORDER_SHARE if heirs else 1.0
        heirs = {name: value * (1 - share) for name, value in heirs.items()} | {
            "transitions": share
        }
    return heirs


def _shift_weights(
    config: RecommenderConfig, crowd: Crowd, heirs: Mapping[str, float]
) -> RecommenderConfig:
    """Shift weight away from what learns from many listeners to the heirs, as much as the crowd lacks."""
    total = sum(heirs.values())
    if not total:
        return _add_popularity(config, crowd)
    least = LEAST_POPULARITY if "prior" in heirs else LEAST_WITHOUT_PRIOR
    weights = {}
    for segment in SEGMENTS:
        shifted = {
            name: value * (1 if find_algorithm_name(name) in ALONE else crowd.say)
            for name, value in config.weights[segment].items()
        }
        remaining = 1 - sum(shifted.values())
        for name, share in heirs.items():
            shifted[name] = shifted.get(name, 0.0) + remaining * share / total
        # who has no history yet may be known to nothing else
        is_new = segment in ("none", "cold") and "popularity" in config.components
        weights[segment] = ensure_weight(shifted, "popularity", least) if is_new else shifted
    return replace(config, weights=weights, follows_crowd=False)


def _add_popularity(config: RecommenderConfig, crowd: Crowd) -> RecommenderConfig:
    """Give popularity the more say the less of a crowd there is, where nothing is known that works for one listener."""
    weights = {}
    for segment, values in config.weights.items():
        share = COLD_POPULARITY if segment in ("none", "cold") else WARM_POPULARITY
        # never nothing: songs are compared by the same weights, and popularity compares none
        mixed = {name: value * max(crowd.say, LEAST_SAY) for name, value in values.items()}
        mixed["popularity"] = mixed.get("popularity", 0.0) + (1 - crowd.say) * share
        total = sum(mixed.values())
        weights[segment] = {name: value / total for name, value in mixed.items()}
    has_popularity = "popularity" in config.components
    return replace(
        config, weights=weights if has_popularity else config.weights, follows_crowd=False
    )


def _search_prior_weight(config: RecommenderConfig, data: TrainingData, seed: int) -> float | None:
    """Return the weight beside the other components that finds most held-out songs; None with too few listeners."""
    share = (config.ranker or RankerConfig()).holdout_share
    validation = Validation.hold_out(
        data, share, MOST_VALIDATION_LISTENERS, derive_seed(seed, "prior")
    )
    if len(validation.validation_listeners) < MIN_LISTENERS:
        return None
    others = {name: weight for name, weight in config.weights["warm"].items() if weight > 0}
    options = {**config.components, "prior": PRIOR_OPTIONS}
    fitted = {
        name: create_algorithm(name, options.get(name, {})).fit(validation.data, seed=seed)
        for name in (*others, "prior")
    }
    return choose_prior_weight(fitted, others, validation.cases())


def choose_prior_weight(
    fitted: Mapping[str, Algorithm], others: Mapping[str, float], cases: Cases
) -> float:
    """Return which of `PRIOR_WEIGHTS` has the highest mean NDCG, the smallest one where they are equal."""
    ndcg_blocks: list[NDArray[np.float64]] = []
    for _, block in cases.blocks():
        scores = [block.scores(algorithm) for algorithm in fitted.values()]
        ndcg_blocks.append(
            np.stack(
                [
                    _compute_ndcg(scores, _make_weights_row(fitted, others, weight), block)
                    for weight in PRIOR_WEIGHTS
                ]
            )
        )
    means = np.concatenate(ndcg_blocks, axis=1).mean(axis=1)
    return PRIOR_WEIGHTS[int(means.argmax())]


def _make_weights_row(
    fitted: Mapping[str, Algorithm], others: Mapping[str, float], prior: float
) -> NDArray[np.float64]:
    mixed = _mix_prior(others, prior)
    return np.array([mixed.get(name, 0.0) for name in fitted])


def _compute_ndcg(
    scores: list[Any], weights: NDArray[np.float64], cases: Cases
) -> NDArray[np.float64]:
    total = Blend.from_scores(scores, np.tile(weights, (len(cases), 1))).total()
    total[~np.isfinite(total)] = np.nan
    return measure_ndcg(select_top_columns(total, K), cases.labels)
