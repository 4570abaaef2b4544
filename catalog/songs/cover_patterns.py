"""The families of drawn covers: each turns a palette and a stream of numbers into the shapes of one picture.

A layout then says which of it is seen: all, or a window in a plain sleeve.

The first colour of a palette is the ground, the others lie on it. All numbers come from the cover's name, so that a
picture is the same every time.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2s

SIZE = 300


class Dice:
    """Numbers that follow from a seed, the same on every machine."""

    def __init__(self, seed: bytes) -> None:
        self._seed, self._n = seed, 0

    def throw(self, low: float = 0.0, high: float = 1.0) -> float:
        """Return the next number between `low` and `high`."""
        self._n += 1
        digest = blake2s(self._seed + self._n.to_bytes(2, "big"), digest_size=4).digest()
        return low + (high - low) * int.from_bytes(digest, "big") / 2**32

    def choose(self, n: int) -> int:
        """Return the next number of 0 to n - 1."""
        return min(int(self.throw(0, n)), n - 1)


@dataclass(frozen=True)
class Sketch:
    """What a family draws from. `energy`, `calm` and `tempo` are 0 to 1, from the song's sound."""

    colours: tuple[str, ...]
    dice: Dice
    energy: float
    calm: float
    tempo: float

    def pick(self) -> str:
        """Return one of the colours that lie on the ground."""
        return self.colours[1 + self.dice.choose(len(self.colours) - 1)]


Family = Callable[[Sketch], Iterator[str]]


