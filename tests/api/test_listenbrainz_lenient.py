"""What a listen carries beside names and time is optional: what can't be read of it never costs the listen."""

import json
import uuid
from datetime import UTC, datetime

import pytest

from catalog.listenbrainz import payloads
from catalog.models import Genre, Interaction, Song
from tests.api.listens import NOW, listen, playing, plays, single


def submit(player, one):
    return player.post("submit-listens", single(one))


@pytest.mark.parametrize(
    "listened_at",
    [NOW - 60, NOW - 60 + 0.9, str(NOW - 60), f"{NOW - 60}.5"],
    ids=["whole", "float", "text", "float text"],
)
def test_a_time_may_have_a_fraction_or_be_a_text(player, listened_at):
    assert submit(player, listen(at=listened_at)).status == 200
    assert plays(player.user).get().occurred_at == datetime.fromtimestamp(NOW - 60, UTC)


def test_line_breaks_in_names_are_blanks(player):
    one = listen(at=NOW - 60)
    names = {"artist_name": "A\r\nB", "track_name": "A\nTide", "release_name": "Sea\t\nSide"}
    one["track_metadata"] |= names
    assert submit(player, one).status == 200
    song = Song.objects.get()
    assert (song.credit or song.artist.name, song.title, song.album.title) == (
        "A B",
        "A Tide",
        "Sea Side",
    )


DURATIONS = {
    "whole seconds": ({"duration": 200}, 200_000),
    "float text": ({"duration": "200.5"}, 200_500),
    "milliseconds as text": ({"duration_ms": "200000"}, 200_000),
    "float milliseconds": ({"duration_ms": 200_000.7}, 200_000),
    "true": ({"duration": True}, None),
    "a list": ({"duration_ms": [1]}, None),
    "words": ({"duration": "3:20"}, None),
    "nan as text": ({"duration": "nan"}, None),
    "infinity as text": ({"duration": "1e999"}, None),
    "400 digits": ({"duration_ms": int("9" * 400)}, None),
    "below zero": ({"duration": -5}, None),
    "seconds as milliseconds": ({"duration_ms": 200}, None),
    "just below two seconds": ({"duration": 1.999}, None),
    "two seconds": ({"duration": 2}, 2000),
    "longer than a day": ({"duration": 24 * 3600 + 1}, None),
    "the largest float": ({"duration": 1e308}, None),
    "both": ({"duration": 200, "duration_ms": 200_000}, 200_000),
    "both, and one is none": ({"duration": 200, "duration_ms": 200}, 200_000),
}


@pytest.mark.parametrize(("info", "expected"), DURATIONS.values(), ids=DURATIONS)
def test_a_duration_is_read_or_left_out(player, info, expected):
    assert submit(player, listen(**info)).status == 200
    assert Song.objects.get().duration_ms == expected
    assert plays(player.user).count() == 1


def test_seconds_sent_as_milliseconds_do_not_end_what_is_playing(player):
    player.post(
        "submit-listens", {"listen_type": "playing_now", "payload": [playing(duration_ms=200)]}
    )
    assert player.get("user/alice/playing-now").body["payload"]["count"] == 1


OPTIONAL = {
    "isrc in a list": {"isrc": ["", "GBUM71029604"]},
    "isrc as an object": {"isrc": {"id": "GBUM71029604"}},
    "media_player as an object": {"media_player": {"name": "mpd"}},
    "submission_client as a list": {"submission_client": ["mpd", "1.0"]},
    "listening_from as true": {"listening_from": True},
    "tags as a text": {"tags": "rock, calm"},
    "tags as an object": {"tags": {"rock": 1}},
    "tags that are numbers": {"tags": [1, None, "rock"]},
    "one artist id as a text": {"artist_mbids": "87c5dedd-371d-4a53-9f7f-80522fb7f3cb"},
    "artist_names as a text": {"artist_names": "Radiohead"},
    "an id that is none": {"recording_mbid": "nope", "release_mbid": 5, "track_mbid": ["x"]},
    "artist ids as words": {"artist_mbids": "not a list"},
    "an artist id that is none": {"artist_mbids": ["x", None, 7, {}]},
    "work ids as an object": {"work_mbids": {"a": 1}},
    "both durations": {"duration": 200, "duration_ms": 200_000},
    "two hundred tags": {"tags": [f"tag {n}" for n in range(200)]},
    "a tag as long as a book": {"tags": ["rock" * 500]},
    "artist_names of numbers": {"artist_names": [1, {}]},
}


