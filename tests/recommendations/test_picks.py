"""The first list: what somebody picked decides it, and picking writes no likes."""

import importlib
from itertools import combinations

import pytest
from django.apps import apps
from django.test import Client

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Genre, Interaction, Song
from recommendations.engine import Explanation
from recommendations.engine.synthetic.world import World
from recommendations.models import Taste
from recommendations.services.data import demo_world
from recommendations.services.lists.listener_context import Picks
from recommendations.services.preferences import taste
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.explanation_facts import (
    Explained,
    read_facts,
    read_facts_of_picks,
)
from recommendations.services.reasons.share_text import name_artist, name_genre
from recommendations.services.serving import recommend, visitor_lists
from tests.recommendations.conftest import train

N = 12


@pytest.fixture
def songs(db) -> list[Song]:
    demo_world.seed_database(World(n_listeners=80, n_songs=400, seed=5))
    train()
    return list(Song.objects.prefetch_related("genres").order_by("pk"))


def find_genres(songs) -> set[int]:
    return {genre.pk for song in songs for genre in song.genres.all()}


def n_sharing(served, genre_ids: set[int]) -> int:
    return sum(bool(find_genres([song]) & genre_ids) for song in served.songs)


def test_a_visitors_list_shares_the_genres_of_the_picks_and_differs_with_them(songs):
    """It shared 4.6 of 12, and the same three popular songs were in the lists of 30 of 30 visitors."""
    lists, shares = [], []
    for start in range(0, 120, 10):
        picked = songs[start : start + 2]
        served = visitor_lists.recommend_from_picks(Picks(tuple(picked)), N)
        assert len(served) == N
        shares.append(n_sharing(served, find_genres(picked)))
        lists.append({song.pk for song in served.songs})
    assert sum(shares) / len(shares) >= 11
    in_every_list = set.intersection(*lists)
    assert in_every_list == set()
    overlaps = [len(one & other) for one, other in combinations(lists, 2)]
    assert sum(overlaps) / len(overlaps) < N / 2


def test_a_genre_alone_gives_a_list_of_that_genre(songs):
    genre = max(Genre.objects.all(), key=lambda one: one.songs.count())
    served = visitor_lists.recommend_from_picks(Picks(genres=(genre,)), N)
    assert n_sharing(served, {genre.pk}) == N
    page = Client().get(f"/try/?genre={genre.pk}").content.decode()
    assert page.count('class="why-line"') == N
    assert f"More of the genre {genre.name} you picked" in page


def test_what_a_picked_song_brings_is_not_said_to_be_picked(songs):
    """A song was picked, and neither its artist nor its genre."""
    song = songs[0]
    page = Client().get(f"/try/?song={song.pk}").content.decode()
    assert page.count('class="why-line"') == N
    assert "the genre" not in page and "By an artist you picked" not in page
    names = [genre.name for genre in song.genres.all()]
    assert any(f"{name}, like a song you picked" in page for name in names)
    facts = read_facts_of_picks([], Picks(songs=(song,)))
    assert name_artist(song, facts) == "By the artist of a song you picked"
    both = read_facts_of_picks(
        [], Picks(songs=(song,), artists=(song.artist,), genres=tuple(song.genres.all()))
    )
    assert name_artist(song, both) == "By an artist you picked"
    assert name_genre(song, both) == f"More of the genre {names[0]} you picked"


def test_picks_of_a_visitor_count_from_the_sign_up_on(songs):
    """They did only after another press of a button, and were gone for who went elsewhere instead."""
    browser = Client()
    browser.post("/try/keep/", {"song": songs[0].pk, "artist": songs[9].artist_id})
    form = {"username": "arthur", "password": "a-long-demo-word-7"}
    page = browser.post("/signup/", form, follow=True).content.decode()
    assert "What you picked is kept." in page and "2 picked" in page
    kept = Taste.objects.get(listener__username="arthur")
    assert [song.pk for song in kept.songs.all()] == [songs[0].pk]
    assert [artist.pk for artist in kept.artists.all()] == [songs[9].artist_id]
    assert "Nothing is known about your taste yet" not in browser.get("/taste/").content.decode()
    assert "Say what you like" not in browser.get("/").content.decode()
    # who said before what they like isn't overwritten by looking
    browser.post("/try/keep/", {"song": songs[5].pk})
    browser.get("/welcome/")
    assert [song.pk for song in kept.songs.all()] == [songs[0].pk]


