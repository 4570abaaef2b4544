"""Figures over whole tables: counted when asked for on a small site, by a worker every half hour on a large one.

A page never reads a large table for a figure: it takes what a worker counted last, and says of when it is.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core.cache import cache
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SMALL_TABLE = 200_000
"""So many rows are counted within a request."""
SIZE_SECONDS = 60
_MEASURED = ("catalog_interaction", "accounts_user", "catalog_song")


class KeptFigure(models.Model):
    """What was counted over a whole table, and when."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.JSONField(encoder=DjangoJSONEncoder)
    counted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("kept figure")
        verbose_name_plural = _("kept figures")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Figure:
    """A figure's name and how it is counted: `count` returns what JSON can say, moments included."""

    name: str
    count: Callable[[], Any]


class Counted(NamedTuple):
    """A figure's value and when it was counted; both None where a worker has not counted it yet."""

    value: Any
    at: datetime | None


def read_figure(figure: Figure, cache_seconds: float = 0) -> Counted:
    """Return a figure: counted at most `cache_seconds` ago on a small site, else as a worker counted it last.

    One query on a large site, and one a minute that finds out whether it is one.
    """
    if not is_small_site():
        kept = KeptFigure.objects.filter(name=figure.name).first()
        return Counted(kept.value, kept.counted_at) if kept else Counted(None, None)
    if not cache_seconds:
        return Counted(_count(figure), timezone.now())
    counted = cache.get_or_set(
        _make_key(figure),
        lambda: Counted(_count(figure), timezone.now()),
        cache_seconds,
    )
    return counted or Counted(None, None)


def clear_cached(figure: Figure) -> None:
    """Have a figure of a small site counted anew at its next reading, in every process of this cache."""
    cache.delete(_make_key(figure))


def count_figure(figure: Figure) -> None:
    """Count a figure and keep it; reads a whole table."""
    counted = {"value": figure.count(), "counted_at": timezone.now()}
    KeptFigure.objects.update_or_create(name=figure.name, defaults=counted)


def is_small_site() -> bool:
    """Return whether no table that figures are counted over is large, by its newest row; kept for a minute."""
    is_small = cache.get("figures:small")
    if is_small is None:
        newest = ", ".join(
            f"(SELECT MAX(id) FROM {table})"  # noqa: S608 (names of our tables)
            for table in _MEASURED
        )
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {newest}")
            is_small = all((pk or 0) <= SMALL_TABLE for pk in cursor.fetchone())
        cache.set("figures:small", is_small, SIZE_SECONDS)
    return bool(is_small)


def _make_key(figure: Figure) -> str:
    return f"figure:{figure.name}"


def _count(figure: Figure) -> Any:
    """Count as a worker would have kept it, so that both ways give the same."""
    return json.loads(json.dumps(figure.count(), cls=DjangoJSONEncoder))
