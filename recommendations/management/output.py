"""What the commands print: lists with their reasons, and one sentence for what went wrong."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandError

from accounts.models import User
from common.commands.sentences import PlainCommand
from recommendations.engine import ArtifactError, NotEnoughData
from recommendations.services.lists.served_list import Served
from recommendations.services.reasons.explanation_text import describe_served
from recommendations.services.training.memory_check import NotEnoughMemory
from recommendations.services.training.training_requests import TrainingRefused
from recommendations.services.versions.registry import RegistryError

EXPECTED = (
    RegistryError,
    TrainingRefused,
    NotEnoughData,
    NotEnoughMemory,
    ArtifactError,
    ValueError,
)


class SentenceCommand(PlainCommand):
    """A command that ends with one sentence and exit code 1 when it can't do what was asked."""

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except EXPECTED as error:
            raise CommandError(str(error)) from None


def format_lines(served: Served, listener: User | None = None) -> Iterator[str]:
    """Yield a list as text: place, song, score and why, in the words for `listener`."""
    if served.reason:
        yield served.reason
    for item, why in zip(served, describe_served(served, listener), strict=True):
        yield f"{item.position:3}. {item.song}   ({item.score:.3f})"
        yield f"     {why.sentence}"


def format_json(served: Served, listener: User | None = None) -> dict[str, Any]:
    """Return a list as plain JSON types."""
    return {
        "version": served.version.name if served.version else None,
        "step": served.step,
        "segment": served.segment,
        "fallback": served.fallback.value,
        "reason": served.reason,
        "songs": [
            {
                "position": item.position,
                "id": item.song.key,
                "title": item.song.title,
                "artist": item.song.artist.name,
                "score": item.score,
                "reason": why.sentence,
                "explanation": item.explanation.to_dict(),
            }
            for item, why in zip(served, describe_served(served, listener), strict=True)
        ],
    }
