"""What this machine has: the memory that a fit may take."""

from __future__ import annotations

from pathlib import Path

GB = 2**30

UNKNOWN_GB = 2.0
"""Taken to be free where nothing tells."""


def read_available_bytes() -> int | None:
    """Return what this process may still take: the machine's free memory or the container's, whichever is less."""
    limits = [
        value for value in (_read_machine_memory(), _read_container_memory()) if value is not None
    ]
    return min(limits, default=None)


def compute_memory_budget_gb(share: float) -> float:
    """Return a share of the memory that is free now, in GB."""
    free = read_available_bytes()
    return share * (UNKNOWN_GB if free is None else free / GB)


def _read_machine_memory() -> int | None:
    for line in _read_lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _read_container_memory() -> int | None:
    limit, used = (
        _read_lines("/sys/fs/cgroup/memory.max"),
        _read_lines("/sys/fs/cgroup/memory.current"),
    )
    if not limit or not used or not limit[0].isdecimal():
        return None
    return max(0, int(limit[0]) - int(used[0]))


def _read_lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
