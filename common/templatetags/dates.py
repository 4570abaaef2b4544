"""Days in words, in the language of the page."""

from datetime import date, datetime

from django import template
from django.utils.formats import date_format
from django.utils.timezone import localtime

register = template.Library()


@register.filter
def format_day(day: date | str) -> str:
    """Return 28 Nov 2026 in English; a text that names no day as it is."""
    if isinstance(day, str):
        try:
            day = date.fromisoformat(day)
        except ValueError:
            return str(day)
    return date_format(localtime(day) if isinstance(day, datetime) else day, "SHORT_DATE_FORMAT")


@register.simple_tag
def format_days(first: date | str, last: date | str) -> str:
    """Return both ends of a range of days, and one day as that day; what is unknown is left out."""
    ends = [format_day(day) for day in (first, last) if day]
    return " – ".join(dict.fromkeys(ends))
