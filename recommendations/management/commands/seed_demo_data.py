"""Fill the database with a synthetic world."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from catalog.imports.demo_import import DemoWorldConflict
from catalog.models import ImportRun
from common.commands.progress_bars import show_progress_bar
from recommendations.engine import World
from recommendations.management.output import SentenceCommand
from recommendations.services.data import demo_world

HOUR = 3600


class Command(SentenceCommand):
    help = "Make a world of listeners and songs to try everything with; the same numbers add nothing a second time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--listeners", type=int, default=10_000, help="How many listeners (default: 10000)."
        )
        parser.add_argument(
            "--songs", type=int, default=5_000, help="How many songs (default: 5000)."
        )
        parser.add_argument(
            "--seed", type=int, default=7, help="The same seed makes the same world (default: 7)."
        )
        parser.add_argument(
            "--interactions",
            type=int,
            default=None,
            help="About how many interactions (default: 50 a listener).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        world = World(
            n_listeners=options["listeners"],
            n_songs=options["songs"],
            seed=options["seed"],
            now=int(timezone.now().timestamp()) // HOUR * HOUR,
            n_interactions=options["interactions"],
        )
        with show_progress_bar() as bar:
            try:
                seeded = demo_world.seed_database(
                    world, lambda stage, run: bar.show(stage, run.progress)
                )
            except DemoWorldConflict as error:
                raise CommandError(str(error)) from None
        self.stdout.write(_summarise("Songs", seeded.songs))
        self.stdout.write(_summarise("Interactions", seeded.listens))


def _summarise(what: str, run: ImportRun) -> str:
    return f"{what}: {run.n_added:,} added, {run.n_known:,} known already."
