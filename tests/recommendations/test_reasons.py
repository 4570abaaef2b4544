"""Numbers in words: nothing is said that the numbers do not hold."""

import pytest
from django.utils import translation

from accounts.models import User
from catalog.models import Artist, Song
from recommendations.engine import Explanation, FeatureMatch
from recommendations.engine.explanations import DECISIVE_FROM, Evidence
from recommendations.engine.synthetic import World
from recommendations.services import demo_world, reasons, registry, serving
from tests.recommendations.conftest import train

SONGS = {
    n: Song(pk=n, title=title, artist=Artist(name="The Lanterns")) for n, title in enumerate("ABC", start=1)
}
HISTORY = {"als": 0.6, "popularity": 0.4}


def line_of(*named: int, decisive: bool, shares=HISTORY) -> str:
    because = tuple(Evidence(number, 0.1, "als") for number in named)
    features = (FeatureMatch("energy", 0.4, 0.5),)
    explanation = Explanation(shares, shares, because=because, features=features, decisive=decisive)
    return reasons.of(explanation, SONGS).line


def test_because_of_is_said_only_where_the_song_decides():
    assert line_of(1, 2, decisive=True) == "Because of “A” by The Lanterns"
    assert line_of(1, 2, decisive=False) == "Goes with “A” by The Lanterns and more"
    assert line_of(1, decisive=False) == "Goes with “A” by The Lanterns"


def test_because_of_is_not_said_of_another_song_when_the_decisive_one_left_the_catalog():
    assert line_of(99, 2, decisive=True) == "Goes with “B” by The Lanterns"


def test_the_why_page_and_the_api_do_not_say_it_either():
    because = (Evidence(99, 0.1, "als"), Evidence(2, 0.1, "als"))
    found = reasons.of(Explanation(HISTORY, HISTORY, because=because, decisive=True), SONGS)
    assert not found.decisive
    assert reasons.of(Explanation(HISTORY, HISTORY, because=because[1:], decisive=True), SONGS).decisive


def test_likeness_in_sound_is_no_cause():
    assert line_of(1, decisive=True, shares={"content": 1.0}) == "Similar energy to “A”"


def test_the_words_are_german_for_german_readers():
    with translation.override("de"):
        assert line_of(1, 2, decisive=True) == "Wegen „A“ von The Lanterns"
        assert line_of(1, 2, decisive=False) == "Passt zu „A“ von The Lanterns und mehr"


@pytest.fixture
def enough_listeners(db) -> None:
    demo_world.seed(World(n_listeners=400, n_songs=120, seed=3))


def test_a_training_finds_out_which_reasons_decide_and_the_lists_keep_to_it(enough_listeners):
    train(evaluate=True)
    version = registry.require_active()
    found = version.metrics["fidelity"]
    assert found["decisive_from"] != DECISIVE_FROM
    recommender = registry.recommender_for(version)
    assert recommender.decisive_from == found["decisive_from"]
    listeners = User.objects.filter(username__startswith="user_").order_by("pk")[:40]
    served = [item.explanation for listener in listeners for item in serving.recommend_for(listener)]
    assert {True, False} == {explanation.decisive for explanation in served}
