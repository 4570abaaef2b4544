"""Generated playlists after their listener hid or disliked something: it is left out wherever they are read."""

import csv
import io

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Artist, ArtistCredit, Playlist, PlaylistItem, Song
from catalog.playlists import edit
from recommendations.models import ListenerControl
from recommendations.services.lists.exclusions import load_unwanted
from recommendations.services.surfaces import generated_playlists, list_changes, weekly
from recommendations.services.surfaces.generated_playlists import format_week

Kind = ListenerControl.Kind
JAMS, DISCOVERY = Playlist.Kind.WEEKLY_JAMS, Playlist.Kind.WEEKLY_DISCOVERY


def add_weekly(owner, songs, kind=DISCOVERY, day=None) -> Playlist:
    playlist = edit.create_playlist(owner, "x", songs=songs)
    Playlist.objects.filter(pk=playlist.pk).update(
        kind=kind, period=format_week(day or timezone.localdate())
    )
    playlist.refresh_from_db()
    return playlist


def hide_artist(listener, artist) -> ListenerControl:
    return ListenerControl.objects.create(listener=listener, kind=Kind.HIDE_ARTIST, artist=artist)


def read_keys(playlist) -> list[str]:
    return [item.song.key for item in playlist.listed_items.select_related("song")]


@pytest.fixture
def listener(world) -> User:
    user = world.alice.user
    user.shares_playlists = True
    user.save()
    return user


@pytest.fixture
def browser(listener) -> Client:
    client = Client()
    client.force_login(listener)
    return client


@pytest.fixture
def unheard(world) -> list[Song]:
    """Six songs, the second and the fifth by one artist of their own."""
    songs = world.songs[30:36]
    artist = Artist.objects.create(name="The Hidden")
    for song in (songs[1], songs[4]):
        song.artist = artist
        song.save()
    return songs


def test_the_database_says_of_each_song_what_lists_say(world, listener):
    """One rule, said twice: as a condition of entries, and of songs that a model proposes."""
    bob = User.objects.create_user("bert")
    for kind, song in zip(
        [one for one in Kind if one != Kind.HIDE_ARTIST], world.songs, strict=False
    ):
        ListenerControl.objects.create(listener=listener, kind=kind, song=song)
        ListenerControl.objects.create(listener=bob, kind=kind, song=world.songs[20])
    hidden, guest = (Artist.objects.create(name=name) for name in ("Hidden", "Guest"))
    for artist in (hidden, guest):
        hide_artist(listener, artist)
    Song.objects.filter(pk=world.songs[10].pk).update(artist=hidden)
    ArtistCredit.objects.create(song=world.songs[11], artist=guest)
    interactions.dislike_song(listener, world.songs[12], source="test")
    interactions.like_song(listener, world.songs[13], source="test")
    interactions.dislike_song(bob, world.songs[14], source="test")
    Song.objects.filter(pk=world.songs[15].pk).update(brought_by=bob)
    Song.objects.filter(pk=world.songs[16].pk).update(brought_by=listener)
    Song.objects.filter(pk=world.songs[17].pk).update(is_available=False)
    playlist = add_weekly(listener, [])
    PlaylistItem.objects.bulk_create(
        PlaylistItem(playlist=playlist, song=song, position=position)
        for position, song in enumerate(world.songs, start=1)
    )
    unwanted = load_unwanted(listener)
    allowed = [
        song.key for song in Song.objects.available().order_by("pk") if unwanted.allows(song)
    ]
    listed = read_keys(playlist)
    assert sorted(listed) == sorted(allowed)
    left_out = {song.key for song in world.songs} - set(listed)
    boosted = list(Kind).index(Kind.BOOST_SONG) - 1  # the artist's kind comes before it
    gone = {*range(5)} - {boosted} | {10, 11, 12, 15, 17}
    assert left_out == {world.songs[index].key for index in gone}