@pytest.fixture
def trillian(songs) -> User:
    return User.objects.create_user("trillian")


def test_picks_are_taste_and_no_likes(trillian, songs):
    client = Client()
    client.force_login(trillian)
    song, artist, genre = songs[0], songs[9].artist, Genre.objects.first()
    client.post("/welcome/", {"song": song.pk, "artist": artist.pk, "genre": genre.pk})
    assert not Interaction.objects.for_listener(trillian).exists()
    kept = Taste.objects.get(listener=trillian)
    assert ([*kept.songs.all()], [*kept.artists.all()], [*kept.genres.all()]) == (
        [song],
        [artist],
        [genre],
    )
    assert recommend.recommend_songs(trillian).step == "cold"


def test_picks_can_be_changed_later(trillian, songs):
    """The page shows what was picked, and what is not sent any more is picked no more."""
    client = Client()
    client.force_login(trillian)
    taste.set_picks(trillian, artists=[songs[9].artist], genres=Genre.objects.all()[:2])
    page = client.get("/welcome/").content.decode()
    assert page.count(" checked>") == 3
    assert songs[9].artist.name in client.get("/taste/").content.decode()
    client.post("/welcome/", {"artist": songs[20].artist_id})
    kept = Taste.objects.get(listener=trillian)
    assert ([*kept.artists.all()], kept.genres.count()) == ([songs[20].artist], 0)


def test_skipping_keeps_what_was_picked(trillian, songs):
    client = Client()
    client.force_login(trillian)
    taste.set_picks(trillian, artists=[songs[9].artist])
    client.post("/welcome/", {"skip": "1"})
    assert Taste.objects.get(listener=trillian).artists.count() == 1


def test_a_picked_song_still_counts_after_the_first_play(trillian, songs):
    taste.set_picks(trillian, songs=songs[:3])
    interactions.like_song(trillian, songs[50], source="test")
    served = recommend.recommend_songs(trillian)
    assert not {song.pk for song in songs[:3]} & {song.pk for song in served.songs}
    taste.set_picks(trillian)
    assert recommend.recommend_songs(trillian).songs != served.songs


def test_picks_that_were_written_as_likes_become_taste(trillian, songs):
    """The migration: only the likes that the first questions wrote are moved."""
    migration = importlib.import_module("recommendations.migrations.0017_picked_songs")
    interactions.like_song(trillian, songs[0], source="welcome")
    interactions.like_song(trillian, songs[1], source="site")
    migration.move_likes(apps, None)
    assert [*Taste.objects.get(listener=trillian).songs.all()] == [songs[0]]
    assert [row.song for row in Interaction.objects.for_listener(trillian)] == [songs[1]]
    migration.restore_likes(apps, None)
    assert Interaction.objects.for_listener(trillian).likes().count() == 2


def test_who_only_likes_songs_is_not_said_to_play_them(trillian, songs):
    client = Client()
    client.force_login(trillian)
    first, second = songs[0], songs[1]
    for song in (first, second):
        song.artist = songs[2].artist
        song.save()
    genre = first.genres.first()
    second.genres.set([genre])
    interactions.like_song(trillian, first, source="web")
    interactions.like_song(trillian, second, source="web")

    def describe() -> tuple[str, str]:
        other = songs[2]
        other.genres.set([genre])
        item = Explained(other, Explanation({"artist": 1.0}, {"artist": 1.0}))
        facts = read_facts(trillian, [item])
        (one,) = explanation_text.describe_list([item], facts)
        return one.line, name_genre(other, facts)

    name = songs[2].artist.name
    assert describe() == (f"You like 2 songs by {name}", f"More of the genre {genre.name} you like")
    interactions.record_play(trillian, first, source="web")
    assert describe()[0] == f"You play or like 2 songs by {name}"
    assert describe()[1] == f"More of the genre {genre.name} you play"
    interactions.record_play(trillian, second, source="web")
    assert describe()[0] == f"You play 2 songs by {name}"
