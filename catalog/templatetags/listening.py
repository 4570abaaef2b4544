"""How statistics are shown: bars, periods and links into the history."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.listening.periods import Period, name_hour, name_weekday
from catalog.listening.source_names import name_source
from catalog.statistics.charts import CALENDAR_WEEKS, Bar, CalendarDay

register = template.Library()
register.filter("source_name", name_source)
register.filter("weekday_name", name_weekday)
register.filter("hour_name", name_hour)
_HEIGHT, _WIDTH = 100, 100
_MOST_TICKS = 5


@register.filter
def describe_period(period: Period) -> str:
    """Return a period in words, as short as its kind allows."""
    if period.first is None or period.last is None:
        return _("All time")
    if period.name == "year":
        return str(period.first.year)
    if period.name == "month":
        return formats.date_format(period.first, "YEAR_MONTH_FORMAT")
    if period.first == period.last:
        return formats.date_format(period.first, "DATE_FORMAT")
    ends = {
        "first": formats.date_format(period.first, "SHORT_DATE_FORMAT"),
        "last": formats.date_format(period.last, "SHORT_DATE_FORMAT"),
    }
    return _("%(first)s to %(last)s") % ends


@register.filter
def link_days(period: Period) -> str:
    """Return the part of a history's address that narrows it down to the period; empty for all time."""
    return "" if period.first is None else f"from={period.first}&to={period.last}"


@register.simple_tag
def build_columns(bars: Sequence[Bar], most: int) -> list[dict[str, Any]]:
    """Return the columns of plays over time, in a picture of 100 by 100, the new plays below the others."""
    step = _WIDTH / max(len(bars), 1)
    columns = []
    for number, bar in enumerate(bars):
        new, all_plays = (_HEIGHT * n / max(most, 1) for n in (bar.n_new, bar.n_plays))
        columns.append(
            {
                "bar": bar,
                "x": _format(number * step + step * 0.1),
                "width": _format(step * 0.8),
                "new_y": _format(_HEIGHT - new),
                "new_height": _format(new),
                "old_y": _format(_HEIGHT - all_plays),
                "old_height": _format(all_plays - new),
            }
        )
    return columns


@register.simple_tag
def build_plain_columns(values: Sequence[int]) -> list[dict[str, Any]]:
    """Return columns of one number each, in a picture of 100 by 100."""
    step, most = _WIDTH / max(len(values), 1), max([*values, 1])
    return [
        {
            "number": number,
            "value": value,
            "x": _format(number * step + step * 0.1),
            "width": _format(step * 0.8),
            "y": _format(_HEIGHT - _HEIGHT * value / most),
            "height": _format(_HEIGHT * value / most),
        }
        for number, value in enumerate(values)
    ]


@register.filter
def find_most(values: Sequence[int]) -> int:
    """Return the largest value of a chart; 0 without any."""
    return max(values, default=0)


@register.simple_tag
def build_ticks(bars: Sequence[Bar]) -> list[dict[str, Any]]:
    """Return names for a few of the columns, and where each begins in percent of the width."""
    every = max(-(-len(bars) // _MOST_TICKS), 1)
    # the first and the last bar may be a piece of a year or a month, and are named as the others are
    step = next((bar.period.name for bar in bars if bar.period.name != "range"), "day")
    return [
        {"name": _name_tick(bars[first].period, step), "x": _format(100 * first / len(bars))}
        for first in range(0, len(bars), every)
    ]


@register.simple_tag
def draw_calendar(calendar: Sequence[CalendarDay]) -> SafeString:
    """Return the squares of the days, a column a week from Monday down; each leads to its plays.

    Made in one go: a year has too many squares for a loop of the template.
    """
    history = reverse("catalog:history")
    squares = format_html_join(
        "",
        '<a href="{}?from={}&amp;to={}" tabindex="-1"><title>{}</title>'
        '<rect class="shade-{}" x="{}" y="{}" width="10" height="10" rx="2"/></a>',
        (
            (history, it.day, it.day, _name_day(it), it.shade, 12 * it.week, 12 * it.day.weekday())
            for it in calendar
        ),
    )
    return format_html(
        '<svg class="calendar" viewBox="0 0 {} 82" aria-hidden="true" focusable="false">{}</svg>',
        12 * CALENDAR_WEEKS - 2,
        squares,
    )


def _name_day(it: CalendarDay) -> str:
    count = ngettext("%(n)s play", "%(n)s plays", it.n_plays)
    plays = count % {"n": formats.localize(it.n_plays, use_l10n=True)}
    return f"{formats.date_format(it.day, 'DATE_FORMAT')}: {plays}"


@register.simple_tag
def find_middle(most: int) -> dict[str, Any]:
    """Return the whole number nearest below the middle of a chart, and how far from its top it stands, in percent."""
    value = most // 2
    return {"value": value, "y": _format(_HEIGHT - _HEIGHT * value / most)}


def _name_tick(period: Period, step: str) -> str:
    """Return the beginning of a column in as few letters as its kind allows."""
    if period.first is None:
        return ""
    if step == "year":
        return str(period.first.year)
    if step == "month":
        return formats.date_format(period.first, "M Y")
    return formats.date_format(period.first, _("j M"))


@register.filter
def format_change(percent: int) -> str:
    """Return +12 % or −3 %."""
    return f"{'+' if percent >= 0 else '−'}{abs(percent)} %"


def _format(number: float) -> str:
    return f"{number:.2f}"
