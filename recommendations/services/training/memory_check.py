"""Whether a training fits into the memory of this machine, asked before anything is allocated (T20)."""

from recommendations.conf import conf
from recommendations.engine import COPIES, EASE, RecommenderConfig, available_bytes
from recommendations.services.data.training_rows import BYTES_AN_EVENT

MB = 1024 * 1024
GB = 1024 * MB
_COPIES_OF_EVENTS = 4
_COPIES_OF_FACTORS = 2
_BLOCKS = 200 * MB


class NotEnoughMemory(Exception):
    """The training would not fit; the message has the numbers."""


def needed_bytes(n_events: int, n_listeners: int, n_songs: int, config: RecommenderConfig) -> int:
    """Estimate the peak of a training: events while they are sorted, the matrix, the factors, one block of lists."""
    n_factors = max((int(options.get("n_factors", 0)) for options in config.components.values()), default=0)
    events = _COPIES_OF_EVENTS * BYTES_AN_EVENT * n_events
    factors = _COPIES_OF_FACTORS * 4 * n_factors * (n_listeners + n_songs)
    return events + factors + _of_ease(min(n_songs, n_listeners), config) + _BLOCKS


def _of_ease(n: int, config: RecommenderConfig) -> int:
    """Return the size of the smaller square matrix, which EASE cuts down to its own limit."""
    searched = config.search is not None and "ease" in config.search.components
    if "ease" not in config.components and not searched:
        return 0
    memory_gb = config.components.get("ease", {}).get("memory_gb")
    side = min(n, EASE(memory_gb=memory_gb).largest_solve)
    return int(COPIES * 4 * side**2)


def check(n_events: int, n_listeners: int, n_songs: int, config: RecommenderConfig) -> None:
    """Raise NotEnoughMemory when the estimate is above what is free; where nobody can tell, let it begin."""
    free = available_bytes()
    needed = needed_bytes(n_events, n_listeners, n_songs, config)
    if free is not None and needed > free - conf.memory_reserve_mb * MB:
        raise NotEnoughMemory(
            f"Not enough memory: training {n_events:,} interactions of {n_listeners:,} listeners and {n_songs:,} songs "
            f"takes about {needed / MB:,.0f} MB, {free / MB:,.0f} MB are free (of which {conf.memory_reserve_mb} MB "
            "are kept for the rest)."
        )
