"""Sequences of requests that players in use sent, each with what is right."""

import json
from pathlib import Path

import pytest

from catalog.models import Interaction
from tests.api.listens import plays

CASES = Path(__file__).parent.parent / "cases"
SEQUENCES = json.loads((CASES / "player-requests.json").read_text())

# Name of a sequence -> the plays it leaves as (artist, title), oldest first.
RIGHT_PLAYS = {
    "two-clients-two-seconds-apart": [("Dup Bug", "Live2")],
    "start-and-end": [("Dup Bug", "StartEnd")],
    "wrong-mbid-two-titles": [("Mara Bug", "One Wrong"), ("Mara Bug", "Two Wrong")],
    "wrong-isrc-other-artist": [("Isrc BugA", "Alpha"), ("Isrc BugB", "Beta")],
    "joined-artist-takes-mbid": [("Mira Bug / Jon Bug", "Duo"), ("Mira Bug", "Solo")],
    "intro-on-two-albums": [("Within Bug", "Intro"), ("Within Bug", "Intro")],
    "love-by-second-mbid": [("Mb Bug", "Track Or Recording")] * 2,
    "float-time": [("Api Bug", "F1")],
    "isrc-list": [("Api Bug", "I1")],
}
RIGHT_SONGS = {"intro-on-two-albums": 2, "love-by-second-mbid": 1}


def test_every_sequence_has_a_right_answer():
    assert SEQUENCES.keys() == RIGHT_PLAYS.keys()


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_of_requests_ends_right(player, name):
    for request in SEQUENCES[name]["requests"]:
        answer = player.post(request["POST"].removeprefix("/1/"), request["body"])
        assert (answer.status, answer.body) == (200, {"status": "ok"})
    heard = plays(player.user).order_by("occurred_at")
    assert list(heard.values_list("song__artist__name", "song__title")) == RIGHT_PLAYS[name]
    if name in RIGHT_SONGS:
        assert heard.values("song").distinct().count() == RIGHT_SONGS[name]


def test_a_heart_by_the_second_id_reaches_the_song(player):
    for request in SEQUENCES["love-by-second-mbid"]["requests"]:
        player.post(request["POST"].removeprefix("/1/"), request["body"])
    assert Interaction.objects.likes().get().song == plays(player.user).first().song


def test_a_duration_beyond_all_numbers_is_refused(player):
    body = (CASES / "submit-duration-1e999.json").read_bytes()
    answer = player.client.post("/1/submit-listens", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert plays(player.user).count() == 0
