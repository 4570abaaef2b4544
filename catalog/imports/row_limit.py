"""A limit on the processor time that reading one row of a file may take."""

import signal
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

Row = TypeVar("Row")


class RowTooSlow(BaseException):
    """Raised in the middle of reading a row. No Exception, so that no reader takes it for a fault of the row."""


def read_rows_in_time(rows: Iterator[Row], seconds: float) -> Iterator[Row]:
    """Yield the rows; raise RowTooSlow where the next one takes more than `seconds` of this process's time.

    Regular expressions are interrupted, too. Only a process's main thread can be: in others nothing is limited,
    and only the worker's own time limit ends a turn.
    """
    if threading.current_thread() is not threading.main_thread():
        yield from rows
        return
    before = signal.signal(signal.SIGPROF, _stop_reading)
    try:
        while True:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                row = next(rows)
            except StopIteration:
                return
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            yield row
    finally:
        signal.signal(signal.SIGPROF, before)


def _stop_reading(number: int, frame: Any) -> None:
    raise RowTooSlow
