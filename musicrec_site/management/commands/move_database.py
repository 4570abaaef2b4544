from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from musicrec_site.ops import database_transfer
from recommendations.services.operations import workers


class Command(BaseCommand):
    help = "Copy everything to another, empty database (SQLite to PostgreSQL, or back) and verify every row."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--to", required=True, help="postgres://user:password@host/name or sqlite:////path"
        )
        parser.add_argument("--force", action="store_true", help="Also while a worker is running.")

    def handle(self, *args: Any, **options: Any) -> None:
        if workers.has_worker() and not options["force"]:
            raise CommandError(
                "A worker is running. Stop the site, so that nothing is written to the old database."
            )
        try:
            n_rows = database_transfer.transfer_database(options["to"], on_table=self._say)
        except database_transfer.TransferError as error:
            raise CommandError(f"Nothing was moved. {error}") from error
        self.stdout.write(
            f"{n_rows:,} rows copied and compared. Now set DATABASE_URL to the new database and start the site; "
            "keep the old one until you are content."
        )

    def _say(self, table: str, n_rows: int) -> None:
        if n_rows:
            self.stdout.write(f"  {table}: {n_rows:,}")
