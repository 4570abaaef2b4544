"""Lists computed ahead of time, one a listener and version."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from recommendations.models.model_version import ModelVersion


class RecommendationList(models.Model):
    """A listener's list under one version. It serves only while the listener has done nothing since it was computed.

    "Nothing since" is the listener's generation, not a time: clocks jump. `items` is what the engine's
    RecommendedList.to_dict() gives: columns of whole millionths, best first, with song ids under "ids".
    """

    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="recommendation_lists",
        db_index=False,
    )
    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="lists")
    items = models.JSONField(_("songs"))
    generation = models.PositiveBigIntegerField(
        default=0, help_text=_("The listener's generation it was made from.")
    )
    segment = models.CharField(_("listener is"), max_length=8, blank=True)
    computed_at = models.DateTimeField(_("computed"))

    class Meta:
        verbose_name = _("recommendation list")
        verbose_name_plural = _("recommendation lists")
        constraints = [
            models.UniqueConstraint(
                fields=["listener", "version"], name="recommendation_list_one_a_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.listener} {self.version.name}"


class ListenerState(models.Model):
    """When a listener's history, opinions or controls last changed: what is older must not be served.

    `generation` rises with every change and is part of every cache key, so nobody has to delete keys.
    """

    listener = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="listener_state",
    )
    generation = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("listener state")
        verbose_name_plural = _("listener states")

    def __str__(self) -> str:
        return f"{self.listener_id} at {self.generation}"
