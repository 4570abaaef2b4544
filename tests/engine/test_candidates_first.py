"""Candidates first: a large catalogue's lists come from what the components propose."""

import sys
from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from recommendations.engine import (
    PRESETS,
    ContractTerms,
    History,
    ListContract,
    Recommender,
    SongFacts,
    TrainingData,
    Weighting,
)
from recommendations.engine.algorithms import ALGORITHMS
from recommendations.engine.algorithms.als import ALS
from recommendations.engine.algorithms.content import Content
from recommendations.engine.core.vector_index import VectorIndex, iterate_blocks
from recommendations.engine.pipeline import candidate_search

from .worlds import taste_world

N_SONGS = 900
LARGE, STANDARD = PRESETS["large"], PRESETS["standard"]


@pytest.fixture(scope="module")
def world():
    return taste_world(n_listeners=300, n_items=N_SONGS, n_tastes=6)


@pytest.fixture(scope="module")
def large(world):
    """A recommender of the preset large that takes 900 songs for many, with its indexes."""
    config = replace(
        LARGE,
        components={**LARGE.components, "als": {"n_factors": 16, "n_iterations": 4}},
        n_candidates=20,
    )
    recommender = Recommender(config).fit(*world, seed=1)
    recommender.exact_below = 1
    recommender.build_indexes(recommender.histories(world[0]), seed=1)
    return recommender


@pytest.fixture(autouse=True)
def few_songs_are_few(monkeypatch):
    """All songs of these worlds are few: only a mask that leaves less than 30 makes them all candidates."""
    monkeypatch.setattr(candidate_search, "FEW_SONGS", 30)
    monkeypatch.setattr(candidate_search, "N_SPREAD", 16)


def exactly(recommender: Recommender) -> Recommender:
    """The same recommender, which scores every song."""
    exact = Recommender.__new__(Recommender)
    exact.__dict__ = {**recommender.__dict__, "exact_below": N_SONGS + 1}
    return exact


def list_histories(recommender, world):
    matrix = recommender.histories(world[0])
    for row in range(40):
        own = matrix[row]
        yield History(own.indices, own.data)


def list_candidates(recommender, history, exclude=None, k=5):
    pipeline = recommender._pipeline
    listener = recommender._listener(history)
    request = replace(_request(recommender, k), unavailable=exclude)
    return pipeline.scoring.score_block(listener, request).columns.item_rows[0]


def _request(recommender, k):
    from recommendations.engine.pipeline.requests import make_list_request

    return make_list_request(recommender.config, recommender.n_items, k)


def assert_same_lists(own, other):
    assert [song.item_row for song in own] == [song.item_row for song in other]
    for song, twin in zip(own, other, strict=True):
        assert song.explanation.contributions.keys() == twin.explanation.contributions.keys()
        for name, amount in song.explanation.contributions.items():
            # rounding of single precision, added in another order
            assert amount == pytest.approx(twin.explanation.contributions[name], abs=3e-6)
        assert [e.item_id for e in song.explanation.named] == [
            e.item_id for e in twin.explanation.named
        ]


# -- both ways ----------------------------------------------------------------------------------------------


def test_both_ways_give_the_same_list_on_the_same_candidates(large, world):
    exact = exactly(large)
    n_compared = 0
    for history in list_histories(large, world):
        candidates = list_candidates(large, history)
        others = np.ones(N_SONGS, dtype=bool)
        others[candidates] = False
        assert others.any(), "everything was a candidate, so nothing is compared"
        assert_same_lists(large.recommend(history, 5), exact.recommend(history, 5, exclude=others))
        n_compared += 1
    assert n_compared == 40


def test_both_ways_give_the_same_list_with_a_ranker(world):
    config = replace(
        LARGE,
        components={**LARGE.components, "als": {"n_factors": 16, "n_iterations": 4}},
        n_candidates=20,
        ranker=replace(
            STANDARD.ranker, n_by_component=20, n_by_artist=5, n_trees=10, max_listeners=150
        ),
    )
    ranked = Recommender(config).fit(*world, seed=1)
    assert ranked.ranker is not None
    ranked.exact_below = 1
    exact = exactly(ranked)
    for history in list(list_histories(ranked, world))[:20]:
        others = np.ones(N_SONGS, dtype=bool)
        others[list_candidates(ranked, history)] = False
        own, other = ranked.recommend(history, 5), exact.recommend(history, 5, exclude=others)
        assert [song.item_row for song in own] == [song.item_row for song in other]
        np.testing.assert_allclose(
            [song.score for song in own], [song.score for song in other], atol=1e-4
        )


