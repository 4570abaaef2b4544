from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recommendations.models import RecommendationList
from recommendations.services.serving import precompute
from recommendations.services.versions import registry


class Command(BaseCommand):
    help = "Throw the lists of a version away and compute them anew. Until one is there, its listener is answered live."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--model-version", default="active", help='"active" (the default), or a name like v3.'
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = registry.find(options["model_version"])
            n_old, _ = RecommendationList.objects.filter(version=version).delete()
            n_new = precompute.precompute(version)
        except registry.RegistryError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{version.name}: {n_old:,} lists thrown away, {n_new:,} computed.")
