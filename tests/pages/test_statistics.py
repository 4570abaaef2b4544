"""Your listening as a listener sees it, and that each number leads to its plays."""

import re
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from io import BytesIO
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from PIL import Image

from accounts.models import User
from catalog.listening import interactions
from catalog.listening.interactions import ListenEntry
from catalog.listening.source_names import name_source
from catalog.models import Interaction, Song
from catalog.statistics import review_picture, sums
from catalog.views import statistics as views

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def plays(world, alice) -> list[ListenEntry]:
    """Seventy plays in November and one a year before."""
    listener = User.objects.get(username="alice")
    entries = [
        ListenEntry(world.songs[n % 7], NOW - timedelta(hours=6 * n), source="api")
        for n in range(70)
    ]
    entries.append(ListenEntry(world.songs[9], NOW - timedelta(days=400), source="old player"))
    interactions.record_listens(listener, entries, source="api")
    return entries


def read(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def count_rows(page: str) -> int:
    return page.count("Remove Song") + page.count(' from the history"')


def test_each_number_leads_to_its_plays(alice, plays):
    page = read(alice, "/library/listening/?period=all")
    assert "<strong>71</strong>" in page
    links = re.findall(r'href="(/library/history/\?[^"]*)"\s+aria-label="([\d,]+) plays of', page)
    assert len(links) > 10
    for link, n in links[:12]:
        history = read(alice, link.replace("&amp;", "&"))
        assert len(re.findall(r'action="/library/history/\d+/forget/"', history)) == min(int(n), 50)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_hours_and_weekdays_lead_to_their_plays_in_the_listeners_time_zone(alice, plays, zone):
    User.objects.filter(username="alice").update(time_zone=zone)
    local = [one.occurred_at.astimezone(ZoneInfo(zone)) for one in plays]
    page = read(alice, "/library/listening/?period=all")
    for hour in {moment.hour for moment in local}:
        assert f'href="/library/history/?&amp;hour={hour}"' in page
        expected = sum(moment.hour == hour for moment in local)
        assert len(walk(alice, f"/library/history/?hour={hour}")) == expected
    for weekday in range(1, 8):
        expected = sum(moment.isoweekday() == weekday for moment in local)
        link = re.search(rf'href="/library/history/\?&amp;weekday={weekday}">(\d+)</a>', page)
        assert int(link[1]) == expected
        assert len(walk(alice, f"/library/history/?weekday={weekday}")) == expected


def test_more_of_each_is_shown_on_demand(alice, world):
    listener = User.objects.get(username="alice")
    entries = [
        ListenEntry(song, NOW - timedelta(hours=n), source="api")
        for n, song in enumerate(world.songs[:15])
    ]
    interactions.record_listens(listener, entries, source="api")
    short = read(alice, "/library/listening/?period=month&day=2026-11-20")
    long = read(alice, "/library/listening/?period=month&day=2026-11-20&top=50")
    assert "Show the first 50" in short
    assert "Show fewer" in long
    assert [page.count("&amp;song=") for page in (short, long)] == [10 + 8, 15 + 8]  # 8 discoveries


def test_a_month_a_range_and_an_empty_period_say_what_they_are(alice, plays):
    assert "November 2026" in read(alice, "/library/listening/?period=month&day=2026-11-03")
    assert "Nothing played in this period" in read(
        alice, "/library/listening/?from=1999-01-01&to=1999-02-01"
    )
    page = read(alice, "/library/listening/?from=2026-11-20&to=2026-11-20")
    assert f"<strong>{12 // 6 + 1}</strong>" in page  # at 12:00, 6:00 and 0:00


def test_hours_of_few_plays_say_of_how_few(alice, world):
    """Of 1,200 plays the length of one is known, which is no 0 %; streaks are grouped in German, too."""
    listener = User.objects.get(username="alice")
    Song.objects.filter(pk__in=[song.pk for song in world.songs]).update(duration_ms=None)
    entries = [
        ListenEntry(world.songs[0], NOW - timedelta(days=n), played_ms=None if n else 200_000)
        for n in range(1200)
    ]
    for some in (entries[:600], entries[600:]):
        interactions.record_listens(listener, some, source="api")
    assert sums.refresh_sums(listener) == 0
    page = read(alice, "/library/listening/?period=all")
    assert "of less than 1 % of plays, whose length is known" in page
    german = alice.get("/library/listening/?period=all", headers={"Accept-Language": "de"})
    assert "für weniger als 1 %, deren Länge bekannt ist" in german.content.decode()
    assert "1.200</strong> Tage: deine längste Serie" in german.content.decode()


def test_rankings_say_how_each_moved_against_the_period_before(alice, world):
    """Yesterday song 0 was played three times and song 1 twice; today 2, 1 and 0 were, most first."""
    listener = User.objects.get(username="alice")
    yesterday = NOW - timedelta(days=1)
    played = [(0, 3, yesterday), (1, 2, yesterday), (2, 3, NOW), (1, 2, NOW), (0, 1, NOW)]
    entries = [
        ListenEntry(world.songs[song], day - timedelta(minutes=10 * (number + 5 * song)))
        for song, n, day in played
        for number in range(n)
    ]
    interactions.record_listens(listener, entries, source="api")
    assert sums.refresh_sums(listener) == 0
    page = read(alice, "/library/listening/?from=2026-11-20&to=2026-11-20")
    songs = page[page.index('id="top-song"') :].split("</section>")[0]
    changes = [
        " ".join(re.sub("<[^>]*>", " ", change).split())
        for change in re.findall(
            r'<span class="change">(.*?)</span>\s*<a class="number"', songs, re.S
        )
    ]
    lower = "▼ 2 2 places lower than in the period before"
    assert changes == ["new since the period before", "", lower]
    assert 'class="change"' not in read(alice, "/library/listening/?period=all")


def test_what_has_begun_is_compared_with_as_many_days_of_the_period_before(
    alice, world, monkeypatch
):
    """On the third of a month two were played so far, and four on each day of the month before."""
    listener = User.objects.get(username="alice")
    today = NOW.date().replace(day=3)
    monkeypatch.setattr(views, "get_local_day", lambda _listener: today)
    first = datetime.combine(today.replace(day=1), time(12), tzinfo=UTC)
    first_before = (first - timedelta(days=1)).replace(day=1)
    moments = [first, first + timedelta(days=1)] + [
        first_before + timedelta(days=day, minutes=10 * number)
        for day in range((first - first_before).days)
        for number in range(4)
    ]
    entries = [ListenEntry(world.songs[0], moment) for moment in moments]
    interactions.record_listens(listener, entries, source="api")
    assert sums.refresh_sums(listener) == 0
    page = read(alice, f"/library/listening/?period=month&day={today}")
    change = round(100 * (2 / (3 * 4) - 1))
    sentence = f"{change} % compared with the first 3 days of the period before"
    assert sentence.replace("-", "−") in page.replace("-", "−").replace("\xa0", " ")
    whole = read(alice, f"/library/listening/?from={first.date()}&to={today}")
    assert "compared with the period before" in whole
    monkeypatch.setattr(views, "get_local_day", lambda _listener: first.date())
    begun = read(alice, f"/library/listening/?period=month&day={today}")
    assert "compared with the first day of the period before" in begun


@pytest.mark.parametrize(
    "query",
    ["period=decade", "from=x", "day=2026-13-01", "from=9999-12-31", "to=0001-01-01", "from=%00"],
)
def test_what_is_no_period_never_breaks_the_page(alice, plays, query):
    assert alice.get(f"/library/listening/?{query}", follow=True).status_code == 200
    assert alice.get(f"/library/history/?{query}").status_code == 200


# --- History ----------------------------------------------------------------------------------------------------------


def walk(client, path: str) -> list[int]:
    """Follow "Older" to the end; return the ids of all rows."""
    ids = []
    while path:
        page = read(client, path)
        ids += [int(pk) for pk in re.findall(r'action="/library/history/(\d+)/forget/"', page)]
        older = re.search(r'rel="next" href="(\?[^"]*)"', page)
        path = "/library/history/" + older[1].replace("&amp;", "&") if older else ""
    return ids


def test_pages_of_the_history_hold_each_row_once_in_order(alice, plays, world):
    listener = User.objects.get(username="alice")
    Interaction.objects.bulk_create(
        Interaction(listener=listener, song=song, kind=0, plays=3, source=f"counts {n}")
        for n in range(3)
        for song in world.songs[:20]
    )
    same = [
        Interaction(listener=listener, song=song, kind=3, source="x", occurred_at=NOW)
        for song in world.songs
    ]
    Interaction.objects.bulk_create(same)
    rows = Interaction.objects.filter(listener=listener, kind__in=[0, 3])
    timed = (
        rows.exclude(occurred_at=None).order_by("-occurred_at", "-pk").values_list("pk", flat=True)
    )
    untimed = rows.filter(occurred_at=None).order_by("-pk").values_list("pk", flat=True)
    assert walk(alice, "/library/history/") == [*timed, *untimed]


def test_newer_leads_back(alice, plays):
    first = read(alice, "/library/history/")
    older = re.search(r'rel="next" href="(\?[^"]*)"', first)[1].replace("&amp;", "&")
    second = read(alice, f"/library/history/{older}")
    newer = re.search(r'rel="prev" href="(\?[^"]*)"', second)[1].replace("&amp;", "&")
    ids = r'action="/library/history/(\d+)/forget/"'
    back = read(alice, f"/library/history/{newer}")
    assert re.findall(ids, back) == re.findall(ids, first)


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("q=song+3", 10),  # world.songs[3] and, below, none of the thirties was played
        ("source=old+player", 1),
        ("from=2026-11-20&to=2026-11-20", 3),
        ("to=2025-12-31", 1),
        ("q=nothing", 0),
        ("hour=24&weekday=8", 71),  # there are none
        ("hour=x&weekday=0", 71),
        ("artist=999999999999999999999", 71),
    ],
)
def test_the_history_is_searched_and_filtered(alice, plays, world, query, n):
    n = n if query != "q=song+3" else sum(1 for one in plays if "3" in one.song.title)
    assert len(walk(alice, f"/library/history/?{query}")) == n


