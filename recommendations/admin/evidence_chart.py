"""The e-value of an interleaving experiment over its days, drawn on the server, with its numbers in a table."""

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from recommendations.services.experiments.interleaving import Comparison

WIDTH, HEIGHT = 560, 160
TOPS, BOTTOMS = (2, 4), (-3, -1)
"""Powers of ten that the scale ends at, least and most; so the bound is in the picture and its labels have room."""

TITLE = _("E-value over time")
ABOUT = _(
    "How much better a bet on a difference did than it could by chance. Between two equal versions it reaches "
    "the dashed line at most once in 20 experiments, however often one looks."
)


@dataclass(frozen=True)
class DayPoint:
    """How it stood after the last decided draft of a day."""

    day: date
    n_first: int
    n_second: int
    e_value: float
    x: str
    y: str


@dataclass(frozen=True)
class EvidenceChart:
    """A line on a logarithmic scale; `ticks` are (e-value, height) of the scale's lines, evenly from the top down."""

    points: list[DayPoint]
    line: str
    bound_y: str
    ticks: list[tuple[float, str]]
    title: Any = TITLE
    about: Any = ABOUT
    width: int = WIDTH
    height: int = HEIGHT


def draw_evidence(comparison: Comparison) -> EvidenceChart | None:
    """Return the chart, one point a day; None before the first decided draft."""
    e_values = comparison.standing.e_values
    if not len(e_values):
        return None
    powers = [math.log10(max(float(value), 1e-12)) for value in e_values]
    top = min(max(math.ceil(max(powers)), TOPS[0]), TOPS[1])
    bottom = max(min(math.floor(min(powers)), BOTTOMS[1]), BOTTOMS[0])

    def place(power: float) -> str:
        height = HEIGHT * (top - power) / (top - bottom)
        return f"{min(max(height, 0), HEIGHT):.1f}"

    last = {day: index for index, day in enumerate(comparison.days)}
    step = WIDTH / max(len(last) - 1, 1)
    won = comparison.standing.n_second_by_draft
    points = [
        DayPoint(
            day,
            index + 1 - int(won[index]),
            int(won[index]),
            float(e_values[index]),
            f"{order * step:.1f}",
            place(powers[index]),
        )
        for order, (day, index) in enumerate(last.items())
    ]
    ticks = [(10.0**power, place(power)) for power in range(top, bottom - 1, -1)]
    return EvidenceChart(
        points,
        " ".join(f"{point.x},{point.y}" for point in points),
        place(math.log10(comparison.limit)),
        ticks,
    )
