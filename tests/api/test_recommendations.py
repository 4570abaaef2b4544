"""Recommendations with their reasons, kept ready while nothing changes, and what became of them."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from catalog.listening import interactions
from catalog.models import Interaction
from catalog.records import SongRecord
from catalog.songs import resolver
from recommendations.models import Impression, Outcome
from tests.api.caller import Caller


def ids(answer):
    return [item["song"]["id"] for item in answer.body["items"]]


def test_a_listener_gets_songs_of_their_taste_with_reasons(world):
    answer = world.alice.get("recommendations/", {"k": 5})
    assert answer.status == 200
    assert len(ids(answer)) == 5
    assert all(int(key.removeprefix("song_")) % 2 == 0 for key in ids(answer)[:3])
    assert not set(ids(answer)) & {song.key for song in world.songs[:16:2]}
    assert [item["position"] for item in answer.body["items"]] == [1, 2, 3, 4, 5]
    explanation = answer.body["items"][0]["explanation"]
    assert sum(share["percent"] for share in explanation["shares"]) == 100
    assert explanation["line"]
    score = answer.body["items"][0]["score"]
    assert sum(explanation["contributions"].values()) == pytest.approx(score, abs=1e-4)
    assert answer.body["version"] == world.version.name


def test_a_cause_is_cited_only_where_the_line_says_because_of(world):
    """`because` holds what decides, `goes_with` what else counted; both are songs of the listener's history."""
    heard = {
        row.song.key
        for row in Interaction.objects.filter(listener__username="alice").select_related("song")
    }
    explanations = [
        item["explanation"]
        for item in world.alice.get("recommendations/", {"k": "20"}).body["items"]
    ]
    assert any(why["because"] or why["goes_with"] for why in explanations)
    for why in explanations:
        causes, company = (
            [song["id"] for song in why[field]] for field in ("because", "goes_with")
        )
        assert len(causes) <= 1
        assert set(causes + company) <= heard and not set(causes) & set(company)
        assert causes or not why["line"].startswith("Because of")


def test_a_like_changes_the_next_list(world):
    """T34."""
    before = ids(world.alice.get("recommendations/", {"k": 5}))
    assert world.alice.put(f"songs/{before[0]}/like/").status == 200
    after = world.alice.get("recommendations/", {"k": 5})
    assert before[0] not in ids(after)
    assert after.body["step"] == "live"


def test_disliked_and_hidden_songs_and_artists_do_not_come_back(world):
    """T30."""
    listed = world.alice.get("recommendations/", {"k": 6})
    first, second, third = listed.body["items"][:3]
    world.alice.put(f"songs/{first['song']['id']}/dislike/")
    world.alice.put(f"songs/{second['song']['id']}/hidden/")
    world.alice.put(f"artists/{third['song']['artist']['id']}/hidden/")
    rest = world.alice.get("recommendations/", {"k": 40})
    assert first["song"]["id"] not in ids(rest)
    assert second["song"]["id"] not in ids(rest)
    assert third["song"]["artist"]["id"] not in {
        item["song"]["artist"]["id"] for item in rest.body["items"]
    }
    artist, song = world.alice.get("me/hidden/").body["results"]
    assert (artist["kind"], artist["artist"]["id"]) == (
        "hide-artist",
        third["song"]["artist"]["id"],
    )
    assert (song["kind"], song["song"]["id"]) == ("hide-song", second["song"]["id"])
    assert world.alice.delete(f"songs/{second['song']['id']}/hidden/").status == 204
    assert second["song"]["id"] in ids(world.alice.get("recommendations/", {"k": 40}))


def test_what_is_hidden_comes_in_pages_and_by_kind(alice, songs):
    for song in songs[:3]:
        alice.put(f"songs/{song.key}/hidden/")
    alice.put("songs/song_3/ignored/")
    first = alice.get("me/hidden/", {"page_size": 3}).body
    assert [one["song"]["id"] for one in first["results"]] == ["song_3", "song_2", "song_1"]
    second = alice.get("me/hidden/", dict(parse_qsl(urlsplit(first["next"]).query))).body
    assert [one["song"]["id"] for one in second["results"]] == ["song_0"]
    assert second["next"] is None
    (ignored,) = alice.get("me/hidden/", {"kind": "ignore-song"}).body["results"]
    assert (ignored["kind"], ignored["song"]["id"], ignored["artist"]) == (
        "ignore-song",
        "song_3",
        None,
    )
    assert alice.get("me/hidden/", {"kind": "mute-song"}).status == 400
    assert alice.get("me/hidden/", {"cursor": "none"}).status == 404


def test_more_than_there_are_is_all_there_are_once(world):
    """T31."""
    listed = ids(world.alice.get("recommendations/", {"k": 200}))
    assert len(listed) == len(set(listed))
    assert len(listed) <= 40 - 8


