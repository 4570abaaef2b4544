"""Charts over the versions, drawn on the server, each with its numbers in a table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.chart_scale import choose_top, write_tick
from common.templatetags.numbers import format_decimal
from recommendations.models import ModelVersion
from recommendations.services.version_reports import model_comparison
from recommendations.services.version_reports.version_feedback import DAYS, DayFeedback

WIDTH, HEIGHT = 560, 120
FEWEST_CASES = 20
"""The reasons of a small site: of fewer cases, one of them moves the share by more than the versions differ."""
MOST_NAMED = 6
"""So many bars of a chart have their value and name below them, the newest among them."""


@dataclass(frozen=True)
class Point:
    """One version's bar: its value, its interval where it has one, and both in words."""

    version: ModelVersion
    value: float
    text: str
    short_text: str
    low: float | None = None
    high: float | None = None
    coordinates: dict[str, float] = field(default_factory=dict)
    is_named: bool = True

    @property
    def reach(self) -> float:
        return self.value if self.high is None else self.high


@dataclass(frozen=True)
class Chart:
    """Bars of one figure over the versions; `top_text` and `middle_text` name its axis."""

    title: Any
    about: Any
    points: list[Point]
    top_text: str
    middle_text: str
    width: int = WIDTH
    height: int = HEIGHT
    half: int = HEIGHT // 2


def draw_charts(newest_first: Iterable[ModelVersion]) -> list[Chart]:
    """Return what can be drawn over the versions, oldest first; a version without a figure is left out of its chart."""
    oldest_first = list(newest_first)[::-1]
    return [
        _chart(
            title,
            about,
            [point for version in oldest_first if (point := read(version)) is not None],
            write,
        )
        for title, about, read, write in _CHARTS
    ]


def _chart(title: Any, about: Any, points: list[Point], write: Callable[[float], str]) -> Chart:
    top = choose_top(max((point.reach for point in points), default=0))
    step = WIDTH / max(len(points), 1)
    every = -(-len(points) // MOST_NAMED)
    points = [
        replace(point, is_named=(len(points) - 1 - index) % every == 0)
        for index, point in enumerate(points)
    ]
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
    return Chart(title, about, points, write(top), write(top / 2))


def _draw_ndcg(version: ModelVersion) -> Point | None:
    metric = model_comparison.summarise_headline(version)
    if metric is None:
        return None
    mean, low, high = (format_decimal(metric[name], 4) for name in ("mean", "low", "high"))
    text = f"{mean} ({low} – {high})"
    short = _write_rate(metric["mean"])
    return Point(version, metric["mean"], text, short, metric["low"], metric["high"])


def _draw_coverage(version: ModelVersion) -> Point | None:
    return _share(version, model_comparison.get_mean(version, "coverage@10"))


def _draw_fidelity(version: ModelVersion) -> Point | None:
    fidelity = version.metrics.get("fidelity") or {}
    if fidelity.get("n_cases", FEWEST_CASES) < FEWEST_CASES:
        return None
    return _share(version, fidelity.get("score_fell"))


def _share(version: ModelVersion, value: float | None) -> Point | None:
    if value is None:
        return None
    return Point(version, value, f"{format_decimal(100 * value, 1)} %", _write_share(value))


def _fit(version: ModelVersion) -> Point:
    seconds = version.fit_seconds
    return Point(version, seconds, f"{format_decimal(seconds, 1)} s", _write_seconds(seconds))


def _draw_size(version: ModelVersion) -> Point:
    n_bytes = version.size_bytes
    return Point(version, n_bytes, _write_size(n_bytes), _write_size(n_bytes))


def _write_rate(value: float) -> str:
    return format_decimal(value, 3)


def _write_share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _write_seconds(value: float) -> str:
    return f"{format_decimal(value, 1)} s" if value < 100 else f"{value:.0f} s"


def _write_size(value: float) -> str:
    return f"{format_decimal(value / 1e6, 1)} MB"


_CHARTS: tuple[
    tuple[Any, Any, Callable[[ModelVersion], Point | None], Callable[[float], str]], ...
] = (
    (
        _("Quality of the lists (NDCG@10)"),
        _(
            "How high songs that were held back stand in the first ten; 1 would be all on top. With 95 % intervals."
        ),
        _draw_ndcg,
        write_tick,
    ),
    (
        _("Coverage of the catalog"),
        _("The share of the songs that are in the first ten of at least one listener."),
        _draw_coverage,
        lambda value: f"{write_tick(100 * value)} %",
    ),
    (
        _("Truth of the reasons"),
        _("In how many cases the score falls when the song named as the reason is taken away."),
        _draw_fidelity,
        lambda value: f"{write_tick(100 * value)} %",
    ),
    (
        _("Time to fit"),
        _("How long the model learned, without reading and measuring."),
        _fit,
        lambda value: f"{write_tick(value)} s",
    ),
    (
        _("Size on disk"),
        _("The files of a version; about as much memory where it serves."),
        _draw_size,
        lambda value: f"{write_tick(value / 1e6)} MB",
    ),
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
    top = choose_top(
        max((rate for by_day in rates.values() for rate in by_day.values()), default=0)
    )
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
