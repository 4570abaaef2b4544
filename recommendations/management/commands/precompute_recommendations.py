"""Compute the listeners' lists ahead of time."""

from typing import Any

from django.core.management.base import CommandParser
from django.template.defaultfilters import pluralize

from common.commands.progress_bars import show_progress_bar
from recommendations.management.output import SentenceCommand
from recommendations.services.serving import precompute
from recommendations.services.versions import registry


class Command(SentenceCommand):
    help = "Compute every listener's list under a model version, by default the active one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--version-name", default="active", metavar="VERSION", help="Like v3 (default: active)."
        )

    def handle(self, *args: Any, version_name: str, **options: Any) -> None:
        version = registry.find(version_name)
        with show_progress_bar() as bar:
            n_lists = precompute.precompute(version, on_progress=bar.step)
        self.stdout.write(f"Computed {n_lists:,} list{pluralize(n_lists)} with {version.name}.")
