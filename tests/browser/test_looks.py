"""Every page in both themes: axe finds nothing serious, nothing is wider than the screen (T64). Pictures are kept."""

from datetime import UTC, datetime

import pytest

from tests.browser.conftest import AXE, OPERATOR
from tests.catalog.audio_files import make_wav

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("looks")]

VISITOR_PAGES = [
    "/",
    "/try/?song=1&song=2",
    "/login/",
    "/signup/",
    "/password/reset/",
    "/browse/",
    "/nothing-here/",
]
LISTENER_PAGES = [
    "/", "/welcome/", "/songs/{song}/", "/songs/{song}/why/", "/artists/{artist}/", "/browse/?q=a&energy_min=20",
    "/mixes/1/", "/library/", "/library/dislikes/", "/library/hidden/", "/library/history/", "/library/imports/",
    "/playlists/", "/taste/", "/taste/?preview=1&discovery=90", "/settings/", "/settings/tokens/", "/settings/delete/",
    "/password/change/", "/path/?start={song}&q=a", "/connect/", "/connect/pano/?after=0",
    "/library/listening/", "/library/listening/?period=all", "/library/listening/{year}/", "/blends/",
    "/library/beyond/", "/settings/servers/", "/settings/deletions/", "/next-up/", "/rediscover/", "/logout/",
]  # fmt: skip
OPERATOR_PAGES = [
    "/admin/", "/admin/dashboard/catalog/", "/admin/dashboard/listeners/", "/admin/dashboard/listeners/1/",
    "/admin/dashboard/jobs/", "/admin/dashboard/settings/", "/admin/dashboard/tables/",
    "/admin/recommendations/trainingrun/", "/admin/recommendations/trainingrun/1/change/",
    "/admin/recommendations/modelversion/", "/admin/recommendations/modelversion/1/change/",
    "/admin/recommendations/modelversion/compare/?a=1&b=1",
    "/admin/recommendations/modelversion/1/preview/?listener=dora&song=a",
    "/admin/recommendations/experiment/add/", "/admin/catalog/song/", "/admin/catalog/song/{song}/change/",
    "/admin/catalog/importrun/", "/admin/django_celery_beat/periodictask/{schedule}/change/",
]  # fmt: skip
STILL = {"reduced_motion": "reduce"}  # or colours would be measured while they change
COLOUR_RULES = ("color-contrast", "link-in-text-block")
WIDTHS = [320, 768]


def make_name(path: str) -> str:
    return path.strip("/").replace("/", "-").split("?")[0] or "home"


def test_no_page_has_a_serious_barrier(visit, site):
    """Each page is loaded once: light with all rules, then dark with those that colours can break."""
    song, artist = site.installation.query(
        "SELECT id, artist_id FROM catalog_song WHERE key = 'rtl'"
    )[0]
    visitor = visit(
        color_scheme="light", viewport={"width": 1440, "height": 900}, bypass_csp=True, **STILL
    )
    visitor.context.add_init_script(path=str(AXE))
    findings = {}
    year = datetime.now(UTC).year
    for who, pages in (("visitor", VISITOR_PAGES), ("listener", LISTENER_PAGES)):
        if who == "listener":
            visitor.sign_in("dora")
        for path in pages:
            seen = barriers(visitor, who, path.format(song=song, artist=artist, year=year))
            if seen:
                findings[f"{who} {path}"] = seen
    assert findings == {}


def barriers(visitor, who: str, path: str) -> list[str]:
    """Look at one page in both themes, keep a picture of each, and return what is wrong."""
    visitor.go(path)
    seen = []
    for theme, rules in (("light", ()), ("dark", COLOUR_RULES)):
        visitor.page.emulate_media(color_scheme=theme)
        visitor.picture(f"{who}-{make_name(path)}-{theme}")
        seen += [f"{theme}: {finding}" for finding in visitor.serious_findings(rules)]
    visitor.page.emulate_media(color_scheme="light")
    if visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        seen.append("wider than the screen")
    return seen


def test_no_page_of_the_operators_dashboard_has_a_serious_barrier(visit, site):
    site.installation.shell(OPERATOR)
    song = site.installation.query("SELECT min(id) FROM catalog_song")[0][0]
    schedule = site.installation.query("SELECT min(id) FROM django_celery_beat_periodictask")[0][0]
    visitor = visit(
        color_scheme="light", viewport={"width": 1440, "height": 900}, bypass_csp=True, **STILL
    )
    visitor.context.add_init_script(path=str(AXE))
    visitor.sign_in("olga")
    findings = {}
    for path in OPERATOR_PAGES:
        # Django's own search field for rows of another table lacks a label, and so do its pairs of date and time.
        address = path.format(song=song, schedule=schedule)
        seen = [
            f
            for f in barriers(visitor, "operator", address)
            if "select2" not in f and "start_time_" not in f
        ]
        if seen:
            findings[path] = seen
    assert findings == {}


