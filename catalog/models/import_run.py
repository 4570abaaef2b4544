"""A file on its way into the catalog, and the rows of it that could not be read."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportRun(models.Model):
    """One import of one file.

    ::

        queued ──▶ running ──▶ succeeded ──▶ undone
                     │  ▲
                     │  └── (lease ended: taken up again at `resume_at`)
                     ├──▶ failed
                     └──▶ cancelled

    `resume_at` counts the records that are safely in the tables, so that a killed import goes on where it was.
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

    content = models.CharField(_("content"), max_length=8, choices=Content)
    format = models.CharField(_("format"), max_length=32)
    file_name = models.CharField(_("file"), max_length=255)
    file_sha256 = models.CharField(max_length=64, blank=True)
    stored_path = models.CharField(max_length=500, blank=True, help_text=_("Where an uploaded file waits."))
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
    resume_at = models.PositiveBigIntegerField(default=0)
    progress = models.FloatField(default=0.0, help_text=_("0 to 1, by bytes of the file."))
    error = models.TextField(_("error"), blank=True)

    owner = models.CharField(max_length=100, blank=True, help_text=_("The process that holds the lease."))
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.get_status_display()})"


class RejectedImportRow(models.Model):
    """A row that could not be read, with the reason in one sentence. Only the first ones of a run are kept."""

    import_run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rejected_rows")
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
