"""What people do with the facade, from data to explained songs."""

import json
import os
import subprocess
import sys
from copy import copy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack

from recommendations.engine import (
    CLASSIC,
    PRESETS,
    History,
    IdMap,
    Interactions,
    ItemFeatures,
    Kind,
    NotEnoughData,
    NotFitted,
    RecommendedList,
    Recommender,
    RecommenderConfig,
    space_artists,
)
from recommendations.engine.core.ndcg import find_hits
from recommendations.engine.evaluation import metrics, split_by_listener
from tests.engine.worlds import taste_world

SMALL = replace(
    CLASSIC,
    components={
        **CLASSIC.components,
        "als": {**CLASSIC.components["als"], "n_factors": 16, "regularization": 1.0},
    },
)


def rank_by_score(listed: RecommendedList) -> list[int]:
    ranked = sorted(listed, key=lambda item: (-item.score, item.item_row))
    return [item.item_row for item in ranked]


@pytest.fixture(scope="module")
def world() -> tuple[Interactions, ItemFeatures]:
    return taste_world()


@pytest.fixture(scope="module")
def recommender(world) -> Recommender:
    return Recommender(SMALL).fit(*world)


@pytest.fixture(scope="module")
def histories(recommender, world) -> csr_matrix:
    return recommender.histories(world[0])


def take_history(histories: csr_matrix, listener: int) -> History:
    row = histories[listener]
    return History(row.indices, row.data)


def rows(listed: RecommendedList) -> list[int]:
    return [item.item_row for item in listed]


def hot(histories: csr_matrix) -> int:
    return int(np.argmax(np.diff(histories.indptr)))


def test_any_listener_gets_new_songs_once_best_first_and_never_what_must_not_come(
    recommender, histories, world
):
    """T30."""
    artists = world[1].artist
    unavailable = np.zeros(recommender.n_items, dtype=bool)
    unavailable[[0, 5]] = True
    for listener in range(0, histories.shape[0], 7):
        history = take_history(histories, listener)
        listed = recommender.recommend(history, 10, exclude=unavailable)
        songs = rows(listed)
        assert len(songs) == len(set(songs)) == 10
        assert not set(songs) & ({0, 5} | set(history.item_rows.tolist()))
        # best first, but for the order that keeps artists apart
        best = rank_by_score(listed)
        assert songs == [best[position] for position in space_artists(artists[best].tolist())]


def test_disliked_and_skipped_songs_never_come(recommender):
    """T30."""
    ids = [0, 4, 8, 12, 16, 20, 1]
    kinds = [Kind.LIKE] * 5 + [Kind.DISLIKE, Kind.SKIP]
    history = recommender.history(ids, kinds=kinds)
    assert not set(rows(recommender.recommend(history, 1000))) & set(ids)


def test_more_songs_than_there_are(recommender, histories):
    """T31: each song at most once."""
    history = take_history(histories, 3)
    songs = rows(recommender.recommend(history, 1_000_000))
    assert sorted(songs) == sorted(
        set(range(recommender.n_items)) - set(history.item_rows.tolist())
    )


def test_fewer_than_one_song_is_refused(recommender, histories):
    with pytest.raises(ValueError, match="k must be at least 1, not 0"):
        recommender.recommend(take_history(histories, 0), 0)


def test_no_history_gives_what_is_popular_and_says_so(recommender):
    """T32."""
    listed = recommender.recommend(recommender.history([]), 5)
    assert listed.segment == "none"
    assert listed.weights == {"popularity": 1}
    assert {kind for item in listed for kind in item.explanation.shares} == {"popularity"}
    assert all(item.explanation.popularity.count > 0 for item in listed)


def test_only_songs_newer_than_the_model_count_as_no_history(recommender):
    """T32."""
    history = recommender.history([10**6, 10**6 + 1])
    assert history.n_unknown == 2
    assert recommender.recommend(history, 5).segment == "none"


