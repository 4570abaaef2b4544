"""The page of sonic paths: two songs chosen without script, what is between them, and the playlist of it."""

import html
import re

import pytest

from accounts.models import User
from catalog.models import Playlist, Song
from recommendations.services.preferences import controls


def titles(page) -> list[str]:
    return re.findall(r'class="quiet"[^>]*>(Song \d\d)<', page.content.decode())


def test_two_songs_are_chosen_and_the_path_is_kept(alice_with_model):
    start, end = Song.objects.get(title="Song 02"), Song.objects.get(title="Song 33")
    first = alice_with_model.get("/path/", {"q": "song 02"}).content.decode()
    choose = re.search(rf'href="(/path/\?start={start.pk}&amp;end=&amp;n=12)"', first)
    second = alice_with_model.get(choose[1].replace("&amp;", "&") + "&q=33")
    assert "Song to end with" in second.content.decode()
    asked = {"start": start.pk, "end": end.pk, "n": 6}
    shown = titles(alice_with_model.get("/path/", asked))
    assert shown[0] == "Song 02" and shown[-1] == "Song 33" and len(set(shown)) == len(shown) <= 6
    kept = alice_with_model.post("/path/keep/", asked)
    playlist = Playlist.objects.get(owner__username="alice")
    assert kept.url == f"/playlists/{playlist.pk}/"
    assert [item.song.title for item in playlist.items.order_by("position")] == shown
    assert playlist.title == "From “Song 02” to “Song 33”"


def test_a_hidden_song_is_not_on_the_way(alice_with_model):
    start, end = Song.objects.get(title="Song 02"), Song.objects.get(title="Song 33")
    asked = {"start": start.pk, "end": end.pk, "n": 6}
    before = titles(alice_with_model.get("/path/", asked))
    hidden = Song.objects.get(title=before[1])
    controls.hide_song(User.objects.get(username="alice"), hidden)
    assert hidden.title not in titles(alice_with_model.get("/path/", asked))


def test_without_a_model_the_page_says_so(alice, world):
    asked = {"start": world.songs[0].pk, "end": world.songs[1].pk}
    assert "This site hasn't learned anything yet" in html.unescape(
        alice.get("/path/", asked).content.decode()
    )
    assert alice.post("/path/keep/", asked).status_code == 400


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 400, str(2**63), "\x00", "٣"])
def test_what_names_no_song_asks_for_one(alice, value):
    assert (
        "Song to start with" in alice.get("/path/", {"start": value, "n": value}).content.decode()
    )
    assert alice.post("/path/keep/", {"start": value}).status_code == 404


def test_one_song_is_no_path(alice_with_model):
    song = Song.objects.first()
    page = alice_with_model.get("/path/", {"start": song.pk, "end": song.pk}).content.decode()
    assert "Choose two different songs." in page
