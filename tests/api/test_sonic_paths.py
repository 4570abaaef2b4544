"""The path between two songs, through the API."""

from catalog.models import Song
from recommendations.services.preferences import controls


def ids(answer) -> list[str]:
    return [song["id"] for song in answer.body["songs"]]


def test_a_path_leads_from_one_song_to_the_other(world, stranger):
    answer = stranger.get("songs/song_02/path/", {"to": "song_33", "k": 6})
    assert answer.status == 200
    assert ids(answer)[0] == "song_02" and ids(answer)[-1] == "song_33" and len(ids(answer)) <= 6
    assert len(answer.body["steps"]) == len(ids(answer)) - 1
    assert abs(sum(answer.body["steps"]) - answer.body["length"]) < 1e-9


def test_what_a_listener_hides_or_what_is_gone_is_not_on_the_way(world, stranger):
    first = ids(stranger.get("songs/song_02/path/", {"to": "song_33", "k": 6}))
    hidden = Song.objects.get(key=first[1])
    controls.hide_artist(world.alice.user, hidden.artist)
    mine = ids(world.alice.get("songs/song_02/path/", {"to": "song_33", "k": 6}))
    theirs = set(hidden.artist.songs.values_list("key", flat=True))
    assert not set(mine[1:-1]) & theirs
    assert ids(stranger.get("songs/song_02/path/", {"to": "song_33", "k": 6})) == first
    Song.objects.filter(pk=hidden.pk).delete()
    assert first[1] not in ids(stranger.get("songs/song_02/path/", {"to": "song_33", "k": 6}))


def test_what_cannot_be_asked_is_named(world, stranger):
    assert "to" in stranger.get("songs/song_02/path/").body["error"]["fields"]
    assert "to" in stranger.get("songs/song_02/path/", {"to": "nothing"}).body["error"]["fields"]
    for k in ("1", "101", "x", "9" * 400):
        assert (
            "k"
            in stranger.get("songs/song_02/path/", {"to": "song_33", "k": k}).body["error"][
                "fields"
            ]
        )
    assert stranger.get("songs/nothing/path/", {"to": "song_33"}).status == 404


def test_a_song_newer_than_the_model_says_so(world, stranger):
    Song.objects.create(key="new", title="New", artist=world.songs[0].artist)
    answer = stranger.get("songs/new/path/", {"to": "song_33"})
    assert answer.body["songs"] == [] and "“New” is new here" in answer.body["note"]
