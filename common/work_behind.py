"""Work that a thread does behind the caller: writing rows while the next ones are read."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections


class WorkBehind:
    """Runs one piece of work at a time on the caller's own connection to the database.

    Between `start` and `finish` the caller leaves the database alone. Without `in_thread`, and where the database
    is this process itself (SQLite), so that nothing would be gained, `start` does the work at once.
    """

    def __init__(self, *, in_thread: bool = True) -> None:
        self.in_thread = in_thread and connection.vendor != "sqlite"
        self._pool: ThreadPoolExecutor | None = None
        self._future: Future[None] | None = None

    def __enter__(self) -> "WorkBehind":
        if self.in_thread:
            connection.inc_thread_sharing()
            shared = connections[DEFAULT_DB_ALIAS]
            self._pool = ThreadPoolExecutor(
                1, "work-behind", lambda: connections.__setitem__(DEFAULT_DB_ALIAS, shared)
            )
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            connection.dec_thread_sharing()

    def start(self, work: Callable[..., None], *arguments: Any) -> None:
        """Begin a piece of work; the one before must be finished."""
        if self._pool is not None:
            self._future = self._pool.submit(copy_context().run, work, *arguments)
            return
        work(*arguments)
        self._future = Future()
        self._future.set_result(None)

    def finish(self) -> bool:
        """Wait for the work that was begun and raise its error; return whether there was any."""
        future, self._future = self._future, None
        if future is None:
            return False
        future.result()
        return True
