"""Draw quality against fit time from what `benchmarks/quality.py --json` wrote.

python benchmarks/chart.py OUT.svg "Title=FILE.json" ["Title=FILE.json" ...]
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, GAP = 420, 300, 52, 40, 46, 24
COLOURS = {"preset": "#5b2fd0", "component": "#0f766e", "ablation": "#b45309", "peer": "#8a8a94"}


@dataclass(frozen=True)
class Panel:
    """One data set: where fit seconds (log scale) and NDCG@10 are on the drawing."""

    title: str
    systems: list[dict[str, Any]]
    x: float

    @property
    def seconds(self) -> tuple[float, float]:
        """Powers of ten around all fits."""
        fits = [max(system["fit_seconds"], 0.1) for system in self.systems]
        return 10 ** math.floor(math.log10(min(fits))), 10 ** math.ceil(math.log10(max(fits)))

    @property
    def best(self) -> float:
        return float(
            max(math.ceil(20 * max(system["ndcg@10"] for system in self.systems)) / 20, 0.05)
        )

    def place(self, seconds: float, ndcg: float) -> tuple[float, float]:
        first, last = self.seconds
        across = math.log(max(seconds, first) / first) / math.log(last / first)
        return self.x + LEFT + across * (WIDTH - LEFT), TOP + (1 - ndcg / self.best) * (
            HEIGHT - TOP - BOTTOM
        )


def draw_chart(panels: list[Panel]) -> str:
    """Return the SVG, with text in its title and beside each point, so that it reads without colours."""
    width = GAP + len(panels) * (WIDTH + GAP)
    elements = [line for panel in panels for line in (*_axes(panel), *_points(panel))]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        'role="img" font-family="system-ui, sans-serif" font-size="11">\n'
        "<title>NDCG@10 against fit seconds of every algorithm</title>\n"
        f'<rect width="{width}" height="{HEIGHT}" fill="#ffffff"/>\n'
        + "\n".join(elements)
        + "\n</svg>\n"
    )


def _axes(panel: Panel) -> Iterator[str]:
    yield f'<text x="{panel.x + LEFT}" y="18" font-size="13" font-weight="600">{escape(panel.title)}</text>'
    first, last = panel.seconds
    for step in range(5):
        ndcg = panel.best * step / 4
        (left, y), (right, _) = panel.place(first, ndcg), panel.place(last, ndcg)
        yield f'<line x1="{left:.1f}" x2="{right:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e4e4ea"/>'
        yield f'<text x="{left - 6:.1f}" y="{y + 4:.1f}" text-anchor="end" fill="#55555f">{ndcg:.3f}</text>'
    decade = first
    while decade <= last:
        x, y = panel.place(decade, 0)
        yield f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle" fill="#55555f">{decade:g} s</text>'
        decade *= 10
    middle = panel.x + (LEFT + WIDTH) / 2
    yield f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle" fill="#55555f">fit, search included</text>'


def _points(panel: Panel) -> Iterator[str]:
    systems = sorted(panel.systems, key=lambda system: -system["ndcg@10"])
    centres = [panel.place(system["fit_seconds"], system["ndcg@10"]) for system in systems]
    occupied = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in centres]
    for system, (x, y) in zip(systems, centres, strict=True):
        name = (
            system["name"]
            .replace("_", " ")
            .replace(" told artists and genres", " + artists, genres")
        )
        text = f"{name} {system['ndcg@10']:.3f}"
        anchor, box = _free_place(text, x, y, occupied, panel)
        occupied.append(box)
        colour, edge = COLOURS[system["kind"]], box.left if anchor == "start" else box.right
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
        yield (
            f'<text x="{edge:.1f}" y="{box.bottom - 2:.1f}" text-anchor="{anchor}" fill="{colour}">'
            f"{escape(text)}</text>"
        )


@dataclass(frozen=True)
class Box:
    """What a word or a point covers."""

    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Box) -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


def _free_place(
    text: str, x: float, y: float, occupied: list[Box], panel: Panel
) -> tuple[str, Box]:
    """Return where the words beside a point cover nothing else: right or left of it, then higher or lower."""
    width = 6.2 * len(text)
    tried = []
    for down in (0, -11, 11, -22, 22, 33, -33, 44):
        for anchor, left in (("start", x + 7), ("end", x - 7 - width)):
            box = Box(left, y + down - 6, left + width, y + down + 6)
            if left > panel.x + LEFT - 20 and box.right < panel.x + WIDTH + GAP:
                tried.append((anchor, box))
    return next(
        (one for one in tried if not any(one[1].covers(other) for other in occupied)), tried[0]
    )


def main() -> int:
    if len(sys.argv) < 3 or not all("=" in argument for argument in sys.argv[2:]):
        print(__doc__, file=sys.stderr)
        return 2
    panels = []
    for number, argument in enumerate(sys.argv[2:]):
        title, _, path = argument.partition("=")
        systems = json.loads(Path(path).read_text(encoding="utf-8"))["systems"]
        panels.append(Panel(title, systems, GAP + number * (WIDTH + GAP)))
    Path(sys.argv[1]).write_text(draw_chart(panels), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
