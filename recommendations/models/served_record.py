"""The flight recorder: what was served, and everything that made it."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from recommendations.models.model_version import ModelVersion


class ServedRecord(models.Model):
    """A list that was served to a listener, with what it was made from; the same list is recorded once.

    `data` is compressed JSON that needs no other table (`serving/recorder.py`): song ids and scores, not titles.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="served_records",
        verbose_name=_("listener"),
        db_index=False,
    )
    served_at = models.DateTimeField(_("served"), default=timezone.now, db_index=True)
    version = models.ForeignKey(
        ModelVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("model version"),
    )
    step = models.CharField(_("step"), max_length=12)
    arm = models.CharField(_("arm of an experiment"), max_length=40, blank=True)
    n_songs = models.PositiveSmallIntegerField(_("songs"))
    sha256 = models.CharField(_("sha256 of the data"), max_length=64)
    data = models.BinaryField(_("data"))

    class Meta:
        verbose_name = _("served list")
        verbose_name_plural = _("served lists")
        ordering = ["-served_at"]
        constraints = [
            models.UniqueConstraint(fields=["listener", "sha256"], name="served_record_once_a_list")
        ]

    def __str__(self) -> str:
        return str(self.pk)
