"""Everything a recommender is made of, as one value that goes into JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from recommendations.engine.core.weighting import Weighting

SEGMENTS = ("none", "cold", "warm", "hot")
"""Length of a listener's history: nothing positive heard yet, little, enough, a lot."""

MOST_LEAVES = 9
"""Of a tree of the ranker: the answers to its 8 splits are one byte (`ranking.tree_tables`)."""


@dataclass(frozen=True)
class RankerConfig:
    """How the ranker learns and how many candidates it sees.

    Attributes
    ----------
    n_by_component
        Songs each component proposes.
    n_by_artist
        Songs proposed because the listener heard their artist.
    n_trees, n_leaves, learning_rate, min_leaf, l2
        Of the boosted trees.
    truncation
        Ranks that LambdaRank looks at.
    holdout_share
        Part of each listener's songs that is hidden to train on.
    negatives_share
        Part of the candidates that were not taken which is trained on.
    max_listeners
        At most so many listeners are trained on.
    max_holdouts
        Where listeners are few, up to so many different parts of their songs are hidden in turn.
    linear_share
        Part of the linear order in the score, 0 to 1; the rest are the trees. The search chooses it.
    newest_held_out
        Whether the songs heard last are hidden where the order is known; else songs at random. None: decided by the
        data (`tuning.order_value`).
    ranks_cold
        Whether it orders for cold listeners, too, instead of the weights. The search chooses it.
    """

    n_by_component: int = 100
    n_by_artist: int = 50
    n_trees: int = 80
    n_leaves: int = 8
    learning_rate: float = 0.12
    min_leaf: int = 100
    l2: float = 5.0
    truncation: int = 20
    holdout_share: float = 0.2
    negatives_share: float = 0.4
    max_listeners: int = 6000
    max_holdouts: int = 3
    linear_share: float = 0.0
    ranks_cold: bool = False
    newest_held_out: bool | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.linear_share < 1:
            raise ValueError(
                f"linear_share must be at least 0 and below 1, not {self.linear_share}."
            )
        if self.n_by_component < 1 or self.n_trees < 1:
            raise ValueError("A ranker needs at least 1 candidate and 1 tree.")
        if not 2 <= self.n_leaves <= MOST_LEAVES:
            raise ValueError(f"n_leaves must be from 2 to {MOST_LEAVES}, not {self.n_leaves}.")
        if not 0 < self.holdout_share < 1 or not 0 < self.negatives_share <= 1:
            raise ValueError(
                "holdout_share must be between 0 and 1, negatives_share above 0 and at most 1."
            )


@dataclass(frozen=True)
class SearchConfig:
    """How long to look for the best settings.

    Attributes
    ----------
    components
        Algorithms that are tried.
    trials
        Settings that are tried, over all components; the first ones of each are always tried. They are tried
        quickly first, and the better ones again in full (`tuning.hyperparameter_search`).
    seconds
        No trial starts later than this after the first, but one in full of each component; None for no limit.
        With a limit in seconds two runs can differ, with trials alone they cannot.
    max_listeners
        At most so many listeners judge a trial.
    first
        Component -> settings that are tried before all others: those that the last search found.
    """

    components: tuple[str, ...] = (
        "ease",
        "ials",
        "softmax",
        "item_knn",
        "user_knn",
        "transitions",
    )
    trials: int = 34
    seconds: float | None = None
    max_listeners: int = 1500
    first: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.components:
            raise ValueError("A search needs at least one component.")
        if min(self.trials, self.max_listeners) < 1 or (self.seconds or 0) < 0:
            raise ValueError("trials and max_listeners must be at least 1, seconds at least 0.")


