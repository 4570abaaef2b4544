"""Playlists: a listener's own, and those made for a listener."""

import uuid
from typing import cast

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from catalog.playlists import reasons, titles
from catalog.signals import unwanted_items_asked
from catalog.songs.models import Song


class PlaylistQuerySet(models.QuerySet["Playlist"]):
    def count_songs(self) -> "PlaylistQuerySet":
        """Annotate `n_songs`, the number of songs that are listed."""
        listed = PlaylistItem.objects.filter_listed().filter(playlist=models.OuterRef("pk"))
        counted = listed.order_by().values("playlist").annotate(n=models.Count("*")).values("n")
        return self.annotate(n_songs=Coalesce(models.Subquery(counted), 0))


class Playlist(models.Model):
    class Kind(models.TextChoices):
        OWN = "own", _("made by the listener")
        WEEKLY_JAMS = "weekly-jams", _("weekly jams")
        WEEKLY_DISCOVERY = "weekly-discovery", _("weekly discovery")
        DAILY_MIX = "daily-mix", _("daily mix")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="playlists",
        verbose_name=_("listener"),
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind, default=Kind.OWN)
    period = models.CharField(
        max_length=20,
        blank=True,
        help_text=_("The week or day (and number) a made playlist stands for."),
    )
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    is_public = models.BooleanField(_("public"), default=False)
    import_run = models.ForeignKey(
        "catalog.ImportRun",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        editable=False,
        help_text=_("The import that brought it; undoing the import takes it away again."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = PlaylistQuerySet.as_manager()

    class Meta:
        verbose_name = _("playlist")
        verbose_name_plural = _("playlists")
        ordering = ["-updated_at"]
        indexes = [
            models.Index(
                fields=["import_run"],
                name="playlist_import_run",
                condition=models.Q(import_run__isnull=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "kind", "period"],
                condition=~models.Q(kind="own"),
                name="playlist_made_once_a_period",
            ),
        ]

    def __str__(self) -> str:
        return self.shown_title

    @property
    def listed_items(self) -> "PlaylistItemQuerySet":
        """The entries in order, without what a generated playlist's listener doesn't want any more."""
        return self.items.filter_listed().order_by("position", "pk")

    @property
    def shown_title(self) -> str:
        """The title in the language of who reads, where it was not the listener who gave it."""
        return self._naming.title

    @property
    def shown_description(self) -> str:
        """The description in the language of who reads, where it was not the listener who wrote it."""
        return self._naming.description

    @property
    def _naming(self) -> titles.Naming:
        stored = titles.Naming(self.title, self.description)
        if self.kind == self.Kind.OWN:
            return stored
        return titles.translate_naming(self.kind, self.period, stored)


class PlaylistItemQuerySet(models.QuerySet["PlaylistItem"]):
    def filter_listed(self) -> "PlaylistItemQuerySet":
        """Leave out what the listener of a generated playlist doesn't want any more."""
        return self.filter(build_listed_condition())


def build_listed_condition() -> models.Q:
    """Return the condition of entries that are listed: all of an own playlist, what is wanted of a generated one."""
    listed = models.Q()
    for _receiver, unwanted in unwanted_items_asked.send(PlaylistItem):
        listed &= ~cast(models.Q, unwanted)
    return models.Q(playlist__kind=Playlist.Kind.OWN) | listed if listed else listed


class PlaylistItem(models.Model):
    playlist = models.ForeignKey(Playlist, on_delete=models.CASCADE, related_name="items")
    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="playlist_items")
    position = models.PositiveIntegerField(_("position"))
    reason = models.CharField(_("why"), max_length=reasons.MAX_LENGTH, blank=True)
    reason_by_language = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text=_("Why, in each language of the site, where this site wrote it."),
    )
    import_run = models.ForeignKey(
        "catalog.ImportRun",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        editable=False,
        help_text=_("The import that brought it; undoing the import takes it away again."),
    )
    added_at = models.DateTimeField(_("added"), auto_now_add=True)

    objects = PlaylistItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("playlist item")
        verbose_name_plural = _("playlist items")
        ordering = ["position", "id"]
        indexes = [
            models.Index(fields=["playlist", "position"], name="playlist_item_order"),
            models.Index(
                fields=["import_run"],
                name="playlist_item_import_run",
                condition=models.Q(import_run__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.song}"

    @property
    def shown_reason(self) -> str:
        """Why the song is here, in the language of who reads where this site wrote it, else as it was brought."""
        return reasons.read_reason(self.reason, self.reason_by_language)
