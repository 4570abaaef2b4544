"""Bring many listeners' listens into the catalog."""

from typing import Any

from django.core.management.base import CommandParser

from catalog.imports.importers import list_importers
from catalog.imports.importers.csv_listens import COLUMNS
from catalog.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import listens of many listeners; each listener keeps the file's id as name."
    columns = tuple(COLUMNS)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        formats = [importer.name for importer in list_importers("listens")]
        parser.add_argument(
            "--format", choices=formats, default="csv", help="What the file is (default: csv)."
        )
        parser.add_argument(
            "--source",
            default="",
            metavar="NAME",
            help="What to call the source; rows without time are told apart by it (default: the format).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = {"columns": self.read_chosen_columns(options), "source": options["source"]}
        self.import_file(options, "listens", options["format"], options=chosen)
