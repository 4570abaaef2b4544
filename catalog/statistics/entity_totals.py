"""Kept sums by artist, album and genre, of listeners of many songs: their top lists need no join of all their songs.

Where few songs were heard the join takes milliseconds, and nothing is kept. Counting a month adds what changed
(`add_changes`). What is kept is used only while it is true: a song's new artist, album or genre is noted by a trigger
(`regrouping_triggers`), a deleted song shows by the number of plays, and a task counts anew, a year a transaction.
Until then rankings are joined from the songs, as for everybody else.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, Min, QuerySet, Sum

from accounts.models import User
from catalog.listening.periods import Period
from catalog.listening.sum_tables import (
    UNTIMED,
    EntityTotal,
    ListeningSums,
    RegroupedSong,
    SongMonth,
    SongTotal,
)
from catalog.songs.models import Song
from common.bulk_sql import VALUES_A_QUERY, cut_chunks, insert_rows

Entity, Entities = EntityTotal.Entity, ListeningSums.Entities

KEPT_FROM = 5_000
"""Songs of a listener from which on entity totals are kept."""
MOST_MONTHS = 12
"""With more months to be counted at once everything is counted anew: that is quicker than adding what changed."""
MOST_CHANGED = 900
"""With so many regrouped songs that a task has not followed yet, no totals are used."""
ALL_TIME = 0
"""The year of all time."""
_FIELDS = ("listener", "year", "entity", "entity_id", "n_plays")
_ADD = (
    "ON CONFLICT (listener_id, year, entity, entity_id) "
    "DO UPDATE SET n_plays = catalog_entitytotal.n_plays + excluded.n_plays"
)
_INSERT = "INSERT INTO catalog_entitytotal (listener_id, year, entity, entity_id, n_plays) "
_BY_GROUP = {
    Entity.ARTIST: (
        "song.artist_id",
        "JOIN catalog_song AS song ON song.id = plays.song_id",
    ),
    Entity.ALBUM: (
        "song.album_id",
        "JOIN catalog_song AS song ON song.id = plays.song_id AND song.album_id IS NOT NULL",
    ),
    Entity.GENRE: (
        "tag.genre_id",
        "JOIN catalog_song_genres AS tag ON tag.song_id = plays.song_id",
    ),
}


# --- What is read -----------------------------------------------------------------------------------------------------


def find_kept_year(listener: User, period: Period, entity: int | None = None) -> int | None:
    """Return the year whose totals are those of the period, 0 for all time; None where none are kept or true.

    One statement, and none for periods that are no year, nor for songs of all time, which are kept of everybody. Totals
    that hold plays of deleted songs are outdated then.
    """
    year = _get_year(period)
    if year is None or (year == ALL_TIME and entity == Entity.SONG):
        return year
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH changed AS (SELECT song_id FROM catalog_regroupedsong ORDER BY id LIMIT %s) "
            "SELECT kept.n_entity_plays = "
            "(SELECT COALESCE(SUM(n_plays), 0) FROM catalog_songtotal WHERE listener_id = %s), "
            "(SELECT COUNT(*) FROM changed) = %s OR EXISTS (SELECT 1 FROM changed "
            "JOIN catalog_songtotal AS total ON total.song_id = changed.song_id AND total.listener_id = %s) "
            "FROM catalog_listeningsums AS kept WHERE kept.listener_id = %s AND kept.entities = %s",
            [MOST_CHANGED, listener.pk, MOST_CHANGED, listener.pk, listener.pk, int(Entities.KEPT)],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    is_whole, is_regrouped = row
    if not is_whole:
        mark_outdated(listener)
    return year if is_whole and not is_regrouped else None


def rank(listener: User, entity: int, year: int, n: int, offset: int = 0) -> list[tuple[int, int]]:
    """Return ids and plays of the most played songs, artists, albums or genres of a year, or of all time."""
    rows, column = _select_totals(listener, entity, year)
    page = rows.order_by("-n_plays", column).values_list(column, "n_plays")
    return list(page[offset : offset + n])


def rank_new_songs(
    listener: User, year: int, moments: Sequence[Any], n: int
) -> list[tuple[int, int]]:
    """Return ids and plays in a year of the most played songs whose first play ever is between two moments.

    The moments are as the database has them.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT own.entity_id, own.n_plays FROM catalog_songtotal AS total "
            "JOIN catalog_entitytotal AS own ON own.listener_id = total.listener_id AND own.year = %s "
            "AND own.entity = %s AND own.entity_id = total.song_id "
            "WHERE total.listener_id = %s AND total.first_at >= %s AND total.first_at < %s "
            "ORDER BY own.n_plays DESC, own.entity_id LIMIT %s",
            [year, int(Entity.SONG), listener.pk, *moments, n],
        )
        return [(pk, n_plays) for pk, n_plays in cursor.fetchall()]