def test_an_unchanged_list_needs_no_body(world):
    first = world.alice.get("recommendations/")
    again = world.alice.get("recommendations/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, "")
    assert "private" in first.headers["Cache-Control"]
    for answer in (first, again):
        assert "Authorization" in answer.headers["Vary"] and "Cookie" in answer.headers["Vary"]


def test_reasons_can_be_left_out_and_taken_in_another_language(world):
    assert (
        "explanation"
        not in world.alice.get("recommendations/", {"explain": "false"}).body["items"][0]
    )
    assert "explanation" in world.alice.get("recommendations/").body["items"][0]


def test_nobody_needs_an_account_to_hear_what_goes_with_some_songs(world, stranger):
    liked = ",".join(song.key for song in world.songs[1:9:2])
    answer = stranger.get("recommendations/", {"liked": liked, "k": 3})
    assert answer.body["step"] == "cold"
    assert all(int(key.removeprefix("song_")) % 2 == 1 for key in ids(answer))
    assert answer.body["receipt"] == ""
    assert stranger.get("recommendations/", {"k": 3}).body["step"] == "popular"
    assert stranger.get("recommendations/", {"seed": "song_01", "k": 3}).status == 200


@pytest.mark.parametrize(
    "query",
    [
        {"k": "0"},
        {"k": "201"},
        {"k": "ten"},
        {"k": "9" * 400},
        {"k": "²"},
        {"discovery": "1.1"},
        {"discovery": "nan"},
        {"explain": "maybe"},
        {"seed": "no-such-song"},
        {"liked": ",".join(["song_00"] * 51)},
    ],
    ids=str,
)
def test_a_wish_that_can_not_be_granted_is_a_sentence(world, query):
    """T53."""
    answer = world.alice.get("recommendations/", query)
    assert answer.status == 400
    assert answer.body["error"]["fields"]


def test_without_a_model_there_are_popular_songs_and_a_note(alice, songs):
    answer = alice.get("recommendations/")
    assert answer.body["step"] == "popular"
    assert answer.body["note"]
    assert answer.body["version"] is None
    assert alice.get("songs/song_1/explanation/").body["explanation"] is None


def test_songs_alike_and_one_song_explained(world):
    similar = world.alice.get("songs/song_02/similar/", {"k": 4})
    assert len(ids(similar)) == 4
    assert "song_02" not in ids(similar)
    explained = world.alice.get("songs/song_21/explanation/").body
    assert explained["song"]["id"] == "song_21"
    assert explained["explanation"]["sentence"]
    assert world.alice.get("songs/no-such-song/similar/").status == 404


def test_a_playlist_is_continued_with_songs_that_are_not_in_it(world):
    playlist = world.alice.post(
        "playlists/", {"title": "Loud", "songs": ["song_01", "song_03"]}
    ).body
    answer = world.alice.get(f"playlists/{playlist['id']}/continue/", {"k": 3})
    assert len(ids(answer)) == 3
    assert not {"song_01", "song_03"} & set(ids(answer))


# --- What became of them ----------------------------------------------------------------------------------------------


def test_a_shown_list_and_what_was_done_with_it_are_counted_once(world):
    listed = world.alice.get("recommendations/", {"k": 3})
    report = {"receipt": listed.body["receipt"], "songs": ids(listed), "surface": "test"}
    shown = world.alice.post("impressions/", report)
    assert shown.status == 201
    impression = Impression.objects.get(pk=shown.body["id"])
    assert (impression.step, impression.version, impression.arm) == (
        listed.body["step"],
        world.version,
        None,
    )
    outcome = {"song": ids(listed)[1], "kind": "click"}
    for _ in range(2):
        assert world.alice.post(f"impressions/{impression.pk}/outcomes/", outcome).status == 204
    assert list(Outcome.objects.values_list("kind", "position")) == [("click", 2)]


def test_a_receipt_is_only_good_for_its_listener(world, bob):
    """T36."""
    listed = world.alice.get("recommendations/", {"k": 3})
    impression = {"receipt": listed.body["receipt"], "songs": ids(listed)}
    assert bob.post("impressions/", impression).status == 400
    assert world.alice.post("impressions/", impression | {"receipt": "forged"}).status == 400
    shown = world.alice.post("impressions/", impression).body["id"]
    assert (
        bob.post(f"impressions/{shown}/outcomes/", {"song": ids(listed)[0], "kind": "click"}).status
        == 404
    )
    assert Outcome.objects.count() == 0


def test_songs_newer_than_the_model_are_stood_in_for(world):
    """T32: a listener who only heard new songs of a known artist gets songs that go with them."""
    carol = Caller(type(world.alice.user).objects.create_user("carol"))
    new, is_new = resolver.find_or_add_song(SongRecord(line=1, title="Brand new", artist="Band 1"))
    assert is_new
    interactions.like_song(carol.user, new, source="test")
    answer = carol.get("recommendations/", {"k": 5})
    assert answer.body["step"] == "cold"
    assert answer.body["note"]
    bands_of_that_taste = {"Band 1", "Band 3", "Band 5", "Band 7"}
    assert answer.body["items"][0]["song"]["artist"]["name"] in bands_of_that_taste
    similar = carol.get(f"songs/{new.key}/similar/", {"k": 5})
    assert "Band 1" in {item["song"]["artist"]["name"] for item in similar.body["items"]}
    assert similar.body["note"]
    assert Interaction.objects.for_listener(carol.user).count() == 1
