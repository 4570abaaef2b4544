"""Kept sums are what a direct count of the plays says, whatever added, removed or moved plays."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from catalog.curation.merge import merge_songs
from catalog.imports import import_jobs, import_undo
from catalog.listening import interactions, library
from catalog.listening.interactions import ListenEntry
from catalog.listening.sum_tables import (
    UNTIMED,
    DayTotal,
    OutdatedMonth,
    SongMonth,
    SongTotal,
    SourceMonth,
)
from catalog.models import Artist, Interaction, Song
from catalog.statistics import sums
from musicrec_site.ops.doctor import examine_installation

pytestmark = pytest.mark.django_db(transaction=True)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def songs() -> list[Song]:
    artist = Artist.objects.create(name="Lola Berg")
    return [
        Song.objects.create(key=f"s{n}", title=f"Song {n}", artist=artist, duration_ms=200_000)
        for n in range(6)
    ]


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", time_zone="America/New_York")


def count_directly(listener: User) -> dict:
    """Return what the tables must hold, from the rows and Python's calendar alone."""
    zone = ZoneInfo(listener.time_zone or "UTC")
    months, totals, days, hours, sources, spans = (Counter() for _ in range(6))
    spans = {}
    for row in Interaction.objects.filter(listener=listener, kind=0):
        local = row.occurred_at and row.occurred_at.astimezone(zone)
        month = local.date().replace(day=1) if local else UNTIMED
        months[row.song_id, month] += row.plays
        totals[row.song_id] += row.plays
        sources[month, row.source] += row.plays
        if local:
            days[local.date()] += row.plays
            hours[local.date(), local.hour] += row.plays
            first, last = spans.get(row.song_id, (row.occurred_at, row.occurred_at))
            spans[row.song_id] = min(first, row.occurred_at), max(last, row.occurred_at)
    return {
        "months": months,
        "totals": totals,
        "days": days,
        "hours": hours,
        "sources": sources,
        "spans": spans,
    }


def read_kept(listener: User) -> dict:
    days = DayTotal.objects.filter(listener=listener)
    totals = SongTotal.objects.filter(listener=listener)
    rows = SongMonth.objects.filter(listener=listener).values_list("song_id", "month", "n_plays")
    sources = SourceMonth.objects.filter(listener=listener).values_list(
        "month", "source", "n_plays"
    )
    return {
        "months": Counter({(song, month): n for song, month, n in rows}),
        "totals": Counter(dict(totals.values_list("song_id", "n_plays"))),
        "days": Counter(dict(days.values_list("day", "n_plays"))),
        "hours": Counter(
            {(one.day, hour): n for one in days for hour, n in enumerate(one.hours) if n}
        ),
        "sources": Counter({(month, source): n for month, source, n in sources}),
        "spans": {one.song_id: (one.first_at, one.last_at) for one in totals if one.first_at},
    }


def assert_right(listener: User) -> None:
    assert sums.refresh_sums(listener) == 0
    assert read_kept(listener) == count_directly(listener)


def hear(listener: User, song: Song, moment: datetime, **more) -> Interaction:
    return interactions.record_play(listener, song, occurred_at=moment, source="player", **more)[0]


def write_history(folder, moments: list[datetime], title: str = "Song 1"):
    lines = [f"Lola Berg,,{title},{moment:%d %b %Y %H:%M}" for moment in moments]
    file = folder / f"history-{len(moments)}-{title}.csv"
    file.write_text("artist,album,track,date\n" + "\n".join(lines) + "\n")
    return file


def test_a_play_counts_where_the_listener_is(alice, songs):
    hear(
        alice, songs[0], NEW_YEAR + timedelta(hours=4, minutes=59)
    )  # 23:59 in New York, still 2025
    hear(alice, songs[0], NEW_YEAR + timedelta(hours=5, minutes=1))
    assert_right(alice)
    kept = read_kept(alice)
    assert kept["months"] == {
        (songs[0].pk, date(2025, 12, 1)): 1,
        (songs[0].pk, date(2026, 1, 1)): 1,
    }
    assert kept["hours"] == {(date(2025, 12, 31), 23): 1, (date(2026, 1, 1), 0): 1}


def test_another_time_zone_moves_plays_to_its_days(alice, songs):
    for hours in range(0, 60 * 24, 7):
        hear(alice, songs[hours % 6], NEW_YEAR + timedelta(hours=hours, minutes=hours % 60))
    assert_right(alice)
    alice.time_zone = "Asia/Kathmandu"  # five hours and three quarters ahead
    alice.save()
    assert_right(alice)


@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 11, 1)])
def test_days_of_the_clock_change_have_23_and_25_hours(alice, songs, day):
    start = datetime.combine(day - timedelta(days=1), datetime.min.time(), UTC)
    for quarters in range(3 * 96):
        hear(alice, songs[quarters % 6], start + timedelta(minutes=15 * quarters))
    assert_right(alice)
    n_hours = {date(2026, 3, 8): 23, date(2026, 11, 1): 25}[day]
    assert DayTotal.objects.get(listener=alice, day=day).n_plays == n_hours * 4


