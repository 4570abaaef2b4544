"""Songs and artists to look for: of the seed pack, not of this library, and why."""

import json
import uuid

import numpy as np
import pytest
from django.core.management import call_command
from django.test import Client
from scipy.sparse import csr_matrix

from accounts import tokens
from accounts.models import User
from catalog.models import Artist, Interaction, Song
from recommendations.engine import ArtistPrior, Labels, Prior, SeedPack, save_pack
from recommendations.models import ListenerControl
from recommendations.services.data import beyond_index
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


def load(tmp_path, pairs, titles, artists, artist_pairs=()):
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
        Labels(titles, artists, [mbid(name) for name in artists]),
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
