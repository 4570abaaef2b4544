"""What the import commands share: progress with time left, and the result in words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.imports import import_jobs, import_requests
from catalog.models import ImportRun
from catalog.records import WrongFile
from common.commands.progress_bars import show_progress_bar
from common.commands.sentences import ResumableCommand
from common.jobs import LostLease

SHOWN_ROWS = 20


class ImportCommand(ResumableCommand):
    """A command that imports one file and says what became of its rows."""

    columns: Sequence[str] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="The file; .gz is fine.")
        for name in self.columns:
            parser.add_argument(
                f"--{name.replace('_', '-')}-column",
                dest=f"column_{name}",
                metavar="NAME",
                help=f"The column with the {name.replace('_', ' ')}, if it goes by another name.",
            )
        parser.add_argument(
            "--all-rejected", action="store_true", help="List all rejected rows that were kept."
        )

    def read_chosen_columns(self, options: dict[str, Any]) -> dict[str, str]:
        chosen = {name: options[f"column_{name}"] for name in self.columns}
        return {name: column for name, column in chosen.items() if column}

    def import_file(
        self, given: dict[str, Any], content: str, format: str = "", **more: Any
    ) -> None:
        """Import, show progress, print the result; CommandError with one sentence if it cannot be done."""
        try:
            with show_progress_bar() as bar:
                run = import_jobs.import_file(
                    given["file"],
                    content,
                    format,
                    on_progress=lambda run: bar.show(run.file_name, run.progress),
                    **more,
                )
        except (WrongFile, import_requests.ImportRefused, LostLease) as error:
            raise CommandError(str(error)) from None
        self._report(run, None if given["all_rejected"] else SHOWN_ROWS)

    def _report(self, run: ImportRun, most: int | None) -> None:
        self.stdout.write(
            f"{run.file_name}: {run.n_read:,} read, {run.n_added:,} added, {run.n_known:,} known already, "
            f"{run.n_rejected:,} rejected."
        )
        if run.kinds:
            self.stdout.write(f"  It holds {', '.join(run.kinds_in_words)}.")
        for n, reason in run.left_out_in_words:
            self.stdout.write(f"  Left out: {n:,} ({reason})")
        shown = run.rejected_rows.all()[:most]
        for row in shown:
            self.stdout.write(f"  line {row.line}: {row.reason}")
        if run.n_rejected > len(shown):
            self.stdout.write(f"  and {run.n_rejected - len(shown):,} more")
        if run.n_read and run.n_rejected == run.n_read:
            raise CommandError("Every row was rejected; nothing was imported.")