def test_songs_named_without_an_account_give_70_percent_content(recommender):
    listed = recommender.recommend(recommender.history([], taste=[0, 4, 8]), 5, discovery=0)
    assert listed.segment == "none"
    assert listed.weights == pytest.approx({"content": 0.7, "popularity": 0.3})
    assert not {0, 4, 8} & set(rows(listed))
    assert {evidence.item_id for item in listed for evidence in item.explanation.named} <= {0, 4, 8}
    assert sum(row % 4 == 0 for row in rows(listed)) >= 3


def test_named_songs_stop_counting_once_something_was_played(recommender):
    played = recommender.recommend(recommender.history([1], taste=[0, 4, 8]), 5)
    assert played.segment == "cold"
    assert {evidence.item_id for item in played for evidence in item.explanation.named} <= {1}


def test_dislikes_alone_are_no_history_and_still_never_come(recommender):
    history = recommender.history([0, 1, 2], kinds=[Kind.DISLIKE] * 3)
    listed = recommender.recommend(history, 1000)
    assert listed.segment == "none"
    assert not {0, 1, 2} & set(rows(listed))


def test_a_listener_with_few_songs_is_cold_and_with_five_warm(recommender):
    assert recommender.recommend(recommender.history([0, 4, 8, 12]), 5).weights == {
        "content": 0.5,
        "popularity": 0.5,
    }
    warm = recommender.recommend(recommender.history([0, 4, 8, 12, 16]), 5)
    assert (warm.segment, warm.weights) == ("warm", {"als": 0.6, "content": 0.3, "popularity": 0.1})


def test_a_song_deleted_after_the_training_is_counted_out(recommender):
    """T33: the caller hands it over as unavailable and it is never shown; in a history it does no harm."""
    listed = recommender.recommend(recommender.history([0, 999_999]), 1000, exclude=np.array([7]))
    assert 7 not in rows(listed)


def test_one_more_like_shows_at_once(recommender, histories):
    """T34: the next list is another one; `make bench` measures how long it takes."""
    listener = hot(histories)
    ids = histories[listener].indices.tolist()
    first = recommender.recommend(recommender.history(ids), 10)
    liked = first.items[0]
    second = recommender.recommend(
        recommender.history([*ids, liked.item_id], kinds=[Kind.PLAY] * len(ids) + [Kind.LIKE]), 10
    )
    assert liked.item_row not in rows(second)
    assert [item.score for item in second] != [item.score for item in first]


def test_many_listeners_get_what_each_gets_alone(recommender, histories):
    batch = recommender.recommend_batch(histories, 8)
    for listener in range(histories.shape[0]):
        alone = recommender.recommend(take_history(histories, listener), 8)
        assert rows(batch[listener]) == rows(alone)
        assert batch[listener].segment == alone.segment
        for ours, theirs in zip(batch[listener], alone, strict=True):
            assert ours.explanation.contributions == pytest.approx(
                theirs.explanation.contributions, abs=2e-6
            )
            assert ours.explanation.shares == pytest.approx(theirs.explanation.shares, abs=1e-5)


def test_a_batch_excludes_for_each_listener_on_their_own(recommender, histories):
    plain = recommender.recommend_batch(histories[:2], 5)
    first = plain[0].items[0].item_row
    exclude = csr_matrix(([1.0], ([0], [first])), shape=(2, recommender.n_items), dtype=np.float32)
    other = recommender.recommend_batch(histories[:2], 5, exclude=exclude)
    assert first not in rows(other[0])
    assert rows(other[1]) == rows(plain[1])


def test_a_batch_takes_named_songs_of_those_without_history(recommender, histories):
    nothing = csr_matrix((1, recommender.n_items), dtype=np.float32)
    tastes = csr_matrix(
        (np.ones(3, dtype=np.float32), ([0, 1, 1], [0, 0, 4])), shape=(2, recommender.n_items)
    )
    batch = recommender.recommend_batch(
        vstack([histories[hot(histories)], nothing]).tocsr(), 5, tastes=tastes
    )
    alone = recommender.recommend(recommender.history([], taste=[0, 4]), 5)
    assert rows(batch[1]) == rows(alone)
    assert batch[0].segment == "hot"


def test_no_listeners_get_no_lists(recommender, histories):
    assert len(recommender.recommend_batch(histories[:0], 5)) == 0