def test_every_way_that_plays_come_and_go_is_counted(alice, songs, tmp_path):
    hear(alice, songs[0], NEW_YEAR)
    kept = hear(alice, songs[1], NEW_YEAR + timedelta(days=40), played_ms=180_000)
    hear(alice, songs[1], NEW_YEAR + timedelta(days=41), played_ms=1_000)  # a skip
    interactions.like_song(alice, songs[2], source="page")
    assert_right(alice)
    batch = [ListenEntry(songs[n % 6], NEW_YEAR + timedelta(days=n)) for n in range(90)]
    interactions.record_listens(alice, batch, source="player")
    assert_right(alice)
    moments = [NEW_YEAR + timedelta(days=3 * n, hours=3) for n in range(50)]
    run = import_jobs.import_file(write_history(tmp_path, moments), "history", listener=alice)
    assert run.n_added == len(moments)
    assert_right(alice)
    assert interactions.delete_interaction(alice, kept.pk)
    assert_right(alice)
    removed = library.remove_listens(alice, library.list_day(alice, date(2026, 1, 10)))
    assert removed
    assert_right(alice)
    library.restore_listens(alice, removed)
    assert_right(alice)
    merge_songs(songs[0], [songs[1], songs[2]])
    assert_right(alice)
    songs[3].delete()
    assert_right(alice)
    import_undo.undo_import(run)
    assert_right(alice)
    for play in Interaction.objects.for_listener(alice).filter(song=songs[4]):
        interactions.delete_interaction(alice, play.pk)
    assert_right(alice)
    interactions.delete_all_interactions(alice)
    assert_right(alice)
    assert not read_kept(alice)["months"]


def test_counts_without_times_are_in_all_time_only(alice, songs, tmp_path):
    file = tmp_path / "counts.csv"
    file.write_text(
        "listener,song_id,kind,plays\nalice,s0,play,7\nalice,s0,play,5\nalice,s1,play,2\n"
    )
    import_jobs.import_file(file, "listens", "csv")
    assert_right(alice)
    assert read_kept(alice)["totals"] == {songs[0].pk: 7 + 5, songs[1].pk: 2}
    assert not read_kept(alice)["days"]


def test_a_deleted_account_takes_its_sums_and_corrects_those_of_others(alice, songs, tmp_path):
    bob = User.objects.create_user("bob")
    hear(bob, songs[0], NEW_YEAR)
    hear(alice, songs[0], NEW_YEAR)
    assert_right(alice)
    assert_right(bob)
    from accounts.services import delete_account

    pk = alice.pk
    delete_account(alice)
    for table in (*sums.SUM_TABLES, OutdatedMonth):
        assert not table.objects.filter(listener=pk).exists()
    assert_right(bob)


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_never_leave_a_wrong_sum(alice, songs, seed):
    rng = Random(seed)
    for _ in range(60):
        moment = NEW_YEAR + timedelta(minutes=15 * rng.randrange(96 * 100))
        rows = list(Interaction.objects.filter(listener=alice))
        if rng.random() < 0.7 or not rows:
            hear(alice, rng.choice(songs), moment, played_ms=rng.choice([None, 5_000, 150_000]))
        else:
            interactions.delete_interaction(alice, rng.choice(rows).pk)
        if rng.random() < 0.1:
            alice.time_zone = rng.choice(["Asia/Tokyo", "UTC", "America/St_Johns"])
            alice.save()
        if rng.random() < 0.4:
            assert_right(alice)
    assert_right(alice)


def test_counting_stops_in_time_and_goes_on(alice, songs):
    for month in range(12):
        hear(alice, songs[0], NEW_YEAR + timedelta(days=30 * month + 15))
    n_waiting = sums.refresh_sums(alice, max_seconds=0.0)
    assert n_waiting == OutdatedMonth.objects.filter(listener=alice).count() == 12
    assert sums.refresh_everybody()
    assert read_kept(alice) == count_directly(alice)


def test_the_command_and_the_doctor_find_what_was_written_past_the_program(alice, songs, capsys):
    hear(alice, songs[0], NEW_YEAR)
    assert_right(alice)
    call_command("rebuild_statistics", "--check")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_songtotal SET n_plays = 41")
    with pytest.raises(CommandError, match="1 listener differs"):
        call_command("rebuild_statistics", "--check")
    finding = next(one for one in examine_installation() if one.name == "statistics")
    assert (finding.status, "alice" in finding.detail) == ("degraded", True)
    call_command("rebuild_statistics", "--listener", "alice")
    assert_right(alice)
    call_command("rebuild_statistics", "--check")
