"""Audio analyses in the admin: starting one, its rate and time left, pausing, what failed."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from catalog import tasks
from catalog.analysis import analysis_jobs
from catalog.analysis.analyser import AnalyserMissing
from catalog.models import AnalysisRun, SongAnalysis
from common.admin.records import RecordAdmin
from common.generics import StrOrPromise
from common.templatetags.numbers import format_count


@admin.register(AnalysisRun)
class AnalysisRunAdmin(RecordAdmin[AnalysisRun]):
    list_display = [
        "__str__",
        "state",
        "n_songs",
        "n_done",
        "n_failed",
        "rate",
        "minutes_left",
        "created",
    ]
    actions = ["pause", "resume", "stop"]
    change_list_template = "admin/catalog/analysisrun/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        start = path(
            "start/", self.admin_site.admin_view(self.start), name="catalog_analysisrun_start"
        )
        return [start, *super().get_urls()]

    def start(self, request: HttpRequest) -> HttpResponse:
        """Request an analysis of everything that lacks features."""
        if request.method == "POST" and self._may_change(request):
            try:
                run = analysis_jobs.request_analysis()
            except AnalyserMissing as error:
                messages.error(request, str(error))
            else:
                tasks.enqueue(run)
                self.log_addition(request, run, "Requested.")
                messages.success(
                    request, _("The analysis is requested; it goes on in the background.")
                )
        return redirect("admin:catalog_analysisrun_changelist")

    def has_change_action_permission(self, request: HttpRequest) -> bool:
        return self._may_change(request)

    def _may_change(self, request: HttpRequest) -> bool:
        return request.user.has_perm("catalog.change_analysisrun")

    @admin.action(description=_("Pause"), permissions=["change_action"])
    def pause(self, request: HttpRequest, queryset: QuerySet[AnalysisRun]) -> None:
        for run in queryset:
            if analysis_jobs.set_paused(run, True):
                self.log_change(request, run, "Paused.")

    @admin.action(description=_("Go on"), permissions=["change_action"])
    def resume(self, request: HttpRequest, queryset: QuerySet[AnalysisRun]) -> None:
        for run in queryset:
            if analysis_jobs.set_paused(run, False):
                tasks.enqueue(run)
                self.log_change(request, run, "Resumed.")

    @admin.action(description=_("Stop"), permissions=["change_action"])
    def stop(self, request: HttpRequest, queryset: QuerySet[AnalysisRun]) -> None:
        for run in queryset:
            if analysis_jobs.cancel_analysis(run):
                self.log_change(request, run, "Cancelled.")

    @admin.display(description=_("status"))
    def state(self, run: AnalysisRun) -> StrOrPromise:
        if run.is_active and run.is_paused:
            return _("paused")
        return f"{run.get_status_display()}, {100 * run.progress:.0f}\N{NO-BREAK SPACE}%"

    @admin.display(description=_("songs an hour"))
    def rate(self, run: AnalysisRun) -> str:
        return "–" if run.songs_an_hour is None else format_count(round(run.songs_an_hour))

    @admin.display(description=_("minutes left"))
    def minutes_left(self, run: AnalysisRun) -> str:
        if not run.is_active or run.seconds_left is None:
            return "–"
        return format_count(round(run.seconds_left / 60))


@admin.register(SongAnalysis)
class SongAnalysisAdmin(RecordAdmin[SongAnalysis]):
    list_display = ["song", "analyser", "problem", "analysed_at"]
    list_select_related = ["song__artist"]
    list_filter = [("problem", admin.EmptyFieldListFilter)]
    raw_id_fields = ["song"]
