"""When each worker last said that it lives."""

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class WorkerPulseQuerySet(models.QuerySet["WorkerPulse"]):
    def alive(self, within_seconds: float = 60.0) -> "WorkerPulseQuerySet":
        return self.filter(seen_at__gte=timezone.now() - timedelta(seconds=within_seconds))


class WorkerPulse(models.Model):
    """One row a running worker; its age tells the admin whether anybody would take up a job (T13)."""

    worker = models.CharField(_("worker"), max_length=200, unique=True)
    queues = models.JSONField(_("queues"), default=list)
    started_at = models.DateTimeField(_("started"))
    seen_at = models.DateTimeField(_("last seen"), db_index=True)

    objects = WorkerPulseQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.worker} ({', '.join(self.queues)})"
