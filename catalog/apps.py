from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = _("Catalog")

    def ready(self) -> None:
        from catalog import receivers  # noqa: F401  (they register themselves)
        from catalog.imports import sentences  # noqa: F401  (so do they)

        # A migration that makes the table of songs anew takes its triggers away.
        post_migrate.connect(_build_search_index, sender=self)
        post_migrate.connect(_create_triggers, sender=self)


def _build_search_index(using: str, **_: Any) -> None:
    from catalog.songs import search_index

    search_index.build_index(using)


def _create_triggers(using: str, **_: Any) -> None:
    from catalog.statistics import regrouping_triggers

    regrouping_triggers.create_triggers(using)
