"""An address with the id of a song or an artist that was merged leads to the one that is left: pages and API."""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from catalog.curation import merge
from catalog.models import Artist, Interaction, Song

pytestmark = pytest.mark.django_db

SILENT = re.compile(r"songs/<int:song_id>/audio/$")
"""Nothing here has a sound."""


def list_addresses(patterns=None, before="") -> list[str]:
    """Return every address of the site that has the id of a song or an artist in it."""
    addresses = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            addresses.append(path)
        elif not path.startswith("admin/"):
            addresses += list_addresses(pattern.url_patterns, path)
    named = re.compile(r"<int:(song|artist)_id>|songs/<path:key>|artists/<int:pk>")
    return [one for one in addresses if named.search(one) and not SILENT.search(one)]


def name(address: str, song: Song, artist: Artist) -> str:
    values = {"<int:song_id>": song.pk, "<int:artist_id>": artist.pk, "<path:key>": song.key}
    for field, value in {**values, "<int:pk>": artist.pk}.items():
        address = address.replace(field, str(value))
    return f"/{address}"


@pytest.fixture
def world_after_merge(world):
    """The second song and the second artist of the world became the first."""
    songs = Song.objects.select_related("artist").in_bulk([one.pk for one in world.songs])
    keeper, other = (songs[one.pk] for one in world.songs[:2])
    old_artist = other.artist
    merge.merge_songs(keeper, [Song.objects.get(pk=other.pk)])
    merge.merge_artists(keeper.artist, [Artist.objects.get(pk=old_artist.pk)])
    return keeper, other, keeper.artist, old_artist


def test_every_address_of_something_merged_answers(world_after_merge, world):
    keeper, other, artist, old_artist = world_after_merge
    addresses = list_addresses()
    assert len(addresses) > 15
    browser = Client(raise_request_exception=True)
    browser.force_login(world.alice.user)
    for address in addresses:
        for method in ("get", "post", "put", "delete"):
            caller = world.alice.client if address.startswith("api/") else browser
            query = "?to=song_10" if address.endswith("/path/") else ""
            now = getattr(caller, method)(name(address, keeper, artist) + query)
            then = getattr(caller, method)(name(address, other, old_artist) + query)
            is_page = method == "get" and not address.startswith("api/")
            moved = then.status_code == 302 and is_page and now.status_code == 200
            assert moved or then.status_code == now.status_code, (method, address)
            assert then.status_code != 404, (method, address)


def test_a_page_moves_to_the_one_that_is_left(world_after_merge, world):
    keeper, other, artist, old_artist = world_after_merge
    browser = Client()
    assert browser.get(f"/songs/{other.pk}/")["Location"] == f"/songs/{keeper.pk}/"
    assert browser.get(f"/artists/{old_artist.pk}/")["Location"] == f"/artists/{artist.pk}/"


def test_the_api_answers_for_the_one_that_is_left(world_after_merge, world):
    keeper, other, artist, old_artist = world_after_merge
    alice = world.alice
    assert alice.get(f"songs/{other.key}/").body["id"] == keeper.key
    assert alice.get(f"artists/{old_artist.pk}/").body["id"] == artist.pk
    by_artist = alice.get(f"songs/?artist={old_artist.pk}").body["results"]
    assert {one["artist"]["id"] for one in by_artist} == {artist.pk}
    assert alice.put(f"songs/{other.key}/like/").status == 200
    playlist = alice.post("playlists/", {"title": "Mine", "songs": [other.key]}).body
    listed = alice.get(f"playlists/{playlist['id']}/").body["items"]
    assert [one["song"]["id"] for one in listed] == [keeper.key]
    sent = [{"song": other.key, "kind": "play", "occurred_at": "2026-01-01T10:00:00Z"}]
    answer = alice.post("interactions/batch/", {"interactions": sent}).body
    assert (answer["added"], answer["rejected"]) == (1, [])
    plays = Interaction.objects.filter(listener=alice.user, kind=Interaction.Kind.PLAY)
    assert plays.get().song == keeper


def test_queries_that_name_something_merged_mean_the_one_that_is_left(world_after_merge, world):
    keeper, other, _artist, old_artist = world_after_merge
    browser = Client()
    browser.force_login(world.alice.user)
    picked = browser.get(f"/try/?song={other.pk}&artist={old_artist.pk}").content.decode()
    assert keeper.title in picked
    history = browser.get(f"/library/history/?song={other.pk}").content.decode()
    assert keeper.title in history
    path = browser.get(f"/path/?start={other.pk}").content.decode()
    assert keeper.title in path


def test_an_id_that_never_was_is_not_found(world):
    assert world.alice.get("songs/nothing/").status == 404
    assert world.alice.get("artists/987654/").status == 404
    assert Client().get("/songs/987654/").status_code == 404
