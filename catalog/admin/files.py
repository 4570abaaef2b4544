"""Music folders in the admin: adding one, scanning it, what could not be read."""

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from catalog import tasks
from catalog.files import scan_jobs
from catalog.models import FolderScan, MusicFile, MusicFolder
from catalog.songs.sources import refresh_sources
from common.admin.records import RecordAdmin
from common.generics import ModelAdmin, ModelForm, StrOrPromise


class MusicFolderForm(ModelForm[MusicFolder]):
    class Meta:
        model = MusicFolder
        fields = ["path", "scan_every_hours"]

    def clean_path(self) -> str:
        try:
            return scan_jobs.check_folder(self.cleaned_data["path"])
        except scan_jobs.ScanFailed as error:
            raise ValidationError(str(error)) from None


@admin.register(MusicFolder)
class MusicFolderAdmin(ModelAdmin[MusicFolder]):
    form = MusicFolderForm
    list_display = ["path", "scan_every_hours", "last_scan"]
    actions = ["scan"]

    def get_readonly_fields(
        self, request: HttpRequest, obj: MusicFolder | None = None
    ) -> list[str]:
        return ["path"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: MusicFolder, form: ModelForm[MusicFolder], change: bool
    ) -> None:
        """A new folder is scanned at once."""
        super().save_model(request, obj, form, change)
        if not change:
            tasks.enqueue(scan_jobs.request_scan(obj))

    def delete_model(self, request: HttpRequest, obj: MusicFolder) -> None:
        scan_jobs.remove_folder(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[MusicFolder]) -> None:
        for folder in queryset:
            scan_jobs.remove_folder(folder)

    @admin.action(description=_("Scan now"), permissions=["change"])
    def scan(self, request: HttpRequest, queryset: QuerySet[MusicFolder]) -> None:
        for folder in queryset:
            tasks.enqueue(scan_jobs.request_scan(folder))
            self.log_change(request, folder, "Scan requested.")
        n = len(queryset)
        messages.success(
            request,
            ngettext("%(n)d folder will be scanned.", "%(n)d folders will be scanned.", n)
            % {"n": n},
        )

    @admin.display(description=_("last scan"))
    def last_scan(self, folder: MusicFolder) -> StrOrPromise:
        scan = folder.scans.first()
        return _describe(scan) if scan else _("never")


@admin.register(FolderScan)
class FolderScanAdmin(RecordAdmin[FolderScan]):
    list_display = [
        "folder", "progress_text", "n_files", "n_read", "n_added", "n_vanished", "n_rejected", "created",
    ]  # fmt: skip
    list_select_related = ["folder"]
    list_filter = ["status", "folder"]
    actions = ["cancel"]

    @admin.action(description=_("Stop"), permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[FolderScan]) -> None:
        if not request.user.has_perm("catalog.change_folderscan"):
            messages.error(request, _("You may not stop scans."))
            return
        stopped = [scan for scan in queryset if scan_jobs.cancel_scan(scan)]
        for scan in stopped:
            self.log_change(request, scan, "Cancelled.")
        n = len(stopped)
        messages.success(
            request, ngettext("%(n)d scan stopped.", "%(n)d scans stopped.", n) % {"n": n}
        )

    @admin.display(description=_("status"), ordering="status")
    def progress_text(self, scan: FolderScan) -> str:
        return _describe(scan)


@admin.register(MusicFile)
class MusicFileAdmin(RecordAdmin[MusicFile]):
    list_display = ["path", "folder", "song", "problem"]
    list_select_related = ["folder", "song__artist"]
    list_filter = ["folder", ("problem", admin.EmptyFieldListFilter)]
    search_fields = ["path", "problem"]
    raw_id_fields = ["song"]

    def delete_model(self, request: HttpRequest, obj: MusicFile) -> None:
        """Delete a row; a song that nothing else holds is not offered any more."""
        super().delete_model(request, obj)
        refresh_sources([obj.song_id] if obj.song_id else [])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[MusicFile]) -> None:
        song_ids = list(queryset.exclude(song=None).values_list("song_id", flat=True))
        with transaction.atomic():
            super().delete_queryset(request, queryset)
            refresh_sources(song_ids)


def _describe(scan: FolderScan) -> str:
    """Say how a scan ended, or how far it is while it runs."""
    if scan.status != FolderScan.Status.RUNNING:
        return scan.get_status_display()
    return f"{scan.get_status_display()}, {100 * scan.progress:.0f}\N{NO-BREAK SPACE}%"
