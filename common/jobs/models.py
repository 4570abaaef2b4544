"""The row that is a job: its state, who works on it, and how far that is."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Value
from django.db.models.expressions import Combinable
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _


class JobFailed(Exception):
    """A job can't be done, and trying again changes nothing; the message says why and what to do."""


class JobQuerySet(models.QuerySet[Any]):
    """Jobs by what a worker may do with them."""

    def active(self) -> Self:
        """Return the jobs that wait or run."""
        return self.filter(status__in=JobRow.ACTIVE)

    def queued(self) -> Self:
        """Return the jobs that wait for a worker."""
        return self.filter(status=JobRow.Status.QUEUED)

    def running(self) -> Self:
        """Return the jobs that a worker holds."""
        return self.filter(status=JobRow.Status.RUNNING)

    def in_turn(self) -> Self:
        """Return the jobs that wait for a turn, the next one first: the least tried, then who waited longest."""
        return self.queued().order_by("attempt", F("turn_at").asc(nulls_first=True), "pk")

    def holding_lease(self, owner: str, attempt: int) -> Self:
        """Return the job while this owner holds its lease: nothing for a worker that lost it."""
        return self.running().filter(owner=owner, attempt=attempt)


class JobRow(models.Model):
    """One long work as a row. The message of the queue only wakes a worker for it.

    ::

                   claim                      end
        queued ───────────▶ running ───────────────▶ succeeded
          │ ▲                │ │ │
          │ └────────────────┘ │ ├─────────────────▶ failed     (error says why)
          │  release: the slice │ │   or lease lost in the last of `job_attempts` attempts
          │  is over, the worker│ │
          │  stops, the lease   │ └─────────────────▶ cancelled  (cancel_requested was seen)
          │  is lost            │
          └─────────────────────┴─────────────────▶ cancelled

    A worker claims a row with one compare-and-set UPDATE that writes `owner` and raises `attempt`, and
    extends `lease_until` while it works. Every later write names owner and attempt, so that an owner
    that lost its lease changes nothing (fencing token). `attempt` counts claims without a healthy end:
    a worker that gives a job back on purpose gives the attempt back, too.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    ACTIVE = [Status.QUEUED, Status.RUNNING]

    queue_name: ClassVar[str] = ""
    """How /metrics calls the kind."""
    cancels_at_once: ClassVar[bool] = False
    """Whether cancelling takes a running job from its worker, which then finds its lease gone; else it is asked."""

    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.QUEUED)
    progress = models.FloatField(_("progress"), default=0.0, help_text=_("0 to 1."))
    error = models.TextField(_("error"), blank=True)
    cancel_requested = models.BooleanField(_("cancel requested"), default=False)

    owner = models.CharField(
        max_length=100, blank=True, help_text=_("The process that holds the lease.")
    )
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.label} ({self.get_status_display()})"

    @classmethod
    def takes_turns(cls) -> bool:
        """Whether the kind works in turns, in the order of its column `turn_at`."""
        return any(field.name == "turn_at" for field in cls._meta.concrete_fields)

    @classmethod
    def describe_queues(cls) -> dict[str, str]:
        """Return the plural of the kind, or of each of several, by its name in /metrics."""
        return {cls.queue_name: str(cls._meta.verbose_name_plural)}

    @classmethod
    def get_queue_expression(cls) -> Combinable:
        """Return the name of a row's kind in /metrics as an expression of SQL."""
        return Value(cls.queue_name)

    @property
    def is_active(self) -> bool:
        """Whether the job waits or runs."""
        return self.status in self.ACTIVE

    @property
    def job_name(self) -> str:
        """Return how sentences call the job."""
        return capfirst(f"{self._meta.verbose_name} #{self.pk}")

    @property
    def label(self) -> str:
        """What the job is, without how it goes."""
        return f"#{self.pk}"

    def describe_giving_up(self) -> str:
        """Return the error of a job that lost its worker in every attempt."""
        return (
            f"The worker stopped without a word in {self.attempt} attempts. "
            "The usual cause is too little memory; the worker's log and the system's (dmesg) tell more."
        )
