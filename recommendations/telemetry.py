"""What the site counts about itself, for /metrics. Names are bounded: no listener, song or version id is ever a label.

With several processes every one writes to files below PROMETHEUS_MULTIPROC_DIR and the scrape adds them up; the gauges
that the database holds (queue, runs, imports, list age) are read there at the scrape, so they need no adding up.
"""

from prometheus_client import Counter, Histogram

# The ways in which a page's list can come about, most wanted first. "fallback" is everything after "live".
STEPS = ("precomputed", "live", "cold", "popular", "empty")

RECOMMENDATION_SECONDS = Histogram(
    "musicrec_recommendation_seconds",
    "Time to answer one request for recommendations, by the step that answered.",
    ["step"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
SERVED_LIST_AGE_SECONDS = Histogram(
    "musicrec_served_list_age_seconds",
    "Age of the precomputed lists when they were served.",
    buckets=(60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400),
)
TRAININGS = Counter("musicrec_trainings_total", "Trainings that ended, by how.", ["status"])
TRAINING_SECONDS = Histogram(
    "musicrec_training_seconds",
    "Length of trainings that succeeded.",
    buckets=(1, 5, 30, 120, 600, 1800, 3600, 7200),
)
EVENTS = Counter(
    "musicrec_recommendation_events_total", "What listeners did with recommended songs.", ["kind"]
)

TRAINING_STATUSES = ("succeeded", "failed", "cancelled")


def count_recommendation(
    step: str, seconds: float, *, list_age_seconds: float | None = None
) -> None:
    """Count one answered request. An unknown step is counted as "other", so that labels stay bounded."""
    RECOMMENDATION_SECONDS.labels(_limit_label(step, STEPS)).observe(seconds)
    if list_age_seconds is not None:
        SERVED_LIST_AGE_SECONDS.observe(max(0.0, list_age_seconds))


def count_training(status: str, seconds: float | None = None) -> None:
    TRAININGS.labels(_limit_label(status, TRAINING_STATUSES)).inc()
    if seconds is not None and status == "succeeded":
        TRAINING_SECONDS.observe(seconds)


def count_event(kind: str, n_events: int = 1) -> None:
    EVENTS.labels(
        _limit_label(kind, ("impression", "click", "like", "dislike", "hide", "draft"))
    ).inc(n_events)


def _limit_label(value: str, allowed: tuple[str, ...]) -> str:
    return value if value in allowed else "other"