def test_a_batch_is_a_sequence(recommender, histories):
    batch = recommender.recommend_batch(histories[:3], 5)
    assert batch[-1] == batch[2]
    assert list(batch) == batch[:3]
    with pytest.raises(IndexError, match="There are 3 lists, not one at 3"):
        batch[3]


def test_a_list_is_stored_as_json_and_read_again(recommender, histories):
    batch = recommender.recommend_batch(histories[:20], 5)
    for listener in range(20):
        stored = json.loads(json.dumps(batch.pack(listener)))
        assert RecommendedList.from_dict(stored) == batch[listener]
        assert json.loads(json.dumps(batch[listener].to_dict())) == stored


@pytest.mark.parametrize("id_of", [str, int, lambda row: f'"],[{row}'])
def test_lists_written_together_are_each_as_written_alone(recommender, histories, id_of):
    named = copy(recommender)
    named.items = IdMap([id_of(row) for row in range(recommender.n_items)])
    exclude = csr_matrix(histories[:20].shape, dtype=np.float32).tolil()
    exclude[3, 2:] = 1  # at most two songs are left
    exclude[7, :] = 1
    batch = named.recommend_batch(histories[:20], 5, exclude=exclude.tocsr())
    assert len(batch[3]) <= 2 and len(batch[7]) == 0 and len(batch[0]) == 5
    for listener in range(20):
        stored, kept = json.loads(batch.pack_json(listener)), batch.pack(listener)
        assert stored | {"rows": kept["rows"]} == kept
        assert [song.item_id for song in RecommendedList.from_dict(stored)] == [
            song.item_id for song in batch[listener]
        ]
        assert {song.item_row for song in RecommendedList.from_dict(stored)} <= {-1}


def test_progress_of_a_batch_reaches_the_end(recommender, histories):
    many = vstack([histories] * 3).tocsr()
    seen = []
    recommender.recommend_batch(many, 5, on_progress=lambda *step: seen.append(step))
    assert seen[-1] == ("recommend", many.shape[0], many.shape[0])


