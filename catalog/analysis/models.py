"""The computation of audio features by a program that the operator installed."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.songs.models import Song
from common.jobs.models import JobRow


class AnalysisRun(JobRow):
    """One pass over the songs that can be heard here and lack features; its states are drawn at `JobRow`.

    Which songs are done is noted song by song (`SongAnalysis`), so that a run goes on where it was after a turn, a
    pause or a kill. A paused run waits until it is resumed.
    """

    queue_name = "audio analysis"
    cancels_at_once = True

    is_paused = models.BooleanField(_("paused"), default=False)
    n_songs = models.PositiveIntegerField(_("songs"), default=0)
    n_done = models.PositiveIntegerField(_("analysed"), default=0)
    n_failed = models.PositiveIntegerField(_("failed"), default=0)
    busy_seconds = models.FloatField(
        default=0.0, help_text=_("How long it has worked, without waiting.")
    )
    turn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("audio analysis")
        verbose_name_plural = _("audio analyses")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(status__in=["queued", "running"]),
                name="audio_analysis_one_at_a_time",
            ),
        ]

    @property
    def songs_an_hour(self) -> float | None:
        """Return how many songs it does in an hour of work; None before the first."""
        n = self.n_done + self.n_failed
        return 3600 * n / self.busy_seconds if n and self.busy_seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Return how long the songs that are left will take at its rate; None before the first."""
        rate = self.songs_an_hour
        return (
            None
            if rate is None
            else 3600 * max(self.n_songs - self.n_done - self.n_failed, 0) / rate
        )


class SongAnalysis(models.Model):
    """That the analyser was asked about a song, and what went wrong with it if anything did."""

    song = models.OneToOneField(Song, on_delete=models.CASCADE, related_name="analysis")
    analyser = models.CharField(_("analyser"), max_length=64)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    analysed_at = models.DateTimeField(_("analysed"), auto_now=True)

    class Meta:
        verbose_name = _("analysed song")
        verbose_name_plural = _("analysed songs")
        ordering = ["-analysed_at", "-id"]

    def __str__(self) -> str:
        return f"{self.song}: {self.problem or self.analyser}"
