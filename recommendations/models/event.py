"""What became of recommendations: which lists were really shown, and what listeners did with their songs."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Song
from recommendations.models.model_version import ModelVersion


class Impression(models.Model):
    """A list of recommendations that a listener saw: one row a list, its songs in their order."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="impressions",
        verbose_name=_("listener"),
    )
    surface = models.CharField(
        _("shown on"), max_length=40, help_text=_("A page, an app, a player.")
    )
    version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.SET_NULL, related_name="impressions"
    )
    step = models.CharField(
        _("step"), max_length=12, help_text=_("The step that answered: precomputed, live, …")
    )
    arm = models.CharField(_("arm of an experiment"), max_length=40, null=True, blank=True)  # noqa: DJ001
    song_ids = models.JSONField(_("songs"), default=list)
    shown_at = models.DateTimeField(_("shown"), auto_now_add=True)

    class Meta:
        verbose_name = _("impression")
        verbose_name_plural = _("impressions")
        ordering = ["-shown_at"]
        indexes = [
            models.Index(fields=["shown_at", "arm"], name="impression_day"),
            models.Index(fields=["listener", "shown_at"], name="impression_listener"),
        ]

    def __str__(self) -> str:
        return f"{self.listener_id} on {self.surface}"


class Outcome(models.Model):
    """What a listener did with one song of a list they were shown; each kind counts once a list and song."""

    class Kind(models.TextChoices):
        CLICK = "click", _("opened or played")
        LIKE = "like", _("liked")
        DISLIKE = "dislike", _("disliked")
        HIDE = "hide", _("hidden")

    impression = models.ForeignKey(Impression, on_delete=models.CASCADE, related_name="outcomes")
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(_("kind"), max_length=7, choices=Kind)
    position = models.PositiveSmallIntegerField(
        _("position"), help_text=_("Of the song in the list, from 1.")
    )
    at = models.DateTimeField(_("at"), auto_now_add=True)

    class Meta:
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        constraints = [
            models.UniqueConstraint(
                fields=["impression", "song", "kind"], name="outcome_once_a_song_and_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} at {self.position}"
