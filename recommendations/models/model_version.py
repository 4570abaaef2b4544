"""A trained recommender on disk and what is known about it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from recommendations.models.training_run import TrainingRun


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def usable(self) -> "ModelVersionQuerySet":
        return self.filter(state=ModelVersion.State.READY)


class ModelVersion(models.Model):
    """A saved recommender. At most one is active, which a conditional unique constraint keeps.

    `state`: ready (can serve) · broken (its files failed a check) · pruned (its files were removed, the row stays as
    history). Whether the quality gate held it back is in `gate_reason`; such a version is ready and can be activated
    by hand.
    """

    class State(models.TextChoices):
        READY = "ready", _("ready")
        BROKEN = "broken", _("broken")
        PRUNED = "pruned", _("pruned")

    training_run = models.OneToOneField(
        TrainingRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="version"
    )
    preset = models.CharField(_("preset"), max_length=40)
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.READY)
    is_active = models.BooleanField(_("active"), default=False)
    gate_reason = models.TextField(_("held back because"), blank=True)

    artifact = models.CharField(
        _("folder"), max_length=200, unique=True, help_text=_("Below ARTIFACTS_DIR.")
    )
    manifest_sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField(_("size"))
    config = models.JSONField(_("configuration"), default=dict)
    metadata = models.JSONField(_("about the training"), default=dict)
    metrics = models.JSONField(_("metrics"), default=dict)

    n_listeners = models.PositiveIntegerField(_("listeners"))
    n_songs = models.PositiveIntegerField(_("songs"))
    n_interactions = models.PositiveBigIntegerField(_("interactions"))
    data_from = models.DateTimeField(_("data from"), null=True, blank=True)
    data_until = models.DateTimeField(_("data until"), null=True, blank=True)
    fit_seconds = models.FloatField(_("fit (s)"))
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    activated_at = models.DateTimeField(_("activated"), null=True, blank=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering = ["-id"]
        permissions = [("activate", _("Can activate, roll back and prune versions"))]
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"],
                condition=models.Q(is_active=True),
                name="model_version_one_active",
            ),
            models.CheckConstraint(
                condition=models.Q(is_active=False) | models.Q(state="ready"),
                name="model_version_active_is_ready",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"v{self.pk}"

    @property
    def last_interaction_id(self) -> int:
        """Up to which interaction it was trained; 0 where its training did not say."""
        return int(self.metadata.get("last_interaction_id", 0))


class Activation(models.Model):
    """One change of the active version: the log that roll-back reads. `version` is empty when nothing was active."""

    class Reason(models.TextChoices):
        TRAINED = "trained", _("after training")
        BY_HAND = "by-hand", _("by hand")
        ROLLED_BACK = "rolled-back", _("rolled back")
        BROKEN = "broken", _("the active one was broken")
        EXPERIMENT = "experiment", _("winner of an experiment")

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="activations")
    previous = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.CharField(_("reason"), max_length=12, choices=Reason)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("activation")
        verbose_name_plural = _("activations")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.version.name} ({self.get_reason_display()})"
