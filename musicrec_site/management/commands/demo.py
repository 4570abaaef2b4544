"""Make the demo: a synthetic world, a trained model, and what it recommends."""

import time
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser

from common.commands.sentences import PlainCommand
from musicrec_site.ops import demo
from recommendations.engine import World
from recommendations.management.output import format_lines
from recommendations.services.data import demo_world
from recommendations.services.seeds import seed_packs
from recommendations.services.serving import recommend
from recommendations.services.versions import registry


class Command(PlainCommand):
    help = "Fill an empty database with a synthetic world, train on it, and show what it recommends and why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--listeners", type=int, default=demo.N_LISTENERS)
        parser.add_argument("--songs", type=int, default=demo.N_SONGS)
        parser.add_argument("--seed", type=int, default=demo.SEED)
        parser.add_argument(
            "--brief", action="store_true", help="Make it, but don't print the lists."
        )

    def handle(
        self, *args: Any, listeners: int, songs: int, seed: int, brief: bool, **options: Any
    ) -> None:
        started = time.monotonic()
        if demo.needs_world(listeners, songs, seed):
            self._say(f"Creating a demo world of {listeners:,} listeners and {songs:,} songs …")
            call_command("seed_demo_data", listeners=listeners, songs=songs, seed=seed)
        if listeners < demo.CROWD and seed_packs.read_state() is None:
            self._say("Making a seed pack of other listeners of this world …")
            world = World(n_listeners=listeners, n_songs=songs, seed=seed)
            seed_packs.install_made_pack(demo_world.make_pack(world))
        if not demo.has_login():
            demo.create_login()
        if registry.get_active_version() is None:
            self._say("Training a model on it …")
            call_command("train_model")
        if not brief:
            self._show()
        self._say(f"\nThe demo is ready ({time.monotonic() - started:.0f} s).")

    def _show(self) -> None:
        self._say(
            f"\nHow good it is, measured on songs held back:\n{demo.format_evaluation_table(registry.require_active())}"
        )
        for who, listener in demo.find_example_listeners():
            self._say(f"\nFor {listener.username}, {who}:")
            for line in format_lines(recommend.recommend_songs(listener, 10)):
                self._say(line)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
