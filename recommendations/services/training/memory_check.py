"""Whether a training fits into the memory of this machine, asked before anything is allocated."""

from django.db.models import Count
from django.template.defaultfilters import pluralize

from catalog.models import Interaction
from catalog.songs.kept_figures import Figure, read_figure
from recommendations.conf import conf
from recommendations.engine import RecommenderConfig, estimate_fit_bytes, read_available_bytes
from recommendations.services.data.training_rows import BYTES_AN_EVENT

MB = 1024 * 1024
_COPIES_OF_EVENTS = 3
"""Of the columns while they are read and put in order; their strengths are computed block by block."""
_LISTS = 200 * MB
"""Of the libraries and the blocks of lists that are made at once."""
SIZE_SECONDS = 600


class NotEnoughMemory(Exception):
    """The training would not fit; the message has the numbers."""


def estimate_needed_bytes(
    n_events: int, n_listeners: int, n_songs: int, config: RecommenderConfig
) -> int:
    """Estimate the peak of a training: reading the events, or the fit, whichever takes more."""
    reading = _COPIES_OF_EVENTS * BYTES_AN_EVENT * n_events
    fit = estimate_fit_bytes(config, n_listeners=n_listeners, n_items=n_songs, n_events=n_events)
    # the events are there once more while a part of them is held back to measure on
    return max(reading, fit + BYTES_AN_EVENT * n_events) + _LISTS


def check(n_events: int, n_listeners: int, n_songs: int, config: RecommenderConfig) -> None:
    """Raise NotEnoughMemory when the estimate is above what is free; where nobody can tell, let it begin."""
    free = read_available_bytes()
    needed = estimate_needed_bytes(n_events, n_listeners, n_songs, config)
    if free is not None and needed > free - conf.memory_reserve_mb * MB:
        raise NotEnoughMemory(
            f"Not enough memory: training {n_events:,} interactions of {n_listeners:,} "
            f"listener{pluralize(n_listeners)} and {n_songs:,} songs takes about {needed / MB:,.0f} MB, "
            f"{free / MB:,.0f} MB are free (of which {conf.memory_reserve_mb} MB "
            "are kept for the rest)."
        )


# --- What is stored ---------------------------------------------------------------------------------------------------


def read_size() -> tuple[int, int, int] | None:
    """Return how many interactions, listeners and songs there are, at most ten minutes old.

    On a large site a worker counts them; None before it did.
    """
    counted = read_figure(STORED_SIZE, SIZE_SECONDS).value
    if counted is None:
        return None
    n_events, n_listeners, n_songs = counted
    return n_events, n_listeners, n_songs


def _count_stored() -> list[int]:
    counts = Interaction.objects.aggregate(
        events=Count("pk"),
        listeners=Count("listener", distinct=True),
        songs=Count("song", distinct=True),
    )
    return [counts["events"], counts["listeners"], counts["songs"]]


STORED_SIZE = Figure("stored_size", _count_stored)