def test_filters_name_what_they_filter_and_can_be_removed(alice, plays, world):
    song = world.songs[0]
    page = read(alice, f"/library/history/?artist={song.artist_id}&from=2026-11-01&to=2026-11-30")
    assert f"Remove the filter {song.artist.name}" in page
    assert 'href="?from=2026-11-01&amp;to=2026-11-30"' in page
    page = read(alice, "/library/history/?hour=12&weekday=5")
    assert "Remove the filter Friday" in page
    assert "Remove the filter 12:00" in page
    assert "Remove this day" not in page  # it would remove more than is shown


# --- API --------------------------------------------------------------------------------------------------------------


def test_the_api_says_what_the_page_says(alice, plays):
    answer = alice.get("/api/v1/me/statistics/?period=all").json()
    assert (answer["plays"], answer["songs"], sum(answer["hours"])) == (71, 8, 71)
    assert answer["sources"] == {"api": 70, "old player": 1}
    top = alice.get("/api/v1/me/statistics/songs/?period=all&count=1").json()
    assert (top["total"], top["items"][0]["plays"]) == (8, 70 // 7)
    assert alice.get("/api/v1/me/statistics/colours/").status_code == 404
    for bad in ("period=x", "count=0", "count=1e9", "offset=-1", "from=2026-99-01"):
        assert alice.get(f"/api/v1/me/statistics/songs/?{bad}").status_code == 400


def test_the_chart_names_its_middle_and_some_columns(alice, plays):
    page = read(alice, "/library/listening/?period=month&day=2026-11-20")
    # Four plays on most days: half of them is two, at half the height.
    assert re.search(r'<text x="-8" y="50.00%" dy="4">2</text>', page)
    assert "1 Nov</text>" in page
    ticks = page[page.index('class="ticks"') :]
    assert 1 < ticks[: ticks.index("</svg>")].count("<text") <= 5


def test_a_piece_of_a_year_is_named_like_the_years(alice, world):
    listener = User.objects.get(username="alice")
    days = [datetime(2019, 3, 4, 12, tzinfo=UTC), NOW]
    interactions.record_listens(
        listener, [ListenEntry(world.songs[0], day, source="api") for day in days], source="api"
    )
    page = read(alice, "/library/listening/?period=all")
    ticks = page[page.index('class="ticks"') :]
    assert ">2019</text>" in ticks[: ticks.index("</svg>")]
    assert "4 Mar</text>" not in page


def test_sources_have_their_own_names(alice, plays):
    assert sums.refresh_sums(User.objects.get(username="alice")) == 0
    assert "programs (API)</a>" in read(alice, "/library/listening/?period=all")
    history = read(alice, "/library/history/")
    assert '<option value="api">programs (API)</option>' in history
    assert '<option value="old player">old player</option>' in history
    names = ["listenbrainz:Pano Scrobbler", "listenbrainz:player", "player"]
    assert [name_source(name) for name in names] == [
        "Pano Scrobbler", "a player", "this site's player",
    ]  # fmt: skip


# --- The year's review ------------------------------------------------------------------------------------------------


@pytest.fixture
def no_fonts(monkeypatch):
    """A machine without fonts, such as a small server."""
    monkeypatch.setattr(review_picture, "list_fonts", lambda is_bold: [])


@pytest.mark.usefixtures("no_fonts")
def test_a_year_is_private_until_shared_and_again_when_the_link_is_taken_back(alice, bob, plays):
    assert "Only you see this" in read(alice, "/library/listening/2026/")
    picture = read(alice, "/library/listening/2026/picture.svg")
    assert ">70<" in picture and ">alice<" in picture and picture.lstrip().startswith("<svg")
    alice.post("/library/listening/2026/link/", {"link": "share"})
    link = re.search(r"/reviews/[0-9a-f-]+\.svg", read(alice, "/library/listening/2026/"))[0]
    assert ">70<" in read(Client(), link)
    assert ">alice<" not in read(bob, "/library/listening/2026/picture.svg")
    bob.post("/library/listening/2026/link/", {"link": "revoke"})
    assert Client().get(link).status_code == 200
    alice.post("/library/listening/2026/link/", {"link": "revoke"})
    assert Client().get(link).status_code == 404
    alice.post("/library/listening/2026/link/", {"link": "share"})
    assert Client().get(link).status_code == 404


def test_names_are_text_in_the_picture(alice, plays, world):
    world.songs[0].title = '<script>alert("1")</script> & more'
    world.songs[0].save()
    picture = read(alice, "/library/listening/2026/picture.svg")
    assert "<script" not in picture
    ElementTree.fromstring(picture)


@pytest.mark.usefixtures("no_fonts")
def test_without_fonts_there_is_no_png_and_nobody_is_offered_one(alice, plays):
    page = read(alice, "/library/listening/2026/")
    assert "Save as SVG" in page and "Save as PNG" not in page
    assert alice.get("/library/listening/2026/picture.png").status_code == 404


def test_the_png_shows_the_bars_of_the_svg_and_letters(alice, plays):
    if not review_picture.list_fonts(True):
        pytest.skip("No font is installed.")
    page = read(alice, "/library/listening/2026/")
    assert "Save as PNG" in page
    answer = alice.get("/library/listening/2026/picture.png")
    assert answer["Content-Type"] == "image/png"
    image = Image.open(BytesIO(answer.content))
    assert image.size == (1080, 1200)
    bars = re.findall(
        r'<rect x="(\d+)" y="(\d+)" width="60" height="([1-9]\d*)"',
        read(alice, "/library/listening/2026/picture.svg"),
    )
    for x, y, height in bars:
        assert image.getpixel((int(x) + 30, int(y) + int(height) // 2)) == (0xB3, 0xA3, 0xFF)
    assert bars
    # The year, in white letters on its line.
    assert (255, 255, 255) in {image.getpixel((x, 90)) for x in range(60, 300)}


def test_a_name_whose_letters_no_font_has_leaves_the_svg(alice, plays, world):
    if not review_picture.list_fonts(True):
        pytest.skip("No font is installed.")
    world.songs[0].title = "\U0001f9ff\ue000"
    world.songs[0].save()
    assert "Save as PNG" not in read(alice, "/library/listening/2026/")
    assert "\ue000" in read(alice, "/library/listening/2026/picture.svg")


@pytest.mark.parametrize("year", ["1", "99999", "0"])
def test_a_year_that_no_calendar_has_is_not_there(alice, year):
    assert alice.get(f"/library/listening/{year}/").status_code == 404


def test_each_square_of_the_calendar_leads_to_the_plays_of_its_day(alice, plays):
    page = read(alice, "/library/listening/?period=year&day=2026-11-20")
    squares = re.findall(
        r'<a href="/library/history/\?from=([\d-]+)&amp;to=\1" tabindex="-1">'
        r'<title>[^<]*: (\d+) plays?</title><rect class="shade-(\d)"',
        page,
    )
    counted = Counter(str(one.occurred_at.date()) for one in plays)
    shown = {day: int(n) for day, n, _shade in squares if n != "0"}
    # the lone play of the year before is not in this one
    assert shown == {day: n for day, n in counted.items() if day > "2026"}
    assert {shade for _day, n, shade in squares if n == "0"} == {"0"}
    for day, n, shade in squares:
        if n == "0":
            continue
        assert 1 <= int(shade) <= 4
        assert len(walk(alice, f"/library/history/?from={day}&to={day}")) == int(n)
    assert 'class="calendar"' not in read(alice, "/library/listening/?period=month&day=2026-11-20")


def test_the_first_of_a_ranking_have_pictures(alice, plays):
    page = read(alice, "/library/listening/?period=all")
    for entity in ("artist", "song"):
        panel = page.partition(f'id="top-{entity}"')[2].partition("</section>")[0]
        assert panel.count("<img") == panel.count("<li>") > 1