def count(listener: User, entity: int, year: int) -> int:
    """Return how many different songs, artists, albums or genres were played in a year, or in all time."""
    return _select_totals(listener, entity, year)[0].count()


def _select_totals(listener: User, entity: int, year: int) -> tuple[QuerySet[Any], str]:
    """Return the totals, and the column of their ids."""
    if entity == Entity.SONG and year == ALL_TIME:
        return SongTotal.objects.filter(listener=listener), "song_id"
    return EntityTotal.objects.filter(listener=listener, year=year, entity=entity), "entity_id"


def _get_year(period: Period) -> int | None:
    if period.is_all:
        return ALL_TIME
    first, after = period.first, period.after
    if first is None or after is None or first.year < 2:
        return None
    is_year = (first.month, first.day) == (1, 1) and after == date(first.year + 1, 1, 1)
    return first.year if is_year else None


def find_wrong(listeners: QuerySet[User]) -> set[int]:
    """Return the ids of listeners whose kept totals of artists are not as many plays as they should be."""
    kept = ListeningSums.objects.filter(listener__in=listeners, entities=Entities.KEPT)
    wanted = dict(kept.values_list("listener_id", "n_entity_plays"))
    artists = EntityTotal.objects.filter(
        listener__in=kept.values("listener"), year=ALL_TIME, entity=Entity.ARTIST
    )
    counted = dict(artists.order_by().values_list("listener_id").annotate(n=Sum("n_plays")))
    return {pk for pk, n_plays in wanted.items() if counted.get(pk, 0) != n_plays}


# --- Months that are counted ------------------------------------------------------------------------------------------


def mark_outdated(listener: User) -> None:
    """Have the totals of a listener counted anew, where there are any."""
    rows = ListeningSums.objects.filter(listener=listener, entities__gt=Entities.OUTDATED)
    rows.update(entities=Entities.OUTDATED)


