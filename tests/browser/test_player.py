"""Music is heard in a real browser: from a list, on through the queue and over pages, and the plays are recorded."""

import time

import pytest

from tests.browser.conftest import PASSWORD
from tests.catalog.audio_files import make_png, make_wav, write
from tests.waiting import wait_for

pytestmark = pytest.mark.browser

# The second goes on for as long as a slow machine takes from one step to the next; it is left by "next".
SECONDS = {1: 2, 2: 120, 3: 2}
N_SONGS = len(SECONDS)
PLAY, SKIP = 0, 3  # numbers of the kinds of a listen

MAKE_SONGS = """
from catalog.files import scan_jobs
from accounts.models import User
from catalog.models import Interaction, Song
scan_jobs.scan_now(scan_jobs.add_folder({folder!r}))
"""
PLAYS = """
from catalog.models import Interaction
rows = Interaction.objects.filter(listener__username="jana", source="player").order_by("pk")
print(";".join(f"{row.song.title},{row.kind},{row.played_ms}" for row in rows))
"""


@pytest.fixture(scope="module")
def music(site, tmp_path_factory) -> None:
    """An album of three short songs in a music folder, one with a cover."""
    folder = tmp_path_factory.mktemp("music")
    for n, seconds in SECONDS.items():
        write(folder / "The Ferry" / "Tides" / f"0{n} - Wave {n}.wav", make_wav(seconds, 200 * n))
    write(folder / "The Ferry" / "Tides" / "cover.png", make_png(300, 300))
    site.installation.shell(MAKE_SONGS.format(folder=str(folder)))


def wait_until(page, condition: str) -> None:
    """Wait for a condition of script; the site's policy lets no text become script inside of the page."""
    until = time.monotonic() + 30
    while not page.evaluate(f"() => {condition}"):
        assert time.monotonic() < until, condition
        page.wait_for_timeout(50)


def plays(site) -> list[tuple[str, int]]:
    """Return what Jana heard, who listens in one test alone."""
    output = site.installation.shell(PLAYS)
    return [(one.split(",")[0], int(one.split(",")[1])) for one in output.split(";") if one]


def test_a_list_is_played_and_every_song_is_recorded_once(visit, site, music):
    jana = visit()
    jana.sign_in("jana", PASSWORD)
    jana.go("/browse/?q=wave")
    page = jana.page
    assert page.locator("[data-play]").count() == N_SONGS
    page.locator("[data-play]").first.click()
    wait_until(page, "document.querySelector('#player audio').currentTime > 0.3")
    assert page.locator("[data-player-title]").inner_text().startswith("Wave")
    assert page.locator("[data-player-entry]").count() == N_SONGS
    jana.picture("player")
    # the queue goes on by itself
    wait_until(page, "document.querySelector('[data-player-title]').textContent === 'Wave 2'")
    wait_until(page, "document.querySelector('#player audio').currentTime > 0.3")
    # on the next page of the site it goes on
    page.click("header a.brand")
    page.wait_for_selector("#player:not([hidden])")
    assert page.locator("[data-player-title]").inner_text() == "Wave 2"
    wait_until(page, "document.querySelector('#player audio').currentTime > 0.5")
    page.click("[data-player-next]")
    wait_until(page, "document.querySelector('#player').hidden")  # the third was heard to its end
    assert page.locator("[data-player-title]").text_content() == "Wave 3"
    wait_for(lambda: len(plays(site)) >= N_SONGS)
    assert plays(site) == [("Wave 1", PLAY), ("Wave 2", SKIP), ("Wave 3", PLAY)]


def test_a_song_is_jumped_in_by_a_range(visit, music):
    emil = visit()
    emil.sign_in("emil", PASSWORD)
    emil.go("/browse/?q=wave+2")
    page = emil.page
    page.locator("[data-play]").first.click()
    wait_until(page, "document.querySelector('#player audio').currentTime > 0.1")
    page.evaluate("document.querySelector('#player audio').currentTime = 119.5")
    wait_until(page, "document.querySelector('#player').hidden")  # the end came soon


def test_without_script_a_play_button_leads_to_the_sound(visit, music):
    emil = visit(java_script_enabled=False)
    emil.go("/login/")
    emil.page.fill("#id_username", "emil")
    emil.page.fill("#id_password", PASSWORD)
    emil.page.click("main button.primary")
    emil.go("/browse/?q=wave+1")
    address = emil.page.locator("[data-play]").first.get_attribute("href")
    answer = emil.context.request.get(address)
    assert (answer.status, answer.headers["content-type"], len(answer.body())) == (
        200,
        "audio/wav",
        44 + 2 * 8000 * SECONDS[1],
    )


def test_an_album_is_played_from_its_page_and_shows_its_cover(visit, music):
    emil = visit()
    emil.sign_in("emil", PASSWORD)
    emil.go("/browse/?q=ferry+tides")
    emil.page.get_by_role("link", name="Tides", exact=True).first.click()
    emil.page.wait_for_selector("h1:has-text('Tides')")
    assert emil.page.locator(".song-head img.cover").evaluate("image => image.naturalWidth") == 300
    emil.page.click("[data-play-all]")
    wait_until(emil.page, "document.querySelector('#player audio').currentTime > 0.2")
    assert "Wave 1" in emil.page.locator("[data-player-entry]").first.text_content()
    emil.page.click("[data-player-close]")
