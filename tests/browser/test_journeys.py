"""What people come for, from the first look to the deleted account, with and without JavaScript (T64)."""

import json
import re
import struct

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import HOSTILE, PASSWORD, RIGHT_TO_LEFT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

with_and_without_script = pytest.mark.parametrize(
    "script", [True, False], ids=["script", "no-script"]
)


@with_and_without_script
def test_a_visitor_tries_it_signs_up_and_steers_their_first_lists(visit, script):
    """New visitor → try-out → sign up → onboarding → home → like → changed list → why → hide artist → gone."""
    visitor = visit(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    page, name = visitor.page, f"new-{'with' if script else 'without'}-script"
    visitor.go("/")
    visitor.picture(f"front-{name}")
    for index in (0, 1, 2):
        page.locator("#offered input[name=song]").nth(index).check()
    checked = page.locator("#offered input[name=song]:checked")
    picked = checked.evaluate_all("all => all.map(one => one.value)") if script else None
    page.get_by_role("button", name="Get recommendations").click()
    assert page.locator(".card .why-line").first.inner_text() != ""
    expect(page.locator(".card")).to_have_count(12)

    page.get_by_role("button", name="Keep this and sign up").click()
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.locator("main button.primary").click()

    page.wait_for_url("**/welcome/")
    carried = page.locator(".picks input[name=song][checked]")
    expect(carried).to_have_count(3)
    if picked:
        assert sorted(carried.evaluate_all("all => all.map(one => one.value)")) == sorted(picked)
    page.get_by_role("button", name="Show my music").click()

    page.wait_for_selector("#made-for-you")
    assert page.locator("#made-for-you").inner_text() == "Made for you"
    before = visitor.titles(".grid")
    page.locator(".grid .card .like").first.click()
    if script:
        page.wait_for_selector('.grid .card .like[aria-pressed="true"]')
        assert "You like" in page.locator("#toasts").inner_text()
    visitor.go("/")
    after = visitor.titles(".grid")
    assert before[0] not in after
    assert after != before[1:]

    artist = page.locator(".grid .card .artist").first.inner_text()
    page.locator('.grid .card a[href$="/why/"]').first.click()
    page.locator(".why .legend").wait_for()
    percents = [
        int(text.split()[0]) for text in page.locator(".why .legend .number").all_inner_texts()
    ]
    assert sum(percents) == 100
    visitor.picture(f"why-{name}")
    page.get_by_role("button", name=f"Hide {artist}").click()
    page.wait_for_selector("#made-for-you")
    visitor.go("/")
    assert artist not in page.locator(".card .artist").all_inner_texts()


@with_and_without_script
def test_a_playlist_is_made_reordered_shared_and_exported(visit, script):
    visitor = visit(java_script_enabled=script)
    page = visitor.page
    name = "Evening" if script else "Morning"
    visitor.sign_in("ben")
    visitor.go("/playlists/")
    page.fill("#id_title", name)
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile("/playlists/.+/$"))
    address = page.url
    for index in (3, 6, 9):
        visitor.go("/browse/?q=a")
        add = page.locator('#results a[href$="/add/"]').nth(index)
        if script:
            add.click()
            page.locator("#sheet").get_by_role("button", name=re.compile(f"Add {name}")).click()
        else:
            visitor.go(add.get_attribute("href"))
            page.get_by_role("button", name=re.compile(f"Add {name}")).click()
        page.wait_for_selector(f"text=in “{name}”")
    page.goto(address)
    order = visitor.titles("ol.rows")
    assert len(order) == 3

    # by keyboard alone: focus the button, press Enter
    down = page.get_by_role("button", name=re.compile("^Move .* down")).first
    down.focus()
    with (
        page.expect_response(lambda answer: "/move/" in answer.url)
        if script
        else page.expect_navigation()
    ):
        page.keyboard.press("Enter")
    page.goto(address)
    assert visitor.titles("ol.rows") == [order[1], order[0], order[2]]

    for form, start in (("jspf", '{\n "playlist"'), ("m3u8", "#EXTM3U"), ("csv", "position,")):
        exported = page.request.get(f"{address}export.{form}")
        assert exported.ok and exported.text().startswith(start)
        assert all(title in exported.text() for title in order)

    stranger = visit(java_script_enabled=script)
    assert stranger.page.goto(address).status == 404
    page.get_by_role("button", name="Make a public link").click()
    page.wait_for_selector("text=Anybody with this link")
    assert stranger.page.goto(address).status == 200
    assert stranger.titles("ol.rows") == [order[1], order[0], order[2]]

    page.get_by_role("link", name="Continue this playlist").click()
    page.wait_for_url("**/continue/")
    suggested = visitor.titles(".grid")
    assert suggested and not set(suggested) & set(order)

    page.goto(address)
    page.locator("summary", has_text="Delete playlist").click()
    page.get_by_role("button", name="Delete it for good").click()
    page.wait_for_url("**/playlists/")
    assert page.goto(address).status == 404