def test_nothing_is_wider_than_the_screen(visit, site):
    """Long and right-to-left titles included."""
    song, artist = site.installation.query(
        "SELECT id, artist_id FROM catalog_song WHERE key = 'long'"
    )[0]
    visitor = visit(viewport={"width": WIDTHS[0], "height": 800})
    too_wide = []
    for who, pages in (("visitor", VISITOR_PAGES), ("listener", LISTENER_PAGES)):
        if who == "listener":
            visitor.sign_in("dora")
        for path in pages:
            path = path.format(song=song, artist=artist, year=datetime.now(UTC).year)
            visitor.go(path)
            visitor.picture(f"{who}-{make_name(path)}-{WIDTHS[0]}")
            for width in WIDTHS:
                visitor.page.set_viewport_size({"width": width, "height": 800})
                if visitor.page.evaluate("document.documentElement.scrollWidth") > width:
                    too_wide.append(f"{who} {path} at {width}")
            visitor.page.set_viewport_size({"width": WIDTHS[0], "height": 800})
    assert too_wide == []


def test_the_narrowest_phone_has_room_for_the_header_and_the_panel(visit, site):
    """In German too, whose words are longer: the header stays one line, the why panel's table is not cut off."""
    song = site.installation.query(
        "SELECT id FROM catalog_song WHERE key NOT IN ('long', 'hostile', 'rtl')"
    )[0][0]
    for language in ("en-GB", "de-DE"):
        visitor = visit(viewport={"width": 320, "height": 800}, locale=language)
        for who in ("visitor", "listener"):
            if who == "listener":
                visitor.sign_in("dora")
            visitor.go("/browse/")
            height = visitor.page.evaluate("document.querySelector('.site-header').offsetHeight")
            assert height <= 64, f"{who}, {language}"
            assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320
        visitor.go(f"/songs/{song}/why/")
        visitor.page.locator(".why table thead").wait_for()
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320, language


def test_menus_the_player_and_suggestions_cover_nothing_on_the_narrowest_phone(visit, site):
    code = (
        "from catalog.models import Song; song = Song.objects.get(key='long'); "
        f"song.audio_url = '{site.url}/none.wav'; song.save(); print(song.pk)"
    )
    song = site.installation.shell(code)
    visitor = visit(viewport={"width": 320, "height": 640}, **STILL)
    page = visitor.page
    visitor.sign_in("dora")
    visitor.context.route(
        "**/none.wav",
        lambda route: route.fulfill(body=make_wav(seconds=30), content_type="audio/wav"),
    )
    visitor.go(f"/songs/{song}/add/")
    page.get_by_label("Name").fill("Narrow")
    page.get_by_role("button", name="Create and add").click()
    page.wait_for_selector("text=in “Narrow”")

    visitor.go("/playlists/")
    page.get_by_role("link", name="Narrow").click()
    page.locator("summary", has_text="Export").click()
    for form in ("JSPF", "M3U8", "CSV"):
        box = page.get_by_role("link", name=form).bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 320, form

    page.get_by_role("link", name="Continue this playlist").click()
    page.wait_for_url("**/continue/")
    last_of_first_row = page.locator(".grid > li > form .button").nth(1).bounding_box()
    first_of_second_row = page.locator(".grid > li").nth(2).bounding_box()
    assert last_of_first_row["y"] + last_of_first_row["height"] <= first_of_second_row["y"]

    visitor.go(f"/songs/{song}/")
    page.locator("[data-play]").first.click()
    assert page.locator("#player").bounding_box()["height"] <= 130


def test_controls_are_large_enough_to_hit(visit):
    """WCAG 2.2: 24 by 24 px, but for links within text."""
    visitor = visit(viewport={"width": 320, "height": 800})
    visitor.sign_in("dora")
    for path in ("/", "/browse/", "/library/", "/taste/", "/settings/"):
        visitor.go(path)
        small = visitor.page.evaluate(
            """() => [...document.querySelectorAll("button, .button, .icon-button, .tabs a, summary, select")]
                .filter(one => one.checkVisibility())
                .map(one => [one.getBoundingClientRect(), one.outerHTML.slice(0, 120)])
                .filter(([box]) => box.width && (box.width < 24 || box.height < 24)).map(([, html]) => html)"""
        )
        assert small == [], path
