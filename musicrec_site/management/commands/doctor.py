from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from musicrec_site.ops import doctor
from recommendations.services.operations.health_checks import Finding

SIGNS = {"ok": "  ok  ", "degraded": " warn ", "failed": "FAILED"}


class Command(BaseCommand):
    help = "Examine the installation and say what to do about what is wrong. Exits with 1 when something failed."
    requires_system_checks: list[str] = []  # they are part of the findings

    def handle(self, *args: Any, **options: Any) -> None:
        n_failed = 0
        try:
            for finding in doctor.examine_installation():
                n_failed += finding.status == "failed"
                self._tell(finding)
        except DatabaseError as error:
            raise CommandError(
                f"The database answered with an error: {error}. Apply migrations first."
            ) from error
        if n_failed:
            raise CommandError(f"{n_failed} of these must be repaired.")

    def _tell(self, finding: Finding) -> None:
        self.stdout.write(f"[{SIGNS[finding.status]}] {finding.name}: {finding.detail or 'fine'}")
        if finding.status != "ok" and finding.cure:
            self.stdout.write(f"         → {finding.cure}")
