"""What was deleted and shall be unlearned, and the training that did it."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from recommendations.models.model_version import ModelVersion


class ForgettingReceipt(models.Model):
    """One deletion: open until a model was trained from data that was read after it.

    ::

        open ──▶ confirmed

    Everybody who has the id may read it, so it names no listener and no song. `listener` is empty
    where the account is gone.
    """

    class Kind(models.TextChoices):
        ACCOUNT = "account", _("an account")
        LISTENS = "listens", _("plays or opinions")
        IMPORT = "import", _("an import")
        WITHDRAWN = "withdrawn", _("a history that is not learned from any more")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("what was deleted"), max_length=9, choices=Kind)
    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="forgetting_receipts",
        verbose_name=_("listener"),
    )
    n_interactions = models.PositiveBigIntegerField(_("plays and opinions"), default=0)
    requested_at = models.DateTimeField(_("deleted"), auto_now_add=True)
    confirmed_at = models.DateTimeField(_("unlearned"), null=True, blank=True)
    version = models.ForeignKey(
        ModelVersion,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("model version"),
    )
    version_name = models.CharField(_("model version"), max_length=40, blank=True)
    data_sha256 = models.CharField(_("sha256 of the data"), max_length=64, blank=True)
    checks = models.JSONField(_("checks"), default=dict)

    class Meta:
        verbose_name = _("receipt of a deletion")
        verbose_name_plural = _("receipts of deletions")
        ordering = ["-requested_at"]
        indexes = [models.Index(fields=["confirmed_at"], name="forgetting_open")]

    def __str__(self) -> str:
        return str(self.pk)
