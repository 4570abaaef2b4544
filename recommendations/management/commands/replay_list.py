"""Replay a list that was served."""

import sys
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from recommendations.management.output import SentenceCommand
from recommendations.models import ServedRecord
from recommendations.services.serving import recorder, replay


class Command(SentenceCommand):
    help = "Print a served list as it was recorded, and whether the model makes the same one again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=UUID, help="The list's id, as the dashboard shows it.")
        parser.add_argument(
            "--json", action="store_true", help="Print the recorded bytes and nothing else."
        )

    def handle(self, *args: Any, id: UUID, **options: Any) -> None:
        record = ServedRecord.objects.select_related("listener").filter(pk=id).first()
        if record is None:
            raise CommandError(
                f"There is no served list {id}; lists are kept for RECORDED_LISTS_DAYS."
            )
        try:
            if options["json"]:
                self._print_bytes(recorder.decode(record))
                return
            replayed = replay.replay(record)
        except recorder.RecordBroken as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{record.listener}, {record.served_at:%Y-%m-%d %H:%M}, {record.step}")
        for one in replayed.songs:
            name = str(one.song) if one.song else f"song {one.item.item_id}, not in the catalog"
            self.stdout.write(f"{one.position:3}. {name}   ({one.item.score:.6f}, {one.version})")
        self.stdout.write(str(replayed.verdict.label))

    def _print_bytes(self, body: bytes) -> None:
        stream = getattr(self.stdout, "_out", sys.stdout)
        if hasattr(stream, "buffer"):
            stream.buffer.write(body)
            stream.buffer.flush()
        else:
            self.stdout.write(body.decode(), ending="")
