"""A training asked for: the row is the job, the broker's message only a wake-up."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class TrainingRunQuerySet(models.QuerySet["TrainingRun"]):
    def active(self) -> "TrainingRunQuerySet":
        return self.filter(status__in=TrainingRun.ACTIVE)

    def queued(self) -> "TrainingRunQuerySet":
        return self.filter(status=TrainingRun.Status.QUEUED)

    def running(self) -> "TrainingRunQuerySet":
        return self.filter(status=TrainingRun.Status.RUNNING)

    def held_by(self, owner: str, attempt: int) -> "TrainingRunQuerySet":
        """The run as long as this owner holds its lease: empty for a worker that lost it."""
        return self.running().filter(owner=owner, attempt=attempt)


class TrainingRun(models.Model):
    """One training, from the request to its model version.

    ::

        queued ──▶ running ──▶ succeeded
          │  ▲        │ │
          │  └────────┘ ├──▶ failed      (error says why)
          │ lease ended └──▶ cancelled   (cancel_requested was seen)
          └────────────────▶ cancelled

    A worker claims a row with one compare-and-set UPDATE that writes `owner` and raises `attempt`; every later write
    names both, so that an owner that lost its lease changes nothing (fencing token).
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    class Trigger(models.TextChoices):
        ADMIN = "admin", _("admin page")
        API = "api", _("API")
        COMMAND = "command", _("command line")
        SCHEDULE = "schedule", _("schedule")
        NEW_LISTENS = "new-listens", _("enough new listens")

    ACTIVE = [Status.QUEUED, Status.RUNNING]

    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.QUEUED)
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
    progress = models.FloatField(_("progress"), default=0.0, help_text=_("0 to 1."))
    log = models.TextField(_("log"), blank=True)
    error = models.TextField(_("error"), blank=True)
    cancel_requested = models.BooleanField(_("cancel requested"), default=False)

    owner = models.CharField(max_length=100, blank=True)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()

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

    def __str__(self) -> str:
        return f"#{self.pk} {self.preset} ({self.get_status_display()})"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE
