"""Whether a training fits into the memory of this machine, asked before anything is allocated (T20)."""

from pathlib import Path

from recommendations.conf import conf
from recommendations.engine import RecommenderConfig
from recommendations.engine.algorithms.ease import EASE
from recommendations.services.training_data import BYTES_AN_EVENT

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
    """Three float32 copies of the smaller square matrix, which EASE cuts down to its own limit."""
    searched = config.search is not None and "ease" in config.search.components
    if "ease" not in config.components and not searched:
        return 0
    options = config.components.get("ease", {})
    limit = float(options.get("memory_gb", EASE().memory_gb)) * GB
    return int(min(3 * 4 * n**2, limit))


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


def available_bytes() -> int | None:
    """Return what this process may still take: the machine's free memory or the container's, whichever is less."""
    found = [value for value in (_of_machine(), _of_container()) if value is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _of_container() -> int | None:
    limit, used = _lines("/sys/fs/cgroup/memory.max"), _lines("/sys/fs/cgroup/memory.current")
    if not limit or not used or not limit[0].isdecimal():
        return None
    return max(0, int(limit[0]) - int(used[0]))


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
