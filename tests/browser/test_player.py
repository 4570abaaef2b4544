"""Music is heard in a real browser: from a list, on through the queue and over pages, and the plays are recorded."""

import time

import pytest

from tests.browser.conftest import PASSWORD
from tests.catalog.audio_files import make_png, make_wav, write

pytestmark = pytest.mark.browser

N_SONGS = 3
SECONDS = 2

MAKE_SONGS = """
from catalog.files import scan_jobs
from accounts.models import User
from catalog.models import Interaction, Song
scan_jobs.scan_now(scan_jobs.add_folder({folder!r}))
"""
PLAYS = """
from catalog.models import Interaction
rows = Interaction.objects.filter(listener__username="emil", source="player").order_by("pk")
print(";".join(f"{row.song.title},{row.kind},{row.played_ms}" for row in rows))
"""


@pytest.fixture(scope="module")
def music(site, tmp_path_factory) -> None:
    """An album of three short songs in a music folder, one with a cover."""
    folder = tmp_path_factory.mktemp("music")
    for n in range(1, N_SONGS + 1):
        write(folder / "The Ferry" / "Tides" / f"0{n} - Wave {n}.wav", make_wav(SECONDS, 200 * n))
    write(folder / "The Ferry" / "Tides" / "cover.png", make_png(300, 300))
    site.installation.shell(MAKE_SONGS.format(folder=str(folder)))


def wait_until(page, condition: str) -> None:
    """Wait for a condition of script; the site's policy lets no text become script inside of the page."""
    until = time.monotonic() + 30
    while not page.evaluate(f"() => {condition}"):
        assert time.monotonic() < until, condition
        page.wait_for_timeout(50)


def plays(site) -> list[tuple[str, int]]:
    output = site.installation.shell(PLAYS)
    return [(one.split(",")[0], int(one.split(",")[1])) for one in output.split(";") if one]


def test_a_list_is_played_and_every_song_is_recorded_once(visit, site, music):
    n_before = len(plays(site))  # other tests on this site play songs, too
    emil = visit()
    emil.sign_in("emil", PASSWORD)
    emil.go("/browse/?q=wave")
    page = emil.page
    assert page.locator("[data-play]").count() == N_SONGS
    page.locator("[data-play]").first.click()
    wait_until(page, "document.querySelector('#player audio').currentTime > 0.3")
    assert page.locator("[data-player-title]").inner_text().startswith("Wave")
    assert page.locator("[data-player-entry]").count() == N_SONGS
    emil.picture("player")
    # the queue goes on by itself; the third is broken off by "close"
    wait_until(page, "document.querySelector('[data-player-title]').textContent === 'Wave 2'")
    wait_until(page, "document.querySelector('#player audio').currentTime > 0.3")
    # on the next page of the site it goes on
    page.click("header a.brand")
    page.wait_for_selector("#player:not([hidden])")
    assert page.locator("[data-player-title]").inner_text() == "Wave 2"
    wait_until(page, "document.querySelector('#player audio').currentTime > 0.5")
    with page.expect_response(lambda answer: "/heard/" in answer.url):
        page.click("[data-player-next]")
    assert page.locator("[data-player-title]").inner_text() == "Wave 3"
    with page.expect_response(lambda answer: "/heard/" in answer.url):
        wait_until(page, "document.querySelector('#player').hidden")
    heard = plays(site)[n_before:]
    assert [title for title, _kind in heard] == ["Wave 1", "Wave 2", "Wave 3"]
    assert heard[0][1] == heard[2][1] == 0  # plays


def test_a_song_is_jumped_in_by_a_range(visit, music):
    emil = visit()
    emil.sign_in("emil", PASSWORD)
    emil.go("/browse/?q=wave+3")
    page = emil.page
    page.locator("[data-play]").first.click()
    wait_until(page, "document.querySelector('#player audio').currentTime > 0.1")
    page.evaluate("document.querySelector('#player audio').currentTime = 1.5")
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
        44 + 2 * 8000 * SECONDS,
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
    assert emil.page.locator("[data-player-title]").inner_text() == "Wave 1"
    emil.page.click("[data-player-close]")
