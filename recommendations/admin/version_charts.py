"""Charts over the versions, drawn on the server, each with its numbers in a table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from recommendations.models import ModelVersion
from recommendations.services.operations import model_comparison
from recommendations.services.operations.version_feedback import DAYS, DayFeedback

WIDTH, HEIGHT = 560, 120


@dataclass(frozen=True)
class Point:
    """One version's bar: its value, its interval where it has one, and both in words."""

    version: ModelVersion
    value: float
    text: str
    low: float | None = None
    high: float | None = None
    coordinates: dict[str, float] = field(default_factory=dict)

    @property
    def reach(self) -> float:
        return self.value if self.high is None else self.high


@dataclass(frozen=True)
class Chart:
    title: Any
    points: list[Point]
    width: int = WIDTH
    height: int = HEIGHT


def charts(newest_first: Iterable[ModelVersion]) -> list[Chart]:
    """Return what can be drawn over the versions, oldest first; a version without a figure is left out of its chart."""
    oldest_first = list(newest_first)[::-1]
    return [
        _chart(title, [point for version in oldest_first if (point := read(version)) is not None])
        for title, read in _CHARTS
    ]


def _chart(title: Any, points: list[Point]) -> Chart:
    top = max((point.reach for point in points), default=0) or 1
    step = WIDTH / max(len(points), 1)
    for index, point in enumerate(points):
        tall = HEIGHT * point.value / top
        point.coordinates.update(
            x=round((index + 0.5) * step, 1),
            left=round((index + 0.2) * step, 1),
            bar=round(0.6 * step, 1),
            tall=round(tall, 1),
            top=round(HEIGHT - tall, 1),
        )
        if point.low is not None:
            point.coordinates.update(
                low=round(HEIGHT - HEIGHT * point.low / top, 1),
                high=round(HEIGHT - HEIGHT * point.reach / top, 1),
            )
    return Chart(title, points)


def _ndcg(version: ModelVersion) -> Point | None:
    metric = model_comparison.headline(version)
    if metric is None:
        return None
    text = f"{metric['mean']:.4f} ({metric['low']:.4f} – {metric['high']:.4f})"
    return Point(version, metric["mean"], text, metric["low"], metric["high"])


def _coverage(version: ModelVersion) -> Point | None:
    return _share(version, model_comparison.get_mean(version, "coverage@10"))


def _fidelity(version: ModelVersion) -> Point | None:
    return _share(version, (version.metrics.get("fidelity") or {}).get("score_fell"))


def _share(version: ModelVersion, value: float | None) -> Point | None:
    return None if value is None else Point(version, value, f"{100 * value:.1f} %")


def _fit(version: ModelVersion) -> Point:
    return Point(version, version.fit_seconds, f"{version.fit_seconds:.1f} s")


def _size(version: ModelVersion) -> Point:
    return Point(version, version.size_bytes, f"{version.size_bytes / 1e6:.1f} MB")


_CHARTS: tuple[tuple[Any, Callable[[ModelVersion], Point | None]], ...] = (
    (_("NDCG@10 over the versions, with 95 % intervals"), _ndcg),
    (_("Coverage@10: share of the catalog in somebody's list"), _coverage),
    (_("Fidelity: the score falls without the song named as the reason"), _fidelity),
    (_("Time to fit"), _fit),
    (_("Size on disk"), _size),
)


# --- What listeners did, by day ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spot:
    """One version's rate on one day, and where it is drawn."""

    day: date
    rate: float
    x: str
    y: str


@dataclass(frozen=True)
class Line:
    """One version over time; `line` joins its spots."""

    version: ModelVersion
    number: int
    spots: list[Spot]
    line: str


@dataclass(frozen=True)
class TimeChart:
    """A rate by day, a line a version; `rows` are (day, the rate of each line) for the table, newest first."""

    title: Any
    about: Any
    lines: list[Line]
    rows: list[tuple[date, list[float | None]]]
    top: float
    first_day: date
    last_day: date
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def middle(self) -> float:
        return self.top / 2


Days = Sequence[tuple[ModelVersion, Sequence[DayFeedback]]]


def draw_time_charts(days: Days) -> list[TimeChart]:
    """Return clicks, likes and skips over the last four weeks; charts without anything are left out."""
    charts = [_draw_time_chart(title, about, read, days) for title, about, read in _RATES]
    return [chart for chart in charts if chart.lines]


def _draw_time_chart(
    title: Any, about: Any, read: Callable[[DayFeedback], float | None], days: Days
) -> TimeChart:
    last_day = timezone.localdate()
    first_day = last_day - timedelta(days=DAYS)
    rates = {
        version: {one.day: rate for one in version_days if (rate := read(one)) is not None}
        for version, version_days in days
    }
    top = max((rate for by_day in rates.values() for rate in by_day.values()), default=0) or 1.0
    lines: list[Line] = []
    for version, by_day in rates.items():
        spots = [
            Spot(
                day,
                rate,
                f"{WIDTH * (day - first_day).days / DAYS:.1f}",
                f"{HEIGHT * (1 - rate / top):.1f}",
            )
            for day, rate in sorted(by_day.items())
        ]
        if spots:
            joined = " ".join(f"{spot.x},{spot.y}" for spot in spots)
            lines.append(Line(version, len(lines), spots, joined))
    seen = sorted({spot.day for line in lines for spot in line.spots}, reverse=True)
    rows = [(day, [rates[line.version].get(day) for line in lines]) for day in seen]
    return TimeChart(title, about, lines, rows, top, first_day, last_day)


_RATES: tuple[tuple[Any, Any, Callable[[DayFeedback], float | None]], ...] = (
    (
        _("Lists clicked, by version"),
        _(
            "Of the lists of a version that were seen on a day, those in which a song was opened or played."
        ),
        lambda one: one.click_rate,
    ),
    (
        _("Lists with a like, by version"),
        _("Of the lists of a version that were seen on a day, those in which a song was liked."),
        lambda one: one.like_rate,
    ),
    (
        _("Skips, by version"),
        _(
            "Of the songs heard on a day that a list of the version had shown, those skipped. Lower is better."
        ),
        lambda one: one.skip_rate,
    ),
)
