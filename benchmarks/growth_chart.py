"""Draws how processor time grows with the number of listeners, both on logarithmic scales."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 330
LEFT, RIGHT, TOP, BOTTOM = 62, 190, 22, 50
WIDTH_OF_VALUE = 50
INK, FAINT = "#3f3f4a", "#dcdce4"


@dataclass(frozen=True)
class Line:
    """Seconds of the processor at each number of listeners."""

    name: str
    colour: str
    seconds: dict[int, float]
    is_below: bool = False
    """Whether its values are written below its points."""


@dataclass(frozen=True)
class Axes:
    """Powers of ten around everything, and where a value lies between them."""

    listeners: tuple[int, int]
    seconds: tuple[int, int]

    @classmethod
    def around(cls, lines: Sequence[Line]) -> Axes:
        n_listeners = [n for line in lines for n in line.seconds]
        seconds = [value for line in lines for value in line.seconds.values()]
        return cls(_surround(n_listeners), _surround(seconds))

    def place(self, n_listeners: float, seconds: float) -> tuple[float, float]:
        across = _share(n_listeners, self.listeners) * (WIDTH - LEFT - RIGHT)
        down = (1 - _share(seconds, self.seconds)) * (HEIGHT - TOP - BOTTOM)
        return LEFT + across, TOP + down


def draw_growth(lines: Sequence[Line]) -> str:
    """Return the SVG; every value is also written beside its point, so that it reads without colours."""
    axes = Axes.around(lines)
    elements = [
        *_draw_axes(axes),
        *(element for line in lines for element in _draw_line(line, axes)),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        'role="img" font-family="system-ui, sans-serif" font-size="12">\n'
        "<title>Seconds of the processor over the number of listeners, both on logarithmic scales</title>\n"
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n'
        + "\n".join(elements)
        + "\n</svg>\n"
    )


def _draw_axes(axes: Axes) -> Iterator[str]:
    for power in range(axes.listeners[0], axes.listeners[1] + 1):
        x, bottom = axes.place(10**power, 10 ** axes.seconds[0])
        yield _stroke((x, TOP), (x, bottom), FAINT)
        yield _write(x, bottom + 18, f"{10**power:,}", "middle")
    for power in range(axes.seconds[0], axes.seconds[1] + 1):
        left, y = axes.place(10 ** axes.listeners[0], 10**power)
        yield _stroke((left, y), (WIDTH - RIGHT, y), FAINT)
        yield _write(left - 8, y + 4, f"{10**power:,} s", "end")
    yield _write(
        (LEFT + WIDTH - RIGHT) / 2,
        HEIGHT - 10,
        "listeners with 50 listens each; seconds of the processor",
        "middle",
    )


def _draw_line(line: Line, axes: Axes) -> Iterator[str]:
    points = [axes.place(n, seconds) for n, seconds in sorted(line.seconds.items())]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2.5"/>'
    for (x, y), (_, seconds) in zip(points, sorted(line.seconds.items()), strict=True):
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{line.colour}"/>'
        if line.is_below:
            yield _write(x + 8, y + 16, f"{seconds:,.0f} s", "start", line.colour)
        elif x < LEFT + WIDTH_OF_VALUE:  # the axis has its own values on the other side
            yield _write(x + 8, y - 8, f"{seconds:,.0f} s", "start", line.colour)
        else:
            yield _write(x - 8, y - 8, f"{seconds:,.0f} s", "end", line.colour)
    x, y = points[-1]
    is_short = x < WIDTH - RIGHT - 1
    yield _write(
        x + (8 if is_short else 12), y + (-10 if is_short else 4), line.name, "start", line.colour
    )


def _stroke(start: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
        f'stroke="{colour}"/>'
    )


def _write(x: float, y: float, text: str, anchor: str, colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _surround(values: Sequence[float]) -> tuple[int, int]:
    """Return the powers of ten around positive values; two different ones."""
    low = math.floor(math.log10(min(values)))
    return low, max(math.ceil(math.log10(max(values))), low + 1)


def _share(value: float, powers: tuple[int, int]) -> float:
    return (math.log10(value) - powers[0]) / (powers[1] - powers[0])
