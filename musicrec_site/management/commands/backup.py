import sqlite3
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from musicrec_site.ops import backup


class Command(BaseCommand):
    help = "Write the database and the models to one file, while the site goes on, and verify it."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", type=Path, help="The file to write. Default: a new one in DATA_DIR/backups."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = (options["to"] or backup.build_default_path()).absolute()
        try:
            contents = backup.make_backup(target)
        except (backup.BackupError, OSError, sqlite3.Error) as error:
            raise CommandError(f"No backup was made. {error}") from error
        self.stdout.write(
            f"{target}: {contents.n_rows:,} rows in {len(contents.counts)} tables, {len(contents.artifacts)} models, "
            f"{target.stat().st_size / 1e6:.1f} MB; integrity and counts verified.\n"
            "Keep it elsewhere, together with SECRET_KEY and your other settings, which are not in it."
        )