@with_and_without_script
def test_a_daily_mix_is_opened_from_home_and_kept_as_a_playlist(visit, script):
    visitor = visit(java_script_enabled=script)
    page = visitor.page
    visitor.sign_in("finn")
    visitor.go("/")
    page.locator("a.mix:not(.weekly)").first.click()
    page.wait_for_url("**/mixes/1/")
    name = page.locator("h1").inner_text()
    mixed = visitor.titles(".grid")
    lines = page.locator(".grid .why-line").all_inner_texts()
    assert "From your history" in lines and any(line != "From your history" for line in lines)

    page.get_by_role("button", name="Keep as a playlist").click()
    page.wait_for_url("**/playlists/*/")
    assert page.locator("h1").inner_text().startswith(f"{name}, mix of ")
    assert visitor.titles("ol.rows") == mixed
    visitor.go("/playlists/")
    page.get_by_role("link", name=re.compile(f"^{re.escape(name)}, mix of ")).first.click()
    page.wait_for_url("**/playlists/*/")
    assert visitor.titles("ol.rows") == mixed


@with_and_without_script
def test_taste_is_previewed_changed_and_undone(visit, script):
    visitor = visit(java_script_enabled=script)
    page, name = visitor.page, "anna" if script else "cleo"
    visitor.sign_in(name)
    visitor.go("/")
    first = visitor.titles(".grid")
    visitor.go("/taste/")
    cluster = page.locator(".cluster").first
    cluster.get_by_label("Mute for now").check()
    page.get_by_role("button", name="Preview").click()
    page.wait_for_selector("#preview")
    assert page.locator("#preview .new").count() > 0
    visitor.go("/")
    assert visitor.titles(".grid") == first

    visitor.go("/taste/")
    page.locator(".cluster").first.get_by_label("Mute for now").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("text=Your next list follows it")
    visitor.go("/")
    assert visitor.titles(".grid") != first

    visitor.go("/taste/")
    page.get_by_role("button", name="Undo the last change").click()
    page.wait_for_selector("text=as it was before")
    visitor.go("/")
    assert visitor.titles(".grid") == first


@with_and_without_script
def test_settings_are_kept_data_is_handed_out_and_the_account_deleted(visit, script):
    """T63: everything comes out, and afterwards nothing is left."""
    visitor = visit(java_script_enabled=script)
    page, name = (
        visitor.page,
        "kurt" if script else "lena",
    )  # nobody else's: they are gone afterwards
    visitor.sign_in(name)
    visitor.go("/settings/")
    page.get_by_label("Dark").check()
    page.locator("#id_language").select_option("de")
    page.get_by_role("button", name="Save", exact=True).first.click()
    page.wait_for_selector('html[data-theme="dark"][lang="de"]')

    visitor.go("/library/")
    likes = page.locator("ul.rows > li").count()
    data = json.loads(page.request.get("/settings/my-data.json").text())
    assert data["account"]["name"] == name and data["account"]["theme"] == "dark"
    assert sum(row["kind"] == "like" for row in data["history"]) == likes

    visitor.go("/settings/delete/")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Mein Konto löschen").click()
    page.wait_for_selector("body.visitor")
    rows = visitor.site.installation.query(
        f"SELECT count(*) FROM accounts_user WHERE username = '{name}'"
    )
    assert rows == [(0,)]


def test_hostile_titles_are_inert_on_every_page(visit):
    """T47: shown as text, run nowhere, no report of the content policy."""
    visitor = visit()
    visitor.sign_in("dora")
    rows = visitor.site.installation.query(
        "SELECT id, artist_id FROM catalog_song WHERE key = 'hostile'"
    )
    song_id, artist_id = rows[0]
    song, artist = f"/songs/{song_id}/", f"/artists/{artist_id}/"
    for path in ("/library/", song, f"{song}why/", artist, "/taste/", "/browse/?q=script"):
        visitor.go(path)
        assert "owned" not in visitor.page.title() or HOSTILE[:20] in visitor.page.title()
        assert visitor.page.locator("[onmouseover]").count() == 0
        assert "49" not in visitor.page.locator("h1").first.inner_text()


