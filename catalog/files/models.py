"""Folders of music files on this machine, and what was found in them."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.songs.models import Song
from catalog.songs.sources import AudioSource
from common.jobs.models import JobRow

PATH_LENGTH = 1000


class MusicFolder(models.Model):
    """A folder that the operator has named. Its path is shown to operators only."""

    class Interval(models.IntegerChoices):
        NEVER = 0, _("only by hand")
        HOURLY = 1, _("every hour")
        QUARTERLY = 6, _("every 6 hours")
        DAILY = 24, _("every day")
        WEEKLY = 168, _("every week")

    path = models.CharField(
        _("folder"),
        max_length=PATH_LENGTH,
        unique=True,
        help_text=_("As this machine reaches it, such as /srv/music."),
    )
    scan_every_hours = models.PositiveSmallIntegerField(
        _("how often"), choices=Interval, default=Interval.DAILY
    )
    created_at = models.DateTimeField(_("added"), auto_now_add=True)

    class Meta:
        verbose_name = _("music folder")
        verbose_name_plural = _("music folders")
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path


class FolderScan(JobRow):
    """One reading of a folder; its states are drawn at `JobRow`.

    Files of the same size and time are not read again, so a scan that was interrupted goes on where
    it was: what is in the table is skipped.
    """

    queue_name = "folder scan"
    cancels_at_once = True

    folder = models.ForeignKey(
        MusicFolder, on_delete=models.CASCADE, related_name="scans", verbose_name=_("music folder")
    )
    n_files = models.PositiveIntegerField(_("files"), default=0)
    n_read = models.PositiveIntegerField(_("files read"), default=0)
    n_added = models.PositiveIntegerField(_("new songs"), default=0)
    n_vanished = models.PositiveIntegerField(_("vanished files"), default=0)
    n_rejected = models.PositiveIntegerField(_("rejected files"), default=0)
    turn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("folder scan")
        verbose_name_plural = _("folder scans")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["folder"],
                condition=Q(status__in=["queued", "running"]),
                name="folder_scan_one_at_a_time",
            ),
        ]

    @property
    def label(self) -> str:
        return f"#{self.pk} {self.folder}"


class MusicFileQuerySet(models.QuerySet["MusicFile"]):
    def present(self) -> Self:
        """Return the files that hold a song and were there when their folder was last scanned."""
        return self.filter(removed_at=None, song__isnull=False)


class MusicFile(models.Model):
    """A file of a folder: the song it holds, or why it can't be used.

    A file that vanished keeps its row, so that its song comes back with it. `cover_tag` is a hash of
    the picture inside the file, else of the picture beside it, `folder_picture`.
    """

    audio_source = AudioSource({"removed_at": None}, ("cover_tag",))

    folder = models.ForeignKey(
        MusicFolder, on_delete=models.CASCADE, related_name="files", db_index=False
    )
    song = models.ForeignKey(
        Song, null=True, blank=True, on_delete=models.SET_NULL, related_name="music_files"
    )
    path = models.CharField(_("file"), max_length=PATH_LENGTH, help_text=_("Below the folder."))
    n_bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    modified_ns = models.BigIntegerField(default=0)
    mime_type = models.CharField(max_length=60, blank=True)
    folder_picture = models.CharField(max_length=PATH_LENGTH, blank=True)
    picture_mark = models.CharField(
        max_length=32, blank=True, help_text=_("Of the size and time of the picture beside it.")
    )
    cover_tag = models.CharField(max_length=32, blank=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    removed_at = models.DateTimeField(_("vanished"), null=True, blank=True)

    objects = MusicFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("music file")
        verbose_name_plural = _("music files")
        ordering = ["folder", "path"]
        constraints = [
            models.UniqueConstraint(fields=["folder", "path"], name="music_file_once_a_path"),
        ]

    def __str__(self) -> str:
        return self.path
