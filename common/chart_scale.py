"""How far the axis of a chart reaches, so that its top and its middle are round numbers."""

import math

from django.utils.formats import number_format

_STEPS = (1, 2, 3, 4, 5, 6, 8, 10)
_MOST_DIGITS = 6


def choose_top(most: float, *, is_whole: bool = False) -> float:
    """Return the lowest round number not below `most`, whose half is written exactly with one digit more.

    Of whole numbers the half is whole, too: at least 2.
    """
    if most <= 0:
        return 2 if is_whole else 1
    power = 10.0 ** math.floor(math.log10(most))
    tops = (round(step * power, _MOST_DIGITS) for step in (*_STEPS, 20))
    return next(
        top for top in tops if top >= round(most, _MOST_DIGITS) and not (is_whole and top % 2)
    )


def write_tick(value: float) -> str:
    """Return a number with as many digits as it has: 7.5 in English, 7,5 in German."""
    digits = f"{value:.{_MOST_DIGITS}f}".rstrip("0").partition(".")[2]
    return number_format(round(value, len(digits)), len(digits), force_grouping=True)
