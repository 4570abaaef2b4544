"""The pages of albums and artists: songs in order, my plays, pictures, and the ways to them."""

import re

import pytest

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Album, Artist, Song
from recommendations.models import Taste


@pytest.fixture
def album(world) -> Album:
    """An album of two discs, whose songs come in another order from the database."""
    band = Artist.objects.create(name="The Ferry")
    album = Album.objects.create(title="Night Tides", artist=band)
    for title, disc, track in (
        ("Last", 2, 1),
        ("Second", 1, 2),
        ("Hidden", None, None),
        ("First", 1, 1),
    ):
        Song.objects.create(
            key=f"tide-{title}", title=title, artist=band, album=album, disc_number=disc, track_number=track,
            duration_ms=60_000, year=1998,
        )  # fmt: skip
    return album


def titles(page: str) -> list[str]:
    rows = page[page.index('<ol class="rows">') :]
    return re.findall(r'<p class="title">\s*<a[^>]*>([^<]*)</a>', rows[: rows.index("</ol>")])


def test_an_album_shows_its_songs_in_order(alice, album):
    page = alice.get(f"/albums/{album.pk}/").content.decode()
    assert titles(page) == ["Hidden", "First", "Second", "Last"]
    assert "Disc 1" in page and "Disc 2" in page
    assert "4 songs" in page and "4:00" in page and "1998" in page


def test_an_album_says_how_often_i_played_it(alice, bob, album):
    first = Song.objects.get(title="First")
    for _ in range(1):
        interactions.record_play(
            User.objects.get(username="alice"), first, played_ms=60_000, source="x"
        )
    assert "played 1 time by you" in alice.get(f"/albums/{album.pk}/").content.decode()
    assert "by you" not in bob.get(f"/albums/{album.pk}/").content.decode()


def test_visitors_see_albums_without_anything_of_anybody(client, album):
    page = client.get(f"/albums/{album.pk}/").content.decode()
    assert "First" in page and "opinion" not in page.split("<main")[1]


def test_withdrawn_songs_are_left_out_and_an_empty_album_says_so(alice, album):
    Song.objects.filter(album=album, title="First").update(is_available=False)
    assert titles(alice.get(f"/albums/{album.pk}/").content.decode()) == [
        "Hidden",
        "Second",
        "Last",
    ]
    Song.objects.filter(album=album).update(is_available=False)
    assert (
        "No songs of this album are available."
        in alice.get(f"/albums/{album.pk}/").content.decode()
    )


def test_albums_are_found_and_linked(alice, album):
    song = Song.objects.get(title="Second")
    link = f'href="/albums/{album.pk}/"'
    for path in (
        f"/songs/{song.pk}/",
        f"/artists/{album.artist_id}/",
        "/browse/?q=tides",
        "/browse/?q=ferry+night",
    ):
        assert link in alice.get(path).content.decode(), path
    assert link not in alice.get("/browse/?q=nothing").content.decode()


def test_a_compilation_is_on_the_pages_of_all_its_artists(alice, album):
    guest = Artist.objects.create(name="Guest")
    Song.objects.create(key="guest", title="Guest song", artist=guest, album=album)
    assert "Night Tides" in alice.get(f"/artists/{guest.pk}/").content.decode()
    assert ">Guest<" in alice.get(f"/albums/{album.pk}/").content.decode()


def test_an_artist_shows_top_songs_first(alice, album):
    for n in range(6):
        Song.objects.create(key=f"more-{n}", title=f"More {n}", artist=album.artist)
    top = Song.objects.get(title="Last")
    interactions.record_play(User.objects.get(username="alice"), top, played_ms=60_000, source="x")
    page = alice.get(f"/artists/{album.artist_id}/").content.decode()
    assert "Top songs" in page and titles(page)[0] == "Last"
    assert "played 1 time by you" in page


def test_an_artist_is_liked_and_no_longer_liked_from_their_page(alice, world):
    artist = world.songs[0].artist
    address = f"/artists/{artist.pk}/"
    assert 'value="like-artist"' in alice.get(address).content.decode()
    alice.post(f"{address}control/", {"control": "like-artist", "next": address})
    listener = User.objects.get(username="alice")
    assert list(Taste.objects.get(listener=listener).artists.all()) == [artist]
    page = alice.get(address).content.decode()
    assert 'value="unlike-artist"' in page and 'value="like-artist"' not in page
    assert artist.name in alice.get("/taste/").content.decode()
    alice.post(f"{address}control/", {"control": "unlike-artist", "next": address})
    assert not Taste.objects.get(listener=listener).artists.exists()
