"""Write a seed pack of what this site's listeners heard together, for another site."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from recommendations.engine import FEWEST_LISTENERS
from recommendations.management.output import SentenceCommand
from recommendations.services.data import training_rows
from recommendations.services.seeds import seed_packs


class Command(SentenceCommand):
    help = "Write which songs the same listeners heard here, as counts, into a folder that another site can load."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="A folder that does not exist yet.")
        parser.add_argument(
            "--fewest-listeners",
            type=int,
            default=FEWEST_LISTENERS,
            help=f"Listeners who must share a pair of songs; at least {FEWEST_LISTENERS}.",
        )
        parser.add_argument(
            "--licence", default="", help="Under which the pack is given away, as a text."
        )

    def handle(
        self, *args: Any, folder: Path, fewest_listeners: int, licence: str, **options: Any
    ) -> None:
        events = training_rows.read().interactions
        pack = seed_packs.export_pack(
            folder, events, fewest_listeners=fewest_listeners, licence=licence
        )
        about = pack.prior.summarise()
        self.stdout.write(
            f"{folder} holds {about['n_pairs']:,} pairs of {about['n_songs']:,} songs; "
            f"each was heard by at least {about['fewest_listeners']} listeners."
        )
