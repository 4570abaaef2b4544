"""Audio features as a small radar chart: points to draw, and the same numbers for the table beside it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from catalog.models import AUDIO_FEATURES, Song
from recommendations.engine import FASTEST_BPM, SLOWEST_BPM, Estimate, Explanation

CENTRE, RADIUS = 120.0, 84.0
RINGS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Axis:
    """One feature: where its label stands, the song's value and the listener's, both None when unknown.

    `agrees` marks a feature that is named as a reason; `estimate` is there where nobody measured the song's value.
    """

    name: str
    song: float | None
    mine: float | None
    x: float
    y: float
    anchor: str
    end_x: float
    end_y: float
    agrees: bool = False
    estimate: Estimate | None = None

    @property
    def unit(self) -> str:
        return "BPM" if self.name == "tempo" else "%"

    @property
    def song_text(self) -> str:
        return _draw_text(self.name, self.song)

    @property
    def range_text(self) -> str:
        """Between what an estimated value lies in nine cases of ten; empty for a known one."""
        if self.estimate is None:
            return ""
        low, high = (
            _format_number(self.name, self.estimate.low),
            _format_number(self.name, self.estimate.high),
        )
        return f"{low} – {high} {self.unit}"

    @property
    def mine_text(self) -> str:
        return _draw_text(self.name, self.mine)


@dataclass(frozen=True)
class Chart:
    """`song` and `mine` are SVG polygon points; empty when too few features are known."""

    axes: tuple[Axis, ...]
    song: str
    mine: str
    rings: tuple[str, ...]

    @property
    def compares(self) -> bool:
        """True when there is a listener's value beside the song's."""
        return any(axis.mine is not None for axis in self.axes)

    @property
    def has_estimates(self) -> bool:
        return any(axis.estimate is not None for axis in self.axes)


def chart_profile(song: Song, estimates: Mapping[str, Estimate] | None = None) -> Chart | None:
    """Chart one song's features, and estimates of those that are unknown; None when there are too few."""
    return _chart(song.audio_features, {}, estimates or {})


def chart_comparison(
    song: Song,
    explanation: Explanation,
    mine: Mapping[str, float],
    estimates: Mapping[str, Estimate] | None = None,
) -> Chart | None:
    """Chart a song's features beside those of the listener's taste, and mark those that are a reason."""
    chart = _chart(song.audio_features, mine, estimates or {})
    agreeing = {match.name for match in explanation.features}
    if chart is None:
        return None
    return replace(
        chart, axes=tuple(replace(axis, agrees=axis.name in agreeing) for axis in chart.axes)
    )


def chart_means(means: Mapping[str, float | None]) -> Chart | None:
    """Chart the centre of a group of songs."""
    return _chart(means, {}, {})


def _chart(
    measured: Mapping[str, float | None],
    mine: Mapping[str, float | None],
    estimates: Mapping[str, Estimate],
) -> Chart | None:
    song = {name: estimate.value for name, estimate in estimates.items()} | {
        name: value for name, value in measured.items() if value is not None
    }
    names = [name for name in AUDIO_FEATURES if song.get(name) is not None]
    if len(names) < 3:
        return None
    axes = tuple(
        replace(
            _draw_axis(name, index, len(names), song.get(name), mine.get(name)),
            estimate=estimates.get(name) if measured.get(name) is None else None,
        )
        for index, name in enumerate(names)
    )
    return Chart(
        axes=axes,
        song=_draw_polygon([scale_feature(axis.name, axis.song) for axis in axes]),
        mine=_draw_polygon([scale_feature(axis.name, axis.mine) for axis in axes])
        if _are_all_known(mine, names)
        else "",
        rings=tuple(_draw_polygon([ring] * len(names)) for ring in RINGS),
    )


def scale_feature(name: str, value: float | None) -> float:
    """Return a feature's value as 0 to 1."""
    if value is None:
        return 0.0
    if name == "tempo":
        return min(max((value - SLOWEST_BPM) / (FASTEST_BPM - SLOWEST_BPM), 0.0), 1.0)
    return value


def _are_all_known(values: Mapping[str, float | None], names: list[str]) -> bool:
    return all(values.get(name) is not None for name in names)


def _draw_axis(name: str, index: int, n: int, song: float | None, mine: float | None) -> Axis:
    x, y = _place_point(index, n, 1.16)
    end_x, end_y = _place_point(index, n, 1.0)
    anchor = "middle" if abs(x - CENTRE) < 12 else ("start" if x > CENTRE else "end")
    return Axis(name, song, mine, x, y, anchor, end_x, end_y)


def _place_point(index: int, n: int, distance: float) -> tuple[float, float]:
    angle = 2 * math.pi * index / n - math.pi / 2
    return (
        round(CENTRE + RADIUS * distance * math.cos(angle), 1),
        round(CENTRE + RADIUS * distance * math.sin(angle), 1),
    )


def _draw_polygon(values: list[float]) -> str:
    points = [
        _place_point(index, len(values), max(value, 0.02)) for index, value in enumerate(values)
    ]
    return " ".join(f"{x},{y}" for x, y in points)


def _draw_text(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{_format_number(name, value)} {'BPM' if name == 'tempo' else '%'}"


def _format_number(name: str, value: float) -> str:
    return f"{value if name == 'tempo' else 100 * value:.0f}"
