"""Build a seed pack from public listening histories that were downloaded before."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from recommendations.engine import FEWEST_LISTENERS, MOST_NEIGHBOURS
from recommendations.management.output import SentenceCommand
from recommendations.services.seeds.seed_builder import build_pack
from recommendations.services.seeds.seed_steps import BuildOptions

STAGES = {
    "read": "Reading listens",
    "count": "Counting listeners",
    "pair": "Counting pairs",
    "assemble": "Choosing neighbours",
    "name": "Reading names",
    "album": "Reading albums",
}


class Command(SentenceCommand):
    help = (
        "Build a seed pack from a folder with ListenBrainz' Spark dumps (parquet or tar) "
        "and, as far as they are there, the tables of MusicBrainz' canonical dump: canonical_recording_redirect.csv, "
        "canonical_musicbrainz_data.csv and canonical_release_redirect.csv, also as .zst or .gz. "
        "Stopped and called again, it goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dump", type=Path, help="The folder with the downloaded files.")
        parser.add_argument(
            "folder", type=Path, help="The folder of the pack; it does not exist yet."
        )
        parser.add_argument(
            "--work",
            type=Path,
            help="Where the steps are kept until the end; beside the pack when not given.",
        )
        parser.add_argument("--fewest-listeners", type=int, default=FEWEST_LISTENERS)
        parser.add_argument("--most-neighbours", type=int, default=MOST_NEIGHBOURS)
        parser.add_argument("--most-songs", type=int, default=BuildOptions.most_songs)
        parser.add_argument(
            "--session-gap", type=int, default=BuildOptions.session_gap, help="Seconds."
        )
        parser.add_argument(
            "--window", type=int, default=BuildOptions.window, help="Plays apart, at most."
        )
        parser.add_argument("--source", default=BuildOptions.source)
        parser.add_argument("--licence", default=BuildOptions.licence)

    def handle(
        self, *args: Any, dump: Path, folder: Path, work: Path | None, **options: Any
    ) -> None:
        names = (
            "fewest_listeners",
            "most_neighbours",
            "most_songs",
            "session_gap",
            "window",
            "source",
            "licence",
        )
        result = build_pack(
            dump,
            folder,
            work or folder.parent / f"{folder.name}.work",
            BuildOptions(**{name: options[name] for name in names}),
            self._show,
        )
        share = result.n_usable / result.n_rows if result.n_rows else 0.0
        self.stdout.write(
            f"{folder} holds {result.n_pairs:,} pairs of {result.n_songs:,} songs and {result.n_artists:,} artists, "
            f"from {result.n_usable:,} of {result.n_rows:,} listens ({share:.0%} name a recording)."
        )
        if result.n_with_album:
            self.stdout.write(f"The album of {result.n_with_album:,} songs is named.")
        self.stdout.write(f"Bring it in with: python manage.py load_seed {folder}")

    def _show(self, stage: str, done: int, total: int) -> None:
        if done == total or done % max(total // 10, 1) == 0:
            self.stdout.write(f"{STAGES[stage]}: {done} of {total}")
