"""Lists for several listeners who agreed to it."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Blend(models.Model):
    """A list for two to six listeners; what is in it is computed when it is opened."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    title = models.CharField(_("title"), max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("blend")
        verbose_name_plural = _("blends")
        ordering = ["title", "created_at"]

    def __str__(self) -> str:
        return self.title


class BlendMember(models.Model):
    """A listener of a blend; without `joined_at` they are invited and nothing of theirs is used."""

    blend = models.ForeignKey(Blend, on_delete=models.CASCADE, related_name="members")
    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blend_memberships"
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    joined_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("member of a blend")
        verbose_name_plural = _("members of blends")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["blend", "listener"], name="blend_member_once")
        ]

    def __str__(self) -> str:
        return f"{self.listener}: {self.blend}"
