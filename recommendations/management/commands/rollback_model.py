"""Go back to the version that was active before."""

from typing import Any

from recommendations.management.output import SentenceCommand
from recommendations.services.versions import registry


class Command(SentenceCommand):
    help = "Activate the model version that was active before the active one."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{registry.roll_back().name} is active again.")