def _draw_rect(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"{more}/>'


def _draw_circle(x: float, y: float, radius: float, fill: str, opacity: float = 1.0) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" fill-opacity="{opacity:.2f}"/>'


def _draw_path(points: str, fill: str, opacity: float = 1.0) -> str:
    return f'<path d="{points}" fill="{fill}" fill-opacity="{opacity:.2f}"/>'


def draw_hills(sketch: Sketch) -> Iterator[str]:
    """A sun behind waves; the more energy, the higher."""
    dice = sketch.dice
    yield _draw_circle(
        SIZE * dice.throw(0.2, 0.8),
        SIZE * dice.throw(0.22, 0.45),
        dice.throw(28, 62),
        sketch.colours[2],
    )
    n = 3 + dice.choose(3)
    for layer in range(n):
        height = SIZE * (0.5 + 0.4 * layer / n)
        swing, turns, phase = (
            SIZE * (0.02 + 0.1 * sketch.energy),
            0.8 + 2.4 * sketch.tempo,
            dice.throw(0, 6.3),
        )
        points = " L".join(
            f"{SIZE * step / 24:.0f},{height + swing * math.sin(2 * math.pi * turns * step / 24 + phase):.1f}"
            for step in range(25)
        )
        fill = sketch.colours[1 + layer % (len(sketch.colours) - 1)]
        yield _draw_path(f"M{points} L{SIZE},{SIZE} L0,{SIZE}Z", fill, 0.75 + 0.25 * layer / n)


def draw_rings(sketch: Sketch) -> Iterator[str]:
    """Circles around one point, like the grooves of a record."""
    dice = sketch.dice
    x, y = SIZE * dice.throw(0.15, 0.85), SIZE * dice.throw(0.15, 0.85)
    n = 4 + round(6 * sketch.tempo) + dice.choose(3)
    radius = SIZE * dice.throw(0.75, 1.2)
    for ring in range(n):
        fill = sketch.colours[(ring + 1) % len(sketch.colours)]
        yield _draw_circle(x, y, radius * (1 - ring / n) ** dice.throw(0.9, 1.15), fill)


def draw_tiles(sketch: Sketch) -> Iterator[str]:
    """A chequer of quarter circles, discs and triangles."""
    n = 3 + sketch.dice.choose(3)
    side = SIZE / n
    for row in range(n):
        for column in range(n):
            yield from _draw_tile(sketch, column * side, row * side, side)


def _draw_tile(sketch: Sketch, x: float, y: float, side: float) -> Iterator[str]:
    dice = sketch.dice
    kind, corner, fill = dice.choose(5), dice.choose(4), sketch.pick()
    if dice.throw() < 0.45:
        yield _draw_rect(x, y, side + 0.5, side + 0.5, sketch.pick())
    right, low = x + side, y + side
    corners = [(x, y), (right, y), (right, low), (x, low)]
    (ax, ay), (bx, by), (cx, cy) = (corners[(corner + i) % 4] for i in (0, 1, 3))
    if kind <= 1:
        yield _draw_path(
            f"M{ax:.1f},{ay:.1f} L{bx:.1f},{by:.1f} A{side:.1f},{side:.1f} 0 0 1 {cx:.1f},{cy:.1f}Z",
            fill,
        )
    elif kind == 2:
        yield _draw_path(f"M{ax:.1f},{ay:.1f} L{bx:.1f},{by:.1f} L{cx:.1f},{cy:.1f}Z", fill)
    elif kind == 3:
        yield _draw_circle(x + side / 2, y + side / 2, side * 0.36, fill)


def draw_stripes(sketch: Sketch) -> Iterator[str]:
    """Slanted bars of different widths."""
    dice = sketch.dice
    angle = (0, 30, 45, 90, 135, 150)[dice.choose(6)]
    yield f'<g transform="rotate({angle} 150 150)">'
    x = -90.0
    while x < SIZE + 90:
        width = dice.throw(8, 20 + 50 * sketch.calm)
        yield _draw_rect(x, -90, width, SIZE + 180, sketch.pick())
        x += width + dice.throw(0, 30)
    yield "</g>"


def draw_rays(sketch: Sketch) -> Iterator[str]:
    """Rays from one point."""
    dice = sketch.dice
    x, y = (
        SIZE * dice.throw(0.1, 0.9),
        SIZE * (dice.throw(0.75, 1.05) if dice.choose(2) else dice.throw(0.3, 0.6)),
    )
    n = 8 + 2 * dice.choose(4) + 2 * round(4 * sketch.energy)
    turn = dice.throw(0, math.pi)
    for ray in range(n):
        first, last = (turn + 2 * math.pi * (ray + i * 0.5) / n for i in (0, 1))
        points = " L".join(
            f"{x + 500 * math.cos(a):.1f},{y + 500 * math.sin(a):.1f}" for a in (first, last)
        )
        yield _draw_path(
            f"M{x:.1f},{y:.1f} L{points}Z", sketch.colours[1 + ray % (len(sketch.colours) - 1)]
        )
    yield _draw_circle(x, y, SIZE * dice.throw(0.08, 0.2), sketch.pick())


def draw_facets(sketch: Sketch) -> Iterator[str]:
    """A net of triangles."""
    dice, n = sketch.dice, 4 + sketch.dice.choose(2)
    side, jitter = SIZE / n, 0.1 + 0.3 * sketch.energy
    points = [
        [
            (
                (column + (dice.throw(-jitter, jitter) if 0 < column < n else 0)) * side,
                (row + (dice.throw(-jitter, jitter) if 0 < row < n else 0)) * side,
            )
            for column in range(n + 1)
        ]
        for row in range(n + 1)
    ]
    for row in range(n):
        for column in range(n):
            a, b = points[row][column], points[row][column + 1]
            c, d = points[row + 1][column + 1], points[row + 1][column]
            for corners in ((a, b, d), (b, c, d)):
                text = " L".join(f"{x:.1f},{y:.1f}" for x, y in corners)
                yield _draw_path(f"M{text}Z", sketch.pick(), dice.throw(0.45, 1))


def draw_halftone(sketch: Sketch) -> Iterator[str]:
    """A grid of dots that swell along a wave."""
    dice, n = sketch.dice, 9 + sketch.dice.choose(4)
    step, (across, down) = SIZE / n, (dice.throw(-0.6, 0.6), dice.throw(0.2, 0.8))
    phase, fill = dice.throw(0, 6.3), (sketch.pick(), sketch.pick())
    for row in range(n):
        for column in range(n):
            swell = 0.5 + 0.5 * math.sin(phase + across * column + down * row)
            yield _draw_circle(
                (column + 0.5) * step,
                (row + 0.5) * step,
                step * (0.1 + 0.4 * swell),
                fill[(row // 3) % 2],
            )


def draw_clouds(sketch: Sketch) -> Iterator[str]:
    """Large discs over one another, let through by light."""
    dice = sketch.dice
    for _ in range(5 + dice.choose(4)):
        x, y = SIZE * dice.throw(-0.1, 1.1), SIZE * dice.throw(-0.1, 1.1)
        yield _draw_circle(
            x,
            y,
            SIZE * dice.throw(0.14, 0.3 + 0.25 * sketch.calm),
            sketch.pick(),
            dice.throw(0.35, 0.8),
        )


def draw_skyline(sketch: Sketch) -> Iterator[str]:
    """A low sun cut by bars, over lines that run to the horizon."""
    dice = sketch.dice
    x, horizon, radius = (
        SIZE * dice.throw(0.35, 0.65),
        SIZE * dice.throw(0.55, 0.68),
        SIZE * dice.throw(0.22, 0.3),
    )
    yield _draw_circle(x, horizon, radius, sketch.colours[2])
    for bar in range(4):
        yield _draw_rect(0, horizon - radius * (0.12 + 0.2 * bar), SIZE, 6 - bar, sketch.colours[0])
    yield _draw_rect(0, horizon, SIZE, SIZE - horizon, sketch.colours[1])
    stroke = f' stroke="{sketch.colours[3]}" stroke-width="1.6"'
    for line in range(-10, 11):
        yield f'<line x1="{x:.1f}" y1="{horizon:.1f}" x2="{x + line * 60:.1f}" y2="{SIZE}"{stroke}/>'
    for line in range(1, 7):
        y = horizon + (SIZE - horizon) * (line / 7) ** (1.4 + sketch.tempo)
        yield f'<line x1="0" y1="{y:.1f}" x2="{SIZE}" y2="{y:.1f}"{stroke}/>'


def draw_ribbons(sketch: Sketch) -> Iterator[str]:
    """Thick lines that swing beside one another."""
    dice = sketch.dice
    n, swing = 4 + dice.choose(4), 14 + 46 * sketch.energy
    turns, phase = 0.6 + 1.6 * sketch.tempo, dice.throw(0, 6.3)
    yield f'<g transform="rotate({dice.choose(4) * 45} 150 150)" fill="none">'
    for line in range(n):
        y = SIZE * (line + 0.5) / n
        points = " L".join(
            f"{-80 + 46 * step:.0f},{y + swing * math.sin(phase + line * 0.35 + turns * step * 0.7):.1f}"
            for step in range(11)
        )
        width = dice.throw(0.35, 0.95) * SIZE / n
        yield f'<path d="M{points}" stroke="{sketch.pick()}" stroke-width="{width:.1f}" stroke-linecap="round"/>'
    yield "</g>"


FAMILIES: tuple[Family, ...] = (
    draw_hills, draw_rings, draw_tiles, draw_stripes, draw_rays, draw_facets, draw_halftone, draw_clouds,
    draw_skyline, draw_ribbons,
)  # fmt: skip


def _cut_window(window: str) -> str:
    """Return a path that covers the sleeve but for the window."""
    return f"M0,0 H{SIZE} V{SIZE} H0Z {window}"


SLEEVES: tuple[str, ...] = (
    "",
    _cut_window("M150,26 a124,124 0 1 0 0.01,0Z"),
    _cut_window(f"M0,0 V196 H{SIZE} V0Z"),
    _cut_window(f"M104,0 V{SIZE} H{SIZE} V0Z"),
    _cut_window("M42,42 V258 H258 V42Z"),
    _cut_window(f"M0,0 L{SIZE},{SIZE} V0Z"),
    _cut_window("M62,300 V150 a88,88 0 0 1 176,0 V300Z"),
    _cut_window("M150,8 L8,150 L150,292 L292,150Z"),
)
"""The plain part of each layout, with a window to the picture: none, a disc, a poster, a spine, a frame, a slant, an
arch, a diamond."""


def draw_sleeve(layout: int, fill: str) -> Iterator[str]:
    """Yield the plain part of a layout, if it has one."""
    if SLEEVES[layout]:
        yield f'<path d="{SLEEVES[layout]}" fill="{fill}" fill-rule="evenodd"/>'
