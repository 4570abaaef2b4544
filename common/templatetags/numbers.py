"""Counts with the thousands separators of the page's language; years and ids stay as they are."""

from django import template
from django.utils.formats import number_format

register = template.Library()


class GroupedNumber(int):
    """A whole number whose text has thousands separators; it still counts for plural forms."""

    def __str__(self) -> str:
        return format_count(int(self))


def format_count(n: int) -> str:
    """Return 12,543 in English and 12.543 in German."""
    return number_format(n, force_grouping=True)


def format_decimal(value: float, digits: int) -> str:
    """Return a number with so many digits: 0.3254 in English, 0,3254 in German."""
    return number_format(round(value, digits), decimal_pos=digits)


def format_score(score: float) -> str:
    """Return a score with three digits: 0.412 in English, 0,412 in German."""
    return format_decimal(score, 3)


@register.filter
def grouped(n: int) -> GroupedNumber:
    """Return the number to be shown with separators, also inside a blocktranslate."""
    return GroupedNumber(n or 0)