@dataclass(frozen=True)
class RecommenderConfig:
    """What to learn and how to combine it.

    Attributes
    ----------
    name
        Name of the preset.
    components
        Algorithm name -> its hyperparameters.
    weights
        Segment -> component -> weight; each segment's weights sum to 1.
    cold_below, hot_from
        A listener with fewer positive songs than `cold_below` is cold, from `hot_from` on hot.
    weighting
        From events to strengths.
    n_candidates
        How many of the best songs the re-ranking chooses from; at least five times the list is taken.
    relevance
        Share of relevance against diversity in maximal marginal relevance, 0 to 1.
    artist_cap
        Most songs of one artist in a list; None for no limit.
    ranker
        With it a learned ranker orders the components' candidates for warm and hot listeners; the weights are
        for the others.
    about
        What the preset is and takes, in a sentence or two.
    search
        With it `fit` looks for the components, settings, weights and ranker itself, and keeps what it found.
    follows_crowd
        With it `fit` shifts the weights to what works for few listeners, the less of a crowd there is, and
        takes in what listeners elsewhere heard.
    listens_alone
        Components that a fit that follows the crowd adds for the ranker where many listeners' listens are all that is
        known: no song has an artist or genre.
    where_ordered
        Components that such a fit adds for the ranker where the order is known in which many listeners heard songs.
    where_next
        Components that such a fit adds besides where the order is learned for the songs that are heard next.
    learns_weights
        With it a training of many listeners replaces the weights of warm and hot ones by those that measure best on a
        sample (`evaluation.learn_weights`); without a training that measures they stay.
    """

    name: str
    components: Mapping[str, Mapping[str, Any]]
    weights: Mapping[str, Mapping[str, float]]
    cold_below: int = 5
    hot_from: int = 20
    weighting: Weighting = field(default_factory=Weighting)
    n_candidates: int = 100
    relevance: float = 0.7
    artist_cap: int | None = 3
    ranker: RankerConfig | None = None
    search: SearchConfig | None = None
    about: str = ""
    follows_crowd: bool = False
    listens_alone: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    where_ordered: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    where_next: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    learns_weights: bool = False

    def __post_init__(self) -> None:
        if not self.components:
            raise ValueError("A recommender needs at least one component.")
        if not 0 < self.cold_below <= self.hot_from:
            raise ValueError(
                f"cold_below {self.cold_below} must be from 1 to hot_from {self.hot_from}."
            )
        if not 0 <= self.relevance <= 1:
            raise ValueError(f"relevance must be from 0 to 1, not {self.relevance}.")
        if self.artist_cap is not None and self.artist_cap < 1:
            raise ValueError(f"artist_cap must be at least 1 or None, not {self.artist_cap}.")
        if self.n_candidates < 1:
            raise ValueError(f"n_candidates must be at least 1, not {self.n_candidates}.")
        for segment in SEGMENTS:
            self._check_weights(segment)

    def _check_weights(self, segment: str) -> None:
        weights = self.weights.get(segment)
        if weights is None:
            raise ValueError(f"The weights lack the segment {segment!r}.")
        if unknown := set(weights) - set(self.components):
            raise ValueError(
                f"The weights of {segment!r} name {sorted(unknown)[0]!r}, which is no component."
            )
        if min(weights.values()) < 0 or abs(sum(weights.values()) - 1) > 1e-6:
            raise ValueError(f"The weights of {segment!r} must be at least 0 and sum to 1.")

    @property
    def possible_components(self) -> dict[str, Mapping[str, Any]]:
        """The components, and those that a fit may add because of the data."""
        return {
            **self.where_next,
            **self.where_ordered,
            **self.listens_alone,
            **self.components,
        }

    @property
    def learns_newest(self) -> bool:
        """Whether its order is learned for the songs that are heard next, where it is known what was heard last."""
        return self.ranker is not None and bool(self.ranker.newest_held_out)

    @property
    def leaves_target_open(self) -> bool:
        """Whether the data decide if its order is learned for what is heard next, or for any song that belongs."""
        return self.ranker is not None and self.ranker.newest_held_out is None

    def warm_started(self, fitted: RecommenderConfig) -> RecommenderConfig:
        """Return the configuration with the settings that another search found tried first."""
        if self.search is None or fitted.name != self.name:
            return self
        first = {
            name: fitted.components[name]
            for name in self.search.components
            if name in fitted.components
        }
        return replace(self, search=replace(self.search, first=first))

    def could_produce(self, fitted: RecommenderConfig) -> bool:
        """Return whether a training of this configuration gave the other one, but for what its data decide."""
        if self.learns_weights and fitted.components.keys() == self.components.keys():
            fitted = replace(fitted, weights=self.weights)
        if not self.follows_crowd:
            return self == fitted
        components = {
            name: options for name, options in fitted.components.items() if name in self.components
        }
        if _drop_decays(components) != _drop_decays(self.components):
            return False
        ranker = self.ranker
        if ranker is not None and fitted.ranker is not None:  # with few listeners there is none
            ranker = replace(
                fitted.ranker,
                ranks_cold=ranker.ranks_cold,
                linear_share=ranker.linear_share,
                newest_held_out=ranker.newest_held_out,
            )
        return self == replace(
            fitted,
            components=self.components,
            weights=self.weights,
            ranker=ranker,
            artist_cap=None if self.artist_cap is None else fitted.artist_cap,
            follows_crowd=True,
            about=self.about,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self) | {
            "components": {name: dict(options) for name, options in self.components.items()},
            "listens_alone": {name: dict(options) for name, options in self.listens_alone.items()},
            "where_ordered": {name: dict(options) for name, options in self.where_ordered.items()},
            "where_next": {name: dict(options) for name, options in self.where_next.items()},
            "weights": {segment: dict(weights) for segment, weights in self.weights.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RecommenderConfig:
        """Return what `to_dict` was given.

        Raises
        ------
        ValueError
            An unknown or missing field.
        """
        try:
            return cls(**{**values, **_parse_sections(values)})
        except TypeError as error:
            raise ValueError(f"This is no recommender configuration: {error}.") from error


def _drop_decays(components: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the options without the decay of the history, which a fit chooses where the order tells what is next."""
    return {
        name: {option: value for option, value in options.items() if option != "history_decay"}
        for name, options in components.items()
    }


def _parse_sections(values: Mapping[str, Any]) -> dict[str, Any]:
    ranker, search = values.get("ranker"), values.get("search")
    return {
        "weighting": Weighting(**values.get("weighting", {})),
        "ranker": None if ranker is None else RankerConfig(**_rename_options(ranker)),
        "search": None
        if search is None
        else SearchConfig(**{**search, "components": tuple(search["components"])}),
    }


def _rename_options(ranker: Mapping[str, Any]) -> dict[str, Any]:
    """Return a ranker's options by the names of today; older versions stored some by others."""
    return {_OLD_NAMES.get(name, name): value for name, value in ranker.items()}


_OLD_NAMES = {"n_proposals": "n_by_component"}
