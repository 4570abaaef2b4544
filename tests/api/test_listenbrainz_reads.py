"""What players read back: listens, feedback, and the playlists made for a listener."""

import uuid

import pytest

from catalog.models import Interaction, Playlist
from tests.api.listens import NOW, listen, plays, single

# --- Reading back -----------------------------------------------------------------------------------------------------


def test_listens_come_back_newest_first_between_two_times(player):
    for n in range(5):
        player.post("submit-listens", single(listen(f"Song {n}", at=NOW - 100 + n)))
    payload = player.get("user/Alice/listens", {"count": 2}).body["payload"]
    assert [one["track_metadata"]["track_name"] for one in payload["listens"]] == [
        "Song 4",
        "Song 3",
    ]
    assert (payload["latest_listen_ts"], payload["oldest_listen_ts"]) == (NOW - 96, NOW - 100)
    before = player.get("user/alice/listens", {"max_ts": NOW - 98}).body["payload"]
    assert [one["listened_at"] for one in before["listens"]] == [NOW - 99, NOW - 100]
    after = player.get("user/alice/listens", {"min_ts": NOW - 98}).body["payload"]
    assert after["count"] == 2
    onwards = player.get("user/alice/listens", {"min_ts": NOW - 100, "count": 2}).body["payload"]
    assert [one["listened_at"] for one in onwards["listens"]] == [NOW - 98, NOW - 99]
    assert player.get("user/alice/listen-count").body == {"payload": {"count": 5}}
    assert player.get("user/alice/listens", {"max_ts": "x"}).status == 400


def test_a_listen_is_deleted_by_its_time_and_message_id(player):
    player.post("submit-listens", single(listen()))
    one = player.get("user/alice/listens").body["payload"]["listens"][0]
    wrong = {"listened_at": one["listened_at"], "recording_msid": str(uuid.uuid4())}
    assert player.post("delete-listen", wrong).body == {"status": "ok"}
    assert plays(player.user).count() == 1
    right = {"listened_at": one["listened_at"], "recording_msid": one["recording_msid"]}
    assert player.post("delete-listen", right).body == {"status": "ok"}
    assert plays(player.user).count() == 0


def test_feedback_is_an_opinion(player, songs):
    mbid = str(songs[0].mbid)
    for score, kinds in ((1, [Interaction.Kind.LIKE]), (-1, [Interaction.Kind.DISLIKE]), (0, [])):
        answer = player.post(
            "feedback/recording-feedback", {"recording_mbid": mbid, "score": score}
        )
        assert answer.body == {"status": "ok"}
        assert list(Interaction.objects.opinions().values_list("kind", flat=True)) == kinds


def test_feedback_by_message_id_reaches_the_song_that_was_heard(player):
    msid = player.post("submit-listens?return_msid=true", single(listen())).body["recording_msid"]
    player.post("feedback/recording-feedback", {"recording_msid": msid, "score": 1})
    feedback = player.get("feedback/user/alice/get-feedback", {"score": 1, "metadata": "true"}).body
    assert (feedback["count"], feedback["total_count"]) == (1, 1)
    assert feedback["feedback"][0]["track_metadata"]["track_name"] == "Creep"


@pytest.mark.parametrize(
    "body",
    [
        {"score": 1},
        {"recording_mbid": "6f3f6c34-4b5b-4c3a-9f1e-111111111111", "score": 2},
        {"recording_mbid": "6f3f6c34-4b5b-4c3a-9f1e-111111111111", "score": True},
        {"recording_mbid": "6f3f6c34-4b5b-4c3a-9f1e-111111111111", "score": 1, "user": "bob"},
        {"recording_mbid": "6f3f6c34-4b5b-4c3a-9f1e-999999999999", "score": 1},
    ],
)
def test_feedback_that_breaks_the_rules_is_refused(player, songs, body):
    """T38: an extra key, such as another user, is refused."""
    assert player.post("feedback/recording-feedback", body).status == 400
    assert Interaction.objects.count() == 0


# --- Playlists out ----------------------------------------------------------------------------------------------------


def test_made_playlists_are_private_until_their_listener_opts_in(player, stranger, jams):
    stranger.prefix = "/1/"
    assert stranger.get("user/alice/playlists/createdfor").status == 404
    assert stranger.get(f"playlist/{jams.pk}").status == 404
    assert player.get("user/alice/playlists/createdfor").body["playlist_count"] == 1
    player.user.shares_playlists = True
    player.user.save()
    answer = stranger.get("user/alice/playlists/createdfor", {"count": 5}).body
    assert (answer["playlist_count"], answer["offset"], answer["count"]) == (1, 0, 5)
    playlist = answer["playlists"][0]["playlist"]
    extension = playlist["extension"]["https://musicbrainz.org/doc/jspf#playlist"]
    assert extension["additional_metadata"]["algorithm_metadata"]["source_patch"] == "weekly-jams"
    assert playlist["identifier"].rsplit("/", 1)[1] == str(jams.pk)


def test_the_weeks_playlists_come_before_a_pile_of_daily_mixes(player, alice, jams):
    """Players read the first page only, and look for the weekly jams there."""
    for n in range(30):
        Playlist.objects.create(
            owner=alice.user, kind="daily-mix", period=f"2026-08-{n // 5}-{n % 5}", title="Mix"
        )
    answer = player.get("user/alice/playlists/createdfor", {"count": 25}).body
    titles = [one["playlist"]["title"] for one in answer["playlists"]]
    assert (answer["playlist_count"], titles[0]) == (31, "Weekly jams")


def test_nobody_shares_the_changing_of_playlists(player, stranger, jams):
    """Players ask for these beside a listener's own and made ones, and end at a 404."""
    address = "user/alice/playlists/collaborator"
    nothing = {"playlists": [], "playlist_count": 0}
    assert player.get(address).body == nothing | {"offset": 0, "count": 25}
    answer = player.get(address, {"count": 5, "offset": 3})
    assert (answer.status, answer.body) == (200, nothing | {"offset": 3, "count": 5})
    stranger.prefix = "/1/"
    assert stranger.get(address).status == 404
    player.user.shares_playlists = True
    player.user.save()
    assert stranger.get(address).body["playlists"] == []


def test_a_playlist_names_recordings_and_says_why(player, jams, songs):
    tracks = player.get(f"playlist/{jams.pk}").body["playlist"]["track"]
    assert tracks[0]["identifier"] == [f"https://musicbrainz.org/recording/{songs[0].mbid}"]
    assert tracks[1]["identifier"] == []
    assert (tracks[0]["duration"], tracks[0]["album"], tracks[0]["annotation"]) == (
        200_000,
        "First",
        "You loved it",
    )


def test_own_playlists_are_not_shared_with_the_made_ones(player, stranger, alice):
    alice.user.shares_playlists = True
    alice.user.save()
    own = Playlist.objects.create(owner=alice.user, title="Mine")
    stranger.prefix = "/1/"
    assert stranger.get(f"playlist/{own.pk}").status == 404
    assert stranger.get("user/alice/playlists/createdfor").body["playlist_count"] == 0
