"""Wait for something that another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(look: Callable[[], T], *, seconds: float = 300.0, every: float = 0.2) -> T:
    """Return the first true answer of `look`; fail with the last one when the time is over.

    The time only ends what hangs: a busy machine takes ten times as long as a free one.
    """
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < deadline, (
            f"Not within {seconds:.0f} s; the last answer was {answer!r}."
        )
        time.sleep(every)