def keep_where_many(listener: User) -> None:
    """Ask for totals where a listener has many songs and none yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalog_listeningsums SET entities = %s WHERE listener_id = %s AND entities = %s "
            "AND (SELECT COUNT(*) FROM catalog_songtotal WHERE listener_id = %s) >= %s",
            [int(Entities.OUTDATED), listener.pk, int(Entities.NONE), listener.pk, KEPT_FROM],
        )


def add_changes(sums: ListeningSums, month: date, changes: Mapping[int, int]) -> None:
    """Add how many plays of each song a month has more than before; the row of sums is locked by the caller.

    A count that goes on meanwhile has to begin anew.
    """
    if sums.entities == Entities.COUNTING:
        ListeningSums.objects.filter(pk=sums.pk).update(entities=Entities.OUTDATED)
    if sums.entities != Entities.KEPT or not any(changes.values()):
        return
    by_entity = _group_changes(changes)
    years = (ALL_TIME,) if month == UNTIMED else (ALL_TIME, month.year)
    rows = [
        (sums.pk, year, entity, entity_id, n)
        for year in years
        for entity, counts in by_entity.items()
        if year or entity != Entity.SONG
        for entity_id, n in sorted(counts.items())
        if n
    ]
    insert_rows(EntityTotal, _FIELDS, rows, _ADD)
    if any(n < 0 for n in changes.values()):
        gone = EntityTotal.objects.filter(listener=sums.pk, year__in=years, n_plays__lte=0)
        gone._raw_delete(using=gone.db)
    ListeningSums.objects.filter(pk=sums.pk).update(
        n_entity_plays=F("n_entity_plays") + sum(changes.values())
    )


def _group_changes(changes: Mapping[int, int]) -> dict[int, Counter[int]]:
    by_entity: dict[int, Counter[int]] = {entity.value: Counter() for entity in Entity}
    by_entity[Entity.SONG].update(changes)
    for ids in cut_chunks(changes):
        songs = Song.objects.filter(pk__in=ids).order_by()
        for pk, artist_id, album_id in songs.values_list("pk", "artist_id", "album_id"):
            by_entity[Entity.ARTIST][artist_id] += changes[pk]
            if album_id is not None:
                by_entity[Entity.ALBUM][album_id] += changes[pk]
        tags = Song.genres.through.objects.filter(song__in=ids).order_by()
        for pk, genre_id in tags.values_list("song_id", "genre_id"):
            by_entity[Entity.GENRE][genre_id] += changes[pk]
    return by_entity


# --- What a task does -------------------------------------------------------------------------------------------------


def refresh_everybody(*, max_seconds: float = float("inf")) -> bool:
    """Follow songs that got another artist, album or genre, and count what is outdated; return whether all is done."""
    end = time.monotonic() + max_seconds
    while time.monotonic() < end:
        if not (_follow_songs() or _count_next()):
            return True
    return False


def _follow_songs() -> bool:
    """Have the totals of listeners of some regrouped songs counted anew; return whether there were any.

    Rows are deleted by their ids: of lower ones some may be in transactions that go on.
    """
    rows = list(RegroupedSong.objects.order_by("pk").values_list("pk", "song_id")[:VALUES_A_QUERY])
    if not rows:
        return False
    with transaction.atomic():
        heard = SongTotal.objects.filter(song__in={song_id for _pk, song_id in rows})
        # totals that are outdated already are counted later, from these songs as they are now
        kept = ListeningSums.objects.filter(entities__gt=Entities.OUTDATED).order_by()
        listener_ids = [
            pk for pk in kept.values_list("pk", flat=True) if heard.filter(listener=pk).exists()
        ]
        kept.filter(pk__in=listener_ids).update(entities=Entities.OUTDATED)
        RegroupedSong.objects.filter(pk__in=[pk for pk, _song_id in rows]).delete()
    return True


def _count_next() -> bool:
    waiting = ListeningSums.objects.filter(
        entities__in=[Entities.OUTDATED, Entities.COUNTING]
    ).order_by("entities", "pk")
    sums = waiting.select_related("listener").first()
    if sums is None:
        return False
    count_entities(sums.listener)
    return True


def count_entities(listener: User) -> None:
    """Count a listener's totals anew, a year a transaction; nothing where they are kept or not wanted.

    What changes meanwhile leaves them outdated, and they are counted once more.
    """
    totals = SongTotal.objects.filter(listener=listener)
    with transaction.atomic():
        n_plays = _sum_plays(listener)
        is_many = totals.count() >= KEPT_FROM
        wanted = ListeningSums.objects.filter(
            listener=listener, entities__in=[Entities.OUTDATED, Entities.COUNTING]
        )
        if not wanted.update(entities=Entities.COUNTING if is_many else Entities.NONE):
            return
        counted = EntityTotal.objects.filter(listener=listener)
        years = set(counted.order_by().values_list("year", flat=True).distinct())
        if not is_many:
            counted._raw_delete(using=counted.db)
            return
    for year in sorted(years | {ALL_TIME, *_list_years(listener)}):
        with transaction.atomic():
            if _lock_counting(listener) is None:
                return
            _count_year(listener, year)
    with transaction.atomic():
        sums = _lock_counting(listener)
        if sums is not None:
            is_true = n_plays == _sum_plays(listener)
            sums.entities = Entities.KEPT if is_true else Entities.OUTDATED
            sums.n_entity_plays = n_plays
            sums.save(update_fields=["entities", "n_entity_plays"])


def _lock_counting(listener: User) -> ListeningSums | None:
    rows = ListeningSums.objects.filter(listener=listener, entities=Entities.COUNTING)
    return rows.select_for_update().first()


def _sum_plays(listener: User) -> int:
    return SongTotal.objects.filter(listener=listener).aggregate(n=Sum("n_plays"))["n"] or 0


def _list_years(listener: User) -> Iterator[int]:
    months = SongMonth.objects.filter(listener=listener).exclude(month=UNTIMED)
    span = months.aggregate(first=Min("month"), last=Max("month"))
    if span["first"] is not None:
        yield from range(span["first"].year, span["last"].year + 1)


def _count_year(listener: User, year: int) -> None:
    rows = EntityTotal.objects.filter(listener=listener, year=year)
    rows._raw_delete(using=rows.db)
    own = "entity_id AS song_id, n_plays FROM catalog_entitytotal WHERE listener_id = %s AND year = %s AND entity = %s"
    values: list[Any] = [listener.pk, year, int(Entity.SONG)]
    with connection.cursor() as cursor:
        if year == ALL_TIME:
            own = "song_id, n_plays FROM catalog_songtotal WHERE listener_id = %s"
            values = [listener.pk]
        else:
            adapt = connection.ops.adapt_datefield_value
            cursor.execute(
                f"{_INSERT} SELECT %s, %s, %s, song_id, SUM(n_plays) FROM catalog_songmonth "  # noqa: S608
                "WHERE listener_id = %s AND month >= %s AND month < %s GROUP BY song_id",
                [
                    *(listener.pk, year, int(Entity.SONG), listener.pk),
                    *(adapt(date(year, 1, 1)), adapt(date(year + 1, 1, 1))),
                ],
            )
        for entity, (column, join) in _BY_GROUP.items():
            cursor.execute(
                f"{_INSERT} SELECT %s, %s, %s, {column}, SUM(plays.n_plays) "  # noqa: S608
                f"FROM (SELECT {own}) AS plays {join} GROUP BY {column}",
                [listener.pk, year, int(entity), *values],
            )
