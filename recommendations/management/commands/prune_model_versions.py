"""Remove the files of old model versions."""

from typing import Any

from django.core.management.base import CommandParser

from recommendations.conf import conf
from recommendations.management.output import SentenceCommand
from recommendations.services.versions import registry


class Command(SentenceCommand):
    help = "Remove the files and lists of old model versions; the active one and the one before it always stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--keep", type=int, default=conf.versions_kept, help="How many of the newest stay."
        )

    def handle(self, *args: Any, keep: int, **options: Any) -> None:
        pruned = registry.prune(keep)
        leftovers = registry.sweep_leftovers()
        self.stdout.write(f"Pruned: {', '.join(version.name for version in pruned) or 'nothing'}.")
        if leftovers:
            self.stdout.write(f"Removed unfinished folders: {', '.join(leftovers)}.")
