"""Training runs in the admin: asking for one, watching it live, reading its log, cancelling it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask

from common.admin import RecordAdmin, answer_progress
from recommendations import tasks
from recommendations.conf import conf
from recommendations.engine import PRESETS
from recommendations.models import TrainingRun
from recommendations.services.operations import workers
from recommendations.services.operations.schedule_text import describe_schedule
from recommendations.services.training import memory_check, training_requests
from recommendations.services.training.budgets import Budget, make_options
from recommendations.services.training.training_requests import LOCAL, SPARK, make_engine_options


def describe_presets() -> list[dict[str, object]]:
    """Return what each preset is, and the memory it would take on what is stored; None where nobody counted it yet.

    `last_seconds` is how long the latest one that came to its end took here, None without one.
    """
    size = memory_check.read_size()
    last_seconds = _find_last_seconds()
    return [
        {
            "name": preset.name,
            "about": gettext(preset.about),
            "n_bytes": size and memory_check.estimate_needed_bytes(*size, preset),
            "last_seconds": last_seconds.get(preset.name),
        }
        for preset in PRESETS.values()
    ]


def _find_last_seconds() -> dict[str, int]:
    """Return by preset how long the latest training took, whatever its budget; one query."""
    ended = TrainingRun.objects.filter(
        status=TrainingRun.Status.SUCCEEDED, started_at__isnull=False, finished_at__isnull=False
    ).order_by("-pk")[:200]
    seconds: dict[str, int] = {}
    for run in ended:
        if run.started_at and run.finished_at:
            seconds.setdefault(
                run.preset, round((run.finished_at - run.started_at).total_seconds())
            )
    return seconds


class RetrainForm(forms.Form):
    preset = forms.ChoiceField(
        label=_("Preset"),
        choices=lambda: [(name, name) for name in PRESETS],
    )
    budget = forms.ChoiceField(
        label=_("Budget"), choices=Budget.choices, initial=Budget.NORMAL, required=False
    )
    engine = forms.ChoiceField(
        label=_("Where"),
        choices=[(LOCAL, _("here, by the worker")), (SPARK, _("on the Spark cluster"))],
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not settings.SPARK_MASTER:
            del self.fields["engine"]


@admin.register(TrainingRun)
class TrainingRunAdmin(RecordAdmin[TrainingRun]):
    list_display = ["number", "preset", "status", "percent", "requester", "created", "took"]
    list_filter = ["status", "trigger", "preset"]
    list_select_related = ["requested_by"]
    # What changes while it runs is shown live above these.
    fields = [
        "preset",
        "options",
        "trigger",
        "requested_by",
        "attempt",
        "created_at",
        "started_at",
        "finished_at",
    ]
    readonly_fields = ["created_at"]
    actions = ["cancel_runs"]
    change_list_template = "admin/recommendations/trainingrun/change_list.html"
    change_form_template = "admin/recommendations/trainingrun/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("retrain/", view(self.retrain), name="recommendations_retrain"),
            path(
                "<int:run_id>/progress/",
                view(self.progress),
                name="recommendations_trainingrun_progress",
            ),
            path(
                "<int:run_id>/cancel/", view(self.cancel), name="recommendations_trainingrun_cancel"
            ),
            *super().get_urls(),
        ]

    # --- Pages --------------------------------------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the form to retrain, the running training and whether anybody works on it."""
        tasks.sweep_and_wake()
        schedule = PeriodicTask.objects.filter(task="recommendations.tasks.retrain").first()
        context = {
            "title": _("Retrain"),
            "run": TrainingRun.objects.active().first(),
            "is_attended": workers.has_worker("training"),
            "silence": workers.find_silence_seconds("training"),
            "form": RetrainForm(initial={"preset": conf.preset}),
            "may_train": self.has_train_permission(request),
            "presets": describe_presets(),
            "schedule": schedule,
            "when": format_time(schedule),
        }
        return super().changelist_view(request, (extra_context or {}) | context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run = TrainingRun.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        context = {
            "run": run,
            "may_train": self.has_train_permission(request),
            "title": _("Training #%(number)s (%(preset)s)")
            % {"number": run.pk, "preset": run.preset}
            if run
            else "",
            "subtitle": None,
        }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def progress(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Answer what the live display asks every two seconds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = get_object_or_404(TrainingRun, pk=run_id)
        return answer_progress(run, stage=run.stage, seconds_left=run.seconds_left, log=run.log)

    # --- What can be done ---------------------------------------------------------------------------------------------

    def retrain(self, request: HttpRequest) -> HttpResponse:
        """Queue a training; a worker takes it up."""
        self._allow_post_of_trainers(request)
        form = RetrainForm(request.POST)
        if not form.is_valid():
            messages.error(
                request, " ".join(str(e) for errors in form.errors.values() for e in errors)
            )
            return redirect("admin:recommendations_trainingrun_changelist")
        preset, budget = form.cleaned_data["preset"], form.cleaned_data["budget"] or Budget.NORMAL
        options = make_options(preset, budget)
        options |= make_engine_options(form.cleaned_data.get("engine") or LOCAL)
        try:
            run = tasks.start_training(preset=preset, requested_by=request.user, options=options)
        except training_requests.TrainingRefused as error:
            messages.warning(request, str(error))
            return redirect("admin:recommendations_trainingrun_changelist")
        self.log_addition(request, run, "Requested.")
        messages.success(request, _("Training #%(number)d is queued.") % {"number": run.pk})
        return redirect("admin:recommendations_trainingrun_change", run.pk)

    def cancel(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Stop one run: at once while it waits, within an iteration while it runs."""
        self._allow_post_of_trainers(request)
        self._cancel(request, get_object_or_404(TrainingRun, pk=run_id))
        return redirect("admin:recommendations_trainingrun_change", run_id)

    @admin.action(description=_("Cancel"), permissions=["train"])
    def cancel_runs(self, request: HttpRequest, queryset: QuerySet[TrainingRun]) -> None:
        for run in queryset.filter(status__in=TrainingRun.ACTIVE):
            self._cancel(request, run)

    def _cancel(self, request: HttpRequest, run: TrainingRun) -> None:
        if not run.is_active:
            messages.info(
                request, _("Training #%(number)d had ended already.") % {"number": run.pk}
            )
            return
        training_requests.cancel(run)
        self.log_change(request, run, "Cancelled.")
        messages.success(
            request, _("Training #%(number)d is being cancelled.") % {"number": run.pk}
        )

    def _allow_post_of_trainers(self, request: HttpRequest) -> None:
        if not self.has_train_permission(request) or request.method != "POST":
            raise PermissionDenied

    def has_delete_permission(self, request: HttpRequest, obj: TrainingRun | None = None) -> bool:
        """What waits or runs is cancelled first, so that no worker loses the row it works on."""
        return (obj is None or not obj.is_active) and super().has_delete_permission(request, obj)

    def has_train_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recommendations.train")

    @admin.display(description=_("training run"), ordering="pk")
    def number(self, run: TrainingRun) -> str:
        return f"#{run.pk}"

    @admin.display(description=_("started by"), ordering="trigger")
    def requester(self, run: TrainingRun) -> str:
        how = run.get_trigger_display()
        return f"{how} ({run.requested_by})" if run.requested_by else how

    @admin.display(description=_("progress"))
    def percent(self, run: TrainingRun) -> str:
        return f"{100 * run.progress:.0f} %"

    @admin.display(description=_("took"))
    def took(self, run: TrainingRun) -> timedelta | str:
        if run.started_at is None or run.finished_at is None:
            return "–"
        return timedelta(seconds=round((run.finished_at - run.started_at).total_seconds()))


def format_time(schedule: PeriodicTask | None) -> str:
    """Say when a schedule next does its work, in words; empty when it is off."""
    if schedule is None or not schedule.enabled:
        return ""
    return describe_schedule(schedule)
