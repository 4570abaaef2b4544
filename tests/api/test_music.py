"""Songs, artists and genres: found, filtered, ordered, in pages."""

import pytest


def keys(answer):
    return [song["id"] for song in answer.body["results"]]


def test_a_song_has_everything_that_is_known_of_it(stranger, songs):
    answer = stranger.get("songs/song_0/")
    assert answer.status == 200
    assert answer.body == {
        "id": "song_0",
        "title": "Título 0",
        "artist": {"id": songs[0].artist_id, "name": "Artist 0"},
        "credit": "Artist 0",
        "album": {"id": songs[0].album_id, "title": "First"},
        "genres": ["Calm"],
        "year": 2000,
        "duration_ms": 200_000,
        "features": {
            "acousticness": None,
            "danceability": None,
            "energy": 0.0,
            "instrumentalness": None,
            "liveness": None,
            "speechiness": None,
            "valence": None,
            "tempo": 100.0,
        },
        "mbid": "6f3f6c34-4b5b-4c3a-9f1e-111111111111",
        "isrc": "GBUM71029604",
        "audio_url": "",
    }


def test_ids_may_hold_slashes(stranger, songs):
    songs[1].key = "music/a song.mp3"
    songs[1].save()
    assert stranger.get("songs/music/a%20song.mp3/").body["title"] == "Título 1"


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"search": "titulo 3"}, [3]),
        ({"search": "ARTIST TITULO 4"}, [4]),
        ({"genre": "rock"}, [1, 3, 5]),
        ({"year_min": 2004}, [4, 5]),
        ({"energy_min": 0.15, "energy_max": 0.35}, [2, 3]),
        ({"tempo_min": 104, "genre": "Calm"}, [4]),
        ({"ordering": "-year", "year_max": 2001}, [1, 0]),
        ({"search": "nothing like it"}, []),
    ],
    ids=str,
)
def test_songs_are_found(stranger, songs, query, numbers):
    assert keys(stranger.get("songs/", query)) == [f"song_{number}" for number in numbers]


def test_songs_of_one_artist(stranger, songs):
    assert keys(stranger.get("songs/", {"artist": songs[0].artist_id})) == ["song_0", "song_1"]
    artist = stranger.get(f"artists/{songs[0].artist_id}/").body
    assert (artist["name"], artist["n_songs"]) == ("Artist 0", 2)
    answer = stranger.get("artists/", {"search": "artist 2"}).body
    assert [one["name"] for one in answer["results"]] == ["Artist 2"]
    genres = stranger.get("genres/").body["results"]
    assert [(genre["name"], genre["n_songs"]) for genre in genres] == [("Calm", 3), ("Rock", 3)]
    assert stranger.get(f"genres/{genres[0]['id']}/").body["name"] == "Calm"


def test_unavailable_songs_are_not_listed(stranger, songs):
    songs[0].is_available = False
    songs[0].save()
    assert "song_0" not in keys(stranger.get("songs/"))


def test_pages_follow_one_another_and_are_capped(stranger, songs):
    """T53."""
    first = stranger.get("songs/", {"page_size": 4})
    assert first.body["count"] == 6
    second = stranger.get("songs/", {"page_size": 4, "page": 2})
    assert keys(first) + keys(second) == [f"song_{number}" for number in range(6)]
    assert second.body["next"] is None
    assert len(keys(stranger.get("songs/", {"page_size": 10**9}))) == 6
    assert stranger.get("songs/", {"page": 10**12}).status == 404
    assert stranger.get("songs/", {"search": "x " * 50_000}).status == 200


@pytest.mark.parametrize(
    "query",
    [
        {"year_min": "x"},
        {"energy_min": "nan"},
        {"ordering": "password"},
        {"artist": "x"},
        {"search": "a\0b"},
    ],
    ids=str,
)
def test_a_filter_that_makes_no_sense_is_named(stranger, songs, query):
    """T48, T54."""
    answer = stranger.get("songs/", query)
    assert answer.status == 400
    assert list(answer.body["error"]["fields"]) == list(query)


def test_what_is_not_there_is_404(stranger, songs):
    for address in ("songs/none/", "artists/999999/", "genres/999999/", f"artists/{10**30}/"):
        assert stranger.get(address).status == 404


@pytest.mark.parametrize("address", ["songs/", "songs/song_0/", "artists/", "genres/"])
def test_music_may_be_kept_and_costs_no_body_while_it_is_the_same(stranger, songs, address):
    first = stranger.get(address)
    assert first.headers["Cache-Control"] == "public, max-age=60"
    same = {"headers": {"If-None-Match": first.headers["ETag"]}}
    assert stranger.get(address, **same).status == 304
    songs[0].title = "Another"
    songs[0].save()
    songs[0].artist.name = "Renamed"
    songs[0].artist.save()
    songs[0].genres.create(name="New")
    assert stranger.get(address, **same).status == 200


def test_what_a_listener_gets_is_kept_by_their_own_browser_only(alice, songs):
    """It may hold songs that only they see."""
    headers = alice.get("songs/").headers
    assert headers["Cache-Control"] == "private, max-age=60"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in headers["Vary"].split(",")}


def test_what_went_wrong_is_not_kept(stranger, songs):
    assert "no-store" in stranger.get("songs/none/").headers["Cache-Control"]
    assert "no-store" in stranger.get("songs/?energy_min=x").headers["Cache-Control"]
