"""Links into a server's own page."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import MusicServer, ServerSong, Song
from catalog.servers.web_links import list_web_links
from tests.servers.test_library_sync import sync_library

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lena() -> User:
    return User.objects.create_user("lena")


@pytest.fixture
def song(server) -> Song:
    sync_library(server)
    return Song.objects.get(title="Song 3")


def test_without_its_address_there_is_no_link(song, lena):
    assert list_web_links(song, lena) == []


@pytest.mark.parametrize(
    ("kind", "software", "path"),
    [
        ("subsonic", "navidrome 0.63.0", "/app/#/album/{album}/show"),
        ("subsonic", "supysonic 0.7.9", "/"),
        ("jellyfin", "jellyfin 10.11.0", "/web/#/details?id={item}"),
    ],
)
def test_the_link_leads_where_the_server_shows_it(song, lena, server, kind, software, path):
    MusicServer.objects.update(kind=kind, software=software, web_address="https://music.home/")
    item = ServerSong.objects.get(song=song)
    (link,) = list_web_links(song, lena)
    expected = path.format(album=item.album_item_id, item=item.item_id)
    assert (link.name, link.address) == ("Attic", f"https://music.home{expected}")
    browser = Client()
    browser.force_login(lena)
    page = browser.get(reverse("recommendations:song", args=[song.pk])).content.decode()
    assert f'href="{link.address}"' in page
    assert "Open in Attic" in page
    assert list_web_links(song, AnonymousUser()) == []
    assert (
        "music.home"
        not in Client().get(reverse("recommendations:song", args=[song.pk])).content.decode()
    )


def test_a_song_that_is_gone_there_has_no_link(song, lena):
    MusicServer.objects.update(web_address="https://music.home/")
    ServerSong.objects.filter(song=song).update(removed_at="2026-01-01T00:00:00Z")
    assert list_web_links(song, lena) == []


def test_ids_of_a_hostile_server_stay_within_the_link(song, lena):
    MusicServer.objects.update(kind="jellyfin", web_address="https://music.home/")
    ServerSong.objects.filter(song=song).update(item_id='"><script>&x=/../')
    (link,) = list_web_links(song, lena)
    assert link.address == ("https://music.home/web/#/details?id=%22%3E%3Cscript%3E%26x%3D%2F..%2F")
