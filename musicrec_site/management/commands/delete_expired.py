"""Delete what the nightly cleaning deletes, now."""

from typing import Any

from django.core.management.base import BaseCommand

from musicrec_site.ops import retention


class Command(BaseCommand):
    help = "Delete sessions, events, logs, rejected rows and files that are over, as every night."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, n_deleted in retention.delete_expired().items():
            self.stdout.write(f"{n_deleted:,} {name}")
