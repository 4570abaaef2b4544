"""The list of playlists: each with the covers of its songs, in a number of queries that does not grow."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from catalog.models import Playlist
from catalog.playlists import covers, edit


def test_a_playlist_shows_four_different_covers_or_one(world, alice):
    listener = User.objects.get(username="alice")
    songs = world.songs[:9]
    many = edit.create_playlist(listener, "Many", songs=songs)
    few = edit.create_playlist(listener, "Few", songs=songs[:2])
    empty = edit.create_playlist(listener, "Empty")
    shown = covers.list_covers([many, few, empty])
    assert shown[few.pk] == songs[:1]
    assert shown[empty.pk] == []
    assert len(shown[many.pk]) == 4
    assert len({covers.get_picture(song) for song in shown[many.pk]}) == 4
    page = alice.get(reverse("catalog:playlists")).content.decode()
    assert page.count('class="cover"') == 4 + 1
    assert 'class="no-cover"' in page


def test_weekly_lists_are_listed_with_their_songs_and_offered_to_nobody_to_keep_songs_in(
    world, alice
):
    listener = User.objects.get(username="alice")
    own = edit.create_playlist(listener, "My own", songs=world.songs[:2])
    jams = edit.create_playlist(listener, "The jams of this week", songs=world.songs[:3])
    Playlist.objects.filter(pk=jams.pk).update(kind=Playlist.Kind.WEEKLY_JAMS)
    page = " ".join(alice.get(reverse("catalog:playlists")).content.decode().split())
    assert own.title in page
    assert jams.title in page
    assert "2 songs" in page
    assert "3 songs" in page
    chooser = alice.get(reverse("catalog:add_to_playlist", args=[world.songs[5].pk]))
    assert own.title in chooser.content.decode()
    assert jams.title not in chooser.content.decode()


def test_more_playlists_take_no_more_queries(world, alice):
    listener = User.objects.get(username="alice")
    counts = []
    for n in (1, 6):
        for number in range(n):
            edit.create_playlist(listener, f"{n}-{number}", songs=world.songs[number : number + 5])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert alice.get(reverse("catalog:playlists")).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_playlist_says_how_long_it_is_where_all_its_songs_say_so(world, alice):
    listener = User.objects.get(username="alice")
    songs = world.songs[:3]
    lengths = [(1 * 3600 + 59 * 60 + 40) * 1000, (6 * 60 + 5) * 1000, None]
    for song, length in zip(songs, lengths, strict=True):
        song.duration_ms = length
        song.save()
    for n, sentence in ((2, "2 songs&nbsp;· 2:05:45"), (3, "3 songs")):
        playlist = edit.create_playlist(listener, f"{n}", songs=songs[:n])
        page = alice.get(reverse("catalog:playlist", args=[playlist.pk])).content.decode()
        head = page[: page.index('<ol class="rows"')]
        assert sentence in head
        assert head.count("&nbsp;·") == sentence.count("&nbsp;·")