def test_similar_songs_are_the_same_on_the_same_candidates(large):
    exact = exactly(large)
    for row in range(0, N_SONGS, 60):
        pipeline = large._pipeline
        alone = large._listener(History(np.array([row], np.int32), np.ones(1, np.float32)))
        candidates = pipeline.scoring._search.list_similar(alone, None, row, 25)
        others = np.ones(N_SONGS, dtype=bool)
        others[candidates] = False
        assert_same_lists(large.similar(row, 5), exact.similar(row, 5, exclude=others))


def test_most_of_the_exact_list_is_found(large, world):
    """Without the components' worst songs the candidates' scale was shorter than the catalogue's: .945 was found."""
    exact = exactly(large)
    shares = [
        np.isin(
            [song.item_row for song in exact.recommend(history, 10)],
            [song.item_row for song in large.recommend(history, 10)],
        ).mean()
        for history in list_histories(large, world)
    ]
    assert np.mean(shares) > 0.97


@pytest.mark.parametrize("name", ["als", "content", "popularity"])
def test_the_worst_songs_are_the_low_end_of_the_scale(large, world, name):
    """By sound alone, so that content's worst ones may have an artist or genre of the listener's."""
    algorithm, histories = large.algorithms[name], large.histories(world[0])[:20]
    scores = algorithm.score(histories)
    for row, worst in enumerate(algorithm.propose_worst(histories)):
        if np.isfinite(scores[row]).any():
            assert scores[row, worst].min() <= np.nanquantile(scores[row], 0.01)
    compared = algorithm.similar(11)
    if np.isfinite(compared).any():
        least = algorithm.propose_least_similar(11)
        assert compared[least].min() <= np.nanquantile(compared, 0.01)


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_proposing_the_worst_songs_never_takes_all_scores(all_algorithms, name, monkeypatch):
    algorithm, histories = all_algorithms[0][name], all_algorithms[1].strengths[:3]
    monkeypatch.setattr(algorithm, "_score", None)
    monkeypatch.setattr(algorithm, "_similar", None)
    assert len(algorithm.propose_worst(histories)) == 3
    assert len(algorithm.propose_least_similar(9)) <= 8


def test_a_songs_score_does_not_depend_on_the_rules_of_its_list(large, world):
    """With rules more songs are looked at; the scale of the scores stays."""
    tail = large.find_tail()

    def describe_songs(rows):
        nothing = np.zeros((len(rows), 0), dtype=np.float32)
        is_new = np.zeros(len(rows), dtype=bool)
        return SongFacts(rows.astype(np.int64), is_new, tail[rows], nothing, np.zeros(0))

    contract = ListContract(ContractTerms(tail_share=0.5), describe_songs)
    n_compared = 0
    for history in list(list_histories(large, world))[:10]:
        usual = {song.item_row: song.score for song in large.recommend(history, 20)}
        for song in large.recommend(history, 20, contract=contract):
            if song.item_row in usual:
                assert song.score == pytest.approx(usual[song.item_row], abs=1e-9)
                n_compared += 1
    assert n_compared > 20


def test_a_batch_gives_what_each_listener_gets_alone(large, world):
    matrix = large.histories(world[0])[:40]
    lists = large.recommend_batch(matrix, 5)
    for row, history in enumerate(list_histories(large, world)):
        alone = large.recommend(history, 5)
        assert [song.item_row for song in lists[row]] == [song.item_row for song in alone]


def test_a_stranger_gets_what_is_popular(large):
    nothing = History(np.zeros(0, np.int32), np.zeros(0, np.float32))
    rows = [song.item_row for song in large.recommend(nothing, 10)]
    assert rows == [song.item_row for song in exactly(large).recommend(nothing, 10)]


# -- masks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9, 0.97, 0.99])
def test_a_mask_never_leaves_a_list_short(large, world, share):
    rng = np.random.default_rng(3)
    matrix = large.histories(world[0])
    # the songs that would come first are the first to be struck out
    for row in range(0, 200, 10):
        history = History(matrix[row].indices, matrix[row].data)
        best = [song.item_row for song in exactly(large).recommend(history, 100)]
        mask = rng.random(N_SONGS) < share
        mask[best[:60]] |= share > 0
        rows = [song.item_row for song in large.recommend(history, 5, exclude=mask)]
        n_left = N_SONGS - np.count_nonzero(mask | np.isin(np.arange(N_SONGS), history.item_rows))
        assert len(rows) == min(5, n_left)
        assert not mask[rows].any()
        assert not np.isin(rows, history.item_rows).any()