@pytest.mark.parametrize("info", OPTIONAL.values(), ids=OPTIONAL)
def test_a_wrong_optional_field_does_not_cost_the_listen(player, info):
    assert submit(player, listen(**info)).body == {"status": "ok"}
    play = plays(player.user).get()
    assert (play.song.title, play.song.artist.name) == ("Creep", "Radiohead")


def test_what_can_be_read_of_a_wrong_field_is_kept(player):
    Genre.objects.create(name="Rock")
    submit(player, listen(isrc=["", "GBUM71029604"], tags="rock, seen live"))
    song = Song.objects.get()
    assert song.isrc == "GBUM71029604"
    assert [genre.name for genre in song.genres.all()] == ["Rock"]


FIRST, SECOND = "87c5dedd-371d-4a53-9f7f-80522fb7f3cb", "a74b1b7f-71a5-4011-9441-d0b5e4122711"
CREDITS = {
    "names and ids": (
        ["Björk", "Radiohead"],
        [FIRST, SECOND],
        (("Björk", FIRST), ("Radiohead", SECOND)),
    ),
    "names": (["Björk", "Radiohead"], [], (("Björk", ""), ("Radiohead", ""))),
    "two names and one id": (["Björk", "Radiohead"], [FIRST], (("Björk", ""), ("Radiohead", ""))),
    "blanks between": (["Björk", " ", 7], [FIRST], (("Björk", FIRST),)),
    "ids alone": (None, [FIRST, SECOND], ()),
    "an id that is none": (
        ["Björk", "Radiohead"],
        ["x", SECOND],
        (("Björk", ""), ("Radiohead", "")),
    ),
}


@pytest.mark.parametrize(("names", "mbids", "expected"), CREDITS.values(), ids=CREDITS)
def test_names_and_ids_of_artists_make_the_credit(names, mbids, expected):
    one = listen(artist="Björk & Radiohead", artist_names=names, artist_mbids=mbids)
    record = payloads.read_submission(single(one)).listens[0].song
    assert (record.artist, record.credit) == ("Björk & Radiohead", expected)
    assert record.artist_mbid == (FIRST if len(mbids) == 1 and len(expected) == 1 else "")


@pytest.mark.parametrize("field", ["release_name", "additional_info"])
def test_a_wrong_field_beside_the_names_does_not_either(player, field):
    one = listen()
    one["track_metadata"][field] = [1]
    assert submit(player, one).status == 200
    assert Song.objects.get().album is None


REQUIRED = {
    "no title": listen(title=""),
    "a title of blanks": listen(title="  "),
    "an object for a title": listen(title={"x": 1}),
    "true for an artist": listen(artist=True),
    "a time in words": listen(at="yesterday"),
    "true for a time": listen(at=True),
    "a time in a list": listen(at=[NOW]),
    "a time of 400 digits": listen(at=int("9" * 400)),
    "the largest float for a time": listen(at=1e308),
}