def test_an_exception_in_progress_stops_a_batch(recommender, histories):
    def cancel(stage, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        recommender.recommend_batch(vstack([histories] * 3).tocsr(), 5, on_progress=cancel)


def test_contributions_sum_to_the_score_and_shares_to_one(recommender, histories):
    for listed in recommender.recommend_batch(histories, 10):
        assert len(listed.items) == 10
        for item in listed:
            assert sum(item.explanation.contributions.values()) == item.score
            assert sum(item.explanation.shares.values()) == pytest.approx(1)
            assert min(item.explanation.contributions.values()) >= 0


def test_reasons_are_songs_of_the_history_largest_first(recommender, histories):
    n_named = 0
    for listener in range(60):
        history = take_history(histories, listener)
        for item in recommender.recommend(history, 5):
            amounts = [evidence.amount for evidence in item.explanation.named]
            n_named += bool(amounts)
            assert amounts == sorted(amounts, reverse=True)
            named = recommender.items.rows(
                [evidence.item_id for evidence in item.explanation.named]
            )
            assert set(named.tolist()) <= set(history.item_rows.tolist())
    assert n_named > 60 * 5 / 2


def test_features_that_agree_are_close_to_each_other(recommender, histories):
    named = [
        match
        for item in recommender.recommend(take_history(histories, hot(histories)), 10)
        for match in item.explanation.features
    ]
    assert named
    for match in named:
        width = 120 if match.name == "tempo" else 1
        assert abs(match.song_value - match.listener_value) < 0.5 * width


def test_explaining_a_song_of_the_list_gives_the_explanation_of_the_list(recommender, histories):
    history = take_history(histories, hot(histories))
    listed = recommender.recommend(history, 5)
    assert len(listed.items) == 5
    for item in listed:
        assert recommender.explain(history, item.item_row) == item.explanation


def test_a_song_of_the_history_can_be_explained_too(recommender, histories):
    history = take_history(histories, hot(histories))
    explanation = recommender.explain(history, int(history.item_rows[0]))
    assert sum(explanation.shares.values()) == pytest.approx(1)


def test_a_reason_decides_where_the_named_song_adds_enough_of_the_distance_to_the_next_song(
    recommender, histories
):
    decided = []
    for listener in range(60):
        history = take_history(histories, listener)
        # without variety and limit of artists the list is the ranking
        listed = recommender.recommend(history, 12, discovery=0, artist_cap=recommender.n_items)
        by_row = {item.item_row: item for item in listed}
        ranking = [by_row[row] for row in rank_by_score(listed)]
        for song, below in pairwise(ranking):
            named = song.explanation.named
            needed = recommender.flip_threshold * max(song.score - below.score, 1e-6)
            if named and abs(named[0].amount / needed - 1) > 0.01:
                decided.append(bool(song.explanation.because))
                assert song.explanation.because == (named[:1] if named[0].amount >= needed else ())
    assert {True, False} == set(decided)


def test_a_song_of_the_usual_list_is_explained_as_in_the_list(recommender, histories):
    for listener in range(60):
        history = take_history(histories, listener)
        listed = recommender.recommend(history, 20)
        assert len(listed.items) == 20
        for song in listed:
            alone = recommender.explain(history, song.item_row)
            assert len(alone.because) == len(song.explanation.because)
            assert [why.item_id for why in alone.named] == [
                why.item_id for why in song.explanation.named
            ]
            assert [why.amount for why in alone.named] == pytest.approx(
                [why.amount for why in song.explanation.named], abs=3e-6
            )


@pytest.mark.parametrize("flip_threshold", [0.5, 5.0, np.inf])
def test_what_decides_is_saved_with_the_model(recommender, histories, tmp_path, flip_threshold):
    trained = copy(recommender)
    trained.flip_threshold = flip_threshold
    trained.save(tmp_path / "saved")
    loaded = Recommender.load(tmp_path / "saved")
    assert loaded.flip_threshold == flip_threshold
    lists = loaded.recommend_batch(histories[:60], 10)
    because = [song.explanation.because for songs in lists for song in songs]
    before = trained.recommend_batch(histories[:60], 10)
    assert because == [song.explanation.because for songs in before for song in songs]
    assert any(because) == np.isfinite(flip_threshold)


def test_similar_songs_are_of_the_same_taste_and_not_the_song_itself(recommender):
    listed = recommender.similar(8, 6, exclude=np.array([4]))
    assert not {8, 4} & set(rows(listed))
    assert sum(row % 4 == 0 for row in rows(listed)) >= 4
    assert all(not item.explanation.named for item in listed)


def test_a_row_that_does_not_exist_is_refused(recommender, histories):
    for ask in (
        lambda: recommender.similar(120),
        lambda: recommender.explain(take_history(histories, 0), -1),
    ):
        with pytest.raises(ValueError, match="rows are 0 to 119"):
            ask()


def test_a_stranger_gets_what_is_most_popular_and_variety_only_when_asked_for(recommender):
    stranger, free = recommender.history([]), recommender.n_items
    usual = rows(recommender.recommend(stranger, 8, artist_cap=free))
    trend = recommender.algorithms["popularity"].trend_
    assert usual[0] == trend.argmax()
    assert set(usual) == set(np.argsort(-trend, kind="stable")[:8].tolist())
    varied = rows(recommender.recommend(stranger, 8, artist_cap=free, discovery=0.9))
    assert set(varied) != set(usual)


def test_more_discovery_brings_more_variety(recommender, histories):
    def variety(discovery: float) -> float:
        lists = recommender.recommend_batch(histories[:100], 10, discovery=discovery)
        vectors = recommender.similarity_vectors
        return float(
            np.mean([(vectors[rows(each)] @ vectors[rows(each)].T).mean() for each in lists])
        )

    assert variety(0.9) < variety(0.0)


def test_an_artist_comes_at_most_as_often_as_asked(recommender, histories):
    for listed in recommender.recommend_batch(histories[:60], 10, artist_cap=1):
        artists = [row // 3 for row in rows(listed)]
        assert len(artists) == len(set(artists)) == 10


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"discovery": 1.5}, "discovery must be from 0 to 1"),
        ({"artist_cap": 0}, "artist_cap must be at least 1"),
        ({"exclude": np.zeros(3, dtype=bool)}, "The mask is over 3 songs, the model over 120"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(recommender, histories, option, sentence):
    with pytest.raises(ValueError, match=sentence):
        recommender.recommend(take_history(histories, 0), 5, **option)


def test_histories_of_other_events_are_weighted_like_the_training(recommender, world, histories):
    same_events = Interactions.from_ids(
        world[0].listeners.ids[world[0].listener_rows],
        world[0].items.ids[world[0].item_rows],
        plays=world[0].plays,
    )
    assert (recommender.histories(same_events) != histories).nnz == 0


def test_songs_without_features_are_recommended_by_the_others(world):
    """Features missing altogether: content hands its weight to the other personal components."""
    listed = (
        Recommender(SMALL)
        .fit(world[0])
        .recommend(History(np.arange(5), np.ones(5, dtype=np.float32)), 5)
    )
    assert listed.weights == pytest.approx({"als": 0.6 + 0.3, "popularity": 0.1}, abs=1e-6)
    assert len(listed) == 5


def test_a_song_without_features_among_others_has_no_content_share(world):
    audio = world[1].audio.copy()
    audio[::2] = np.nan
    recommender = Recommender(SMALL).fit(world[0], ItemFeatures.build(audio, world[1].artist))
    history = History(np.arange(1, 21, 2), np.ones(10, dtype=np.float32))
    listed = recommender.recommend(history, 200)
    without = [item for item in listed if item.item_row % 2 == 0]
    assert len(without) == recommender.n_items / 2
    for item in without:
        assert "content" not in item.explanation.contributions
        assert not item.explanation.features


def test_new_songs_without_listeners_can_be_recommended_by_content(world):
    audio = np.vstack([world[1].audio, world[1].audio[:1]])
    interactions = replace(world[0], items=type(world[0].items)(np.arange(121)))
    recommender = Recommender(SMALL).fit(interactions, ItemFeatures.build(audio, np.arange(121)))
    assert 120 in rows(recommender.recommend(recommender.history([4, 8, 12]), 60))


@pytest.mark.parametrize(
    "matrix",
    [
        pytest.param([[1, 0, 0]], id="one listener with one song"),
        pytest.param([[1], [1]], id="one song"),
        pytest.param(np.ones((6, 5)), id="everybody likes everything"),
        pytest.param([[1, 0], [0, 1]], id="nobody shares a song"),
        pytest.param([[5, -1, -1], [-1, 5, -1]], id="more dislikes than likes"),
    ],
)
def test_odd_data_gives_plain_lists_without_nan(matrix):
    """T16."""
    interactions = Interactions.from_matrix(csr_matrix(np.array(matrix, dtype=np.float32)))
    recommender = Recommender().fit(interactions)
    histories = recommender.histories(interactions)
    for listener, listed in enumerate(recommender.recommend_batch(histories, 10)):
        assert not set(rows(listed)) & set(histories[listener].indices.tolist())
        assert len(listed) == recommender.n_items - histories[listener].nnz
        assert all(np.isfinite(item.score) for item in listed)
    assert all(
        np.isfinite(item.score) for item in recommender.recommend(recommender.history([]), 10)
    )


@pytest.mark.parametrize(
    "matrix", [np.zeros((3, 3)), -np.ones((3, 3)), np.zeros((0, 0)), np.zeros((3, 0))]
)
def test_nothing_to_learn_from_is_said_plainly(matrix):
    """T16."""
    with pytest.raises(NotEnoughData, match="Nobody liked or played anything yet"):
        Recommender().fit(Interactions.from_matrix(csr_matrix(matrix)))


def test_features_of_another_number_of_songs_are_refused(world):
    with pytest.raises(ValueError, match="features of 3 songs for 120 songs"):
        Recommender().fit(world[0], ItemFeatures.build(n_items=3))


def test_asking_before_learning_is_refused():
    with pytest.raises(NotFitted, match="call fit or load first"):
        Recommender().recommend(History(np.array([0]), np.array([1.0])), 5)


def test_same_data_and_seed_give_the_same_lists(world, histories):
    """T15."""
    first, second = (
        Recommender(SMALL).fit(*world, seed=4).recommend_batch(histories, 5) for _ in range(2)
    )
    assert list(first) == list(second)


def test_a_second_fit_forgets_the_first(world, recommender, histories):
    other = Recommender(SMALL).fit(*taste_world(60, 40, seed=9))
    assert list(other.fit(*world).recommend_batch(histories, 5)) == list(
        recommender.recommend_batch(histories, 5)
    )


def test_progress_names_every_stage(world):
    stages = []
    Recommender(SMALL).fit(*world, on_progress=lambda stage, done, total: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["fit als", "fit content", "fit popularity"]


def test_cancelling_comes_out_of_the_fit_unchanged(world):
    """T11: within one iteration."""
    calls = []

    class Cancelled(Exception):
        pass

    def cancel(stage, done, total):
        calls.append(done)
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        Recommender(SMALL).fit(*world, on_progress=cancel)
    assert calls == [0, 1, 2]


def test_the_metadata_say_where_it_comes_from(recommender, world):
    metadata = recommender.metadata
    assert metadata["preset"] == "classic"
    assert metadata["n_items"] == 120
    assert metadata["data_window"]["last"] == int(world[0].timestamps.max())
    assert {"implicit", "numpy", "python"} <= set(metadata["libraries"])


def test_a_recommender_of_one_component():
    config = RecommenderConfig(
        name="popular",
        components={"popularity": {}},
        weights={segment: {"popularity": 1.0} for segment in ("none", "cold", "warm", "hot")},
    )
    recommender = Recommender(config).fit(taste_world()[0])
    assert len(rows(recommender.recommend(recommender.history([0]), 3))) == 3


SERVE_THEN_FORK = """
import os, sys
from pathlib import Path
from recommendations.engine import Recommender
from tests.engine.worlds import taste_world

folder = Path(sys.argv[1])
if not folder.exists():
    Recommender().fit(*taste_world()).save(folder)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
recommender = Recommender.load(folder)
recommender.recommend_batch(recommender.histories(taste_world()[0]), 5)
child = os.fork()
if not child:
    Recommender().fit(*taste_world())
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_process_that_served_can_fork_a_child_that_fits(tmp_path):
    """T19: serving uses none of implicit's threads, so a fork after it does not hang the child's fit."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", SERVE_THEN_FORK, str(tmp_path / "artifact")]
    assert subprocess.run(command, cwd=root, timeout=60, check=False).returncode == 0


def test_the_engine_needs_no_settings_and_no_django():
    program = "import sys, recommendations.engine; sys.exit('django' in sys.modules)"
    root = Path(__file__).parents[2]
    environment = {
        name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"
    }
    assert (
        subprocess.run(
            [sys.executable, "-c", program], cwd=root, env=environment, check=False
        ).returncode
        == 0
    )


# -- songs without audio features -----------------------------------------------------------------------------


def test_classic_never_gives_a_listener_less_than_its_own_als_where_songs_have_no_features():
    """Its content cannot score then, and its weight went to popularity, which is the same for everybody."""
    interactions, _ = taste_world()
    split = split_by_listener(interactions, seed=1, n_given=3)
    fitted = Recommender(replace(CLASSIC, relevance=1.0)).fit(split.train)
    listeners = np.flatnonzero(np.diff(split.test.indptr))
    lists = fitted.rank_songs(fitted.histories(split.given)[listeners], 10)
    n_test = np.diff(split.test[listeners].indptr)
    ndcg = {
        name: metrics.ndcg(find_hits(lists[name], split.test[listeners]), n_test, 10).mean()
        for name in ("recommender", "als")
    }
    assert ndcg["recommender"] >= ndcg["als"]
    cold = fitted.recommend(fitted.history([1, 2]), 5)
    assert cold.weights == pytest.approx({"als": 0.9, "popularity": 0.1})


def test_presets_say_what_they_are_and_take():
    for preset in PRESETS.values():
        assert preset.about.endswith(".")
