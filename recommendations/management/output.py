"""What the commands print: lists with their reasons, and one sentence for what went wrong."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from common.commands.sentences import PlainCommand
from recommendations.engine import ArtifactError, NotEnoughData
from recommendations.services.serving import explanation_text
from recommendations.services.serving.recommend import Served
from recommendations.services.training.memory_check import NotEnoughMemory
from recommendations.services.training.pipeline import TrainingRefused
from recommendations.services.versions.registry import RegistryError

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


def lines_of(served: Served) -> Iterator[str]:
    """Yield a list as text: place, song, score and why."""
    if served.reason:
        yield served.reason
    named = explanation_text.songs_named_by(item.explanation for item in served.items)
    for item in served.items:
        yield f"{item.position:3}. {item.song}   ({item.score:.3f})"
        yield f"     {explanation_text.of(item.explanation, named).sentence}"


def as_json(served: Served) -> dict[str, Any]:
    """Return a list as plain JSON types."""
    named = explanation_text.songs_named_by(item.explanation for item in served.items)
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
                "reason": explanation_text.of(item.explanation, named).sentence,
                "explanation": item.explanation.to_dict(),
            }
            for item in served.items
        ],
    }
