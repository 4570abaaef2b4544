"""Bring in a seed pack: what listeners elsewhere heard."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from recommendations.management.output import SentenceCommand
from recommendations.services.seeds import beyond_index, seed_packs


class Command(SentenceCommand):
    help = "Check a seed pack and use it from the next training on; the one before it is replaced."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?", help="The folder of the pack.")
        parser.add_argument("--remove", action="store_true", help="Take the pack away instead.")

    def handle(self, *args: Any, folder: Path | None, remove: bool, **options: Any) -> None:
        if remove:
            was_loaded = seed_packs.remove_pack()
            beyond_index.rebuild_index()
            self.stdout.write("The seed pack is gone." if was_loaded else "There was no seed pack.")
            return
        if folder is None:
            raise CommandError("Name the folder of the pack, or give --remove.")
        try:
            pack = seed_packs.install_pack(folder)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise CommandError(
                f"{error.filename or folder} can't be copied ({reason}); the pack before it stays."
            ) from None
        n_known = seed_packs.count_known_songs(pack)
        beyond_index.rebuild_index()
        self.stdout.write(
            f"The pack knows {len(pack.prior):,} songs, {n_known:,} of them are in this library "
            f"(from {pack.about['source'] or 'an unnamed source'}, licence: {pack.about['licence'] or 'not said'}). "
            "The next training uses it."
        )
