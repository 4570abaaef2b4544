"""A file on its way into the catalog, and the rows of it that could not be read."""

from collections.abc import Callable

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog.records import LeftOut
from common.jobs.models import JobRow
from common.templatetags.numbers import format_count

LEFT_OUT_IN_WORDS = {
    LeftOut.PRIVATE: _("played in a private session"),
    LeftOut.PODCAST: _("podcast episodes"),
    LeftOut.AUDIOBOOK: _("audiobooks"),
    LeftOut.VIDEO: _("from the video history"),
    LeftOut.UNTITLED: _("without a title"),
    LeftOut.UNHEARD: _("not heard at all"),
    LeftOut.BROKEN_OFF: _("broken off within 30 seconds, and not by you"),
    LeftOut.NOW_PLAYING: _("still playing when the file was made"),
    LeftOut.NOT_MUSIC: _("films, videos and other things that aren't songs"),
    LeftOut.NO_PLAY: _("events that are no plays"),
    LeftOut.UNWANTED: _("marked as not to be learnt from"),
    LeftOut.OTHER_USER: _("of another user"),
    LeftOut.UNREAD_KIND: _("albums and artists"),
}
KINDS_IN_WORDS: dict[str, Callable[[int], str]] = {
    "play": lambda n: ngettext("%(n)s play", "%(n)s plays", n) % {"n": format_count(n)},
    "skip": lambda n: ngettext("%(n)s skip", "%(n)s skips", n) % {"n": format_count(n)},
    "like": lambda n: ngettext("%(n)s like", "%(n)s likes", n) % {"n": format_count(n)},
    "dislike": lambda n: ngettext("%(n)s dislike", "%(n)s dislikes", n) % {"n": format_count(n)},
    "playlist": lambda n: ngettext("%(n)s playlist", "%(n)s playlists", n) % {"n": format_count(n)},
    "playlist_song": lambda n: (
        ngettext("%(n)s song in playlists", "%(n)s songs in playlists", n) % {"n": format_count(n)}
    ),
    "setting": lambda n: ngettext("%(n)s setting", "%(n)s settings", n) % {"n": format_count(n)},
}


class ImportRun(JobRow):
    """One import of one file.

    To the states of `JobRow` it adds one::

        succeeded, failed or cancelled ──▶ undone

    What kind of file an upload is, the worker finds out: until then `format` is empty. A file is read in
    turns of `job_slice_seconds`; between two of them the run is queued again behind those that wait.
    `resume_at` counts the records that are safely in the tables, so that a run goes on where it was,
    after a turn and after a kill. A turn that went well forgives earlier attempts.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        UNDONE = "undone", _("undone")

    class Content(models.TextChoices):
        SONGS = "songs", _("songs")
        LISTENS = "listens", _("listens")

    queue_name = "import"
    cancels_at_once = True

    content = models.CharField(_("content"), max_length=8, choices=Content)
    format = models.CharField(_("format"), max_length=32, blank=True)
    file_name = models.CharField(_("file"), max_length=255)
    n_bytes = models.PositiveBigIntegerField(
        _("bytes"), default=0, help_text=_("Size of an uploaded file.")
    )
    file_sha256 = models.CharField(max_length=64, blank=True)
    stored_path = models.CharField(
        max_length=500, blank=True, help_text=_("Where an uploaded file waits.")
    )
    options = models.JSONField(default=dict, blank=True)
    listener = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="own_imports",
        help_text=_("Set when a listener brings their own history."),
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.QUEUED)

    n_read = models.PositiveBigIntegerField(_("rows read"), default=0)
    n_added = models.PositiveBigIntegerField(_("added"), default=0)
    n_known = models.PositiveBigIntegerField(_("known already"), default=0)
    n_rejected = models.PositiveBigIntegerField(_("rejected"), default=0)
    kinds = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("How many plays, skips, likes … the file holds, by kind."),
    )
    left_out = models.JSONField(
        default=dict, blank=True, help_text=_("How many rows were left out by a rule, by reason.")
    )
    resume_at = models.PositiveBigIntegerField(default=0)
    n_rejected_in_row = models.PositiveBigIntegerField(
        default=0, help_text=_("Rows rejected since the last one that could be read.")
    )
    turn_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When a worker last took it up; who waited longest is next."),
    )

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["status", "finished_at"], name="import_run_status"),
            models.Index(fields=["format", "created_at"], name="import_run_format"),
        ]

    @property
    def label(self) -> str:
        return self.file_name

    def describe_giving_up(self) -> str:
        """Return the error of an import that lost its worker in every attempt."""
        return _(
            "Reading it was tried %(attempts)d times, and each time the worker was lost at row %(row)d."
        ) % {"attempts": self.attempt, "row": self.resume_at + 1}

    @property
    def n_left_out(self) -> int:
        return sum(self.left_out.values())

    @property
    def kinds_in_words(self) -> list[str]:
        """What the file holds, as "1,204 plays", in the language of the reader."""
        return [KINDS_IN_WORDS[kind](n) for kind, n in self.kinds.items() if kind in KINDS_IN_WORDS]

    @property
    def left_out_in_words(self) -> list[tuple[int, str]]:
        """How many rows were left out, and why; the most frequent reason first."""
        most_first = sorted(self.left_out.items(), key=lambda item: -item[1])
        return [(n, str(LEFT_OUT_IN_WORDS.get(reason, reason))) for reason, n in most_first]


class RejectedImportRow(models.Model):
    """A row that could not be read, with the reason in one sentence. Only the first ones of a run are kept."""

    import_run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="rejected_rows"
    )
    line = models.PositiveBigIntegerField(_("line"))
    reason = models.CharField(_("reason"), max_length=300)

    class Meta:
        verbose_name = _("rejected row")
        verbose_name_plural = _("rejected rows")
        ordering = ["line", "id"]
        constraints = [
            models.UniqueConstraint(fields=["import_run", "line"], name="rejected_row_once_a_line"),
        ]

    def __str__(self) -> str:
        return f"{self.line}: {self.reason}"
