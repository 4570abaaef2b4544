"""Numbers in words: nothing is said that the numbers do not hold."""

import pytest
from django.utils import translation

from accounts.models import User
from catalog.models import Artist, Song
from recommendations.engine import Explanation, FeatureMatch, PopularityNote
from recommendations.engine.ranking.explanations import FLIP_THRESHOLD, Evidence
from recommendations.engine.synthetic.world import World
from recommendations.services.data import demo_world
from recommendations.services.reasons import explanation_text, feature_words
from recommendations.services.reasons.explanation_facts import Explained, Facts
from recommendations.services.serving import recommend
from recommendations.services.versions import registry
from tests.recommendations.conftest import train


def make_song(title: str, pk: int = 9, **features: float) -> Song:
    song = Song(pk=pk, title=title, artist=Artist(pk=7, name="The Lanterns"), **features)
    song._prefetched_objects_cache = {"genres": []}
    return song


SONGS = {n: make_song(title, n, energy=0.45) for n, title in enumerate("ABC", start=1)}
HISTORY = {"als": 0.6, "popularity": 0.4}


def write_card_line(*, because=(), goes_with=(), shares=HISTORY) -> str:
    explanation = Explanation(
        shares,
        shares,
        because=make_evidence(*because),
        goes_with=make_evidence(*goes_with),
        features=(FeatureMatch("energy", 0.4, 0.5),),
    )
    return describe_song(explanation).line


def describe_song(
    explanation: Explanation, song: Song | None = None
) -> explanation_text.ExplanationText:
    facts = Facts(named=SONGS, content={"audio"})
    return explanation_text.describe(song or make_song("D", energy=0.5), explanation, facts)


def make_evidence(*numbers: int) -> tuple[Evidence, ...]:
    return tuple(Evidence(number, 0.1, "als") for number in numbers)


def test_because_of_is_said_only_where_the_song_decides():
    assert write_card_line(because=[1], goes_with=[2]) == "Because of “A” by The Lanterns"
    assert write_card_line(goes_with=[1, 2]) == "Goes with “A” by The Lanterns and more"
    assert write_card_line(goes_with=[1]) == "Goes with “A” by The Lanterns"


def test_because_of_is_not_said_of_another_song_when_the_decisive_one_left_the_catalog():
    assert write_card_line(because=[99], goes_with=[2]) == "Goes with “B” by The Lanterns"


def test_the_why_page_and_the_api_do_not_say_it_either():
    described = describe_song(
        Explanation(HISTORY, HISTORY, because=make_evidence(99), goes_with=make_evidence(2))
    )
    assert (described.because, described.goes_with) == ((), (SONGS[2],))


def test_likeness_in_sound_is_no_cause():
    assert write_card_line(because=[1], shares={"content": 1.0}) == "Similar energy to “A”"


def test_the_words_are_german_for_german_readers():
    with translation.override("de"):
        assert write_card_line(because=[1], goes_with=[2]) == "Wegen „A“ von The Lanterns"
        assert write_card_line(goes_with=[1, 2]) == "Passt zu „A“ von The Lanterns und anderen"


@pytest.fixture
def enough_listeners(db) -> None:
    demo_world.seed_database(World(n_listeners=400, n_songs=120, seed=3))


def test_a_training_finds_out_which_reasons_decide_and_the_lists_keep_to_it(enough_listeners):
    train(evaluate=True)
    version = registry.require_active()
    fidelity = version.metrics["fidelity"]
    assert fidelity["decisive_from"] != FLIP_THRESHOLD
    recommender = registry.load_recommender(version)
    assert recommender.flip_threshold == fidelity["decisive_from"]
    listeners = User.objects.filter(username__startswith="user_").order_by("pk")[:40]
    served = [
        item.explanation for listener in listeners for item in recommend.recommend_songs(listener)
    ]
    assert {0, 1} == {len(explanation.because) for explanation in served if explanation.named}


# --- What is not there is not said --------------------------------------------------------------------


def popularity(kind: str, count: int) -> Explanation:
    shares = {"popularity": 1.0}
    return Explanation(shares, shares, popularity=PopularityNote(kind, count))


@pytest.mark.parametrize("kind", ["trending", "all_time"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_listeners_are_no_crowd(kind, count):
    described = describe_song(popularity(kind, count))
    assert (described.line, described.popularity) == ("From this library", "")
    assert described.sentence == "Other signals (100%)"
    with translation.override("de"):
        assert describe_song(popularity(kind, count)).sentence.endswith(" (100\xa0%)")


def test_three_listeners_are_counted():
    assert describe_song(popularity("all_time", 3)).line == "Popular with 3 listeners"
    assert describe_song(popularity("trending", 1234)).line == "Trending: 1,234 listeners lately"


def match(name: str, one: float, other: float) -> bool:
    return feature_words.agrees(FeatureMatch(name, one, other))


def test_a_feature_is_named_only_where_both_have_something_of_it():
    assert not match("instrumentalness", 0.0, 0.0)
    assert not match("speechiness", 0.04, 0.03)
    assert match("instrumentalness", 0.8, 0.9)
    assert not match("energy", 0.2, 0.39)
    assert match("tempo", 120, 128) and not match("tempo", 120, 160)


def test_two_calm_songs_are_called_calm():
    matches = feature_words.compare_features(
        make_song("A", energy=0.1), make_song("B", energy=0.15)
    )
    assert feature_words.name_features(matches) == "calm feel"


def test_two_songs_without_features_have_nothing_in_common():
    assert feature_words.compare_features(make_song("A"), make_song("B", energy=0.5)) == ()


def test_a_content_component_without_audio_is_not_called_audio():
    """On a site without features it compared artists: the words and the legend name these."""
    shares = {"content": 1.0}
    facts = Facts(content={"artist", "genre"}, artist_ids={7}, artist_played={7: 1})
    described = explanation_text.describe(make_song("A"), Explanation(shares, shares), facts)
    assert (described.sentence, described.shares[0].name) == (
        "By an artist you play (100%)",
        "Artists you know",
    )


def test_a_list_names_the_same_song_on_two_cards_at_most():
    song = make_song("D")
    explanation = Explanation(
        HISTORY, HISTORY, because=make_evidence(1), goes_with=make_evidence(2, 3)
    )
    items = [Explained(song, explanation)] * 8
    lines = [why.line for why in explanation_text.describe_list(items, Facts(named=SONGS))]
    assert lines[:2] == ["Because of “A” by The Lanterns"] * 2
    assert lines[2:4] == ["Goes with “B” by The Lanterns and more"] * 2
    assert lines[4:6] == ["Goes with “C” by The Lanterns"] * 2
    assert lines[6:] == ["Goes with 3 songs by The Lanterns"] * 2


def test_neighbours_are_named_from_three_on():
    shares = {"user_knn": 1.0}
    song, explanation = make_song("D", 4), Explanation(shares, shares)
    few, enough = (
        explanation_text.describe(song, explanation, Facts(n_others={4: n})).sentence
        for n in (2, 3)
    )
    assert (few, enough) == ("Other signals (100%)", "Played by listeners like you (100%)")
