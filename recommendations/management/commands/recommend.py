"""Recommend songs to a listener, or from a list of liked songs."""

import json
from typing import Any

from django.core.management.base import CommandParser

from recommendations.management.lookup import find_listener, find_songs
from recommendations.management.output import SentenceCommand, format_json, format_lines
from recommendations.services.serving import recommend, visitor_lists


class Command(SentenceCommand):
    help = (
        "Print explained recommendations for a listener, or for somebody who likes the given songs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument(
            "--listener",
            metavar="NAME",
            help="Name of a listener, as in the admin or the imported file.",
        )
        who.add_argument(
            "--likes", metavar="KEY,KEY", help="Song ids; nobody needs an account for this."
        )
        parser.add_argument("--top-k", type=int, default=10, help="How many songs (default 10).")
        parser.add_argument("--json", action="store_true", help="Print JSON.")

    def handle(self, *args: Any, listener: str, likes: str, top_k: int, **options: Any) -> None:
        user = find_listener(listener) if listener is not None else None
        if user is not None:
            served = recommend.recommend_songs(user, top_k)
        else:
            served = visitor_lists.recommend_from_songs(find_songs(likes), top_k)
        if options["json"]:
            self.stdout.write(json.dumps(format_json(served, user), ensure_ascii=False, indent=2))
            return
        for line in format_lines(served, user):
            self.stdout.write(line)
        if len(served) < top_k:
            self.stdout.write(
                f"{len(served)} of {top_k} songs: there are no more to recommend in one list."
            )
