"""Progress with time left, on a terminal."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


class Bar:
    """A progress bar with the time left; silent when nobody watches."""

    def __init__(self) -> None:
        self._bar = tqdm(
            total=100,
            file=sys.stderr,
            disable=None,
            leave=False,
            bar_format="{desc:32.32} {bar:30} {percentage:3.0f} %  {remaining} left",
        )

    def show(self, stage: str, fraction: float) -> None:
        """Show how far it is, 0 to 1."""
        self._bar.set_description_str(stage, refresh=False)
        self._bar.update(100 * fraction - self._bar.n)

    def step(self, stage: str, done: int, total: int) -> None:
        """Take the engine's `on_progress(stage, done, total)`."""
        self.show(stage, done / max(total, 1))

    def close(self) -> None:
        self._bar.close()


@contextmanager
def show_progress_bar() -> Iterator[Bar]:
    """Show a bar. Meanwhile only warnings are logged: other lines would tear it, and the command tells the same."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    bar = Bar()
    try:
        yield bar
    finally:
        bar.close()
        logging.disable(before)
