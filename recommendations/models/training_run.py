"""A training asked for: the row is the job, the broker's message only a wake-up."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.jobs.models import JobRow


class TrainingRun(JobRow):
    """One training, from the request to its model version; its states are drawn at `JobRow`."""

    class Trigger(models.TextChoices):
        ADMIN = "admin", _("admin page")
        API = "api", _("API")
        COMMAND = "command", _("command line")
        SCHEDULE = "schedule", _("schedule")
        NEW_LISTENS = "new-listens", _("enough new listens")

    queue_name = "training"

    preset = models.CharField(_("preset"), max_length=40)
    options = models.JSONField(_("options"), default=dict, blank=True)
    trigger = models.CharField(_("started by"), max_length=12, choices=Trigger)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("requested by"),
    )
    stage = models.CharField(_("stage"), max_length=60, blank=True)
    log = models.TextField(_("log"), blank=True)

    class Meta:
        verbose_name = _("training run")
        verbose_name_plural = _("training runs")
        ordering = ["-id"]
        permissions = [("train", _("Can start and cancel a training"))]
        constraints = [
            # Indexed on a value that all active rows share, so that there is at most one of them.
            models.UniqueConstraint(
                models.Case(
                    models.When(status__in=["queued", "running"], then=models.Value(1)),
                    default=models.Value(None),
                    output_field=models.SmallIntegerField(),
                ),
                name="training_run_one_active",
            ),
        ]

    @property
    def label(self) -> str:
        return f"#{self.pk} {self.preset}"

    @property
    def seconds_left(self) -> int | None:
        """Estimate the rest from what the done part took; None while there is too little to go by."""
        if self.status != self.Status.RUNNING or self.started_at is None or self.progress < 0.02:
            return None
        elapsed = (timezone.now() - self.started_at).total_seconds()
        return round(elapsed * (1 - self.progress) / self.progress)

    def describe_giving_up(self) -> str:
        """Return the error of a training that lost its worker in every attempt."""
        return (
            f"The worker stopped without a word in {self.attempt} attempts, the last time at "
            f"“{self.stage or 'the start'}”. The usual cause is too little memory; the worker's log "
            "and the system's (dmesg) tell more."
        )
