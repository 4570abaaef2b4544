"""Make a model version the one that serves."""

from typing import Any

from django.core.management.base import CommandParser

from recommendations.management.output import SentenceCommand
from recommendations.services.versions import registry


class Command(SentenceCommand):
    help = "Activate a model version after checking its files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", help="Like v3 or 3.")

    def handle(self, *args: Any, version: str, **options: Any) -> None:
        self.stdout.write(f"{registry.activate(registry.find(version)).name} is active.")
