"""Bring songs into the catalog."""

from typing import Any

from django.core.management.base import CommandParser

from catalog.imports.importers.csv_songs import COLUMNS
from catalog.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import songs from a CSV table with a header (title and artist are needed, everything else is welcome)."
    columns = tuple(COLUMNS)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--spotify-ids", action="store_true", help="The song ids are Spotify's."
        )
        parser.add_argument(
            "--features-source",
            default="file",
            metavar="NAME",
            help="Where the features come from.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = {
            "columns": self.read_chosen_columns(options),
            "spotify_ids": options["spotify_ids"],
            "features_source": options["features_source"],
        }
        self.import_file(options, "songs", "csv", options=chosen)