def test_a_listener_who_heard_nearly_everything_gets_the_rest(large):
    heard = np.delete(np.arange(N_SONGS, dtype=np.int32), [17, 400, 631])
    everything = History(heard, np.ones(len(heard), dtype=np.float32))
    rows = {song.item_row for song in large.recommend(everything, 5)}
    assert rows == {17, 400, 631}


def test_a_mask_never_leaves_similar_songs_short(large):
    first = [song.item_row for song in exactly(large).similar(5, 200)]
    mask = np.zeros(N_SONGS, dtype=bool)
    mask[first] = True
    rows = [song.item_row for song in large.similar(5, 10, exclude=mask)]
    assert len(rows) == 10
    assert not mask[rows].any() and 5 not in rows


# -- what else is asked ---------------------------------------------------------------------------------------


def test_any_song_can_be_explained(large, world):
    history = next(list_histories(large, world))
    candidates = list_candidates(large, history, k=20)
    outside = np.setdiff1d(np.arange(N_SONGS), candidates)
    outside = np.setdiff1d(outside, history.item_rows)
    for row in [*outside[:3], history.item_rows[0], large.recommend(history, 1).items[0].item_row]:
        explanation = large.explain(history, int(row))
        assert sum(explanation.shares.values()) == pytest.approx(1)


def test_why_not_says_that_no_component_proposes_a_song(large, world):
    history = next(list_histories(large, world))
    outside = np.setdiff1d(np.arange(N_SONGS), list_candidates(large, history))
    outside = np.setdiff1d(outside, history.item_rows)
    traced = large.trace_song(history, int(outside[0]), 5)
    assert traced.step == "not_proposed"
    assert traced.rank is not None and traced.rank > 5
    listed = large.recommend(history, 5).items[2]
    assert large.trace_song(history, listed.item_row, 5).step == "listed"


def test_an_evaluation_measures_the_lists_that_are_served(large, world):
    matrix = large.histories(world[0])[:30]
    ranked = large.rank_songs(matrix, 5)
    assert set(ranked) == {"recommender", *large.component_names}
    for row, history in list(enumerate(list_histories(large, world)))[:30]:
        served = [song.item_row for song in large.recommend(history, 5)]
        assert [song for song in ranked["recommender"][row] if song >= 0] == served


