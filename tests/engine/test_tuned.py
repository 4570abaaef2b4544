"""The tuned preset finds its mixture by itself, serves it truthfully, and makes do with little data."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack

from recommendations.engine import (
    ALGORITHMS,
    PRESETS,
    ContractTerms,
    History,
    Interactions,
    ItemFeatures,
    ListContract,
    NotEnoughData,
    Recommender,
    SongFacts,
    TrainingData,
    Weighting,
    space_artists,
)
from recommendations.engine.algorithms import create_algorithm
from recommendations.engine.core.config import (
    RankerConfig,
    RecommenderConfig,
    SearchConfig,
)
from recommendations.engine.core.ordered import count_steps_back
from recommendations.engine.ranking.tree_ranker import hold_out
from recommendations.engine.tuning import tuner
from recommendations.engine.tuning.blend_weights import search_blend
from recommendations.engine.tuning.component_selection import drop_idle_components
from recommendations.engine.tuning.validation import MIN_LISTENERS, Validation
from tests.engine.worlds import taste_world

SMALL = replace(
    PRESETS["tuned"],
    search=SearchConfig(components=("ease", "item_knn"), trials=2),
    ranker=RankerConfig(
        n_by_component=20, n_by_artist=5, n_trees=15, min_leaf=5, newest_held_out=True
    ),
)


@pytest.fixture(scope="module")
def world():
    return taste_world(n_listeners=160, n_items=80)


@pytest.fixture(scope="module")
def tuned_recommender(world):
    return Recommender(SMALL).fit(*world, seed=3)


@pytest.fixture(scope="module")
def ranked_recommender(world):
    """Known settings and a ranker, whether it won the search or not."""
    config = replace(
        SMALL, components={"ease": {}, "item_knn": {}, "content": {}, "popularity": {}}, search=None
    )
    weights = {segment: {"item_knn": 0.5, "popularity": 0.5} for segment in config.weights}
    return Recommender(replace(config, weights=weights)).fit(*world, seed=3)


@pytest.fixture(scope="module")
def histories(ranked_recommender, world):
    return ranked_recommender.histories(world[0])


def a_warm(histories):
    return int(np.flatnonzero(np.diff(histories.indptr) >= 8)[0])


def training_data(world):
    interactions, features = world
    return TrainingData(interactions.to_matrix(Weighting()), features, interactions)


def one(recommender, histories, row, k=10):
    return recommender.recommend_batch(histories[row], k)[0]


def test_the_search_says_what_it_tried_chose_and_gained(tuned_recommender):
    log = tuned_recommender.metadata["tuning"]
    trials = [trial for trial in log["trials"] if trial["options"].get("history_decay", 1) == 1]
    tried = [(trial["component"], "side_information" in trial["options"]) for trial in trials]
    assert tried == [("ease", False), ("item_knn", False), ("ease", True), ("item_knn", True)]
    assert log["chosen"] in ("ranker", "blend")
    with_side_information = {"ease told artists and genres", "item_knn told artists and genres"}
    assert (
        set(log["ndcg@10"])
        == {"ease", "item_knn", "content", "popularity", "blend", "ranker"} | with_side_information
    )
    ours = log["ndcg@10"][log["chosen"]]
    assert log["gain_over"]["ease"] == pytest.approx(ours / log["ndcg@10"]["ease"], abs=1e-3)


def test_where_times_are_known_the_newest_songs_are_hidden_and_decays_are_tried(
    tuned_recommender, world
):
    data = training_data(world)
    validation = Validation.hold_out(data, 0.2, 1500, seed=1)
    assert validation.is_ordered
    steps = count_steps_back(data.strengths)
    row = int(validation.validation_listeners[0])
    own = slice(data.strengths.indptr[row], data.strengths.indptr[row + 1])
    hidden = np.isin(data.strengths.indices[own], validation.held_out[[row]].indices)
    assert sorted(steps[own][hidden]) == list(range(hidden.sum()))
    decays = {
        trial["options"].get("history_decay", 1)
        for trial in tuned_recommender.metadata["tuning"]["trials"]
    }
    assert decays > {1, 0.8}
    assert not Validation.hold_out(data, 0.2, 1500, seed=1, newest=False).is_ordered


def test_a_component_that_adds_nothing_is_left_out(world):
    search = SearchConfig(components=("ease", "item_knn", "user_knn"), trials=3)
    fitted = Recommender(replace(SMALL, search=search)).fit(*world, seed=3)
    log = fitted.metadata["tuning"]
    compared = {
        c["system"].split()[-1]: c
        for c in log["comparisons"]
        if c["system"].startswith("ranker without ")
    }
    assert len(compared) == 1
    left_out = set(search.components) - set(fitted.component_names)
    assert left_out <= set(compared)
    for name in left_out:
        ranker = log["ndcg@10"]["ranker"]
        assert compared[name]["difference"]["low"] >= -0.02 * ranker
        assert all(name not in weights for weights in fitted.config.weights.values())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_best_single_component_is_never_left_out(world, seed):
    search = SearchConfig(components=("item_knn", "ease", "user_knn"), trials=3)
    fitted = Recommender(replace(SMALL, search=search)).fit(*world, seed=seed)
    alone = {t["component"]: t["ndcg@10"] for t in fitted.metadata["tuning"]["trials"]}
    assert max(alone, key=lambda name: alone[name]) in fitted.component_names


def test_even_a_ranker_that_needs_nothing_keeps_the_best_single_component(world, monkeypatch):
    """The search used to leave out what the ranker did as well without, the best component among it."""

    def keep_protected(validation, fitted, protected, *others):
        return {name: algorithm for name, algorithm in fitted.items() if name in protected}, []

    monkeypatch.setattr(tuner, "drop_idle_components", keep_protected)
    search = SearchConfig(components=("item_knn", "ease", "user_knn"), trials=3)
    fitted = Recommender(replace(SMALL, search=search)).fit(*world, seed=0)
    log = fitted.metadata["tuning"]
    for ndcg in ("ndcg@10", "ndcg@10 of new listeners"):
        alone = {name: log[ndcg][name] for name in search.components if name in log[ndcg]}
        assert max(alone, key=lambda name: alone[name]) in fitted.component_names
    best = {name: choice["ndcg@10"] for name, choice in log["choices"].items()}
    assert max(best, key=lambda name: best[name]) in fitted.component_names


def test_a_protected_component_is_never_tried_without(world):
    validation = Validation.hold_out(training_data(world), 0.2, 1500, seed=1)
    names = ("item_knn", "ease", "user_knn")
    fitted = {name: create_algorithm(name, {}).fit(validation.data) for name in names}
    kept, comparisons = drop_idle_components(
        validation, fitted, {"item_knn", "ease"}, SMALL, SMALL.ranker, 1, lambda *_: None
    )
    assert {"item_knn", "ease"} <= set(kept)
    assert [comparison.system for comparison in comparisons] == ["ranker without user_knn"]


def test_ranker_and_blend_are_compared_on_the_same_listeners_with_an_interval(tuned_recommender):
    log = tuned_recommender.metadata["tuning"]
    warm = next(
        c for c in log["comparisons"] if c["system"] == "ranker" and c["listeners"] == "validation"
    )
    assert warm["n_listeners"] == log["n_judges"]
    gained = log["ndcg@10"]["ranker"] - log["ndcg@10"][warm["baseline"]]
    assert warm["difference"]["mean"] == pytest.approx(gained, abs=1e-4)
    assert warm["difference"]["low"] <= warm["difference"]["mean"] <= warm["difference"]["high"]
    is_ranked = warm["difference"]["mean"] > 0
    assert (tuned_recommender.ranker is not None) == is_ranked == (log["chosen"] == "ranker")


# -- new listeners --------------------------------------------------------------------------------------------


def test_components_learn_nothing_of_the_listeners_who_are_asked_as_new(world):
    validation = Validation.hold_out(training_data(world), 0.2, 1500, seed=1)
    new = validation.new_listeners
    assert len(new) >= MIN_LISTENERS
    assert validation.data.strengths[new].nnz == 0
    assert not np.isin(validation.data.events.listener_rows, new).any()
    assert not set(new) & set(validation.validation_listeners)


def test_of_a_new_listener_all_songs_but_the_given_ones_are_to_be_found(world):
    data = training_data(world)
    validation = Validation.hold_out(data, 0.2, 1500, seed=1)
    cases = validation.new_cases(1, 4, seed=1)
    n_given = np.diff(cases.histories.indptr)
    assert n_given.min() >= 1 and n_given.max() <= 4
    assert np.diff(cases.labels.indptr).min() >= 1
    whole = data.strengths[validation.new_listeners]
    assert ((cases.histories + cases.labels) != whole).nnz == 0
    assert cases.histories.multiply(cases.labels).nnz == 0


class Perfect(ALGORITHMS["popularity"]):
    """Recommends what a listener heard in truth; each listener's strengths are their row's number plus 1."""

    def __init__(self, strengths):
        self.heard_ = strengths.toarray() != 0
        self.n_items_ = strengths.shape[1]

    def _score(self, histories):
        rows = np.rint(histories.data[histories.indptr[:-1]]).astype(int) - 1
        return self.heard_[rows].astype(np.float32)


def test_a_perfect_component_measures_perfect_for_new_listeners(world):
    """With their other training songs among the candidates it would not: these come first and would be misses."""
    heard = training_data(world).strengths.copy()
    heard.data[:] = np.repeat(np.arange(heard.shape[0]), np.diff(heard.indptr)) + 1
    data = TrainingData(heard)
    validation = Validation.hold_out(data, 0.2, 1500, seed=1)
    fitted = {"perfect": Perfect(heard), "popularity": create_algorithm("popularity", {}).fit(data)}
    searched = search_blend(
        fitted, validation.cases(), validation.new_cases(1, 4, seed=1), SMALL, seed=1
    )
    assert searched.new_ndcg.mean() == pytest.approx(1)
    assert searched.weights["cold"]["perfect"] > 0.5


def test_cold_listeners_get_what_measures_best_for_new_ones(world):
    search = SearchConfig(components=("ease", "item_knn", "user_knn"), trials=3)
    fitted = Recommender(replace(SMALL, search=search)).fit(*world, seed=3)
    log = fitted.metadata["tuning"]
    ndcg = log["ndcg@10 of new listeners"]
    cold = next(c for c in log["comparisons"] if c["listeners"] == "new listeners")
    ranks_cold = fitted.ranker is not None and fitted.ranker.config.ranks_cold
    ours = ndcg["ranker"] if ranks_cold else ndcg[cold["baseline"]]
    assert ours >= max(ndcg.values()) - 1e-9
    explanation = fitted.recommend(fitted.history([1, 2]), 5).items[0].explanation
    assert explanation.scored_by == ("ranker" if ranks_cold else "blend")


def test_the_same_data_seed_and_trials_give_the_same_result(tuned_recommender, world):
    again = Recommender(SMALL).fit(*world, seed=3)
    assert again.metadata["tuning"] == tuned_recommender.metadata["tuning"]
    assert again.config == tuned_recommender.config
    histories = tuned_recommender.histories(world[0])
    lists = [
        recommender.recommend_batch(histories, 5).item_rows
        for recommender in (tuned_recommender, again)
    ]
    np.testing.assert_array_equal(*lists)


def test_a_configuration_that_an_older_version_stored_is_read():
    stored = SMALL.to_dict()
    stored["ranker"]["n_proposals"] = stored["ranker"].pop("n_by_component")
    assert RecommenderConfig.from_dict(stored) == SMALL


def test_a_search_begins_with_what_the_last_one_found(world):
    weights = {segment: {"ease": 0.5, "popularity": 0.5} for segment in SMALL.weights}
    components = {"ease": {"regularization": 33.0}, "popularity": {}}
    best = replace(SMALL, components=components, weights=weights, search=None)
    warm = SMALL.warm_started(best)
    assert RecommenderConfig.from_dict(warm.to_dict()) == warm
    trials = Recommender(warm).fit(*world, seed=3).metadata["tuning"]["trials"]
    assert trials[0]["component"] == "ease" and trials[0]["options"]["regularization"] == 33.0
    assert PRESETS["standard"].warm_started(best) == PRESETS["standard"]


def test_a_budget_in_seconds_still_tries_every_component_once(world):
    config = replace(SMALL, search=replace(SMALL.search, trials=50, seconds=0.0))
    log = Recommender(config).fit(*world).metadata["tuning"]
    assert {trial["component"] for trial in log["trials"]} == {"ease", "item_knn"}


def test_found_settings_are_refitted_without_a_search(tuned_recommender, world):
    assert tuned_recommender.config.search is None
    again = Recommender(RecommenderConfig.from_dict(tuned_recommender.config.to_dict())).fit(
        *world, seed=3
    )
    assert again.config == tuned_recommender.config
    assert "trials" not in again.metadata.get("tuning", {})


def test_an_order_learned_before_is_taken_over_and_only_components_are_fitted(
    ranked_recommender, world
):
    stages = []
    again = Recommender(ranked_recommender.config).fit(
        *world,
        ranker=ranked_recommender.ranker,
        seed=3,
        on_progress=lambda stage, done, total: stages.append(stage),
    )
    assert again.ranker.model == ranked_recommender.ranker.model
    assert {stage.split()[0] for stage in stages} == {"fit"}
    assert "fit for the ranker" not in stages


def test_an_order_over_other_components_is_refused(ranked_recommender, world):
    fewer = replace(
        ranked_recommender.config,
        components={"popularity": {}},
        weights={segment: {"popularity": 1.0} for segment in ranked_recommender.config.weights},
    )
    with pytest.raises(ValueError, match="other components"):
        Recommender(fewer).fit(*world, ranker=ranked_recommender.ranker)


def test_a_contract_does_not_change_what_songs_score(ranked_recommender, world, histories):
    """A contract looks at more songs, and the scale used to reach to the last song that was looked at."""
    config = replace(ranked_recommender.config, n_candidates=20)
    recommender = Recommender(config).fit(*world, ranker=ranked_recommender.ranker, seed=3)
    contract = ListContract(ContractTerms(tail_share=0.6), describe_songs)
    n_behind = 0
    for row in np.flatnonzero(np.diff(histories.indptr) >= 8)[:20]:
        own = histories[[row]]
        history = History(own.indices, own.data, steps_back=count_steps_back(own))
        plain = recommender.recommend(history, 4, keeps_candidates=True)
        kept = recommender.recommend(history, 4, contract=contract, keeps_candidates=True)
        assert len(kept.candidates) > len(plain.candidates) == 20
        assert kept.candidates[:20] == plain.candidates
        scores = {item.item_id: item.score for item in plain}
        for item in kept:
            assert scores.get(item.item_id, item.score) == item.score
        for item in plain:
            traced = [
                recommender.trace_song(history, item.item_row, 4, contract=one)
                for one in (None, contract)
            ]
            assert traced[0].score == traced[1].score
        totals = dict(kept.candidates)
        n_behind += sum(totals[item.item_id] < 0 for item in kept)
    # songs from behind the usual candidates are there, and are below all of these
    assert n_behind > 0


def describe_songs(item_rows):
    """Every song is by an artist of its own; every seventh is of the tail."""
    n = len(item_rows)
    none = np.zeros(n, dtype=bool)
    return SongFacts(
        np.where(item_rows >= 0, item_rows, -1).astype(np.int64),
        none,
        (item_rows >= 0) & (item_rows % 7 == 0),
        np.zeros((n, 1), np.float32),
        np.zeros(1),
    )


def test_contributions_of_the_ranker_sum_to_the_score_and_shares_to_one(
    ranked_recommender, histories, world
):
    listed = one(ranked_recommender, histories, a_warm(histories))
    for song in listed:
        assert sum(song.explanation.contributions.values()) == pytest.approx(song.score, abs=1e-9)
        assert sum(song.explanation.shares.values()) == pytest.approx(1)
        assert "base" not in song.explanation.shares
    best = sorted(listed, key=lambda song: round(song.score, 6), reverse=True)
    rows = world[0].items.rows([song.item_id for song in best])
    order = space_artists(world[1].artist[rows].tolist())
    assert [song.item_id for song in listed] == [best[position].item_id for position in order]


def test_a_listener_who_may_hear_nothing_more_gets_an_empty_list(ranked_recommender, histories):
    """Alone in their block: the listener of a small library who has heard all of it."""
    everything = np.arange(ranked_recommender.n_items)
    listener = ranked_recommender.history(ranked_recommender.items.ids[:8])
    assert list(ranked_recommender.recommend(listener, 10, exclude=everything)) == []
    left = ranked_recommender.recommend(listener, 10, exclude=everything[:-1])
    assert [song.item_row for song in left] == [ranked_recommender.n_items - 1]


def test_the_trees_contributions_are_exact(ranked_recommender):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(20, ranked_recommender.ranker._booster.num_feature())).astype(
        np.float32
    )
    np.testing.assert_allclose(
        ranked_recommender.ranker.contributions(features).sum(axis=1),
        ranked_recommender.ranker.score(features),
    )


def test_one_listener_and_many_get_the_same(ranked_recommender, histories):
    many = ranked_recommender.recommend_batch(histories, 7)
    for row in range(0, histories.shape[0], 9):
        assert ranked_recommender.recommend_batch(histories[row], 7).pack(0) == many.pack(row)


def test_explaining_a_recommended_song_repeats_its_reasons(ranked_recommender, world):
    interactions, _ = world
    histories = ranked_recommender.histories(interactions)
    row = a_warm(histories)
    history = ranked_recommender.history(ranked_recommender.item_ids[histories[row].indices])
    song = ranked_recommender.recommend(history, 5).items[2]
    assert (
        ranked_recommender.explain(history, song.item_row).contributions
        == song.explanation.contributions
    )


def test_reasons_are_songs_of_the_history(ranked_recommender, histories):
    row = a_warm(histories)
    heard = set(histories[row].indices.tolist())
    cited = [
        why.item_id
        for song in one(ranked_recommender, histories, row)
        for why in song.explanation.named
    ]
    assert cited and set(ranked_recommender.items.rows(cited).tolist()) <= heard


def test_a_song_nobody_proposed_is_explained_by_the_blend_and_says_so(
    ranked_recommender, histories
):
    row = a_warm(histories)
    history = ranked_recommender.history(ranked_recommender.item_ids[histories[row].indices])
    assert {song.explanation.scored_by for song in one(ranked_recommender, histories, row)} == {
        "ranker"
    }
    explanations = [
        ranked_recommender.explain(history, item_row)
        for item_row in range(ranked_recommender.n_items)
    ]
    assert {explanation.scored_by for explanation in explanations} == {"ranker", "blend"}
    for explanation in explanations:
        assert np.isfinite(list(explanation.contributions.values())).all()
        if explanation.scored_by == "blend":
            assert 0 <= sum(explanation.contributions.values()) <= 1
            assert not {"base", "artist"} & set(explanation.contributions)


def test_songs_nobody_proposed_stand_below_the_proposed_ones_in_the_order_of_the_blend(
    ranked_recommender, histories
):
    history = histories[a_warm(histories)]
    songs = np.setdiff1d(np.arange(ranked_recommender.n_items), history.indices)
    many = csr_matrix(vstack([history] * len(songs)))
    scores, above = ranked_recommender.find_ranks(many, songs, forbidden=many)
    assert np.isfinite(scores).all()
    assert len(set(above.tolist())) > len(songs) * 0.8
    order = np.argsort(above, kind="stable")
    assert (np.diff(scores[order]) <= 0).all()


def test_cold_listeners_keep_the_weights(ranked_recommender):
    assert ranked_recommender.recommend(ranked_recommender.history([1, 2]), 5).segment == "cold"
    assert (
        "base"
        not in ranked_recommender.recommend(ranked_recommender.history([1, 2]), 5)
        .items[0]
        .explanation.contributions
    )
    assert len(ranked_recommender.recommend(ranked_recommender.history([]), 5)) == 5


def test_excluded_songs_and_a_cap_on_artists_hold_with_the_ranker(ranked_recommender, histories):
    row = a_warm(histories)
    usual = [song.item_row for song in one(ranked_recommender, histories, row, 5)]
    history = ranked_recommender.history(ranked_recommender.item_ids[histories[row].indices])
    without = ranked_recommender.recommend(history, 5, exclude=np.array(usual))
    assert not set(usual) & {song.item_row for song in without}
    capped = ranked_recommender.recommend(history, 10, artist_cap=1)
    artists = [song.item_row // 3 for song in capped]
    assert len(set(artists)) == len(artists)


def test_it_survives_saving_and_loading(ranked_recommender, histories, tmp_path):
    manifest = ranked_recommender.save(tmp_path / "saved")
    assert "ranker.model" in manifest.arrays
    loaded = Recommender.load(tmp_path / "saved")
    row = a_warm(histories)
    assert loaded.recommend_batch(histories[row], 8).pack(0) == ranked_recommender.recommend_batch(
        histories[row], 8
    ).pack(0)
    assert loaded.config == ranked_recommender.config


def test_progress_and_cancelling_reach_the_search(world):
    stages = []

    class Cancelled(Exception):
        pass

    def on_progress(stage, done, total):
        stages.append(stage)
        if stage == "examples":
            raise Cancelled

    with pytest.raises(Cancelled):
        Recommender(SMALL).fit(*world, on_progress=on_progress)
    assert stages[0] == "search"


def test_held_out_hides_likes_only_and_leaves_short_histories_alone():
    strengths = csr_matrix(
        np.array(
            [[1, 1, 1, 1, 1, 1, 1, 1, 1, -1], [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]], dtype=np.float32
        )
    )
    kept, hidden = hold_out(strengths, 0.2, seed=1)
    assert hidden[0].nnz == 2 and (hidden.data > 0).all()
    assert hidden[1].nnz == 0 and kept[0, 9] == -1
    assert (kept + hidden != strengths).nnz == 0


# -- too little or odd data -----------------------------------------------------------------------------------


def fit_matrix(matrix, features=None):
    return Recommender(SMALL).fit(
        Interactions.from_matrix(csr_matrix(np.array(matrix, np.float32))), features
    )


def test_nothing_heard_is_refused_in_one_sentence():
    with pytest.raises(NotEnoughData, match="nothing to learn from"):
        fit_matrix(np.zeros((3, 4)))


@pytest.mark.parametrize(
    "matrix",
    [[[1, 1, 0, 1]], [[1], [1], [1]], [[1]], np.ones((6, 6)), np.eye(5), [[-1, 1, 0], [1, -1, 0]]],
    ids=["one listener", "one song", "one pair", "all heard", "each its own", "with dislikes"],
)
def test_tiny_data_gives_a_smaller_model_that_says_so(matrix):
    recommender = fit_matrix(matrix)
    assert "Nothing was searched" in recommender.metadata["tuning"]["reason"]
    assert recommender.ranker is None
    lists = recommender.recommend_batch(
        recommender.histories(Interactions.from_matrix(csr_matrix(matrix))), 3
    )
    assert np.isfinite(lists.scores).all()
    assert len(lists) == len(matrix)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value):
    matrix = np.ones((4, 4), dtype=np.float32)
    matrix[1, 2] = value
    with pytest.raises(ValueError, match=r"NaN or infinite|finite"):
        fit_matrix(matrix)


def test_unknown_songs_in_a_history_are_left_out(ranked_recommender):
    assert ranked_recommender.history([10**9, 1]).n_unknown == 1


@pytest.mark.parametrize("missing", ["no features", "all unknown", "some unknown"])
def test_missing_features_never_become_numbers(world, missing):
    interactions, features = world
    audio = features.audio.copy()
    audio[:: 1 if missing == "all unknown" else 3] = np.nan
    given = None if missing == "no features" else ItemFeatures.build(audio, features.artist)
    config = replace(
        SMALL, search=None, components={"item_knn": {}, "content": {}, "popularity": {}}
    )
    weights = {
        segment: {"item_knn": 0.5, "content": 0.3, "popularity": 0.2} for segment in config.weights
    }
    recommender = Recommender(replace(config, weights=weights)).fit(interactions, given)
    lists = recommender.recommend_batch(recommender.histories(interactions), 5)
    assert np.isfinite(lists.scores).all()
    assert (lists.item_rows[:, 0] >= 0).all()


def test_ease_solves_for_all_songs_that_the_machine_has_memory_for():
    assert create_algorithm("ease", {}).largest_solve >= 9_460
    assert create_algorithm("ease", {"memory_gb": 0.001}).largest_solve < 500


def test_a_search_without_components_is_refused():
    with pytest.raises(ValueError, match="at least one component"):
        SearchConfig(components=())
    with pytest.raises(ValueError, match="n_leaves must be from 2 to 9, not 10"):
        RankerConfig(n_leaves=10)
    with pytest.raises(ValueError, match="at least 1 candidate"):
        RankerConfig(n_trees=0)


@pytest.mark.parametrize("preset", ["tuned", "standard"])
def test_of_one_listener_without_features_similar_songs_are_those_played_next(preset):
    """Nobody else is there and nothing is known of the songs: what is played together is all there is."""
    evenings = [[0, 1, 2, 3], [10, 11, 12, 13], [20, 21, 22, 23]]
    songs = [song for evening in evenings for song in evening]
    moments = [
        1_700_000_000 + day * 86_400 + index * 240
        for day, evening in enumerate(evenings)
        for index in range(len(evening))
    ]
    listener = np.zeros(len(songs), dtype=np.int64)
    events = Interactions.from_ids(listener, np.array(songs), timestamps=np.array(moments))
    recommender = Recommender(PRESETS[preset]).fit(events)
    similar = recommender.similar(recommender.items.row(11), 3)
    assert similar.items[0].item_id == 12
    assert similar.items[0].explanation.shares


def test_of_many_listeners_order_is_no_component_of_its_own(world):
    events, features = world
    fitted = Recommender(replace(PRESETS["standard"], ranker=None)).fit(events, features)
    assert "transitions" not in fitted.config.components
