"""Print the songs most like one song."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from recommendations.management.lookup import find_song
from recommendations.management.output import SentenceCommand, format_json
from recommendations.services.serving import similar_songs


class Command(SentenceCommand):
    help = "Print the songs most like one song."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("song", metavar="KEY", help="Id of the song, like song_00042.")
        parser.add_argument("--top-k", type=int, default=10, help="How many songs (default 10).")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, song: str, top_k: int, **options: Any) -> None:
        wanted = find_song(song)
        served = similar_songs.find_similar(wanted, top_k)
        if not served.items:
            raise CommandError(served.reason)
        if options["json"]:
            self.stdout.write(json.dumps(format_json(served), ensure_ascii=False, indent=2))
            return
        self.stdout.write(f"Like {wanted}:")
        for item in served:
            self.stdout.write(f"{item.position:3}. {item.song}   ({item.score:.3f})")
        if len(served) < top_k:
            self.stdout.write(
                f"{len(served)} of {top_k} songs: there are no more to recommend in one list."
            )