def test_the_home_page_works_by_keyboard_alone(visit):
    visitor = visit()
    page = visitor.page
    visitor.sign_in("finn")
    visitor.go("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    like = page.locator(".grid .card .like").first
    like.focus()
    outline = like.evaluate("one => getComputedStyle(one).outlineStyle")
    page.keyboard.press("Enter")
    page.wait_for_selector('.grid .card .like[aria-pressed="true"]')
    expect(like).to_be_focused()
    assert outline in ("solid", "auto")
    page.keyboard.press("Enter")
    expect(like).to_have_attribute("aria-pressed", "false")


def test_why_hiding_and_the_taste_slider_work_by_keyboard_alone(visit):
    visitor = visit()
    page = visitor.page
    visitor.sign_in("ben")
    visitor.go("/")
    why = page.locator('.grid .card a[href$="/why/"]').first
    why.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#sheet h1")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(why).to_be_focused()

    hidden = visitor.titles(".grid")[0]
    page.locator(".grid .card .menu summary").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Hide this song").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".grid .card .title").first).not_to_have_text(hidden)

    visitor.go("/taste/")
    slider = page.get_by_label("From familiar to adventurous")
    middle = int(slider.input_value())
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert int(slider.input_value()) > middle
    page.get_by_role("button", name="Preview").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#preview")
    assert int(page.get_by_label("From familiar to adventurous").input_value()) > middle


def test_a_search_says_how_much_it_found_to_those_who_do_not_see_it(visit):
    visitor = visit()
    page = visitor.page
    announced = page.locator("#announcer[role=status]")
    visitor.sign_in("ben")
    for path, field in (("/welcome/", "#pick-search"), ("/browse/", "#id_q")):
        visitor.go(path)
        expect(announced).to_have_text("")
        page.locator(field).press_sequentially(RIGHT_TO_LEFT)
        expect(announced).to_have_text("1 song shown")
        page.fill(field, "no song is called this")
        expect(announced).to_have_text("0 songs shown")


@pytest.mark.parametrize(
    ("locale", "offline", "failed"),
    [("en-GB", "No connection", "didn't work"), ("de-DE", "Keine Verbindung", "nicht geklappt")],
)
def test_what_fails_is_said_in_the_listeners_language(visit, locale, offline, failed):
    visitor = visit(locale=locale)
    page = visitor.page
    visitor.sign_in("ben")
    visitor.go("/")
    like = page.locator(".grid .card .like").first
    visitor.context.set_offline(True)
    like.click()
    expect(page.locator("#toasts")).to_contain_text(offline)
    visitor.context.set_offline(False)
    # A form whose cookie is gone is refused, which is an answer too.
    visitor.context.clear_cookies(name=re.compile("csrf"))
    like.click()
    expect(page.locator("#toasts")).to_contain_text(failed)
    assert like.get_attribute("aria-pressed") == "false"
    assert all(complaint.startswith("console: ") for complaint in visitor.complaints)
    visitor.complaints.clear()  # that htmx logs both failures is as it should be


def silence(seconds: int) -> bytes:
    """A WAV file that is as quiet as it is long."""
    rate = 8000
    samples = b"\x80" * rate * seconds
    head = (
        b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
        + b"data"
        + struct.pack("<I", len(samples))
    )
    return b"RIFF" + struct.pack("<I", len(head) + len(samples)) + head + samples


def played_seconds(visitor) -> float:
    return visitor.page.evaluate("document.querySelector('#player audio').currentTime")


def wait_until_played(visitor, seconds: float) -> None:
    for _tenth in range(
        300
    ):  # the content policy forbids the page to wait by a function of its own
        if played_seconds(visitor) > seconds:
            return
        visitor.page.wait_for_timeout(100)
    raise AssertionError(f"The player never came to {seconds} s.")


def test_a_song_with_audio_goes_on_over_pages_and_breaking_it_off_is_a_skip(visit, site):
    code = (
        "from catalog.models import Song; "
        f"song = Song.objects.get(key='long'); song.audio_url = '{site.url}/sound.wav'; song.save(); print(song.pk)"
    )
    song_id = site.installation.shell(code)
    visitor = visit()
    visitor.context.route(
        "**/sound.wav", lambda route: route.fulfill(body=silence(60), content_type="audio/wav")
    )
    visitor.sign_in("finn")
    visitor.go(f"/songs/{song_id}/")
    visitor.page.get_by_role("link", name=re.compile("^Play ")).first.click()
    wait_until_played(visitor, 1)

    visitor.page.get_by_role("link", name="Library").click()
    visitor.page.wait_for_url("**/library/")
    assert visitor.page.locator("#player").is_visible()
    wait_until_played(visitor, 1.5)
    with visitor.page.expect_response(lambda answer: "/heard/" in answer.url) as response:
        visitor.page.get_by_role("button", name="Close the player").click()
    assert response.value.status == 204
    what = "kind, played_ms BETWEEN 1000 AND 20000"
    sql = f"SELECT {what} FROM catalog_interaction WHERE song_id = {song_id} AND source = 'player'"
    assert site.installation.query(sql) == [(3, 1)]

    visitor.go("/library/")
    assert visitor.page.locator("#player").is_hidden()


def test_a_song_heard_for_more_than_half_is_a_play(visit, site):
    code = (
        "from catalog.models import Song; song = Song.objects.get(key='rtl'); "
        f"song.audio_url = '{site.url}/short.wav'; song.duration_ms = 4000; song.save(); print(song.pk)"
    )
    song_id = site.installation.shell(code)
    visitor = visit()
    visitor.context.route(
        "**/short.wav", lambda route: route.fulfill(body=silence(4), content_type="audio/wav")
    )
    visitor.sign_in("finn")
    visitor.go(f"/songs/{song_id}/")
    with visitor.page.expect_response(lambda answer: "/heard/" in answer.url) as response:
        visitor.page.get_by_role("link", name=re.compile("^Play ")).first.click()
    assert response.value.status == 204
    sql = f"SELECT kind FROM catalog_interaction WHERE song_id = {song_id} AND source = 'player'"
    assert site.installation.query(sql) == [(0,)]


@with_and_without_script
def test_a_pick_stays_picked_while_one_searches_on(visit, script):
    visitor = visit(java_script_enabled=script)
    page = visitor.page
    visitor.go("/")
    first = page.locator("#offered input[name=song]").first
    picked = first.get_attribute("value")
    first.check()
    page.fill("#pick-search", "a")
    if script:
        page.wait_for_selector("#offered input[name=artist]")
    else:
        page.get_by_role("button", name="Search").click()
    page.wait_for_selector(f"#offered input[name=song][value='{picked}'][checked]")
    page.get_by_role("button", name="Get recommendations").click()
    page.wait_for_selector("text=Recommended from your picks")


def test_what_was_seen_and_clicked_on_the_home_page_is_known(visit, site):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    visitor.sign_in("ben")
    with page.expect_response(lambda answer: answer.url.endswith("/impressions/")) as response:
        visitor.go("/")
    assert response.value.status == 201
    with page.expect_response(lambda answer: "/outcomes/" in answer.url) as response:
        page.locator(".grid .card .like").first.click()
    assert response.value.ok


def test_a_hidden_song_makes_room_for_the_next_and_comes_back_with_undo(visit):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    visitor.sign_in("gina")
    visitor.go("/")
    shown = page.locator(".grid[data-cards] > li:not([hidden]) .title")
    before = shown.all_inner_texts()
    page.locator(".grid .card .menu summary").first.click()
    page.locator(".grid .card .menu[open] button[value=hide-song]").click()
    expect(shown.first).not_to_have_text(before[0])
    replaced, *others = shown.all_inner_texts()
    assert others == before[1:] and replaced not in before
    page.locator("#toasts button").click()
    expect(shown.first).to_have_text(before[0])


def test_a_section_is_one_tab_stop_and_arrow_keys_go_through_it(visit):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    visitor.sign_in("finn")
    visitor.go("/")
    row = page.locator(".section-row").first
    index = "row => [...row.children].indexOf(document.activeElement.closest('li'))"
    reachable = (
        "row => [...row.querySelectorAll('a, button, summary')].filter(one => one.tabIndex >= 0)"
        ".every(one => one.closest('li') === row.firstElementChild)"
    )
    assert row.evaluate(reachable)
    row.locator("li h3 a").first.focus()
    page.keyboard.press("ArrowRight")
    assert row.evaluate(index) == 1
    page.keyboard.press("Home")
    assert row.evaluate(index) == 0


def test_arrow_keys_walk_through_what_a_search_suggests(visit):
    visitor = visit(viewport={"width": 1280, "height": 900})
    page = visitor.page
    visitor.sign_in("anna")
    field = page.locator("#site-search")
    field.press_sequentially("the")
    links = page.locator("#suggestions a")
    links.nth(1).wait_for()
    field.press("ArrowDown")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    expect(field).to_have_value("the")
    field.press("ArrowDown")
    page.keyboard.press("Escape")
    expect(field).to_be_focused()
    field.press("ArrowDown")
    address = links.nth(0).get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")