@pytest.mark.parametrize("one", REQUIRED.values(), ids=REQUIRED)
def test_a_wrong_required_field_is_refused_in_a_short_sentence(player, one):
    answer = submit(player, one)
    assert (answer.status, answer.body["code"]) == (400, 400)
    assert 10 < len(answer.body["error"]) < 200
    assert plays(player.user).count() == 0


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9" * 5000])
@pytest.mark.parametrize("field", ["listened_at", "duration_ms", "tracknumber"])
def test_what_is_no_number_is_refused_and_no_fault_of_the_server(player, field, number):
    one = listen(**({} if field == "listened_at" else {field: "HERE"}))
    one |= {"listened_at": "HERE"} if field == "listened_at" else {}
    body = json.dumps(single(one)).replace('"HERE"', number)
    answer = player.client.post("/1/submit-listens", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


@pytest.mark.parametrize("depth", [200, 400, 600, 800, 950, 1200, 4000])
def test_deep_nesting_is_taken_or_refused(player, depth):
    body = json.dumps(single(listen(deep="HERE"))).replace('"HERE"', "[" * depth + "]" * depth)
    answer = player.client.post("/1/submit-listens", body, content_type="application/json")
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("yes", ["true", "True", "TRUE", "1"])
def test_yes_is_yes_in_any_case(player, yes):
    msid = player.post(f"submit-listens?return_msid={yes}", single(listen())).body["recording_msid"]
    player.post("feedback/recording-feedback", {"recording_msid": msid, "score": 1})
    feedback = player.get("feedback/user/alice/get-feedback", {"metadata": yes}).body["feedback"]
    assert feedback[0]["track_metadata"]["track_name"] == "Creep"


# --- Hearts -----------------------------------------------------------------------------------------------------------


def announce(player, **info):
    body = {"listen_type": "playing_now", "payload": [playing(**info)]}
    return player.post("submit-listens?return_msid=true", body).body["recording_msid"]


def test_a_heart_while_a_song_plays_reaches_it_by_its_message_id(player):
    msid = announce(player)
    heart = {"recording_msid": msid, "score": 1}
    assert player.post("feedback/recording-feedback", heart).body == {"status": "ok"}
    assert Interaction.objects.likes().get().song.title == "Creep"
    assert plays(player.user).count() == 0
    player.post("submit-listens", single(listen()))
    assert (Song.objects.count(), plays(player.user).count()) == (1, 1)


def test_a_heart_while_a_song_plays_reaches_it_by_its_musicbrainz_id(player):
    mbid = str(uuid.uuid4())
    announce(player, recording_mbid=mbid.upper())
    assert (
        player.post("feedback/recording-feedback", {"recording_mbid": mbid, "score": -1}).status
        == 200
    )
    assert str(Interaction.objects.dislikes().get().song.mbid) == mbid


def test_a_heart_for_what_somebody_else_plays_is_refused(player, bob):
    msid = announce(player)
    bob.prefix = "/1/"
    assert (
        bob.post("feedback/recording-feedback", {"recording_msid": msid, "score": 1}).status == 400
    )
    assert Song.objects.count() == 0


def test_the_score_may_come_as_a_text(player):
    heart = {"recording_msid": announce(player), "score": "1"}
    assert player.post("feedback/recording-feedback", heart).status == 200
    assert Interaction.objects.likes().count() == 1


# --- Credits ----------------------------------------------------------------------------------------------------------


def test_a_joint_work_is_each_artists_and_is_read_back_as_it_was_written(player):
    names = {"artist_names": ["Björk", "Radiohead"], "artist_mbids": [FIRST, SECOND]}
    one = listen("Duet", "Björk feat. Radiohead", **names)
    msid = player.post("submit-listens?return_msid=true", single(one)).body["recording_msid"]
    song = Song.objects.get()
    assert [song.artist.name, *(credit.artist.name for credit in song.credits.all())] == [
        "Björk",
        "Radiohead",
    ]
    heard = player.get("user/alice/listens").body["payload"]["listens"][0]
    assert heard["track_metadata"]["artist_name"] == "Björk feat. Radiohead"
    assert heard["recording_msid"] == msid


def test_one_artist_id_under_other_names_does_not_merge_the_artists(player):
    for title, artist in (("A", "Björk"), ("B", "Radiohead"), ("C", "Björk")):
        submit(player, listen(title, artist, artist_mbids=[FIRST]))
    assert sorted(Song.objects.values_list("title", "artist__name")) == [
        ("A", "Björk"),
        ("B", "Radiohead"),
        ("C", "Björk"),
    ]
    assert Song.objects.get(title="A").artist == Song.objects.get(title="C").artist


def test_half_an_emoji_costs_neither_the_title_nor_the_listen(player):
    """Players cut a title by its length; the answer said that the body was not UTF-8."""
    one = listen(at=NOW - 60, tags=["\ud83d"], submission_client="x\udc00")
    one["track_metadata"]["track_name"] = "Tide \ud83d"
    assert submit(player, one).status == 200
    assert Song.objects.get().title == "Tide"
    assert plays(player.user).count() == 1


def test_a_name_of_half_a_character_only_is_no_name(player):
    one = listen(at=NOW - 60)
    one["track_metadata"]["track_name"] = "\ud83d"
    answer = submit(player, one)
    assert (answer.status, Song.objects.count()) == (400, 0)
