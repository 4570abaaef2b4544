from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from musicrec_site.ops import backup


class Command(BaseCommand):
    help = "Replace the database and the models by those of a backup. Stop the site first."
    # The database to be replaced may be damaged or empty: nothing may ask it anything before.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="What `manage.py backup` wrote.")
        parser.add_argument("--check", action="store_true", help="Only verify the file.")
        parser.add_argument(
            "--yes", action="store_true", help="Don't ask before replacing what is there."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.")
        if not (options["check"] or options["yes"]):
            self._ask()
        try:
            contents = (
                _check_backup(options["file"])
                if options["check"]
                else backup.restore_backup(options["file"])
            )
        except (backup.BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        done = "is sound" if options["check"] else "is restored; start the site again"
        self.stdout.write(
            f"The backup of {contents.created_at[:19]} {done}: {contents.n_rows:,} rows, "
            f"{len(contents.artifacts)} models."
        )

    def _ask(self) -> None:
        try:
            answer = input(
                "Everything in the database is replaced by the backup. Type yes to go on: "
            )
        except EOFError:
            raise CommandError("Nothing was changed; where nobody can answer, say --yes.") from None
        if answer.strip().lower() != "yes":
            raise CommandError("Nothing was changed.")


def _check_backup(source: Path) -> backup.Contents:
    with TemporaryDirectory() as folder:
        return backup.read_backup(source, Path(folder))
