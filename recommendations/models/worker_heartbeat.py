"""When each worker last said that it lives."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class WorkerHeartbeat(models.Model):
    """One row a running worker; its age tells the admin whether anybody would take up a job."""

    worker = models.CharField(_("worker"), max_length=200, unique=True)
    queues = models.JSONField(_("queues"), default=list)
    started_at = models.DateTimeField(_("started"))
    seen_at = models.DateTimeField(_("last seen"), db_index=True)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.worker} ({', '.join(self.queues)})"
