"""Any player that can be given a ListenBrainz address can be given ours: tokens and what is sent in."""

import uuid
from datetime import UTC, datetime

import hypothesis
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts import tokens
from catalog.listenbrainz import payloads
from catalog.models import Genre, Song
from musicrec_site.api import throttling
from tests.api.caller import Caller
from tests.api.listens import NOW, listen, plays, single

PREFIXES = ["/1/", "/apis/listenbrainz/1/"]


# --- Token ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN"])
def test_it_tells_whose_a_token_is_at_every_address(alice, prefix, slash, scheme):
    headers = {"Authorization": f"{scheme} {alice.secret}"}
    answer = Client().get(f"{prefix}validate-token{slash}", headers=headers)
    assert answer.json() == {
        "code": 200,
        "message": "Token valid.",
        "valid": True,
        "user_name": "alice",
    }


def test_old_clients_may_send_the_token_in_the_address_of_validate_token_only(alice):
    """T45."""
    assert Client().get("/1/validate-token", {"token": alice.secret}).json()["valid"] is True
    refused = Client().get("/1/user/alice/listens", {"token": alice.secret})
    assert refused.status_code == 400
    assert "Authorization" in refused.json()["error"]


def test_a_wrong_token_is_invalid_and_none_is_an_error(db):
    answer = Client().get("/1/validate-token", headers={"Authorization": "Token nonsense"})
    assert (answer.status_code, answer.json()["valid"]) == (200, False)
    answer = Client().get("/1/validate-token")
    assert answer.json() == {"code": 400, "error": "You need to provide an Authorization token."}


def test_a_token_that_may_not_listen_is_told_so_while_the_player_is_set_up(alice):
    reader = Caller(alice.user, scopes=["read", "write"], prefix="/1/")
    answer = reader.get("validate-token")
    assert (answer.status, answer.body["valid"]) == (200, False)
    assert "scope “listen”" in answer.body["message"]


def test_some_clients_send_a_body_with_the_get(alice):
    headers = {"Authorization": f"Token {alice.secret}"}
    answer = Client().generic("GET", "/1/validate-token", "{}", "application/json", headers=headers)
    assert answer.json()["user_name"] == "alice"


def test_listens_need_a_token_that_may_listen(alice, stranger):
    stranger.prefix = "/1/"
    refused = stranger.post("submit-listens", single(listen()))
    assert (refused.status, refused.body["code"]) == (401, 401)
    reader = Caller(alice.user, scopes=["read"], prefix="/1/")
    assert reader.post("submit-listens", single(listen())).status == 403
    tokens.revoke_all_tokens(alice.user)
    assert reader.post("submit-listens", single(listen())).status == 401


# --- Submitting -------------------------------------------------------------------------------------------------------


def test_a_listen_of_an_unknown_song_brings_the_song_in(player):
    mbid = str(uuid.uuid4())
    one = listen(
        "Creep",
        "Radiohead feat. Nobody",
        recording_mbid=mbid,
        duration_ms=238_000,
        isrc="GB-AYE-92-00113",
    )
    one["track_metadata"]["release_name"] = "Pablo Honey"
    assert player.post("submit-listens", single(one)).body == {"status": "ok"}
    song = Song.objects.get()
    assert (song.title, song.artist.name, song.album.title) == ("Creep", "Radiohead", "Pablo Honey")
    assert (str(song.mbid), song.isrc, song.duration_ms) == (mbid, "GBAYE9200113", 238_000)
    play = plays(player.user).get()
    assert play.occurred_at == datetime.fromtimestamp(NOW - 600, UTC)


def test_a_new_song_gets_the_genres_that_its_tags_name_and_makes_none(player, songs):
    """Until the next training songs of the same genre are used in its place."""
    player.post(
        "submit-listens", single(listen("New", "Somebody new", tags=["ROCK", "seen live", ""]))
    )
    song = Song.objects.get(title="New")
    assert [genre.name for genre in song.genres.all()] == ["Rock"]
    assert Genre.objects.count() == 2


