"""What is learned in shards is what one fit of everybody learns."""

import numpy as np
import pytest

from recommendations.engine import (
    PRESETS,
    IdMap,
    Interactions,
    Recommender,
    RecommenderConfig,
    Weighting,
    World,
    shards,
)
from recommendations.engine.algorithms.item_knn import ItemKNN
from recommendations.engine.core.weighting import cap_strengths
from recommendations.engine.shards import neighbours
from recommendations.engine.shards.assembly import SHARDABLE

N_SHARDS = 3


@pytest.fixture(scope="module")
def events():
    world = World(n_listeners=60, n_songs=80, n_interactions=3_000, seed=5)
    named = world.to_interactions()
    return Interactions.from_ids(
        named.listener_rows + 1,
        named.item_rows + 1,
        kinds=named.kinds,
        plays=named.plays,
        played_share=named.played_share,
        timestamps=named.timestamps,
        all_item_ids=np.arange(1, named.n_items + 1),
    )


def cut(events: Interactions) -> list[Interactions]:
    """Return the events as shards of every third listener, each with its own listeners only."""
    shares = []
    for number in range(N_SHARDS):
        share = events.take(events.listener_rows % N_SHARDS == number)
        ids = events.listeners.ids[share.listener_rows]
        shares.append(
            Interactions.from_ids(
                ids,
                events.items.ids[share.item_rows],
                kinds=share.kinds,
                plays=share.plays,
                played_share=share.played_share,
                timestamps=share.timestamps,
                all_item_ids=events.items.ids,
            )
        )
    return shares


def survey_all(shares: list[Interactions]) -> shards.Survey:
    return shards.Survey.join([shards.Survey.measure(share, Weighting()) for share in shares])


def fit_in_shards(events: Interactions, config: RecommenderConfig) -> Recommender:
    """Everything but ALS, which is no sum over listeners."""
    shares = cut(events)
    survey = survey_all(shares)
    strengths = [survey.cap(share.to_matrix(config.weighting)) for share in shares]
    plain = Recommender(config).algorithms
    knn, popularity = plain["item_knn"], plain["popularity"]
    rows = [row for some in strengths for row in shards.count_together(knn, some)]
    squares = sum(shards.sum_squares(knn, some) for some in strengths)
    blocks = [
        shards.select_neighbours(knn, [row for row in rows if row.block == block], squares)
        for block in sorted({row.block for row in rows})
    ]
    recency = shards.Recency.join(
        [shards.Recency.measure(share, survey.ends, popularity.half_life_days) for share in shares]
    )
    crowd = survey.describe_crowd(
        sum(survey.count_shared(share.to_matrix(config.weighting)) for share in shares)
    )
    algorithms = {
        "item_knn": shards.make_neighbours(knn, shards.join_links(blocks, survey.n_items), survey),
        "popularity": shards.make_popularity(popularity, survey, recency),
    }
    return shards.assemble(
        config,
        events.items,
        None,
        algorithms,
        shards.describe_parts(config, survey, crowd, seed=0),
    )


CONFIG = RecommenderConfig(
    name="sums",
    components={"item_knn": {"n_neighbours": 10, "transform": "log"}, "popularity": {}},
    weights={
        segment: {"item_knn": 0.7, "popularity": 0.3} for segment in ("none", "cold", "warm", "hot")
    },
)


