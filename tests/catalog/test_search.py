"""Searching: every word anywhere, the best match first, then what the listener plays, then what everybody does."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Album, Artist, Genre, Playlist, Song, SongTotal
from catalog.names.text import list_query_words
from catalog.songs import kept_figures, search, search_index
from catalog.songs.albums import search_albums
from catalog.songs.genres import list_common_genres
from catalog.songs.search import SongSearch
from catalog.statistics import most_heard, sums

pytestmark = pytest.mark.django_db


def add(title: str, artist: str = "Band", **more) -> Song:
    by = Artist.objects.filter(name=artist).first() or Artist.objects.create(name=artist)
    return Song.objects.create(key=f"k{Song.objects.count()}", title=title, artist=by, **more)


def find(words: str, **order) -> list[str]:
    return [song.title for song in search.search_songs(SongSearch(words=words), None, **order)]


def test_the_title_itself_comes_before_what_only_contains_it():
    for title in ("Moonlove", "Endless Love", "Love Me Do", "Lovely Day", "Love"):
        add(title)
    add("Zebra", "The Love Band")
    assert find("love") == ["Love", "Love Me Do", "Lovely Day", "Endless Love", "Zebra", "Moonlove"]


def test_among_equals_what_i_play_comes_first_and_then_what_most_listeners_play():
    songs = [add(f"Love {letter}") for letter in "abcd"]
    alice, *others = (User.objects.create_user(name) for name in ("alice", "bob", "carl", "dora"))
    for listener in others:
        interactions.record_play(listener, songs[3], source="x")
        interactions.record_play(listener, songs[0], source="x")
    interactions.record_play(others[0], songs[1], source="x")
    interactions.record_play(alice, songs[2], source="x")
    for listener in (alice, *others):
        sums.refresh_sums(listener)
    everybody, mine = SongTotal.objects.all(), SongTotal.objects.filter(listener=alice)
    assert find("love", popularity=everybody) == ["Love a", "Love d", "Love b", "Love c"]
    assert find("love", popularity=everybody, plays=mine) == [
        "Love c",
        "Love a",
        "Love d",
        "Love b",
    ]


def test_a_large_site_orders_by_the_songs_that_a_worker_counted(monkeypatch):
    """The rows of what everybody heard are not read while somebody waits: a letter is in nearly every title."""
    songs = [add(f"Love {letter}") for letter in "abcdefghijkl"]
    alice = User.objects.create_user("alice")
    for song in songs[2:]:
        interactions.record_play(alice, song, source="x")
    sums.refresh_sums(alice)
    monkeypatch.setattr(kept_figures, "SMALL_TABLE", 0)
    cache.clear()
    assert find("love", popularity=most_heard.select_popularity())[:2] == ["Love a", "Love b"]
    kept_figures.count_figure(most_heard.MOST_HEARD)
    kept = most_heard.select_popularity()
    assert kept == [song.pk for song in songs[2:]]
    titles = [song.title for song in songs]
    assert find("love", popularity=kept) == titles[2:] + titles[:2]
    assert find("love", popularity=kept[8:]) == titles[10:] + titles[:10]
    cache.clear()


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Déjà Vu", "deja"), ("Straße nach Süden", "strasse sud"), ("夜に駆ける", "駆ける"), ("夜に駆ける", "夜に"),
        ("ทะเลใจ", "เลใจ"), ("Группа крови", "крови"), ("!!!", "!!!"), ("Ke$ha", "kesha"), ('"Quoted"', "quoted"),
        ("100% pure_love", "pure love"), ("OR AND NOT", "or and not"),
    ],
)  # fmt: skip
def test_names_in_any_script_are_found_by_a_part_of_them(title, words):
    add(title)
    add("Something else entirely")
    assert find(words) == [title]


@pytest.mark.parametrize(
    "words", ['"', "'", "*", "NEAR(", "a" * 5000, "% _", "\\", "x" * 3 + '"', ")("]
)
def test_any_text_is_a_search(words):
    """T48"""
    add("Song")
    assert find(words) == []
    assert search.find_similar_names(words, None) == []


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("ﷺ" * 200, "ﷺ"),
        ("a/b/" * 50, "A B Song"),
        ("a.b-c_d" * 28, "A B C D"),
        ("№" * 200, "No No"),
    ],
)
def test_a_few_letters_that_become_many_words_ask_for_eight(words, title):
    """T48"""
    add(title)
    with CaptureQueriesContext(connection) as queries:
        find(words)
        search.search_artists(words, None)
        search.find_similar_names(words, None)
        search_albums(words, None)
    n_conditions = max(query["sql"].upper().count("LIKE") for query in queries)
    # each word in title or artist, and again in each of the ways in which it can match best
    assert n_conditions <= 8 * 4 + 8
    assert len(list_query_words(words)) <= 8


def test_the_index_follows_every_change():
    song = add("First Title")
    assert search_index.has_index()
    song.title = "Second Name"
    song.save()
    assert (find("first"), find("second")) == ([], ["Second Name"])
    Song.objects.filter(pk=song.pk).update(search_text="third")
    assert find("third") == ["Second Name"]
    song.delete()
    assert find("third") == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="on PostgreSQL already")
def test_an_index_whose_triggers_are_gone_is_built_again():
    add("First")
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER catalog_song_search_insert")
    add("Second")
    assert find("second") == []
    search_index.build_index()
    assert find("second") == ["Second"]


@pytest.mark.parametrize(
    ("title", "artist", "typed"),
    [
        ("Bohemian Rhapsody", "Queen", "bohemian rapsody"),
        ("Smells Like Teen Spirit", "Nirvana", "smels like teen"),
        ("Hallelujah", "Leonard Cohen", "leonard choen"),
    ],
)
def test_a_name_typed_wrong_is_found_among_those_written_alike(title, artist, typed):
    add(title, artist)
    add("Something else", "Other")
    assert find(typed) == []
    assert [song.title for song in search.find_similar_names(typed, None)] == [title]
    page = Client().get("/browse/", {"q": typed}).content.decode()
    assert "Written almost alike" in page and title in page


def test_suggestions_name_artists_songs_albums_and_own_playlists():
    song = add("Harbour Lights", "Harbour")
    album = Album.objects.create(title="Harbour Songs", artist=song.artist)
    Song.objects.filter(pk=song.pk).update(album=album)
    alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
    Playlist.objects.create(owner=alice, title="My harbour")
    Playlist.objects.create(owner=bob, title="Secret harbour")
    Playlist.objects.create(owner=bob, title="Linked harbour", is_public=True)
    browser = Client()
    browser.force_login(alice)
    for address in ("/search/suggestions/", "/browse/"):
        page = browser.get(address, {"q": "harb"}).content.decode()
        for name in ("Harbour Lights", "Harbour Songs", "My harbour"):
            assert name in page, (address, name)
        assert "Secret harbour" not in page
        assert "Linked harbour" not in page, "who has no link may not be given it"
    visitor = Client().get("/search/suggestions/", {"q": "harb"}).content.decode()
    assert "Harbour Lights" in visitor
    assert "Linked harbour" not in visitor and "My harbour" not in visitor
    assert Client().get("/search/suggestions/", {"q": "h"}).content.decode().strip() == ""


def test_genres_are_offered_by_how_many_songs_they_have_however_many_there_are(client):
    names = [f"a{number:03}" for number in range(205)]
    genres = Genre.objects.bulk_create(
        [Genre(name=name, search_text=name) for name in [*names, "rock", "pop"]]
    )
    for genre in genres[:205]:
        add(f"Song {genre.name}").genres.add(genre)
    for number in range(3):
        add(f"Rock {number}").genres.add(genres[205])
    for number in range(2):
        add(f"Pop {number}").genres.add(genres[206])
    assert [genre.name for genre in list_common_genres(None, 3)] == ["rock", "pop", "a000"]
    page = client.get("/browse/").content.decode()
    assert page.index(">rock</a>") < page.index(">pop</a>") < page.index(">a000</a>")
    # one that is too rare to be offered still leads to its song, and the form says which it is
    rare = genres[204]
    page = client.get("/browse/", {"genre": rare.pk}).content.decode()
    assert "Song a204" in page and "Song a000" not in page
    assert f'<option value="{rare.pk}" selected>a204</option>' in page


def test_a_genre_of_songs_that_one_listener_brought_is_offered_to_nobody_else(client):
    alice, bob = (User.objects.create_user(name) for name in ("alice", "bob"))
    own, shared = (Genre.objects.create(name=name) for name in ("polka", "jazz"))
    add("Own", brought_by=alice).genres.add(own)
    add("Shared").genres.add(shared)
    assert [genre.name for genre in list_common_genres(alice)] == ["jazz", "polka"]
    assert [genre.name for genre in list_common_genres(bob)] == ["jazz"]
    client.force_login(bob)
    assert "polka" not in client.get("/browse/", {"genre": own.pk}).content.decode()
    # a genre that songs get is offered on the next page
    add("New").genres.add(Genre.objects.create(name="ska"))
    assert [genre.name for genre in list_common_genres(bob)] == ["jazz", "ska"]


@pytest.mark.parametrize(
    ("title", "artist", "words"),
    [
        ("The Boxer", "Simon & Garfunkel", "simon and garfunkel"),
        ("September", "Earth, Wind & Fire", "earth wind and fire september"),
        ("Dog Days", "Florence + the Machine", "Florence and the Machine"),
        ("Jungle", "Guns N' Roses", "guns and roses"),
        ("Jungle", "Guns and Roses", "guns n' roses"),
        ("Symphony No. 5", "A", "symphony #5"),
        ("And", "A", "and"),
        ("All of it", "A", ""),
        ("N and N", "A", "n and n"),
    ],
)
def test_what_one_writes_and_another_leaves_out_is_not_asked_for(title, artist, words):
    """Nothing was found by "and" where the name has "&"."""
    add(title, artist)
    assert find(words) == [title]
    if artist != "A":
        assert [
            one.name for one in search.search_artists(words.removesuffix(" september"), None)
        ] == [artist]


def test_an_album_is_found_by_and_too():
    song = add("T", "Simon & Garfunkel")
    Song.objects.update(album=Album.objects.create(title="Salt & Sand", artist=song.artist))
    assert [one.album.title for one in search_albums("salt and sand", None)] == ["Salt & Sand"]
