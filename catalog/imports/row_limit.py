"""A limit on the processor time that reading one row of a file may take."""

import signal
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

Row = TypeVar("Row")

_LOOKS_A_LIMIT = 10


class RowTooSlow(BaseException):
    """Raised in the middle of reading a row. No Exception, so that no reader takes it for a fault of the row."""


def read_rows_in_time(rows: Iterator[Row], seconds: float) -> Iterator[Row]:
    """Yield the rows; raise RowTooSlow where the next one takes more than `seconds` of this process's time.

    Regular expressions are interrupted, too. Only a process's main thread can be: in others nothing is limited,
    and only the worker's own time limit ends a turn. One timer runs for all rows, as setting it for each of them
    costs more than reading it: a row is stopped after `seconds` and at most a tenth more.
    """
    if threading.current_thread() is not threading.main_thread():
        yield from rows
        return
    watch = _RowWatch()
    before = signal.signal(signal.SIGPROF, watch.look)
    signal.setitimer(signal.ITIMER_PROF, seconds / _LOOKS_A_LIMIT, seconds / _LOOKS_A_LIMIT)
    try:
        while True:
            watch.is_reading = True
            try:
                row = next(rows)
            except StopIteration:
                return
            finally:
                watch.is_reading = False
            watch.n_looks = 0
            yield row
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class _RowWatch:
    """Counts the looks of the timer while one row is read."""

    def __init__(self) -> None:
        self.is_reading = False
        self.n_looks = 0

    def look(self, number: int, frame: Any) -> None:
        if self.is_reading:
            self.n_looks += 1
            if self.n_looks > _LOOKS_A_LIMIT:
                raise RowTooSlow
