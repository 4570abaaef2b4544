"""The operator's dashboard in templates: its figures, and charts drawn on the server."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_celery_beat.models import PeriodicTask

from common.chart_scale import choose_top, write_tick
from common.templatetags.numbers import format_count
from recommendations.services.operations import dashboard as dashboard_service
from recommendations.services.operations import schedule_text
from recommendations.services.version_reports import model_comparison

register = template.Library()
register.filter("tick", write_tick)

STEPS = {
    "precomputed": gettext_lazy("made ahead"),
    "live": gettext_lazy("made on request"),
    "cold": gettext_lazy("from a few songs or picks"),
    "popular": gettext_lazy("the same for everybody"),
    "empty": gettext_lazy("nothing to recommend"),
}
SEGMENTS = {
    "none": gettext_lazy("no songs"),
    "cold": gettext_lazy("under 5 songs"),
    "warm": gettext_lazy("5 to 19 songs"),
    "hot": gettext_lazy("20 songs and more"),
}

WIDTH, HEIGHT = 560, 120


@register.simple_tag
def read_dashboard() -> dashboard_service.Dashboard:
    return dashboard_service.read()


@register.inclusion_tag("admin/parts/_bar_chart.html")
def bar_chart(
    days: Sequence[Any], field: str, title: str, kind: str = "count", about: str = ""
) -> dict[str, Any]:
    """Draw one bar a day; the numbers are in a table below it, so nobody depends on the drawing."""
    values = [getattr(day, field) for day in days]
    most = max((value for value in values if value is not None), default=0)
    top = choose_top(most, is_whole=kind != "rate")
    step = WIDTH / max(len(values), 1)
    bars = [
        {
            "x": round(i * step + 1, 1),
            "height": round(HEIGHT * (value or 0) / top, 1),
            "day": day.day,
            "value": value,
        }
        for i, (day, value) in enumerate(zip(days, values, strict=True))
    ]
    for bar in bars:
        bar["y"] = round(HEIGHT - bar["height"], 1)
    chart = {
        "title": title, "bars": bars, "bar_width": round(step - 2, 1), "width": WIDTH, "height": HEIGHT,
        "most": most, "top": top, "middle": top / 2, "half": HEIGHT // 2,
        "about": about, "is_rate": kind == "rate", "is_empty": not any(values),
    }  # fmt: skip
    return {"chart": chart}


@register.filter
def with_code(text: str) -> str:
    """Show what stands between backticks, which are for terminals, as code."""
    pieces = conditional_escape(text).split("`")
    marked = "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
    return mark_safe(marked)  # noqa: S308


@register.filter
def percent(value: float | None, digits: int = 1) -> str:
    return (
        "–"
        if value is None or value != value
        else f"{number_format(round(100 * value, digits), digits)} %"
    )


@register.filter("percent_tick")
def write_percent_tick(value: float) -> str:
    """Show a share on the axis of a chart with as many digits as it has: 15 %, 7.5 %."""
    return f"{write_tick(100 * value)} %"


@register.filter
def with_sign(value: float | None) -> str:
    return "–" if value is None or value != value else _format_signed(value, 4)


def _format_signed(value: float, digits: int) -> str:
    """Return a number with its sign and the decimal mark of the page's language."""
    sign = "-" if f"{value:+.{digits}f}".startswith("-") else "+"
    return f"{sign}{number_format(round(abs(value), digits), digits)}"


@register.filter
def figure(value: Any) -> str:
    """Show a number as a person would write it in a table."""
    if value is None or value != value:
        return "–"
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return format_count(value) if isinstance(value, int) else number_format(round(value, 4), 4)


@register.filter
def format_measure(value: Any) -> str:
    """Show a measured mean, with its interval where it has one."""
    if isinstance(value, dict):
        low, high = (number_format(round(value[end], 3), 3) for end in ("low", "high"))
        interval = f"{low} – {high}"
        return format_html('{} <span class="quiet">{}</span>', figure(value["mean"]), interval)
    return figure(value)


@register.filter
def duration(seconds: float | None) -> str:
    """Show a length of time in its largest fitting unit."""
    if seconds is None:
        return "–"
    for unit, size in ((_("d"), 86_400), (_("h"), 3600), (_("min"), 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} {_('s')}"


@register.filter
def age(moment: datetime | None) -> str:
    return "–" if moment is None else duration((timezone.now() - moment).total_seconds())


@register.filter
def megabytes(n_bytes: int) -> str:
    return f"{number_format(round(n_bytes / 1e6, 1), 1, force_grouping=True)} MB"


@register.filter
def rough_size(n_bytes: int) -> str:
    """Return an estimate in two digits: 990 MB, 2.2 GB."""
    rounded = float(f"{n_bytes:.1e}")
    unit, name = (1e9, "GB") if rounded >= 1e9 else (1e6, "MB")
    amount = rounded / unit
    return f"{number_format(amount, 1 if amount < 10 else 0, force_grouping=True)} {name}"


@register.filter
def of_measure(estimates: dict[str, Any], measure: str) -> Any:
    """Return one estimate of an arm; None where there is none."""
    return estimates.get(measure)


@register.filter
def points(value: float | None) -> str:
    """Show a difference of rates in percentage points."""
    return "–" if value is None or value != value else _format_signed(100 * value, 2)


@register.filter
def step_name(step: str) -> str:
    """Say how a list came about, instead of the step's code."""
    return str(STEPS.get(step, step))


@register.filter
def schedule(task: PeriodicTask) -> str:
    """Say when a task of the schedule is done."""
    return schedule_text.describe_schedule(task)


@register.filter
def segment_name(segment: str) -> str:
    """Say how long the histories of a segment are, instead of its code."""
    return str(SEGMENTS.get(segment, segment))


@register.filter
def metric_sentence(name: str) -> str:
    """Say in one sentence what a metric such as ndcg@10 means."""
    return model_comparison.describe_metric(name)
