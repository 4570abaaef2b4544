"""Songs, albums and artists to look for: of the seed pack, not of this library, and why."""

import json
import uuid

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from scipy.sparse import csr_matrix

from accounts import tokens
from accounts.models import User
from catalog.models import Album, Artist, Interaction, Song
from recommendations.engine import ArtistPrior, Labels, Prior, SeedPack, save_pack
from recommendations.models import ListenerControl
from recommendations.services.seeds import beyond_index
from recommendations.services.surfaces import beyond_library

pytestmark = pytest.mark.django_db


def mbid(name):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


@pytest.fixture(autouse=True)
def own_data(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"


@pytest.fixture
def arthur(db):
    return User.objects.create_user("arthur", password="towel-forty-two")


@pytest.fixture
def songs(db):
    """Here, Near and Same are in the library; Near by its name only."""
    by_title = {}
    for title, artist in (("Here", "Ann"), ("Near", "Bob"), ("Unheard", "Cy")):
        artist_row = Artist.objects.create(
            name=artist, mbid=mbid(artist) if artist != "Bob" else None
        )
        by_title[title] = Song.objects.create(
            key=title, title=title, artist=artist_row, mbid=mbid(title) if title != "Near" else None
        )
    return by_title


def load(tmp_path, pairs, titles, artists, artist_pairs=(), albums=(), groups=None):
    """`albums` has the title of each song's album; its group is named after it unless `groups` says otherwise."""

    def as_prior(keys, counted):
        together = np.zeros((len(keys), len(keys)), dtype=np.float32)
        for a, b, n in counted:
            together[a, b] = together[b, a] = n
        return Prior(np.array(keys), np.full(len(keys), 100, np.int32), csr_matrix(together))

    names = sorted(set(artists))
    pack = SeedPack(
        as_prior([mbid(title) for title in titles], pairs),
        {},
        {
            "source": "listens of a test",
            "licence": "CC0 1.0",
            "data_from": "2026-01-01",
            "data_until": "2026-02-01",
        },
        Labels(
            titles,
            artists,
            [mbid(name) for name in artists],
            albums,
            [mbid(album) if album else "" for album in albums] if groups is None else groups,
        ),
        ArtistPrior(as_prior([mbid(name) for name in names], artist_pairs), names)
        if artist_pairs
        else None,
    )
    save_pack(tmp_path / "pack", pack)
    call_command("load_seed", str(tmp_path / "pack"))


TITLES = ["Here", "Near", "Unheard", "Far", "Further", "Apart"]
ARTISTS = ["Ann", "Bob", "Cy", "Dot", "Eve", "Eve"]
PAIRS = [(0, 1, 90), (0, 3, 40), (0, 4, 20), (2, 5, 60)]


def test_what_was_played_elsewhere_with_my_songs_is_named_with_how_many(arthur, songs, tmp_path):
    load(tmp_path, PAIRS, TITLES, ARTISTS, [(0, 3, 35), (0, 1, 50)])
    Interaction.objects.create(
        listener=arthur, song=songs["Here"], kind=Interaction.Kind.LIKE, source="x"
    )
    beyond = beyond_library.find_beyond_library(arthur)
    assert [(s.title, s.n_listeners, s.because) for s in beyond.songs] == [
        ("Far", 40, songs["Here"]),
        ("Further", 20, songs["Here"]),
    ]
    assert [(a.artist_name, a.n_listeners, a.because.name) for a in beyond.artists] == [
        ("Dot", 35, "Ann")
    ]


def test_a_song_that_stands_here_under_its_name_only_is_not_to_be_looked_for(
    arthur, songs, tmp_path
):
    load(tmp_path, PAIRS, TITLES, ARTISTS)
    index = beyond_index.load_index()
    assert {label[1] for label in index.songs.labels} == {"Far", "Further", "Apart"}


def test_disliked_songs_say_nothing_and_hidden_artists_stay_away(arthur, songs, tmp_path):
    load(tmp_path, PAIRS, TITLES, ARTISTS)
    Interaction.objects.create(
        listener=arthur, song=songs["Unheard"], kind=Interaction.Kind.DISLIKE, source="x"
    )
    Interaction.objects.create(
        listener=arthur, song=songs["Here"], kind=Interaction.Kind.PLAY, source="x"
    )
    eve = Artist.objects.create(name="Eve")
    ListenerControl.objects.create(
        listener=arthur, artist=eve, kind=ListenerControl.Kind.HIDE_ARTIST
    )
    assert [song.title for song in beyond_library.find_beyond_library(arthur).songs] == ["Far"]


def test_the_page_and_the_api_say_it_and_a_site_without_a_pack_says_what_it_needs(
    arthur, songs, tmp_path
):
    client = Client()
    client.force_login(arthur)
    page = client.get("/library/beyond/").content.decode()
    assert "This needs a seed pack" in page
    assert "/library/beyond/" not in client.get("/library/").content.decode()
    assert client.get("/api/v1/me/beyond-library/").json() == {
        "songs": [],
        "albums": [],
        "artists": [],
        "about": {},
    }
    load(tmp_path, PAIRS, TITLES, ARTISTS)
    assert "did not play anything new" in client.get("/library/beyond/").content.decode()
    Interaction.objects.create(
        listener=arthur, song=songs["Here"], kind=Interaction.Kind.LIKE, source="x"
    )
    page = client.get("/library/beyond/").content.decode()
    assert "40 listeners elsewhere played it together with “Here” by Ann." in page
    assert "Licence: CC0 1.0" in page
    assert "/library/beyond/" in client.get("/library/").content.decode()
    answer = client.get("/api/v1/me/beyond-library/").json()
    assert answer["songs"][0] == {
        "mbid": mbid("Far"), "title": "Far", "artist_name": "Dot", "artist_mbid": mbid("Dot"),
        "n_listeners": 40, "because": "Here",
    }  # fmt: skip
    arthur.personalised = False
    arthur.save()
    assert client.get("/api/v1/me/beyond-library/").json()["songs"] == []
    assert "You switched personalisation off" in client.get("/library/beyond/").content.decode()


def test_a_pack_taken_away_leaves_nothing(arthur, songs, tmp_path):
    load(tmp_path, PAIRS, TITLES, ARTISTS)
    assert beyond_library.has_index()
    call_command("load_seed", "--remove")
    assert not beyond_library.has_index()


def test_a_song_that_came_in_is_no_longer_looked_for_after_the_index_was_made_anew(
    arthur, songs, tmp_path
):
    load(tmp_path, PAIRS, TITLES, ARTISTS)
    Song.objects.create(key="far", title="Far", artist=Artist.objects.create(name="Dot"))
    beyond_index.rebuild_index()
    assert "Far" not in json.dumps(
        [list(label) for label in beyond_index.load_index().songs.labels]
    ).split('"')


# --- Albums -----------------------------------------------------------------------------------------------------------


def like(listener, song):
    Interaction.objects.create(listener=listener, song=song, kind=Interaction.Kind.LIKE, source="x")


def name_albums(listener):
    albums = beyond_library.find_beyond_library(listener).albums
    return [(album.title, album.artist_name) for album in albums]


ALBUMS = ["Here First", "Near First", "", "Far Away", "Evening", "Evening"]
ALBUM_PAIRS = [(0, 1, 90), (0, 3, 40), (0, 4, 20), (0, 5, 30), (2, 5, 60)]


def test_albums_are_named_by_what_their_songs_have_in_common_with_mine(arthur, songs, tmp_path):
    """Evening has two songs, 20 and 30 listeners of Here; Far Away one song, 40; Near First is that of a song here."""
    load(tmp_path, ALBUM_PAIRS, TITLES, ARTISTS, albums=ALBUMS)
    like(arthur, songs["Here"])
    albums = beyond_library.find_beyond_library(arthur).albums
    assert [
        (a.title, a.artist_name, a.mbid, a.artist_mbid, a.n_listeners, a.because) for a in albums
    ] == [
        ("Evening", "Eve", mbid("Evening"), mbid("Eve"), 30, songs["Here"]),
        ("Far Away", "Dot", mbid("Far Away"), mbid("Dot"), 40, songs["Here"]),
    ]


@pytest.mark.parametrize(
    ("title", "by_song"), [("Evening (Deluxe Edition)", False), ("EVENING", True)]
)
def test_an_album_of_the_library_is_not_named(arthur, songs, tmp_path, title, by_song):
    """Its artist is that of the album, or that of a song on somebody else's."""
    eve, other = Artist.objects.create(name="EVE"), Artist.objects.create(name="Various Artists")
    album = Album.objects.create(title=title, artist=other if by_song else eve)
    Song.objects.create(key="e", title="Another", artist=eve if by_song else other, album=album)
    load(tmp_path, ALBUM_PAIRS, TITLES, ARTISTS, albums=ALBUMS)
    like(arthur, songs["Here"])
    assert name_albums(arthur) == [("Far Away", "Dot")]


def test_an_album_of_that_title_by_somebody_else_does_not_count(arthur, songs, tmp_path):
    album = Album.objects.create(title="Evening", artist=songs["Here"].artist)
    Song.objects.filter(pk=songs["Here"].pk).update(album=album)
    load(tmp_path, ALBUM_PAIRS, TITLES, ARTISTS, albums=ALBUMS)
    like(arthur, songs["Here"])
    assert ("Evening", "Eve") in name_albums(arthur)


def test_hidden_artists_and_switched_off_listeners_get_no_album(arthur, songs, tmp_path):
    load(tmp_path, ALBUM_PAIRS, TITLES, ARTISTS, albums=ALBUMS)
    like(arthur, songs["Here"])
    eve = Artist.objects.create(name="Eve")
    ListenerControl.objects.create(
        listener=arthur, artist=eve, kind=ListenerControl.Kind.HIDE_ARTIST
    )
    assert name_albums(arthur) == [("Far Away", "Dot")]
    arthur.personalised = False
    arthur.save()
    assert name_albums(arthur) == []


def test_a_release_group_of_several_artists_is_no_album_of_one(arthur, songs, tmp_path):
    hits = mbid("Hits")
    load(
        tmp_path, ALBUM_PAIRS, TITLES, ARTISTS, albums=["", "", "", "Hits", "Evening", "Hits"],
        groups=["", "", "", hits, mbid("Evening"), hits],
    )  # fmt: skip
    like(arthur, songs["Here"])
    assert name_albums(arthur) == [("Evening", "Eve")]


def test_one_song_names_an_album_only_where_it_is_among_the_thirty_best(arthur, songs, tmp_path):
    """35 artists with a single each, weaker and weaker; the last two songs are of one album."""
    n = 35
    titles = ["Here", *(f"S{i}" for i in range(n))]
    artists = ["Ann", *(f"Artist {min(i, n - 2)}" for i in range(n))]
    albums = ["", *(f"Single {i}" for i in range(n - 2)), "Two Songs", "Two Songs"]
    load(tmp_path, [(0, i + 1, 90 - i) for i in range(n)], titles, artists, albums=albums)
    like(arthur, songs["Here"])
    beyond = beyond_library.find_beyond_library(arthur)
    assert len(beyond.albums) == 20
    everything = {a.title for a in beyond_library.find_beyond_library(arthur, n_albums=99).albums}
    assert everything == {*(f"Single {i}" for i in range(30)), "Two Songs"}


def test_at_most_two_albums_of_one_artist(arthur, songs, tmp_path):
    titles = ["Here", "S1", "S2", "S3"]
    load(
        tmp_path, [(0, 1, 50), (0, 2, 40), (0, 3, 60)], titles, ["Ann", *["Eve"] * 3],
        albums=["", "One", "Two", "Three"],
    )  # fmt: skip
    like(arthur, songs["Here"])
    assert name_albums(arthur) == [("Three", "Eve"), ("One", "Eve")]


def test_the_page_and_the_api_name_albums_and_where_they_come_from(arthur, songs, tmp_path):
    load(tmp_path, ALBUM_PAIRS, TITLES, ARTISTS, albums=ALBUMS)
    like(arthur, songs["Here"])
    client = Client()
    client.force_login(arthur)
    page = client.get("/library/beyond/").content.decode()
    assert "30 listeners elsewhere played a song on it together with “Here” by Ann." in page
    assert f"https://musicbrainz.org/release-group/{mbid('Evening')}" in page
    assert client.get("/api/v1/me/beyond-library/").json()["albums"][0] == {
        "mbid": mbid("Evening"), "title": "Evening", "artist_name": "Eve", "artist_mbid": mbid("Eve"),
        "n_listeners": 30, "because": "Here",
    }  # fmt: skip


def test_an_index_from_before_albums_is_read_as_one_without(arthur, songs, tmp_path):
    load(tmp_path, ALBUM_PAIRS, TITLES, ARTISTS, albums=ALBUMS)
    path = beyond_index.get_index_path()
    with np.load(path) as arrays:
        older = {name: arrays[name] for name in arrays.files if not name.startswith("album")}
    path.unlink()
    np.savez(path, **older)
    like(arthur, songs["Here"])
    beyond = beyond_library.find_beyond_library(arthur)
    assert beyond.albums == []
    assert {song.title for song in beyond.songs} == {"Far", "Further", "Apart"}


def read_lidarr(listener):
    secret = tokens.create_token(listener, "Lidarr", ["lidarr"]).secret
    return Client().get(f"/lidarr/{secret}/").json()


def test_lidarr_gets_albums_first_and_then_the_artists_of_none_of_them(arthur, songs, tmp_path):
    titles, artists = [*TITLES, "Lone"], [*ARTISTS, "Fay"]
    pairs = [*ALBUM_PAIRS, (0, 6, 10)]
    load(tmp_path, pairs, titles, artists, [(0, 3, 35)], albums=[*ALBUMS, ""])
    like(arthur, songs["Here"])
    assert read_lidarr(arthur) == [
        {"MusicBrainzId": mbid("Eve"), "AlbumId": mbid("Evening")},
        {"MusicBrainzId": mbid("Dot"), "AlbumId": mbid("Far Away")},
        {"MusicBrainzId": mbid("Fay")},
    ]


def test_an_album_without_an_id_is_on_the_page_but_not_for_lidarr(arthur, songs, tmp_path):
    load(tmp_path, ALBUM_PAIRS, TITLES, ARTISTS, albums=ALBUMS, groups=[""] * len(ALBUMS))
    like(arthur, songs["Here"])
    assert name_albums(arthur) == [("Evening", "Eve"), ("Far Away", "Dot")]
    assert read_lidarr(arthur) == [{"MusicBrainzId": mbid("Dot")}, {"MusicBrainzId": mbid("Eve")}]


def test_lidarr_gets_the_artists_and_those_of_the_songs_once(arthur, songs, tmp_path):
    load(tmp_path, PAIRS, TITLES, ARTISTS, [(0, 3, 35), (0, 1, 50)])
    Interaction.objects.create(
        listener=arthur, song=songs["Here"], kind=Interaction.Kind.LIKE, source="x"
    )
    secret = tokens.create_token(arthur, "Lidarr", ["lidarr"]).secret
    assert Client().get(f"/lidarr/{secret}/").json() == [
        {"MusicBrainzId": mbid("Dot")},
        {"MusicBrainzId": mbid("Eve")},
    ]