@pytest.mark.parametrize(
    "one",
    [
        listen("Título 0", "アーティスト", recording_mbid="6f3f6c34-4b5b-4c3a-9f1e-111111111111"),
        listen("Título 0", "アーティスト", isrc="GBUM71029604"),
        listen("TITULO 0 - Remastered 2011", "The Artist 0 feat. Somebody"),
    ],
    ids=["mbid", "isrc", "names"],
)
def test_a_listen_finds_the_song_that_is_here_already(player, songs, one):
    assert player.post("submit-listens", single(one)).status == 200
    assert plays(player.user).get().song == songs[0]
    assert Song.objects.count() == len(songs)


def test_the_same_listen_again_is_stored_once(player):
    """T23."""
    for _ in range(3):
        assert player.post("submit-listens", single(listen())).status == 200
    assert plays(player.user).count() == 1


def test_a_thousand_listens_arrive_at_once(player):
    many = [listen(f"Song {n % 50}", at=NOW - 10_000 + n) for n in range(1000)]
    assert player.post("submit-listens", {"listen_type": "import", "payload": many}).status == 200
    assert plays(player.user).count() == 1000
    assert Song.objects.count() == 50
    refused = player.post("submit-listens", {"listen_type": "import", "payload": [*many, listen()]})
    assert (refused.status, "1001" in refused.body["error"]) == (400, True)


def test_many_listens_of_known_songs_cost_few_queries(player, django_assert_max_num_queries):
    many = [listen(f"Song {n}", f"Artist {n}", at=NOW - 10_000 + n) for n in range(200)]
    body = {"listen_type": "import", "payload": many}
    player.post("submit-listens", body)
    again = [one | {"listened_at": one["listened_at"] + 300} for one in many]
    with django_assert_max_num_queries(30):
        player.post("submit-listens", body | {"payload": again})
    assert (plays(player.user).count(), Song.objects.count()) == (400, 200)


def test_listens_that_arrive_together_are_matched_as_if_one_by_one(player, songs):
    """The first brings a song with its id. The second has that id under other names, so it is what they say."""
    mbid = str(uuid.uuid4())
    many = [
        listen("Brought", "Somebody", at=NOW - 5, recording_mbid=mbid),
        listen("Título 1", "Artist 0", at=NOW - 4, recording_mbid=mbid),
        listen("Brought", "Somebody", at=NOW - 3),
        listen("Título 2", "Artist 1", at=NOW - 2, isrc="GB-AYE-92-00113"),
        listen("Título 2", "Художник", at=NOW - 1, isrc="GBAYE9200113"),
    ]
    assert player.post("submit-listens", {"listen_type": "import", "payload": many}).status == 200
    heard = list(plays(player.user).order_by("occurred_at").values_list("song__title", flat=True))
    assert heard == ["Brought", "Título 1", "Brought", "Título 2", "Título 2"]
    assert plays(player.user).values("song").distinct().count() == 3


def test_what_is_playing_now_is_told_and_not_stored(player):
    now = {"track_metadata": {"artist_name": "Radiohead", "track_name": "Creep"}}
    assert (
        player.post("submit-listens", {"listen_type": "playing_now", "payload": [now]}).status
        == 200
    )
    payload = player.get("user/alice/playing-now").body["payload"]
    assert payload["count"] == 1
    assert payload["listens"][0]["track_metadata"]["track_name"] == "Creep"
    assert plays(player.user).count() == 0
    assert Song.objects.count() == 0


def test_the_message_id_comes_back_when_it_is_asked_for(player):
    answer = player.post("submit-listens?return_msid=true", single(listen()))
    assert uuid.UUID(answer.body["recording_msid"]).version == 5


