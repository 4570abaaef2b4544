"""Made playlists without a token: only for whom their listener lets in."""

import xml.etree.ElementTree as ET

import pytest
from django.test import Client

from accounts.models import User
from catalog.models import Playlist

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def jams(alice, songs):
    playlist = Playlist.objects.create(
        owner=alice.user, kind="weekly-jams", period="2026-W34", title="Weekly jams"
    )
    songs[0].title = '<script>alert("x")</script>'
    songs[0].save()
    playlist.items.create(song=songs[0], position=1, reason="You love it")
    return playlist


def addresses(playlist):
    return ["/feeds/alice.atom", f"/playlist/{playlist.pk}.jspf", f"/playlist/{playlist.pk}.m3u8"]


def test_nobody_sees_them_but_their_listener_until_that_one_opts_in(alice, bob, jams):
    """T36."""
    browsers = {"alice": Client(), "bob": Client(), "nobody": Client()}
    browsers["alice"].force_login(alice.user)
    browsers["bob"].force_login(bob.user)
    for address in addresses(jams):
        statuses = {name: browser.get(address).status_code for name, browser in browsers.items()}
        assert statuses == {"alice": 200, "bob": 404, "nobody": 404}
    alice.user.shares_playlists = True
    alice.user.save()
    assert all(Client().get(address).status_code == 200 for address in addresses(jams))
    assert Client().get("/feeds/nobody.atom").status_code == 404


def test_the_feed_is_atom_with_reasons_and_inert_titles(alice, jams):
    """T47."""
    alice.user.shares_playlists = True
    alice.user.save()
    feed = ET.fromstring(Client().get("/feeds/alice.atom").content)
    assert feed.findtext(f"{ATOM}id").endswith(
        "/feeds/alice.atom"
    )  # no two listeners' feeds are one
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "Musicrec"  # Atom asks for an author
    entry = feed.find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}title") == "Weekly jams"
    summary = entry.findtext(f"{ATOM}summary")
    assert "You love it" in summary
    assert "<script>" not in summary
    assert entry.find(f"{ATOM}link").get("href").endswith(f"/playlist/{jams.pk}.m3u8")


def test_signs_of_control_in_names_break_no_feed(alice, jams, songs):
    """A music server sent them."""
    songs[0].title = "Fer\x01ry\x0b\x1b"
    songs[0].save()
    Playlist.objects.filter(pk=jams.pk).update(title="Jams\x02", description="of \x03you\uffff")
    browser = Client()
    browser.force_login(alice.user)
    feed = ET.fromstring(browser.get("/feeds/alice.atom").content)
    assert feed.findtext(f"{ATOM}entry/{ATOM}title") == "Jams"
    summary = feed.findtext(f"{ATOM}entry/{ATOM}summary")
    assert "Ferry" in summary and "of you" in summary


@pytest.mark.parametrize(
    ("index", "is_own"), [(0, False), (1, False), (2, False), (1, True), (2, True)]
)
def test_a_reader_that_has_it_is_answered_without_a_body(alice, jams, songs, index, is_own):
    address, browser = addresses(jams)[index], Client()
    User.objects.filter(pk=alice.user.pk).update(shares_playlists=True)
    Playlist.objects.filter(pk=jams.pk).update(
        is_public=is_own, kind=Playlist.Kind.OWN if is_own else jams.kind
    )
    first = browser.get(address)
    conditions = [{"If-None-Match": first.headers["ETag"]}]
    # a generated one also changes when its listener hides something, of which it has no date
    assert ("Last-Modified" in first.headers) is is_own
    if is_own:
        assert first.headers["Last-Modified"].endswith("GMT")
        conditions.append({"If-Modified-Since": first.headers["Last-Modified"]})
    for headers in conditions:
        again = browser.get(address, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert "no-store" not in again.headers["Cache-Control"]
    jams.items.create(song=songs[1], position=2, reason="Newly in it")
    changed = browser.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, songs[1].title in changed.content.decode()) == (200, True)


def test_the_links_of_a_feed_say_what_they_lead_to(alice, jams):
    User.objects.filter(pk=alice.user.pk).update(shares_playlists=True)
    feed = ET.fromstring(Client().get("/feeds/alice.atom").content)
    holders = (feed, feed.find(f"{ATOM}entry"))
    links = [link for holder in holders for link in holder.findall(f"{ATOM}link")]
    alternates = [link.get("type") for link in links if link.get("rel") == "alternate"]
    assert alternates == ["text/html", "audio/mpegurl"]


def test_the_page_of_playlists_names_the_feed_once_it_is_open(alice, jams):
    browser = Client()
    browser.force_login(alice.user)
    link = 'rel="alternate" type="application/atom+xml" href="/feeds/alice.atom"'
    assert link not in browser.get("/playlists/").content.decode()
    User.objects.filter(pk=alice.user.pk).update(shares_playlists=True)
    assert link in browser.get("/playlists/").content.decode()


def test_a_listener_opts_in_on_the_settings_page(alice, jams):
    browser = Client()
    browser.force_login(alice.user)
    assert b'name="shares_playlists"' in browser.get("/settings/").content
    saved = browser.post(
        "/settings/", {"theme": "system", "language": "", "email": "", "shares_playlists": "on"}
    )
    assert saved.status_code == 302
    assert Client().get("/feeds/alice.atom").status_code == 200
