"""Count what listeners played anew, or say where the kept sums are wrong."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import pluralize

from accounts.models import User
from catalog.statistics import entity_totals, sums


class Command(BaseCommand):
    help = "Count the kept sums behind the statistics anew, for one listener or for everybody."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--listener", help="Only this one's.")
        parser.add_argument(
            "--check", action="store_true", help="Only compare and say what differs."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        listeners = User.objects.order_by("pk")
        if options["listener"]:
            listeners = listeners.with_name(options["listener"])
            if not listeners.exists():
                raise CommandError(f"There is no listener {options['listener']!r}.")
        if options["check"]:
            self._report(listeners)
            return
        for listener in listeners.iterator():
            sums.delete_sums(listener)
            sums.refresh_sums(listener)
            entity_totals.count_entities(listener)
        n = listeners.count()
        self.stdout.write(f"Counted the plays of {n:,} listener{pluralize(n)}.")

    def _report(self, listeners: Any) -> None:
        wrong = list(sums.find_differences(listeners))
        for one in wrong:
            self.stdout.write(
                f"{one.listener.username}: {one.n_kept:,} plays in the sums, {one.n_plays:,} in the history"
            )
        if wrong:
            differ = pluralize(len(wrong), " differs,s differ")
            raise CommandError(
                f"The sums of {len(wrong):,} listener{differ}. Run rebuild_statistics."
            )
        self.stdout.write("The sums agree with the history.")
