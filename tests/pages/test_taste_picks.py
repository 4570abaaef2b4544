"""The taste page edits what a listener said they like, with a preview before anything is saved, and one undo."""

import pytest
from django.db import connection

from accounts.models import User
from catalog.models import Genre
from recommendations.models import Taste
from recommendations.services.preferences import taste
from tests.failing_writes import fail_after


@pytest.fixture
def bob(trained) -> User:
    user = User.objects.create_user("picker")
    fado = Genre.objects.create(name="Fado")
    for song in trained.songs[:10]:
        song.genres.add(fado)
    taste.set_picks(user, songs=trained.songs[:2], artists=[trained.songs[5].artist], genres=[fado])
    return user


@pytest.fixture
def browser(bob, client):
    client.force_login(bob)
    return client


def read_stored(user: User) -> tuple[set[int], set[int], set[int]]:
    stored = Taste.objects.get(listener=user)
    return tuple(
        set(many.values_list("pk", flat=True))
        for many in (stored.songs, stored.artists, stored.genres)
    )


def test_an_unchecked_pick_is_gone_after_saving_and_back_after_undo(browser, bob, trained):
    before = read_stored(bob)
    kept = trained.songs[0]
    browser.post("/taste/save/", {"discovery": "50", "picks": "1", "song": [kept.pk]})
    assert read_stored(bob) == ({kept.pk}, set(), set())
    browser.post("/taste/undo/")
    assert read_stored(bob) == before


@pytest.mark.parametrize("n_writes", range(0, 10, 2))
def test_a_save_that_breaks_off_leaves_all_or_nothing(browser, bob, trained, n_writes):
    """Whichever write of it fails, the picks and the slider are both as before, or both as wanted."""
    before = read_stored(bob)
    wanted = {"discovery": "90", "picks": "1", "song": [trained.songs[0].pk]}
    browser.raise_request_exception = False
    with connection.execute_wrapper(fail_after(n_writes)):
        browser.post("/taste/save/", wanted)
    is_saved = Taste.objects.get(listener=bob).discovery == 0.9
    assert read_stored(bob) == (({trained.songs[0].pk}, set(), set()) if is_saved else before)


def test_a_form_without_the_picks_leaves_them_as_they_are(browser, bob):
    before = read_stored(bob)
    browser.post("/taste/save/", {"discovery": "70"})
    assert read_stored(bob) == before


def test_a_preview_with_other_picks_shows_another_list_and_stores_nothing(browser, bob, trained):
    before = read_stored(bob)
    other = trained.songs[31]
    answer = browser.post("/taste/preview/", {"discovery": "50", "picks": "1", "song": [other.pk]})
    page = browser.get(answer["Location"])
    assert page.context["n_changed"] == len(page.context["new_ids"]) > 0
    assert "songs of the first twelve would be others" in page.content.decode()
    assert read_stored(bob) == before
    # what would go can be taken back in the same form
    assert f'name="song" value="{trained.songs[0].pk}"' in page.content.decode()


def test_a_preview_without_a_change_says_so(browser, bob):
    picked = {
        "song": list(read_stored(bob)[0]),
        "artist": list(read_stored(bob)[1]),
        "genre": list(read_stored(bob)[2]),
    }
    answer = browser.post("/taste/preview/", {"discovery": "50", "picks": "1", **picked})
    assert (
        "The first twelve songs would be the same."
        in browser.get(answer["Location"]).content.decode()
    )