# -- every algorithm ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def all_algorithms(world):
    interactions, features = world
    data = TrainingData(interactions.to_matrix(Weighting()), features, interactions)
    return {name: make().fit(data, seed=1) for name, make in ALGORITHMS.items()}, data


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_an_algorithm_proposes_its_best_songs(all_algorithms, name):
    """Without an index a proposal is exact, but for songs of score 0, which nobody has to propose."""
    algorithm, histories = all_algorithms[0][name], all_algorithms[1].strengths[:12]
    scores = algorithm.score(histories)
    proposed = algorithm.propose(histories, np.full(12, 15))
    assert any(map(len, proposed)) or name == "prior"  # without a pack it has no song to propose
    for row, rows in enumerate(proposed):
        assert len(set(rows)) == len(rows) <= 15
        assert np.isfinite(scores[row, rows]).all()
        if len(rows):
            rest = np.delete(scores[row], rows)
            best_left = np.nanmax(rest)
            assert best_left <= scores[row, rows].min() + 1e-5 or (
                best_left <= 0 and len(rows) < 15
            )


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_an_algorithm_scores_chosen_songs_as_it_scores_all(all_algorithms, name):
    algorithm, histories = all_algorithms[0][name], all_algorithms[1].strengths[:12]
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(N_SONGS, (12, 40)), axis=1).astype(np.int32)
    rows[:, -3:] = -1
    chosen = algorithm.score_items(histories, rows)
    everything = np.take_along_axis(algorithm.score(histories), np.maximum(rows, 0), axis=1)
    everything[rows < 0] = np.nan
    np.testing.assert_allclose(chosen, everything, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_an_algorithm_compares_chosen_songs_as_it_compares_all(all_algorithms, name):
    algorithm = all_algorithms[0][name]
    rows = np.arange(0, N_SONGS, 7, dtype=np.int32)
    np.testing.assert_allclose(
        algorithm.similar_items(9, rows), algorithm.similar(9)[rows], rtol=2e-4, atol=2e-5
    )
    proposed = algorithm.propose_similar(9, 15)
    assert 9 not in proposed
    scores = algorithm.similar(9).copy()
    scores[9] = np.nan
    if len(proposed):
        best_left = np.nanmax(np.delete(scores, proposed))
        assert best_left <= scores[proposed].min() + 1e-5 or best_left <= 0


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_proposals_to_a_listener_do_not_depend_on_the_others(all_algorithms, name):
    algorithm, histories = all_algorithms[0][name], all_algorithms[1].strengths[:6]
    counts = np.array([3, 40, 7, 1, 25, 12])
    together = algorithm.propose(histories, counts)
    for row in range(6):
        (alone,) = algorithm.propose(histories[row], counts[row : row + 1])
        np.testing.assert_array_equal(alone, together[row])


# -- the index ------------------------------------------------------------------------------------------------


def test_the_index_finds_nearly_what_an_exact_search_finds(large):
    about = large.metadata["indexes"]
    assert about["installed"]
    assert set(about["components"]) == {"als", "content"}
    assert set(about["components"]["als"]) == {"cosine", "product"}
    for index in [index for each in about["components"].values() for index in each.values()]:
        assert index["recall_at_10"] >= 0.95
        assert index["used"]
        assert index["n_queries"] == 200


def test_an_added_dimension_keeps_the_order_of_products(large):
    """|y| differs a lot, so the cosines alone would give another order."""
    als = large.algorithms["als"]
    rows = np.arange(N_SONGS)
    vectors, factors = als._add_dimension(rows), als._take_factors(rows)
    learned = als.learned_
    lengths = np.sqrt((vectors[learned].astype(float) ** 2).sum(axis=1))
    np.testing.assert_allclose(lengths, 1, atol=1e-5)
    listener = np.random.default_rng(0).normal(size=16).astype(np.float32)
    products = factors[learned] @ listener
    cosines = vectors[learned] @ np.append(listener / np.linalg.norm(listener), 0)
    longest = np.linalg.norm(factors[learned], axis=1).max()
    np.testing.assert_allclose(
        cosines, products / longest / np.linalg.norm(listener), rtol=1e-3, atol=1e-5
    )


def test_an_index_that_finds_too_little_is_not_used(large, world, monkeypatch, caplog):
    recommender = Recommender(large.config).fit(*world, seed=1)
    recommender.exact_below = 1
    monkeypatch.setattr(
        "recommendations.engine.core.vector_index.VectorIndex.search",
        lambda self, query, n: np.zeros(0, dtype=np.int32),
    )
    about = recommender.build_indexes(seed=1)
    assert not about["components"]["als"]["cosine"]["used"]
    assert about["components"]["als"]["cosine"]["recall_at_10"] == 0
    assert recommender.algorithms["als"].indexes_ == {}
    assert "is not used" in caplog.text


def test_nothing_is_built_for_a_small_catalogue(world):
    recommender = Recommender(LARGE).fit(*world, seed=1)
    assert recommender.build_indexes() == {}
    assert "indexes" not in recommender.metadata
    assert recommender.algorithms["als"].indexes_ == {}


def test_building_an_index_says_how_far_it_is_and_can_be_stopped(large):
    seen = []
    large.build_indexes(seed=1, on_progress=lambda *step: seen.append(step))
    of_als = [(done, total) for stage, done, total in seen if stage == "index als"]
    assert of_als[0][0] == 0 and of_als[-1][0] == of_als[-1][1]
    assert [done for done, _ in of_als] == sorted(done for done, _ in of_als)

    def stop(stage, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        large.build_indexes(seed=1, on_progress=stop)
    large.build_indexes(seed=1)


def test_indexes_that_have_served_are_freed_and_lists_are_exact(large, world):
    recommender = Recommender.__new__(Recommender)
    recommender.__dict__ = {
        **large.__dict__,
        "algorithms": {name: copy(one) for name, one in large.algorithms.items()},
    }
    recommender.drop_indexes()
    assert not any(getattr(one, "indexes_", None) for one in recommender.algorithms.values())
    assert large.algorithms["als"].indexes_
    history = next(list_histories(large, world))
    assert len(recommender.recommend(history, 10)) == 10


def test_a_saved_index_is_mapped_and_gives_the_same_lists(large, world, tmp_path):
    manifest = large.save(tmp_path / "model")
    assert {"als.index_cosine", "als.index_product", "content.index_cosine"} <= set(manifest.arrays)
    assert all(len(entry["sha256"]) == 64 for entry in manifest.arrays.values())
    loaded = Recommender.load(tmp_path / "model")
    loaded.exact_below = 1
    index = loaded.algorithms["als"].indexes_["product"]
    assert isinstance(index.graph, np.memmap) or isinstance(index.graph.base, np.memmap)
    assert index.expansion == large.algorithms["als"].indexes_["product"].expansion
    for history in list(list_histories(large, world))[:10]:
        own, other = large.recommend(history, 5), loaded.recommend(history, 5)
        assert [song.item_row for song in own] == [song.item_row for song in other]
        assert [s.item_row for s in large.similar(3, 5)] == [
            s.item_row for s in loaded.similar(3, 5)
        ]
    assert loaded.metadata["indexes"] == large.metadata["indexes"]


def hide_usearch(monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)


def test_without_usearch_everything_is_exact_and_says_so(world, monkeypatch, caplog):
    hide_usearch(monkeypatch)
    recommender = Recommender(LARGE).fit(*world, seed=1)
    recommender.exact_below = 1
    assert recommender.build_indexes() == {"installed": False}
    assert recommender.metadata["indexes"] == {"installed": False}
    assert caplog.text.count("usearch is not installed") == 1
    history = next(list_histories(recommender, world))
    assert len(recommender.recommend(history, 10)) == 10
    assert len(recommender.similar(3, 10)) == 10


def test_a_model_with_an_index_is_used_without_usearch(large, world, tmp_path, monkeypatch, caplog):
    large.save(tmp_path / "model")
    hide_usearch(monkeypatch)
    loaded = Recommender.load(tmp_path / "model")
    assert "usearch is not installed" in caplog.text
    loaded.exact_below = 1
    exact = exactly(loaded)
    for history in list(list_histories(large, world))[:5]:
        assert len(loaded.recommend(history, 5)) == 5
        rows = [song.item_row for song in exact.similar(3, 5)]
        assert len({song.item_row for song in loaded.similar(3, 5)} & set(rows)) >= 4


def test_a_graph_of_other_vectors_is_refused(large):
    graph = large.algorithms["als"].indexes_["cosine"].graph
    with pytest.raises(ValueError, match="16 dimensions"):
        VectorIndex(graph, 17, 64)
    with pytest.raises(ValueError, match="cannot be read"):
        VectorIndex(np.zeros(1000, dtype=np.uint8), 16, 64)


def test_a_damaged_index_is_left_out_and_the_model_is_used(large, tmp_path, caplog):
    als = large.algorithms["als"]
    state = als.state() | {"index_cosine": np.zeros(1000, dtype=np.uint8)}
    restored = ALS.from_state(als.options(), state)
    assert set(restored.indexes_) == {"product"}
    assert "The index cosine of als is not used" in caplog.text


def test_a_second_fit_forgets_the_index(large, world):
    interactions, features = world
    data = TrainingData(interactions.to_matrix(Weighting()), features, interactions)
    for make in (ALS, Content):
        algorithm = make().fit(data, seed=1)
        algorithm.build_indexes(None, np.random.default_rng(0), lambda done, total: None)
        assert algorithm.indexes_
        assert algorithm.fit(data, seed=1).indexes_ == {}


def test_searches_of_several_threads_do_not_meet(large):
    from concurrent.futures import ThreadPoolExecutor

    als = large.algorithms["als"]
    index = als.indexes_["cosine"]
    queries = als.item_vectors(np.arange(200))
    alone = [index.search(query, 20) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: index.search(query, 20), list(queries) * 5))
    for own, other in zip(alone * 5, together, strict=True):
        np.testing.assert_array_equal(own, other)


def test_blocks_of_vectors_are_all_vectors():
    numbers = np.arange(3, 40_003)
    blocks = list(iterate_blocks(numbers, lambda rows: rows[:, None].astype(np.float32)))
    assert len(blocks) == 3
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in blocks]), numbers)