BROKEN = {
    "no type": {"payload": [listen()]},
    "no listens": {"listen_type": "single", "payload": []},
    "two singles": {"listen_type": "single", "payload": [listen(), listen()]},
    "a time with playing now": {"listen_type": "playing_now", "payload": [listen()]},
    "no time": single({"track_metadata": {"artist_name": "A", "track_name": "B"}}),
    "too long ago": single(listen(at=1_033_410_599)),
    "milliseconds": single(listen(at=NOW * 1000)),
    "no artist": single(listen(artist="")),
    "a NUL": single(listen(title="a\0b")),
    "too large": single(listen(comment="x" * payloads.MAX_LISTEN_BYTES)),
    "an array": [],
    "a text for a listen": {"listen_type": "single", "payload": ["x"]},
    "a number for a title": single(
        {"listened_at": NOW, "track_metadata": {"artist_name": {}, "track_name": "B"}}
    ),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_rules_is_refused_in_one_sentence(player, body):
    """T54."""
    answer = player.post("submit-listens", body)
    assert answer.status == 400
    assert answer.body["code"] == 400
    assert isinstance(answer.body["error"], str)
    assert plays(player.user).count() == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
INFO = ("recording_mbid", "artist_mbids", "isrc", "tags", "duration", "duration_ms", "media_player")
ODD_LISTENS = st.fixed_dictionaries(
    {},
    optional={
        "listened_at": st.just(NOW - 60) | JSON,
        "track_metadata": st.fixed_dictionaries(
            {"artist_name": st.just("A") | JSON, "track_name": st.just("B") | JSON},
            optional={
                "release_name": JSON,
                "additional_info": st.dictionaries(st.sampled_from(INFO), JSON, max_size=3) | JSON,
            },
        ),
    },
)
ODD_BODIES = {
    "submit-listens": st.fixed_dictionaries(
        {
            "listen_type": st.sampled_from(["single", "playing_now", "import"]),
            "payload": st.lists(ODD_LISTENS, max_size=2),
        }
    ),
    "delete-listen": st.dictionaries(st.sampled_from(["listened_at", "recording_msid"]), JSON),
    "feedback/recording-feedback": st.dictionaries(
        st.sampled_from(["recording_mbid", "recording_msid", "score", "user"]), JSON
    ),
}


@pytest.mark.parametrize("address", ODD_BODIES)
def test_whatever_a_player_sends_is_taken_or_refused(player, address, settings):
    """T54: 200 or 400 with a sentence, and never a fault of the server."""
    settings.API_RATES = settings.API_RATES | {"listen": 10**9}

    @hypothesis.settings(max_examples=100, deadline=None, derandomize=True, database=None)
    @given(body=ODD_BODIES[address] | JSON)
    def send_body(body):
        answer = player.post(address, body)
        assert answer.status == 200 or (answer.status, answer.body["code"]) == (400, 400), (
            answer.body
        )

    send_body()


def test_a_listen_is_measured_in_bytes_and_may_speak_of_a_nul(player):
    """T48: 2,500 letters of three bytes fit; a title with a backslash, a u and four zeros is a title."""
    long = listen("x\\u0000", comment="\u6f22" * 2500)
    assert player.post("submit-listens", single(long)).status == 200
    assert Song.objects.get().title == "x\\u0000"
    too_long = listen(comment="\u6f22" * (payloads.MAX_LISTEN_BYTES // 3 + 1))
    assert player.post("submit-listens", single(too_long)).status == 400
    for hidden in ({"tags": ["a\0"]}, {"a\0": 1}, {"deep": [{"x": "\0"}]}):
        assert player.post("submit-listens", single(listen(**hidden))).status == 400


def test_empty_ids_are_dropped(player):
    assert (
        player.post(
            "submit-listens", single(listen(recording_mbid="", artist_mbids=[""], isrc=""))
        ).status
        == 200
    )
    assert Song.objects.get().mbid is None


def test_how_much_is_left_stands_in_the_headers(player, settings, monkeypatch):
    period = 10**9  # no window may end in the middle of the test
    monkeypatch.setattr(throttling, "PERIOD", period)
    settings.API_RATES = settings.API_RATES | {"listen": 2}
    answers = [player.post("submit-listens", single(listen(at=NOW - n))) for n in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert 0 < int(answers[2].headers["Retry-After"]) <= period
    assert answers[2].headers["X-RateLimit-Limit"] == "2"
    wait, reset = (int(answers[2].headers[f"X-RateLimit-{name}"]) for name in ("Reset-In", "Reset"))
    assert 0 < wait <= period
    assert reset == period * (NOW // period + 1)  # when the window ends, in seconds since 1970
