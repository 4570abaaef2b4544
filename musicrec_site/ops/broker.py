"""Messages as files, written whole: the embedded message queue.

Kombu's transport opens a message under its final name and then writes it. A worker that looks in between reads
nothing, loses the message and ends with a JSON error; so does every worker after a full disk left half of one. Its
lists of bindings are emptied and written anew in the same way. Here a file gets its name when it is whole, a
message is taken by renaming it, and what can't be read is put aside with a line in the log.
"""

import contextlib
import fcntl
import logging
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

log = logging.getLogger(__name__)

UNFINISHED = ".new"
"""The end of the name of a file that is being written; no queue's messages end so."""
TAKEN = ".taken"
"""The end of the name of a message that one worker has taken and is reading."""
UNREADABLE = ".unreadable"


class Channel(filesystem.Channel):
    """A channel over a folder that several processes read and write at once."""

    def _put(  # type: ignore[override]  # two classes above name it differently
        self, queue: str, payload: dict[str, Any], **_: Any
    ) -> None:
        """Add a message to a queue; raises ChannelError when the folder can't take it."""
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, payload)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        """Take the oldest message of a queue; raises Empty when there is none."""
        for message in sorted(Path(self.data_folder_in).iterdir()):
            name = message.name
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            claimed = message.with_name(name + TAKEN)
            try:
                message.rename(claimed)
            except FileNotFoundError:
                continue  # another worker was first
            try:
                payload: dict[str, Any] = loads(claimed.read_text())
            except ValueError as error:
                claimed.rename(message.with_name(name + UNREADABLE))
                log.warning("The message %s can't be read and was put aside: %s", name, error)
                continue
            claimed.unlink()
            return payload
        raise Empty

    def get_table(self, exchange: str) -> list[filesystem.exchange_queue_t]:
        """Return which queues an exchange delivers to; none when its file can't be read, until they bind again."""
        try:
            bindings: list[filesystem.exchange_queue_t] = super().get_table(exchange)
            return bindings
        except ValueError as error:
            log.warning("The bindings of %s can't be read: %s", exchange, error)
            return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        binding = _build_binding(routing_key, pattern, queue)
        with self._lock_bindings():
            table = self.get_table(exchange)
            if binding not in table:
                _write_whole(self._exchange_file(exchange), [binding, *table])

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kwargs: Any
    ) -> None:
        # Past the class above, whose own way of changing the file this replaces.
        super(filesystem.Channel, self)._delete(
            queue, exchange, routing_key, pattern, *args, **kwargs
        )
        binding = _build_binding(routing_key, pattern, queue)
        with self._lock_bindings():
            table = self.get_table(exchange)
            if binding in table:
                _write_whole(
                    self._exchange_file(exchange), [each for each in table if each != binding]
                )

    @contextlib.contextmanager
    def _lock_bindings(self) -> Iterator[None]:
        """One process at a time, or a binding that two add at once would be lost."""
        try:
            with (self.control_folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise ChannelError(
                f"{self.control_folder} can't be written: {error.strerror}"
            ) from error


class Transport(filesystem.Transport):
    """The transport that CELERY_BROKER_TRANSPORT names."""

    Channel = Channel
    is_stopping = False
    """Set where this process's worker was asked to end: it then waits for no further message."""

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Deliver one message; raises TimeoutError when none came in time or the worker is to end."""
        if self.cycle is None:
            raise TimeoutError
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except Empty:
                is_late = deadline is not None and time.monotonic() >= deadline
                if is_late or Transport.is_stopping:
                    raise TimeoutError from None
                time.sleep(self.polling_interval)


def _build_binding(routing_key: str, pattern: str, queue: str) -> filesystem.exchange_queue_t:
    return filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")


def _write_whole(file: Path, content: Any) -> None:
    """Write a file that nobody sees half of, and leave nothing behind where that fails."""
    unfinished = file.with_name(f"{file.name}.{uuid.uuid4().hex}{UNFINISHED}")
    try:
        unfinished.write_text(dumps(content))
        unfinished.rename(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ChannelError(f"{file} can't be written: {error.strerror}") from error
