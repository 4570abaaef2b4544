"""Scan a folder of music files."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.files import scan_jobs
from catalog.models import FolderScan
from common.commands.progress_bars import show_progress_bar
from common.commands.sentences import ResumableCommand

SHOWN_PROBLEMS = 20


class Command(ResumableCommand):
    help = "Bring in the songs of a folder of music files; files that did not change are not read again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "folder", help="The folder; it is scanned again by the schedule of the dashboard."
        )
        parser.add_argument("--all-rejected", action="store_true", help="List every rejected file.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with show_progress_bar() as bar:
                folder = scan_jobs.add_folder(options["folder"])
                scan = scan_jobs.scan_now(
                    folder, lambda scan: bar.show(folder.path[-32:], scan.progress)
                )
        except scan_jobs.ScanFailed as error:
            raise CommandError(str(error)) from None
        self._report(scan, None if options["all_rejected"] else SHOWN_PROBLEMS)

    def _report(self, scan: FolderScan, most: int | None) -> None:
        self.stdout.write(
            f"{scan.folder}: {scan.n_files:,} files, {scan.n_read:,} read, {scan.n_added:,} new songs, "
            f"{scan.n_vanished:,} vanished, {scan.n_rejected:,} rejected."
        )
        rejected = scan.folder.files.filter(removed_at=None).exclude(problem="")
        for file in rejected[:most]:
            self.stdout.write(f"  {file.path}: {file.problem}")
        n_more = rejected.count() - len(rejected[:most])
        if n_more > 0:
            self.stdout.write(f"  and {n_more:,} more")
