"""Days and times are the listener's own: around midnight and on the days of the clock change."""

from datetime import UTC, datetime

import pytest

from accounts.models import User
from catalog.models import Interaction


def hear(song, moment: datetime, listener: str = "alice") -> Interaction:
    user = User.objects.get(username=listener)
    return Interaction.objects.create(
        listener=user, song=song, kind=0, source="x", occurred_at=moment
    )


def set_zone(zone: str) -> User:
    User.objects.filter(username="alice").update(time_zone=zone)
    return User.objects.get(username="alice")


def test_a_play_after_midnight_is_on_the_day_that_began_where_the_listener_is(alice, world):
    hear(world.songs[0], datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    set_zone("Asia/Tokyo")  # nine hours ahead: half past eight on the next morning
    page = alice.get("/library/history/").content.decode()
    assert "21 Nov 2026" in page and "08:30" in page
    set_zone("America/New_York")  # five hours behind: half past six in the evening
    page = alice.get("/library/history/").content.decode()
    assert "20 Nov 2026" in page and "18:30" in page


@pytest.mark.parametrize(
    ("day", "inside", "outside"),
    [
        # 29 March 2026 has 23 hours in Berlin: 23:00 UTC the day before to 22:00 UTC
        (
            "2026-03-29",
            ["2026-03-28T23:00", "2026-03-29T21:59"],
            ["2026-03-28T22:59", "2026-03-29T22:00"],
        ),
        # 25 October 2026 has 25 hours: 22:00 UTC the day before to 23:00 UTC
        (
            "2026-10-25",
            ["2026-10-24T22:00", "2026-10-25T22:59"],
            ["2026-10-24T21:59", "2026-10-25T23:00"],
        ),
    ],
)
def test_a_day_of_the_clock_change_is_removed_whole_and_alone(alice, world, day, inside, outside):
    set_zone("Europe/Berlin")
    moments = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (*inside, *outside)]
    rows = [hear(song, moment) for song, moment in zip(world.songs, moments, strict=False)]
    alice.post("/library/history/forget-day/", {"day": day})
    left = set(Interaction.objects.filter(kind=0).values_list("pk", flat=True))
    assert left == {row.pk for row in rows[len(inside) :]}


def test_the_browser_names_the_zone_once_and_the_listener_has_the_last_word(alice, world):
    hear(world.songs[0], datetime(2026, 11, 20, 23, 30, tzinfo=UTC))
    alice.cookies["time_zone"] = "Europe/Berlin"
    alice.get("/library/")
    assert User.objects.get(username="alice").time_zone == "Europe/Berlin"
    form = {"theme": "system", "language": "", "email": "", "time_zone": "Pacific/Auckland"}
    assert alice.post("/settings/", form).status_code == 302
    alice.get("/library/")  # the browser still says Berlin
    assert User.objects.get(username="alice").time_zone == "Pacific/Auckland"
    assert "Pacific/Auckland" in alice.get("/library/history/").content.decode()


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "\x00", "a" * 4000, "posix/UTC"]
)
def test_what_is_no_zone_counts_for_nothing(alice, name):
    alice.cookies["time_zone"] = name
    assert alice.get("/library/history/").status_code == 200
    assert User.objects.get(username="alice").time_zone == ""
    form = {"theme": "system", "language": "", "email": "", "time_zone": name}
    alice.post("/settings/", form)
    assert User.objects.get(username="alice").time_zone == ""


def test_who_signs_up_has_the_zone_of_the_browser(client, db):
    client.cookies["time_zone"] = "Asia/Kolkata"
    form = {"username": "trillian", "password": "so-many-words-2", "email": ""}
    assert client.post("/signup/", form).status_code == 302
    assert User.objects.get(username="trillian").time_zone == "Asia/Kolkata"


def test_one_listeners_zone_does_not_stay_for_the_next(alice, bob, world, settings):
    set_zone("Asia/Tokyo")
    moment = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    hear(world.songs[0], moment, "bob")
    alice.get("/library/history/")
    assert "23:30" in bob.get("/library/history/").content.decode()
    settings.TIME_ZONE = "America/New_York"  # the site's counts for who has named none
    assert "18:30" in bob.get("/library/history/").content.decode()
