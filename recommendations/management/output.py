"""What the commands print: progress with time left, lists with their reasons, one sentence for what went wrong."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from tqdm import tqdm

from catalog.management.sentences import PlainCommand
from recommendations.engine import ArtifactError, NotEnoughData
from recommendations.services import reasons
from recommendations.services.memory import NotEnoughMemory
from recommendations.services.registry import RegistryError
from recommendations.services.serving import Served
from recommendations.services.training import TrainingRefused

EXPECTED = (RegistryError, TrainingRefused, NotEnoughData, NotEnoughMemory, ArtifactError, ValueError)


class SentenceCommand(PlainCommand):
    """A command that ends with one sentence and exit code 1 when it can't do what was asked, and quietly on Ctrl-C."""

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except EXPECTED as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None


class Bar:
    """A progress bar with the time left; silent when nobody watches."""

    def __init__(self, stream: OutputWrapper | Any = None) -> None:
        self._bar = tqdm(
            total=100,
            file=stream or sys.stderr,
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
def progress_bar() -> Iterator[Bar]:
    """Show a bar. Meanwhile only warnings are logged: other lines would tear it, and the command tells the same."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    bar = Bar()
    try:
        yield bar
    finally:
        bar.close()
        logging.disable(before)


def lines_of(served: Served) -> Iterator[str]:
    """Yield a list as text: place, song, score and why."""
    if served.reason:
        yield served.reason
    named = reasons.songs_named_by(item.explanation for item in served.items)
    for item in served.items:
        yield f"{item.position:3}. {item.song}   ({item.score:.3f})"
        yield f"     {reasons.of(item.explanation, named).sentence}"


def as_json(served: Served) -> dict[str, Any]:
    """Return a list as plain JSON types."""
    named = reasons.songs_named_by(item.explanation for item in served.items)
    return {
        "version": served.version.name if served.version else None,
        "step": served.step,
        "segment": served.segment,
        "reason": served.reason,
        "songs": [
            {
                "position": item.position,
                "id": item.song.key,
                "title": item.song.title,
                "artist": item.song.artist.name,
                "score": item.score,
                "reason": reasons.of(item.explanation, named).sentence,
                "explanation": item.explanation.to_dict(),
            }
            for item in served.items
        ],
    }
