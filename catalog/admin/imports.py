"""Imports in the admin: uploading a file, watching it, its rejected rows, cancelling and undoing it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.requests import get_signed_in_user
from accounts.uploads import accepts_upload
from catalog import tasks
from catalog.imports import import_jobs, import_requests, import_undo
from catalog.models import ImportRun, RejectedImportRow
from catalog.records import WrongFile
from common.admin.confirming import render_confirmation
from common.admin.progress import answer_progress
from common.admin.records import RecordAdmin
from common.templatetags.numbers import format_count

SHOWN_REJECTED = 200


class UploadForm(forms.Form):
    content = forms.ChoiceField(label=_("Content"), choices=ImportRun.Content.choices)
    file = forms.FileField(label=_("CSV file"))


@admin.register(ImportRun)
class ImportRunAdmin(RecordAdmin[ImportRun]):
    list_display = [
        "file_name", "content", "progress_text", "n_read", "n_added", "n_known", "n_rejected", "created",
    ]  # fmt: skip
    list_filter = ["status", "content", "format"]
    search_fields = ["file_name"]
    # How far it is and what became of its rows is shown above these.
    fields = [
        "content", "format", "file_name", "file_sha256", "options", "listener", "requested_by", "created_at",
        "started_at", "finished_at",
    ]  # fmt: skip
    readonly_fields = ["created_at"]
    change_list_template = "admin/catalog/importrun/change_list.html"
    change_form_template = "admin/catalog/importrun/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("upload/", view(self.upload), name="catalog_importrun_upload"),
            path("<int:run_id>/progress/", view(self.progress), name="catalog_importrun_progress"),
            path("<int:run_id>/cancel/", view(self.cancel), name="catalog_importrun_cancel"),
            path("<int:run_id>/undo/", view(self.undo), name="catalog_importrun_undo"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "form": UploadForm(),
            "may_import": self._may_import(request),
            "title": _("Imports"),
        }
        return super().changelist_view(request, (extra_context or {}) | context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run = ImportRun.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        context: dict[str, Any] = {
            "run": run,
            "may_import": self._may_import(request),
            "title": run.file_name if run else _("Import"),
            "subtitle": None,
        }
        if run is not None:
            context |= {
                "rejected": run.rejected_rows.all()[:SHOWN_REJECTED],
                "can_be_undone": run.status in (
                    ImportRun.Status.SUCCEEDED, ImportRun.Status.FAILED, ImportRun.Status.CANCELLED,
                ),
            }  # fmt: skip
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    @accepts_upload(staff_only=True)
    def upload(self, request: HttpRequest) -> HttpResponse:
        """Keep the file and queue its import."""
        self._allow_post_of_importers(request)
        form = UploadForm(request.POST, request.FILES)
        if not form.is_valid():
            messages.error(
                request, " ".join(str(e) for errors in form.errors.values() for e in errors)
            )
            return redirect("admin:catalog_importrun_changelist")
        try:
            run = import_requests.request_import(
                None,
                form.cleaned_data["file"],
                content=form.cleaned_data["content"],
                format="csv",
                requested_by=get_signed_in_user(request),
            )
        except (WrongFile, import_requests.ImportRefused) as error:
            messages.error(request, str(error))
            return redirect("admin:catalog_importrun_changelist")
        tasks.enqueue(run)
        self.log_addition(request, run, "Requested.")
        return redirect("admin:catalog_importrun_change", run.pk)

    def progress(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Answer what the live display asks every two seconds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = get_object_or_404(ImportRun, pk=run_id)
        return answer_progress(run, stage=f"{run.get_status_display()}: {format_count(run.n_read)}")

    def cancel(self, request: HttpRequest, run_id: int) -> HttpResponse:
        self._allow_post_of_importers(request)
        run = get_object_or_404(ImportRun, pk=run_id)
        if import_jobs.cancel_import(run):
            self.log_change(request, run, "Cancelled.")
            messages.success(
                request, _("The import is stopped; what is in stays until it is undone.")
            )
        else:
            messages.info(request, _("The import was over already."))
        return redirect("admin:catalog_importrun_change", run_id)

    def undo(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Ask, then take back what the import added."""
        if not self._may_import(request):
            raise PermissionDenied
        run = get_object_or_404(ImportRun, pk=run_id)
        back = reverse("admin:catalog_importrun_change", args=[run_id])
        if request.method != "POST":
            question = _(
                "Take back what “%(file)s” added? All its listens are deleted, and those of its songs that nobody else "
                "has heard or put into a playlist."
            )
            return render_confirmation(self, request, question % {"file": run.file_name}, back=back)
        self._undo(request, run)
        return redirect(back)

    def _undo(self, request: HttpRequest, run: ImportRun) -> None:
        try:
            n_deleted = import_undo.undo_import(run)
        except import_requests.ImportRefused as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, run, "Undone.")
            message = ngettext(
                "Taken back: %(n)s listen and the songs nobody else uses.",
                "Taken back: %(n)s listens and the songs nobody else uses.",
                n_deleted,
            )
            messages.success(request, message % {"n": format_count(n_deleted)})

    def has_delete_permission(self, request: HttpRequest, obj: ImportRun | None = None) -> bool:
        """What waits or runs is cancelled first, so that no worker loses the row it works on."""
        return (obj is None or not obj.is_active) and super().has_delete_permission(request, obj)

    def _allow_post_of_importers(self, request: HttpRequest) -> None:
        if request.method != "POST" or not self._may_import(request):
            raise PermissionDenied

    def _may_import(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.add_importrun")

    @admin.display(description=_("status"), ordering="status")
    def progress_text(self, run: ImportRun) -> str:
        """Say how far it is while it runs; afterwards that is 100 %, or does not matter any more."""
        if run.status != ImportRun.Status.RUNNING:
            return run.get_status_display()
        return f"{run.get_status_display()}, {100 * run.progress:.0f}\N{NO-BREAK SPACE}%"


@admin.register(RejectedImportRow)
class RejectedImportRowAdmin(RecordAdmin[RejectedImportRow]):
    list_display = ["import_run", "line", "reason"]
    list_select_related = ["import_run"]
    search_fields = ["reason"]
