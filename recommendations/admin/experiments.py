"""Experiments in the admin: set up as a draft, started, watched, stopped, and the winner promoted."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.requests import get_signed_in_user
from common.admin import LabelledForm, render_confirmation
from common.generics import ModelAdmin, ModelForm, TabularInline
from recommendations.admin import evidence_chart
from recommendations.conf import conf
from recommendations.engine import PRESETS
from recommendations.models import Arm, Experiment
from recommendations.services.experiments import interleaving, interleaving_baseline, lifecycle
from recommendations.services.experiments import results as experiment_results
from recommendations.services.experiments.lifecycle import ExperimentRefused


class ArmForm(LabelledForm[Arm]):
    """An arm, with the presets to choose from."""

    preset = forms.ChoiceField(
        label=_("preset"),
        choices=lambda: [("", "---------"), *((name, name) for name in sorted(PRESETS))],
        required=False,
        help_text=Arm._meta.get_field("preset").help_text,
    )


class ArmInline(TabularInline[Arm, Experiment]):
    model = Arm
    form = ArmForm
    extra = 0
    min_num = 2
    fields = ["name", "share", "version", "preset", "discovery", "relevance"]


@admin.register(Experiment)
class ExperimentAdmin(ModelAdmin[Experiment]):
    list_display = ["name", "kind", "state", "started_at", "ended_at", "results_link"]
    list_filter = ["state", "kind"]
    search_fields = ["name", "question"]
    fields = ["name", "kind", "question"]
    inlines = [ArmInline]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:experiment_id>/results/",
                view(self.results),
                name="recommendations_experiment_results",
            ),
            path(
                "<int:experiment_id>/do/<str:step>/",
                view(self.step),
                name="recommendations_experiment_step",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, (extra_context or {}) | {"title": _("Experiments")})

    def has_change_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        """What runs or ran stays as it was."""
        is_draft = obj is None or obj.state == Experiment.State.DRAFT
        return is_draft and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Experiment | None = None) -> list[str]:
        """Its kind is chosen when it is made."""
        return [] if obj is None else ["kind"]

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        """What runs is stopped first, so that nobody's lists change without a word in its log."""
        is_running = obj is not None and obj.state == Experiment.State.RUNNING
        return not is_running and super().has_delete_permission(request, obj)

    def save_model(
        self, request: HttpRequest, obj: Experiment, form: ModelForm[Experiment], change: bool
    ) -> None:
        if not change:
            obj.created_by = get_signed_in_user(request)
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Experiment, post_url_continue: str | None = None
    ) -> HttpResponse:
        super().response_add(request, obj, post_url_continue)
        return redirect("admin:recommendations_experiment_results", obj.pk)

    def results(self, request: HttpRequest, experiment_id: int) -> HttpResponse:
        """Show how an experiment stands, and before its start what it could find."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        experiment = get_object_or_404(Experiment, pk=experiment_id)
        context = self.admin_site.each_context(request) | {
            "title": experiment.name,
            "opts": self.opts,
            "experiment": experiment,
            "arms": list(experiment.arms.select_related("version")),
            "may_run": self._may_run(request),
        }
        read = _read_interleaving if experiment.is_interleaving else _read_split
        context |= read(experiment)
        return TemplateResponse(request, "admin/recommendations/experiment/results.html", context)

    def step(self, request: HttpRequest, experiment_id: int, step: str) -> HttpResponse:
        """Ask, then start, stop or promote."""
        if step not in ("start", "stop", "promote"):
            return redirect("admin:recommendations_experiment_change", experiment_id)
        if not self._may_run(request):
            raise PermissionDenied
        experiment = get_object_or_404(Experiment, pk=experiment_id)
        back = reverse("admin:recommendations_experiment_results", args=[experiment_id])
        try:
            arm = _get_chosen_arm(request, experiment) if step == "promote" else None
            if request.method != "POST":
                answers = {"arm": arm.pk} if arm is not None else {}
                return render_confirmation(
                    self, request, _make_question(experiment, step, arm), back=back, answers=answers
                )
            self._do(request, experiment, step, arm)
        except ExperimentRefused as error:
            messages.error(request, str(error))
        return redirect(back)

    def _do(self, request: HttpRequest, experiment: Experiment, step: str, arm: Arm | None) -> None:
        if step == "start":
            lifecycle.start(experiment, by=request.user)
        elif step == "stop":
            lifecycle.stop(experiment, by=request.user)
        else:
            lifecycle.promote(experiment, cast(Arm, arm), by=request.user)
        self.log_change(request, experiment, f"{step}: {arm.name}" if arm is not None else step)
        messages.success(request, _("Done: %(state)s.") % {"state": experiment.get_state_display()})

    def _may_run(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recommendations.run_experiment")

    @admin.display(description=_("results"))
    def results_link(self, experiment: Experiment) -> str:
        address = reverse("admin:recommendations_experiment_results", args=[experiment.pk])
        return format_html('<a href="{}">{}</a>', address, _("Results"))


def _read_split(experiment: Experiment) -> dict[str, Any]:
    is_draft = experiment.state == Experiment.State.DRAFT
    result = None if is_draft else experiment_results.compute_result(experiment)
    return {
        "result": result,
        "best": result.best.arm if result and result.best else None,
        "power": experiment_results.estimate_power(experiment) if is_draft else None,
        "measures": experiment_results.MEASURES,
    }


def _read_interleaving(experiment: Experiment) -> dict[str, Any]:
    if experiment.state == Experiment.State.DRAFT:
        return {"needs": interleaving_baseline.estimate_needs()}
    comparison = interleaving.compare(experiment)
    return {
        "comparison": comparison,
        "best": comparison.winner,
        "chart": evidence_chart.draw_evidence(comparison),
        "needs": interleaving_baseline.estimate_needs(),
        "n_loaded": conf.loaded_versions,
    }


def _get_chosen_arm(request: HttpRequest, experiment: Experiment) -> Arm:
    """Return the arm that is to be promoted, from the address of the question or from its answer."""
    number = request.GET.get("arm", "") if request.method == "GET" else request.POST.get("arm", "")
    arm = (
        experiment.arms.filter(pk=number).first()
        if number.isdecimal() and len(number) < 19
        else None
    )
    if arm is None:
        raise ExperimentRefused("Choose an arm to promote.")
    return arm


def _make_question(experiment: Experiment, step: str, arm: Arm | None) -> str:
    if step == "start" and experiment.is_interleaving:
        return _(
            "Start “%(name)s”? From now on everybody's own list takes turns between the two versions."
        ) % {"name": experiment.name}
    if step == "start":
        share = round(100 * sum(arm.share for arm in experiment.arms.all()))
        return _(
            "Start “%(name)s”? From now on %(share)d %% of the listeners are served by its arms."
        ) % {
            "name": experiment.name,
            "share": share,
        }
    if step == "stop":
        question = _(
            "Stop “%(name)s”? Everybody is served as usual again; it can't be started anew."
        )
        return question % {"name": experiment.name}
    question = _("Serve everybody like “%(arm)s” from now on? “%(name)s” ends with it.")
    return question % {"name": experiment.name, "arm": cast(Arm, arm).name}
