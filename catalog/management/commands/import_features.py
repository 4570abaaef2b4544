"""Give songs the audio features that they lack from a table by MusicBrainz id."""

import gzip
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import pluralize

from catalog.analysis.feature_tables import ACOUSTICBRAINZ, TableRefused, import_features
from common.commands.sentences import PlainCommand


class Command(PlainCommand):
    help = (
        "Give songs the audio features that they lack from a CSV table by MusicBrainz id, "
        "such as the rhythm table of AcousticBrainz' last dump."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="CSV or CSV.GZ; - for standard input")
        parser.add_argument(
            "--source", default=ACOUSTICBRAINZ, help=f"Source of the values ({ACOUSTICBRAINZ})."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source = options["source"].strip()
        if not source or len(source) > 64:
            raise CommandError("--source has 1 to 64 characters.")
        try:
            with _open_text(options["file"]) as lines:
                report = import_features(lines, source)
        except OSError as error:
            reason = error.strerror or "it is no gzip file, or it is damaged. Download it again"
            raise CommandError(f"{options['file']} can't be read: {reason}.") from None
        except EOFError:
            raise CommandError(
                f"{options['file']} can't be read: it ends too early. Download it again."
            ) from None
        except TableRefused as error:
            raise CommandError(f"{options['file']}: {error}") from None
        self.stdout.write(
            f"{report.n_rows:,} row{pluralize(report.n_rows)} read, {report.n_known:,} of songs that lacked something; "
            f"{report.n_songs:,} song{pluralize(report.n_songs)} got features, "
            f"{report.n_rejected:,} row{pluralize(report.n_rejected)} rejected."
        )
        for problem in report.problems:
            self.stdout.write(f"  {problem}")


@contextmanager
def _open_text(name: str) -> Iterator[TextIO]:
    """Open a file as text; bytes that are no UTF-8 become a sign that is no value."""
    if name == "-":
        yield io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace")
        return
    path = Path(name)
    opened: Any = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
    with opened, io.TextIOWrapper(opened, encoding="utf-8-sig", errors="replace") as text:
        yield text
