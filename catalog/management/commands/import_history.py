"""Bring one listener's own history into the catalog."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.models import User
from catalog.imports.importers import list_importers
from catalog.management.importing import ImportCommand


class Command(ImportCommand):
    help = "Import one listener's history: Spotify, ListenBrainz or Last.fm files as they come, zipped or not."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--listener", required=True, metavar="NAME", help="Whose history it is."
        )
        formats = [importer.name for importer in list_importers("history")]
        parser.add_argument(
            "--format",
            choices=formats,
            default="",
            help="What the file is (found out if left out).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        listener = User.objects.with_name(options["listener"]).first()
        if listener is None:
            raise CommandError(f"There is no listener {options['listener']!r}.")
        self.import_file(options, "history", options["format"], listener=listener)
