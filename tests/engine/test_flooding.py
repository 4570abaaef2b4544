"""One account, or ten together, count as one listener, or ten, in what others hear (T73)."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack

from recommendations.engine import (
    ALGORITHMS,
    CLASSIC,
    Interactions,
    Kind,
    Recommender,
    TrainingData,
    Weighting,
)
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.algorithms.popularity import Popularity
from recommendations.engine.core.weighting import CAP_RATIO, cap_strengths
from tests.engine.worlds import DAY, NOW, taste_world

N_PLAYS = 4_000
OPTIONS = {
    "als": {"n_factors": 8, "regularization": 1.0},
    "ease": {"transform": "log"},
    "item_knn": {"transform": "log"},
    "user_knn": {"transform": "log"},
}
LEARN_FROM_OTHERS = sorted(set(ALGORITHMS) - {"popularity", "content"})


def add_listeners(
    world: Interactions, item_row: int, *, n_accounts: int, n_plays: int
) -> Interactions:
    """Return the world with accounts that each play one song so often, a second apart, up to now."""
    first = int(world.listeners.ids.max()) + 1
    accounts = np.repeat(np.arange(first, first + n_accounts), n_plays)
    moments = np.tile(NOW - np.arange(n_plays), n_accounts)
    return Interactions.from_ids(
        np.concatenate([world.listeners.ids[world.listener_rows], accounts]),
        np.concatenate([world.item_rows, np.full(len(accounts), item_row)]),
        kinds=np.concatenate([world.kinds, np.full(len(accounts), Kind.PLAY)]),
        plays=np.concatenate([world.plays, np.ones(len(accounts), dtype=np.int32)]),
        timestamps=np.concatenate([world.timestamps, moments]),
        all_item_ids=np.arange(world.n_items),
    )


def fit_popularity(events: Interactions) -> Popularity:
    return Popularity().fit(TrainingData(events.to_matrix(Weighting()), None, events))


def unpopular_item(events: Interactions) -> int:
    return int(np.argmin(fit_popularity(events).trend_))


@pytest.mark.parametrize("n_accounts", [1, 10])
def test_a_flood_moves_popularity_and_trends_as_far_as_single_plays(n_accounts):
    world, _ = taste_world()
    item = unpopular_item(world)
    flooded = fit_popularity(add_listeners(world, item, n_accounts=n_accounts, n_plays=N_PLAYS))
    honest = fit_popularity(add_listeners(world, item, n_accounts=n_accounts, n_plays=1))
    for name in ("trend_", "n_listeners_", "n_recent_", "is_trending_"):
        np.testing.assert_array_equal(getattr(flooded, name), getattr(honest, name))
    added = flooded.trend_[item] - fit_popularity(world).trend_[item]
    assert added <= n_accounts


def test_a_listener_counts_by_the_newest_event():
    events = Interactions.from_ids(
        [1, 1, 1, 2],
        [0, 0, 0, 1],
        kinds=[Kind.PLAY, Kind.LIKE, Kind.DISLIKE, Kind.PLAY],
        timestamps=[NOW - 40 * DAY, NOW - 20 * DAY, NOW, NOW],
    )
    strengths = events.to_matrix(Weighting())
    trend = Popularity(half_life_days=10).fit(TrainingData(strengths, None, events)).trend_
    assert trend.tolist() == [2.0 ** (-20 / 10), 1]


def test_the_cap_follows_the_scale_of_the_listeners():
    strengths = csr_matrix(np.array([[1, 0, 3], [2, 2, 0], [0, -9000, 9000]], dtype=np.float32))
    limit = CAP_RATIO * 2  # the listeners' means are 2, 2 and 9000
    assert cap_strengths(strengths).toarray().tolist() == [[1, 0, 3], [2, 2, 0], [0, -limit, limit]]
    assert strengths.toarray()[2].tolist() == [0, -9000, 9000]


def test_nothing_is_capped_where_nobody_floods():
    interactions, _ = taste_world()
    strengths = interactions.to_matrix(Weighting())
    assert cap_strengths(strengths) is strengths
    empty = csr_matrix((3, 4), dtype=np.float32)
    assert cap_strengths(empty) is empty


@pytest.mark.parametrize("name", LEARN_FROM_OTHERS)
@pytest.mark.parametrize("n_accounts", [1, 10])
def test_a_flood_moves_what_algorithms_learn_as_far_as_keen_listeners(name, n_accounts):
    """Accounts that play two songs 4,000 times each link them no closer than accounts at the cap do."""
    interactions, features = taste_world()
    world = interactions.to_matrix(Weighting())
    keen = CAP_RATIO * np.median([world[row].data.mean() for row in range(world.shape[0])])

    def fit(strength: float):
        accounts = np.zeros((n_accounts, world.shape[1]), dtype=np.float32)
        accounts[:, [0, 117]] = strength
        data = TrainingData(csr_matrix(vstack([world, csr_matrix(accounts)])), features)
        return create_algorithm(name, OPTIONS.get(name, {})).fit(data, seed=1)

    flooded, honest = fit(N_PLAYS), fit(keen)
    np.testing.assert_allclose(flooded.score(world), honest.score(world), rtol=2e-3, atol=2e-4)


def count_lists(recommender: Recommender, world: Interactions, item: int) -> int:
    histories = recommender.histories(world)
    return int((recommender.rank_songs(histories, 10)["recommender"] == item).sum())


@pytest.mark.parametrize("n_accounts", [1, 10])
def test_a_flood_brings_a_song_into_as_many_strangers_lists_as_honest_listeners_do(n_accounts):
    world, features = taste_world()
    item = unpopular_item(world)

    keen = int(CAP_RATIO * np.median([row.data.mean() for row in world.to_matrix(Weighting())]))

    def fit(n_plays: int) -> Recommender:
        events = add_listeners(world, item, n_accounts=n_accounts, n_plays=n_plays)
        return Recommender(CLASSIC).fit(events, features)

    flooded, honest = fit(N_PLAYS), fit(keen)
    strangers = [one.recommend(one.history([]), world.n_items) for one in (flooded, honest)]
    ranks = [[song.item_id for song in songs].index(item) for songs in strangers]
    assert ranks[0] == ranks[1]
    difference = count_lists(flooded, world, item) - count_lists(honest, world, item)
    assert difference <= n_accounts