@pytest.mark.parametrize("how", ["hide-song", "hide-artist", "dislike"])
def test_wherever_a_weekly_list_is_read_it_is_without_what_was_hidden(
    world, listener, browser, unheard, how
):
    playlist = add_weekly(listener, unheard)
    own = edit.create_playlist(listener, "Mine", songs=unheard)
    if how == "hide-artist":
        control = hide_artist(listener, unheard[1].artist)
        gone = {unheard[1], unheard[4]}
    elif how == "hide-song":
        control = ListenerControl.objects.create(
            listener=listener, kind=Kind.HIDE_SONG, song=unheard[2]
        )
        gone = {unheard[2]}
    else:
        interactions.dislike_song(listener, unheard[0], source="test")
        control = None
        gone = {unheard[0]}
    kept = [song for song in unheard if song not in gone]
    n = len(kept)

    page = browser.get(f"/playlists/{playlist.pk}/").content.decode()
    assert page.count("data-item=") == n
    assert f"{n} songs" in page
    cards = {one.pk: one.n_songs for one in browser.get("/playlists/").context["playlists"]}
    assert cards == {playlist.pk: n, own.pk: len(unheard)}
    assert f"{n} songs, new on" in browser.get("/").content.decode()

    detail = world.alice.get(f"playlists/{playlist.pk}/").body
    assert detail["n_songs"] == n
    assert [item["song"]["id"] for item in detail["items"]] == [song.key for song in kept]
    assert [item["position"] for item in detail["items"]] == list(range(1, n + 1))
    (created,) = world.alice.post("me/generated-playlists/", {"kind": DISCOVERY}).body
    assert (created["id"], created["n_songs"]) == (str(playlist.pk), n)

    table = browser.get(f"/playlists/{playlist.pk}/export.csv").content.decode()
    assert [row["song_id"] for row in csv.DictReader(io.StringIO(table))] == [
        song.key for song in kept
    ]
    for address in (
        f"/playlists/{playlist.pk}/export.m3u8",
        f"/playlist/{playlist.pk}.jspf",
        f"/1/playlist/{playlist.pk}",
        "/feeds/alice.atom",
    ):
        text = Client().get(address) if "playlists" not in address else browser.get(address)
        assert text.status_code == 200, address
        body = text.content.decode()
        assert [song.title in body for song in unheard] == [song in kept for song in unheard]

    assert read_keys(own) == [song.key for song in unheard]
    if control is not None:
        control.delete()
        assert read_keys(playlist) == [song.key for song in unheard]


def test_entries_move_among_those_that_are_listed(world, listener, unheard):
    playlist = add_weekly(listener, unheard)
    hide_artist(listener, unheard[1].artist)
    first, second, third, fourth = (item.pk for item in playlist.listed_items)
    assert edit.move_item(playlist, fourth, 2)
    assert [item.pk for item in playlist.listed_items] == [first, fourth, second, third]
    edit.reorder(playlist, [third, second, fourth, first])
    assert [item.pk for item in playlist.listed_items] == [third, second, fourth, first]
    assert playlist.items.count() == len(unheard)


def test_a_list_all_of_which_was_hidden_is_no_card(listener, browser, unheard):
    add_weekly(listener, [unheard[1], unheard[4]])
    hide_artist(listener, unheard[1].artist)
    assert "heard yet, chosen for you" not in browser.get("/").content.decode()


def test_what_was_hidden_since_the_list_was_made_neither_came_nor_left(world, listener, unheard):
    today = timezone.localdate()
    stays, hidden_stays, new, hidden_new, _other, left = unheard
    last = add_weekly(listener, [stays, hidden_stays, left], day=today - timezone.timedelta(days=7))
    add_weekly(listener, [stays, hidden_stays, new, hidden_new])
    for song in (hidden_stays, hidden_new):
        ListenerControl.objects.create(listener=listener, kind=Kind.HIDE_SONG, song=song)
    context = generated_playlists.ListenerContext(listener)
    lists = weekly.read_lists(weekly.load_drafts(listener, context), {})
    changes = list_changes.load_changes(listener, lists)
    assert last.items.count() == 3
    assert [one.song_id for one in changes.entered] == [new.pk]
    assert [one.song_id for one in changes.left] == [left.pk]
    assert (changes.n_entered, changes.n_left) == (1, 1)
