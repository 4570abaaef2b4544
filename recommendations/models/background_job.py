"""Long works beside trainings: lists, generated playlists, trends, a backup, removing the demo."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.jobs.models import JobRow
from recommendations.models.model_version import ModelVersion


class BackgroundJob(JobRow):
    """One such work; its states are drawn at `JobRow`.

    It goes through listeners in the order of their numbers. `cursor` is the last one that is done, written
    in the transaction that wrote what was made for them: after a turn or a kill the work goes on behind it.
    """

    class Kind(models.TextChoices):
        LISTS = "lists", _("lists")
        PLAYLISTS = "playlists", _("generated playlists")
        TRENDS = "trends", _("trends")
        BACKUP = "backup", _("backup")
        DEMO = "demo", _("removal of the demo")

    kind = models.CharField(_("kind"), max_length=9, choices=Kind)
    version = models.ForeignKey(
        ModelVersion,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="background_jobs",
        verbose_name=_("version"),
    )
    cursor = models.BigIntegerField(default=0, help_text=_("The last listener that is done."))
    n_done = models.PositiveBigIntegerField(_("done"), default=0)
    turn_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When a worker last took it up; who waited longest is next."),
    )

    class Meta:
        verbose_name = _("background job")
        verbose_name_plural = _("background jobs")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(kind="lists", status__in=["queued", "running"]),
                name="background_job_one_of_lists",
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(
                    kind__in=["playlists", "trends", "backup", "demo"],
                    status__in=["queued", "running"],
                ),
                name="background_job_one_of_kind",
            ),
        ]

    @classmethod
    def describe_queues(cls) -> dict[str, str]:
        """Return the label of each kind."""
        return {kind.value: str(kind.label) for kind in cls.Kind}

    @classmethod
    def get_queue_expression(cls) -> F:
        """Return the column with the kind."""
        return F("kind")

    @property
    def label(self) -> str:
        return f"#{self.pk} {self.get_kind_display()}"
