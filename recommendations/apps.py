from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class RecommendationsConfig(AppConfig):
    name = "recommendations"
    verbose_name = _("Recommendations")

    def ready(self) -> None:
        from recommendations import checks, receivers, tasks  # noqa: F401  (they register themselves)
        from recommendations.services.data.change_triggers import create_triggers
        from recommendations.services.training import sentences  # noqa: F401  (so do they)

        post_migrate.connect(create_triggers, sender=self)
