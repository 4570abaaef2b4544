"""Many rows at once, on the database of the test run: by COPY on PostgreSQL from 500 rows on."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, DataError, connection, transaction

from accounts.models import User
from catalog.listening.sum_tables import DayTotal, OutdatedMonth
from catalog.models import Artist, Interaction, Song
from common import bulk_sql
from common.bulk_sql import insert_rows, make_moment_converter

FIELDS = ("listener", "song", "kind", "plays", "played_ms", "occurred_at", "source")
NOTHING = "ON CONFLICT DO NOTHING"
START = 1_700_000_000


@pytest.fixture
def pair(db) -> tuple[int, int]:
    song = Song.objects.create(key="s", title="One", artist=Artist.objects.create(name="Any"))
    return User.objects.create_user("alice").pk, song.pk


def build_rows(pair: tuple[int, int], n: int, first: int = 0) -> list[tuple]:
    convert = make_moment_converter()
    return [
        (
            *pair,
            Interaction.Kind.PLAY,
            1,
            None if n % 2 else 200_000 + n,
            convert(START + 600 * n),
            "t",
        )
        for n in range(first, first + n)
    ]


@pytest.mark.parametrize("n", [499, 500, 2_500])
def test_rows_are_written_as_they_are_and_counted(pair, n):
    assert insert_rows(Interaction, FIELDS, build_rows(pair, n), NOTHING) == n
    stored = Interaction.objects.order_by("occurred_at")
    assert [one.played_ms for one in stored] == [None if i % 2 else 200_000 + i for i in range(n)]
    assert [int(one.occurred_at.timestamp()) for one in stored] == [
        START + 600 * i for i in range(n)
    ]
    assert {(one.kind, one.plays, one.source) for one in stored} == {(0, 1, "t")}


def test_only_what_the_conflict_clause_lets_in_is_counted(pair):
    insert_rows(Interaction, FIELDS, build_rows(pair, 600), NOTHING)
    again = build_rows(pair, 800, first=400)
    assert insert_rows(Interaction, FIELDS, again, NOTHING) == 800 - (600 - 400)
    assert Interaction.objects.count() == 400 + 800


def test_rows_of_one_chunk_are_not_those_of_the_next(pair):
    for first in (0, 700, 1_400):
        assert insert_rows(Interaction, FIELDS, build_rows(pair, 700, first), NOTHING) == 700
    assert Interaction.objects.count() == 3 * 700


def test_what_is_there_is_changed_as_the_clause_says(pair):
    months = [(pair[0], date(1900 + n // 12, n % 12 + 1, 1), 1) for n in range(600)]
    fields = ("listener", "month", "n_changes")
    clause = (
        "ON CONFLICT (listener_id, month) DO UPDATE "
        "SET n_changes = catalog_outdatedmonth.n_changes + excluded.n_changes"
    )
    if connection.vendor == "sqlite":
        months = [(listener, str(month), n) for listener, month, n in months]
    for _ in range(2):
        assert insert_rows(OutdatedMonth, fields, months, clause) == 600
    assert set(OutdatedMonth.objects.values_list("n_changes", flat=True)) == {1 + 1}


def test_a_value_that_is_missing_is_an_error_and_nothing_is_written(pair):
    rows = build_rows(pair, 600)
    rows[300] = (*rows[300][:2], None, *rows[300][3:])
    with pytest.raises(DatabaseError), transaction.atomic():
        insert_rows(Interaction, FIELDS, rows, NOTHING)
    assert not Interaction.objects.exists()


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="on PostgreSQL only: SQLite's columns take any text"
)
@pytest.mark.parametrize("source", ["t" * 1_000, "\0"])
def test_a_value_that_the_column_does_not_take_is_an_error_of_the_database(pair, source):
    """Callers catch the errors of `django.db`, whichever way the rows take."""
    rows = build_rows(pair, 600)
    rows[300] = (*rows[300][:-1], source)
    with pytest.raises(DataError), transaction.atomic():
        insert_rows(Interaction, FIELDS, rows, NOTHING)
    assert not Interaction.objects.exists()


def test_json_stays_json(pair, monkeypatch):
    monkeypatch.setattr(bulk_sql, "FEWEST_COPIED", 1)
    fields = ("listener", "day", "n_plays", "n_measured", "played_ms", "hours")
    insert_rows(DayTotal, fields, [(pair[0], "2026-01-01", 3, 0, 0, "[3, 0]")], "")
    assert DayTotal.objects.get().hours == [3, 0]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="on PostgreSQL already")
def test_moments_are_written_as_django_writes_them():
    convert = bulk_sql.make_moment_converter()
    first, last = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999
    for seconds in (first, -86_401, -1, 0, 1, 86_399, 86_400, 1_709_210_096, last):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        assert convert(seconds) == connection.ops.adapt_datetimefield_value(moment)
    assert convert(None) is None
