"""The synthetic world: the same from one seed, plausible, and with something to learn."""

import tracemalloc

import numpy as np
import pytest

from recommendations.engine import Weighting
from recommendations.engine.core.seeding import derive_seed, make_generator
from recommendations.engine.data.interactions import Kind
from recommendations.engine.synthetic.events import BLOCK, DAY, Events
from recommendations.engine.synthetic.world import World

SMALL = World(n_listeners=3 * BLOCK // 2, n_songs=600, n_interactions=40_000)


@pytest.fixture(scope="module")
def events() -> Events:
    return Events.join(list(SMALL.events()))


def same(a: Events, b: Events) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("listener", "song", "kind", "played_ms", "timestamp")
    )


def test_the_same_seed_makes_the_same_world_however_it_is_cut(events):
    again = World(n_listeners=SMALL.n_listeners, n_songs=600, n_interactions=40_000)
    chunks = list(again.events(chunk_listeners=BLOCK))
    assert len(chunks) == 2
    assert same(Events.join(chunks), events)
    assert again.songs.titles == SMALL.songs.titles
    assert again.songs.artist_names == SMALL.songs.artist_names


def test_another_seed_makes_another_world(events):
    other = World(n_listeners=SMALL.n_listeners, n_songs=600, seed=8, n_interactions=40_000)
    assert not same(Events.join(list(other.events())), events)


def test_there_are_about_as_many_interactions_as_asked_for(events):
    assert 0.85 * 40_000 < events.n < 1.15 * 40_000


def test_few_are_heard_by_many_and_most_by_few(events):
    plays = np.sort(np.bincount(events.song, minlength=600))[::-1]
    assert plays[:60].sum() > 0.25 * plays.sum()
    activity = np.bincount(events.listener, minlength=SMALL.n_listeners)
    assert activity.min() >= 1
    assert np.median(activity) < 0.8 * activity.mean()


def test_time_is_given_and_ends_at_now(events):
    assert events.timestamp.max() <= SMALL.now
    assert events.timestamp.min() >= SMALL.now - (SMALL.n_days + 1) * DAY


def test_a_listener_has_one_opinion_of_a_song_and_skips_are_short(events):
    opinions = np.isin(events.kind, [Kind.LIKE, Kind.DISLIKE])
    pairs = events.listener[opinions].astype(np.int64) * 600 + events.song[opinions]
    assert len(np.unique(pairs)) == len(pairs)
    share = events.played_ms / SMALL.songs.duration_ms[events.song]
    assert (
        share[events.kind == Kind.SKIP].mean() < 0.4 < 0.9 < share[events.kind == Kind.PLAY].mean()
    )


def test_songs_sound_like_their_genre_and_have_plausible_facts():
    songs = SMALL.songs
    first = np.asarray(songs.genres.argmax(axis=1)).ravel()
    energy = songs.audio[:, 2]
    within = np.mean(
        [energy[first == genre].std() for genre in np.unique(first) if (first == genre).sum() > 5]
    )
    assert within < 0.75 * energy.std()
    assert songs.audio[:, :7].min() >= 0 and songs.audio[:, :7].max() <= 1
    assert len(set(zip(songs.artist.tolist(), songs.titles, strict=True))) == songs.n
    assert len(set(songs.artist_names)) == len(songs.artist_names)
    assert songs.ids[41] == "song_00042"


def test_what_listeners_like_can_be_learned_from_what_they_heard():
    """The songs that neighbours in taste heard hold far more of the withheld songs than the popular ones do."""
    matrix = SMALL.to_interactions().to_matrix(Weighting())
    rng = np.random.default_rng(1)
    coo = matrix.tocoo()
    withheld = (rng.random(coo.nnz) < 0.2) | (coo.data <= 0)
    train = matrix.copy()
    train.data = (~withheld).astype(np.float32)
    truth = matrix.toarray() > 0
    heard = train.toarray() > 0
    together = (train.T @ train).toarray()
    np.fill_diagonal(together, 0)
    likeness = together / np.sqrt(np.maximum(np.outer(heard.sum(0), heard.sum(0)), 1))

    def precision_at_10(scores):
        scores = np.where(heard, -np.inf, scores)
        top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
        return np.take_along_axis(truth & ~heard, top, axis=1).mean()

    popular = precision_at_10(np.broadcast_to(heard.sum(0).astype(float), heard.shape))
    assert precision_at_10(train @ likeness) > 1.5 * popular


def test_a_million_listeners_come_in_bounded_memory():
    world = World(n_listeners=1_000_000, n_songs=500)
    chunks = world.events(chunk_listeners=BLOCK)
    next(chunks)
    tracemalloc.start()
    next(chunks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150 * 2**20


@pytest.mark.parametrize("numbers", [{"n_listeners": 0}, {"n_songs": 0}, {"n_interactions": 0}])
def test_an_empty_world_is_refused(numbers):
    with pytest.raises(ValueError, match=r"needs a listener|at least 1"):
        World(**numbers)


def test_tiny_worlds_work():
    interactions = World(n_listeners=1, n_songs=1, n_interactions=1).to_interactions()
    assert interactions.n_items == 1
    assert interactions.listeners.ids.tolist() == ["user_00001"]


def test_streams_of_randomness_do_not_touch_one_another():
    assert make_generator(7, "songs").integers(0, 2**60) == make_generator(7, "songs").integers(
        0, 2**60
    )
    assert make_generator(7, "songs").integers(0, 2**60) != make_generator(7, "titles").integers(
        0, 2**60
    )
    assert 0 <= derive_seed(7, "als") < 2**31
    with pytest.raises(ValueError, match="not -1"):
        make_generator(-1, "songs")
