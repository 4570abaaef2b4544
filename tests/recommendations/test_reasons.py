"""Numbers in words: nothing is said that the numbers do not hold."""

import pytest
from django.utils import translation

from accounts.models import User
from catalog.models import Artist, Song
from recommendations.engine import Explanation, FeatureMatch
from recommendations.engine.ranking.explanations import DECISIVE_FROM, Evidence
from recommendations.engine.synthetic.world import World
from recommendations.services.data import demo_world
from recommendations.services.serving import explanation_text, recommend
from recommendations.services.versions import registry
from tests.recommendations.conftest import train

SONGS = {
    n: Song(pk=n, title=title, artist=Artist(name="The Lanterns")) for n, title in enumerate("ABC", start=1)
}
HISTORY = {"als": 0.6, "popularity": 0.4}


def line_of(*, because=(), goes_with=(), shares=HISTORY) -> str:
    explanation = Explanation(
        shares,
        shares,
        because=named(*because),
        goes_with=named(*goes_with),
        features=(FeatureMatch("energy", 0.4, 0.5),),
    )
    return explanation_text.of(explanation, SONGS).line


def named(*numbers: int) -> tuple[Evidence, ...]:
    return tuple(Evidence(number, 0.1, "als") for number in numbers)


def test_because_of_is_said_only_where_the_song_decides():
    assert line_of(because=[1], goes_with=[2]) == "Because of “A” by The Lanterns"
    assert line_of(goes_with=[1, 2]) == "Goes with “A” by The Lanterns and more"
    assert line_of(goes_with=[1]) == "Goes with “A” by The Lanterns"


def test_because_of_is_not_said_of_another_song_when_the_decisive_one_left_the_catalog():
    assert line_of(because=[99], goes_with=[2]) == "Goes with “B” by The Lanterns"


def test_the_why_page_and_the_api_do_not_say_it_either():
    found = explanation_text.of(Explanation(HISTORY, HISTORY, because=named(99), goes_with=named(2)), SONGS)
    assert (found.because, found.goes_with) == ((), (SONGS[2],))


def test_likeness_in_sound_is_no_cause():
    assert line_of(because=[1], shares={"content": 1.0}) == "Similar energy to “A”"


def test_the_words_are_german_for_german_readers():
    with translation.override("de"):
        assert line_of(because=[1], goes_with=[2]) == "Wegen „A“ von The Lanterns"
        assert line_of(goes_with=[1, 2]) == "Passt zu „A“ von The Lanterns und mehr"


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
    served = [item.explanation for listener in listeners for item in recommend.recommend_for(listener)]
    assert {0, 1} == {len(explanation.because) for explanation in served if explanation.named}
