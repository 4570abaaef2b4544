"""What a listener played: each number against a count in plain Python, for any period and time zone."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from catalog.listening import interactions
from catalog.listening.interactions import ListenEntry
from catalog.listening.periods import ALL_TIME, make_period, make_range
from catalog.models import Album, Artist, Genre, Interaction, Song
from catalog.statistics import charts, entity_totals, rank_changes, statistics, sums

pytestmark = pytest.mark.django_db
START = datetime(2024, 1, 1, tzinfo=UTC)
TODAY = date(2026, 2, 10)


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", time_zone="Australia/Lord_Howe")


@pytest.fixture(params=["joined", "kept"])
def plays(alice, request, monkeypatch) -> list[Interaction]:
    """Some 600 plays over two years of 24 songs by 6 artists on 8 albums; with and without kept entity totals."""
    if request.param == "kept":
        monkeypatch.setattr(entity_totals, "KEPT_FROM", 1)
    rng = Random(7)
    artists = [Artist.objects.create(name=f"Band {n}") for n in range(6)]
    albums = [Album.objects.create(title=f"Album {n}", artist=artists[n % 6]) for n in range(8)]
    genres = [Genre.objects.create(name=f"Genre {n}") for n in range(3)]
    songs = [
        Song.objects.create(
            key=f"s{n}",
            title=f"Song {n}",
            artist=artists[n % 6],
            album=albums[n % 8] if n % 5 else None,
        )
        for n in range(24)
    ]
    for n, song in enumerate(songs):
        song.genres.add(genres[n % 3])
    entries = [
        ListenEntry(
            songs[int(24 * rng.random() ** 2)],
            START + timedelta(minutes=rng.randrange(760 * 24 * 60)),
            played_ms=rng.choice([None, 200_000]),
            source=rng.choice(["one", "two"]),
        )
        for _ in range(600)
    ]
    interactions.record_listens(alice, entries, source="one")
    assert sums.refresh_everybody()
    assert (entity_totals.find_kept_year(alice, ALL_TIME) == 0) == (request.param == "kept")
    plays = Interaction.objects.filter(listener=alice, kind=0)
    return list(plays.select_related("song__artist", "song__album").order_by("occurred_at", "pk"))


PERIODS = [
    ALL_TIME,
    make_period("week", date(2025, 3, 5)),
    make_period("month", date(2025, 4, 7)),
    make_period("year", date(2025, 6, 1)),
    make_range(date(2024, 2, 29), date(2025, 10, 3)),
    make_range(date(2025, 1, 31), date(2025, 2, 1)),
    make_range(date(2025, 4, 1), date(2025, 5, 15)),
    make_range(date(2030, 1, 1), date(2030, 1, 2)),
]


def local_day(play: Interaction) -> date:
    return play.occurred_at.astimezone(ZoneInfo("Australia/Lord_Howe")).date()


def within(plays, period):
    if period.is_all:
        return plays
    return [play for play in plays if period.first <= local_day(play) < period.after]


def count(plays, entity) -> Counter:
    counted = Counter()
    for play in plays:
        ids = {
            "songs": [play.song_id],
            "artists": [play.song.artist_id],
            "albums": [play.song.album_id] if play.song.album_id else [],
            "genres": [genre.pk for genre in play.song.genres.all()],
        }[entity]
        counted.update(ids)
    return counted


@pytest.mark.parametrize("period", PERIODS, ids=str)
def test_rankings_are_those_of_a_direct_count(alice, plays, period):
    for entity in statistics.ENTITIES:
        expected = sorted(
            count(within(plays, period), entity).items(), key=lambda one: (-one[1], one[0])
        )
        assert statistics.rank(alice, entity, period, 100) == expected
        assert statistics.rank(alice, entity, period, 2, offset=1) == expected[1:3]
        assert statistics.count_ranked(alice, entity, period) == len(expected)
        summary = statistics.summarise(alice, period, 3)
        assert summary.tops[entity] == expected[:3]
        n_different = {"songs": summary.n_songs, "artists": summary.n_artists}
        assert n_different.get(entity, len(expected)) == len(expected)
        assert summary.discoveries == []


@pytest.mark.parametrize("period", PERIODS, ids=str)
def test_changes_of_rank_are_those_of_two_direct_counts(alice, plays, period):
    tops = statistics.summarise(alice, period, 20).tops
    changes = rank_changes.find_rank_changes(alice, period, tops)
    previous = period.get_previous()
    if previous is None:
        assert changes == {}
        return
    for entity, rows in tops.items():
        before = count(within(plays, previous), entity)
        ranks = sorted(before, key=lambda pk: (-before[pk], pk))
        assert {pk: change.n_places for pk, change in changes.get(entity, {}).items()} == {
            row.pk: ranks.index(row.pk) - rank if row.pk in before else None
            for rank, row in enumerate(rows)
        }


@pytest.mark.parametrize("period", PERIODS, ids=str)
def test_days_hours_sources_and_bars_are_those_of_a_direct_count(alice, plays, period):
    within_period = within(plays, period)
    days = statistics.load_days(alice, period)
    totals = statistics.sum_days(alice, period, days)
    measured = [play.played_ms for play in within_period if play.played_ms]
    assert totals == statistics.Totals(
        len(within_period),
        len(within_period),
        len(measured),
        sum(measured),
        len({local_day(play) for play in within_period}),
    )
    zone = ZoneInfo("Australia/Lord_Howe")
    hours = Counter(play.occurred_at.astimezone(zone).hour for play in within_period)
    assert statistics.sum_hours(days) == [hours[hour] for hour in range(24)]
    weekdays = Counter(local_day(play).weekday() for play in within_period)
    assert statistics.sum_weekdays(days) == [weekdays[day] for day in range(7)]
    assert dict(statistics.count_sources(alice, period)) == Counter(
        play.source for play in within_period
    )
    firsts = {}
    for play in plays:
        firsts.setdefault(play.song_id, play)
    bars = charts.build_bars(alice, period, days, TODAY)
    assert sum(bar.n_plays for bar in bars) == len(within_period)
    for bar in bars:
        assert bar.n_plays == len(within(plays, bar.period))
        assert bar.n_new == len(within(list(firsts.values()), bar.period))
    new = (
        {play.song_id for play in within(list(firsts.values()), period)}
        if not period.is_all
        else set()
    )
    discovered = Counter(play.song_id for play in within_period if play.song_id in new)
    expected = sorted(discovered.items(), key=lambda one: (-one[1], one[0]))
    assert statistics.summarise(alice, period, 1, 100).discoveries == expected
    first, last = statistics.find_first_and_last_play(alice, period)
    ends = (within_period[0], within_period[-1]) if within_period else (None, None)
    assert (first, last) == ends


def test_streaks_are_days_in_a_row_where_the_listener_is(alice):
    song = Song.objects.create(key="s", title="Song", artist=Artist.objects.create(name="Band"))
    noon = datetime(2026, 1, 1, 1, tzinfo=UTC)  # noon on the island
    for n in (0, 1, 2, 10, 11, 12, 13, 30, 31):
        interactions.record_play(alice, song, occurred_at=noon + timedelta(days=n), source="x")
    sums.refresh_sums(alice)
    longest, current = statistics.find_streaks(
        alice, date(2026, 2, 2)
    )  # the day after the last one
    assert (longest.first, longest.n_days) == (date(2026, 1, 11), 13 - 10 + 1)
    assert (current.first, current.n_days) == (date(2026, 1, 31), 2)
    assert statistics.find_streaks(alice, date(2026, 2, 3))[1] is None


@pytest.mark.parametrize("period", PERIODS, ids=str)
def test_the_calendar_holds_every_day_of_the_last_year_of_a_period(alice, plays, period):
    days = statistics.load_days(alice, period)
    calendar = charts.build_calendar(days, period, TODAY)
    if not calendar:
        first, last = period.first or days[0].day if days else TODAY, period.last or TODAY
        assert not days or (min(last, TODAY) - first).days < 45
        return
    dates = [one.day for one in calendar]
    assert dates == [dates[0] + timedelta(days=n) for n in range(len(dates))]
    assert dates[-1] == min(period.last or TODAY, TODAY)
    assert max(one.week for one in calendar) < charts.CALENDAR_WEEKS
    counted = Counter(local_day(play) for play in within(plays, period))
    assert [one.n_plays for one in calendar] == [counted[day] for day in dates]
    by_plays = sorted(calendar, key=lambda one: one.n_plays)
    assert [one.shade for one in by_plays] == sorted(one.shade for one in calendar)
    assert all((one.shade == 0) == (one.n_plays == 0) for one in calendar)