@pytest.mark.parametrize("rows_together", [1_024, 17])
@pytest.mark.parametrize("products_together", [4_000_000, 50])
def test_sums_over_shards_are_what_one_fit_learns(
    events, monkeypatch, rows_together, products_together
):
    monkeypatch.setattr(neighbours, "ROWS_TOGETHER", rows_together)
    monkeypatch.setattr(neighbours, "PRODUCTS_TOGETHER", products_together)
    whole, sharded = Recommender(CONFIG).fit(events), fit_in_shards(events, CONFIG)
    ours, theirs = sharded.algorithms["item_knn"], whole.algorithms["item_knn"]
    # where two songs are equally near either may be kept, so that not the songs but their similarities are compared
    for row in range(events.n_items):
        np.testing.assert_allclose(
            np.sort(ours.links_[[row]].data), np.sort(theirs.links_[[row]].data), rtol=1e-4
        )
    np.testing.assert_array_equal(ours.learned_, theirs.learned_)
    ours, theirs = sharded.algorithms["popularity"], whole.algorithms["popularity"]
    np.testing.assert_allclose(ours.trend_, theirs.trend_, rtol=1e-5)
    for name in ("n_listeners_", "n_recent_", "is_trending_"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_the_metadata_is_that_of_one_fit(events):
    whole, sharded = Recommender(CONFIG).fit(events), fit_in_shards(events, CONFIG)
    assert sharded.metadata == whole.metadata | {"device": "cluster"}


def test_strengths_are_cut_where_those_of_everybody_are(events):
    shares = cut(events)
    survey = survey_all(shares)
    shares = np.concatenate([survey.cap(share.to_matrix(Weighting())).data for share in shares])
    together = cap_strengths(events.to_matrix(Weighting())).data
    assert together.max() < events.to_matrix(Weighting()).data.max()
    np.testing.assert_array_equal(np.sort(shares), np.sort(together))


def test_an_empty_shard_adds_nothing(events):
    shares = cut(events)
    nobody = Interactions.from_ids([], [], all_item_ids=events.items.ids)
    with_nobody = survey_all([*shares, nobody])
    alone = survey_all(shares)
    assert (with_nobody.n_events, with_nobody.ends) == (alone.n_events, alone.ends)
    np.testing.assert_array_equal(with_nobody.n_liked, alone.n_liked)
    assert list(shards.count_together(ItemKNN(), nobody.to_matrix(Weighting()))) == []
    assert shards.Survey.join([shards.Survey.measure(nobody, Weighting())]).ends is None


def test_factors_from_elsewhere_become_als(events):
    survey = survey_all(cut(events))
    plain = Recommender(PRESETS["large"]).algorithms["als"]
    factors = np.random.default_rng(1).random((events.n_items, 64), dtype=np.float32)
    als = shards.make_als(plain, factors, survey, seed=7)
    assert als.seed_ == 7
    learned = survey.n_liked > 0
    np.testing.assert_array_equal(als.item_factors_, np.where(learned[:, None], factors, 0))


@pytest.mark.parametrize(
    ("config", "word"),
    [
        (PRESETS["standard"], "searches or learns an order"),
        (PRESETS["tuned"], "searches or learns an order"),
        (
            RecommenderConfig(
                name="x",
                components={"ease": {}},
                weights={segment: {"ease": 1.0} for segment in ("none", "cold", "warm", "hot")},
            ),
            "ease",
        ),
        (
            RecommenderConfig(
                name="x",
                components={"item_knn": {"similarity": "bm25"}},
                weights={segment: {"item_knn": 1.0} for segment in ("none", "cold", "warm", "hot")},
            ),
            "BM25",
        ),
        (
            RecommenderConfig(
                name="x",
                components={"als": {"side_information": 1.0}},
                weights={segment: {"als": 1.0} for segment in ("none", "cold", "warm", "hot")},
            ),
            "side_information",
        ),
    ],
)
def test_what_only_one_process_learns_is_refused(config, word):
    with pytest.raises(shards.CannotBeSharded, match=word):
        shards.require_shardable(config)


# Each has its like in `engine/shards/`, or `require_shardable` refuses it.
ARGUMENTS = {
    "als": {
        "n_factors", "n_iterations", "regularization", "alpha", "transform", "side_information",
        "weighted_regularization", "device",
    },
    "item_knn": {
        "n_neighbours", "similarity", "transform", "side_information", "bm25_b", "history_decay",
    },
    "popularity": {"half_life_days"},
    "content": {"transform", "artist", "genre"},
}  # fmt: skip


def test_every_argument_is_learned_in_shards_or_refused():
    """One that is overlooked there gives a cluster other lists than one process; here it has to be written down."""
    options = {algorithm.name: algorithm().options() for algorithm in SHARDABLE}
    assert {name: set(named) for name, named in options.items()} == ARGUMENTS


def test_large_and_classic_can_be_sharded():
    shards.require_shardable(PRESETS["large"])
    shards.require_shardable(PRESETS["classic"])


def test_an_assembled_recommender_is_saved_and_loaded(events, tmp_path):
    sharded = fit_in_shards(events, CONFIG)
    sharded.save(tmp_path / "artifact")
    again = Recommender.load(tmp_path / "artifact")
    assert isinstance(again.items, IdMap)
    history = again.history(events.items.ids[:5])
    assert [item.item_id for item in again.recommend(history)] == [
        item.item_id for item in sharded.recommend(history)
    ]
