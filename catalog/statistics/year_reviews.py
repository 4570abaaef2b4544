"""A year's review as a picture: private, until its listener makes a link that anybody may open, and takes it back."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.listening.periods import Period
from catalog.songs.models import Artist, Genre, Song
from catalog.statistics import statistics
from catalog.statistics.statistics import Ranked

N_ROWS = 5
FIRST_YEAR, LAST_YEAR = 1970, 9998


class SharedReview(models.Model):
    """The link to a listener's review of a year."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    year = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("shared year's review")
        verbose_name_plural = _("shared years' reviews")
        constraints = [
            models.UniqueConstraint(fields=["listener", "year"], name="shared_review_once_a_year")
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} {self.year}"


@dataclass(frozen=True)
class YearReview:
    """What a year came to: names with how often they were played, and the plays of its months."""

    name: str
    year: int
    n_plays: int
    n_songs: int
    n_artists: int
    n_new: int
    n_days: int
    artists: list[tuple[str, int]]
    songs: list[tuple[str, int]]
    genres: list[tuple[str, int]]
    months: list[int]


def build_review(listener: User, period: Period) -> YearReview:
    """Return the review of a year; call `sums.refresh_sums` first."""
    days = statistics.load_days(listener, period)
    totals = statistics.sum_days(listener, period, days)
    summary = statistics.summarise(listener, period, N_ROWS)
    months = [sum(day.n_plays for day in days if day.day.month == month) for month in range(1, 13)]
    return YearReview(
        name=listener.get_username(),
        year=period.first.year if period.first else 0,
        n_plays=totals.n_plays,
        n_songs=summary.n_songs,
        n_artists=summary.n_artists,
        n_new=statistics.count_new_songs(listener, [period])[0],
        n_days=totals.n_days,
        artists=_name_top(Artist.objects.values_list("pk", "name"), summary.tops["artists"]),
        songs=_name_top(Song.objects.values_list("pk", "title"), summary.tops["songs"]),
        genres=_name_top(Genre.objects.values_list("pk", "name"), summary.tops["genres"]),
        months=months,
    )


def find_link(listener: User, year: int) -> SharedReview | None:
    """Return the link to the listener's year, if there is one."""
    return SharedReview.objects.filter(listener=listener, year=year).first()


def share_review(listener: User, year: int) -> SharedReview:
    """Make the link to a year, or return the one there is."""
    return SharedReview.objects.get_or_create(listener=listener, year=year)[0]


def revoke_link(listener: User, year: int) -> None:
    """Take the link back: its address leads nowhere from now on, also after a new one is made."""
    SharedReview.objects.filter(listener=listener, year=year).delete()


def _name_top(rows: models.QuerySet[Any], ranked: Sequence[Ranked]) -> list[tuple[str, int]]:
    names = dict(rows.filter(pk__in=[one.pk for one in ranked]))
    return [(names[one.pk], one.n_plays) for one in ranked if one.pk in names]
