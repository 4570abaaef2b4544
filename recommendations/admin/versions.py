"""Model versions in the admin: side by side, activate, roll back, prune, and any listener's list under any of them."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import User
from catalog.models import Song
from common.admin import RecordAdmin, render_confirmation
from common.generics import StrOrPromise
from common.templatetags.numbers import format_count, format_decimal
from recommendations import tasks
from recommendations.admin import version_charts
from recommendations.conf import conf
from recommendations.models import Activation, ModelVersion
from recommendations.services.version_reports import (
    absence_text,
    model_comparison,
    search_report,
    version_feedback,
)
from recommendations.services.versions import registry

CHARTED = 20
_BELOW = '{} <span class="quiet">{}</span>'


class PreviewForm(forms.Form):
    """Whose list, under which version, and which song is missed."""

    listener = forms.CharField(label=_("Listener"), max_length=150)
    song = forms.CharField(
        label=_("Why not this song? (id or title)"), max_length=500, required=False
    )

    def clean_listener(self) -> User:
        name = self.cleaned_data["listener"]
        listener: User | None = User.objects.with_name(name).first()
        if listener is None:
            raise forms.ValidationError(_("There is no listener %(name)s."), params={"name": name})
        return listener

    def clean_song(self) -> Song | None:
        words = self.cleaned_data["song"].strip()
        if not words:
            return None
        songs = Song.objects.select_related("artist")
        song = songs.filter(key=words).first() or songs.matching(words).first()
        if song is None:
            raise forms.ValidationError(
                _("There is no song like “%(words)s”."), params={"words": words}
            )
        return song


@admin.register(ModelVersion)
class ModelVersionAdmin(RecordAdmin[ModelVersion]):
    list_display = [
        "name", "links", "is_active", "state", "preset", "ndcg", "data_size", "fit_time", "size", "created",
    ]  # fmt: skip
    list_select_related = ["training_run"]
    # Configuration and figures are shown as tables above these.
    fields = [
        "preset", "state", "is_active", "gate_reason", "n_listeners", "n_songs", "n_interactions", "data_from",
        "data_until", "fit_time", "size", "created_at", "activated_at", "artifact", "manifest_sha256",
    ]  # fmt: skip
    readonly_fields = ["fit_time", "size", "created_at"]
    actions = ["compare_two"]
    change_list_template = "admin/recommendations/modelversion/change_list.html"
    change_form_template = "admin/recommendations/modelversion/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("compare/", view(self.compare), name="recommendations_modelversion_compare"),
            path("roll-back/", view(self.roll_back), name="recommendations_modelversion_roll_back"),
            path("prune/", view(self.prune), name="recommendations_modelversion_prune"),
            path(
                "<int:version_id>/activate/",
                view(self.activate),
                name="recommendations_modelversion_activate",
            ),
            path(
                "<int:version_id>/preview/",
                view(self.preview),
                name="recommendations_modelversion_preview",
            ),
            *super().get_urls(),
        ]

    # --- Looking ------------------------------------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            "title": _("Versions"),
            "charts": version_charts.draw_charts(ModelVersion.objects.all()[:CHARTED]),
            "activations": Activation.objects.select_related("version", "previous", "by")[:10],
            "may_activate": self.has_activate_permission(request),
            "previous": registry.find_previous_version(),
            "n_kept": conf.versions_kept,
            "feedback": version_feedback.list_feedback(),
            "time_charts": version_charts.draw_time_charts(version_feedback.list_days()),
        }
        return super().changelist_view(request, (extra_context or {}) | context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        version = (
            ModelVersion.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        )
        active = registry.get_active_version()
        context = {
            "version": version,
            "title": version or _("Version"),
            "subtitle": None,
            "active": active,
            "comparison": model_comparison.compare(active, version)
            if version and active and version != active
            else None,
            "headline": model_comparison.summarise_headline(version) if version else None,
            "profile": model_comparison.profile(version) if version else None,
            "search": search_report.describe_search(version) if version else None,
            "may_activate": self.has_activate_permission(request),
            "preview_form": PreviewForm(),
        }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def compare(self, request: HttpRequest) -> HttpResponse:
        """Show two versions side by side; without a choice the active one and the newest other."""
        self._allow_viewers(request)
        active = registry.get_active_version()
        newest = ModelVersion.objects.exclude(pk=active.pk if active else 0).first()
        a = _choose_versions(request, "a") or active
        b = _choose_versions(request, "b") or newest
        context = self._make_context(request, _("Compare versions")) | {
            "all": ModelVersion.objects.all()[:100],
            "a": a,
            "b": b,
            "comparison": model_comparison.compare(a, b) if a and b else None,
        }
        return TemplateResponse(request, "admin/recommendations/modelversion/compare.html", context)

    def preview(self, request: HttpRequest, version_id: int) -> HttpResponse:
        """Show a listener's list under this version beside the active one, and why a song is missing."""
        self._allow_viewers(request)
        version = get_object_or_404(ModelVersion, pk=version_id)
        form = PreviewForm(request.GET or None)
        context = self._make_context(request, _("Preview")) | {"form": form, "version": version}
        if form.is_valid():
            try:
                context |= _make_previews(
                    version, form.cleaned_data["listener"], form.cleaned_data["song"]
                )
            except registry.RegistryError as error:
                messages.error(request, str(error))
        return TemplateResponse(request, "admin/recommendations/modelversion/preview.html", context)

    @admin.action(description=_("Compare the two"), permissions=["view"])
    def compare_two(
        self, request: HttpRequest, queryset: QuerySet[ModelVersion]
    ) -> HttpResponse | None:
        chosen = list(queryset.order_by("pk")[:3])
        if len(chosen) != 2:
            messages.warning(request, _("Choose exactly two versions to compare."))
            return None
        address = reverse("admin:recommendations_modelversion_compare")
        return redirect(f"{address}?a={chosen[0].pk}&b={chosen[1].pk}")

    # --- Doing --------------------------------------------------------------------------------------------------------

    def activate(self, request: HttpRequest, version_id: int) -> HttpResponse:
        """Ask, then make this version serve."""
        version = get_object_or_404(ModelVersion, pk=version_id)
        question = _("Serve %(version)s to everybody from now on?") % {"version": version.name}
        return self._confirm_change(
            request, question, lambda: registry.activate(version, by=request.user)
        )

    def roll_back(self, request: HttpRequest) -> HttpResponse:
        """Ask, then make the version before the active one serve."""
        previous = registry.find_previous_version()
        name = previous.name if previous else _("the version before")
        question = _("Go back to %(version)s?") % {"version": name}
        current = registry.get_active_version()
        agreed = str(current.pk if current else "")
        if request.method == "POST" and request.POST.get("agreed", agreed) != agreed:
            # A second click on the same question would go back one more, to what nobody was asked about.
            messages.info(request, _("Another version is active meanwhile; nothing was changed."))
            return redirect("admin:recommendations_modelversion_changelist")
        return self._confirm_change(
            request, question, lambda: registry.roll_back(by=request.user), agreed
        )

    def prune(self, request: HttpRequest) -> HttpResponse:
        """Ask, then remove the files of old versions."""
        question = _(
            "Remove the files of all versions but the active one, the one before it and the newest %(n)d? "
            "Their figures stay."
        ) % {"n": conf.versions_kept}

        def change() -> None:
            pruned = registry.prune()
            names = ", ".join(version.name for version in pruned) or _("none")
            messages.success(request, _("Files removed: %(names)s.") % {"names": names})
            for version in pruned:
                self.log_change(request, version, "Pruned.")

        return self._confirm_change(request, question, change)

    def _confirm_change(
        self, request: HttpRequest, question: str, change: Any, agreed: str = ""
    ) -> HttpResponse:
        """Show the question on GET; on POST do it, log it and say what happened. `agreed` is sent with the answer."""
        if not self.has_activate_permission(request):
            raise PermissionDenied
        versions_page = reverse("admin:recommendations_modelversion_changelist")
        if request.method != "POST":
            answers = {"agreed": agreed} if agreed else {}
            return render_confirmation(self, request, question, back=versions_page, answers=answers)
        try:
            version = change()
        except registry.RegistryError as error:
            messages.error(request, str(error))
        else:
            if version is not None:
                tasks.enqueue_precompute(version)
                self.log_change(request, version, "Activated.")
                messages.success(request, _("%(version)s is active.") % {"version": version.name})
        return redirect(versions_page)

    def _make_context(self, request: HttpRequest, title: StrOrPromise) -> dict[str, Any]:
        return self.admin_site.each_context(request) | {"title": title, "opts": self.opts}

    def _allow_viewers(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def has_activate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("recommendations.activate")

    def has_delete_permission(self, request: HttpRequest, obj: ModelVersion | None = None) -> bool:
        """Figures of versions stay; what takes room is removed by pruning."""
        return False

    # --- Columns ------------------------------------------------------------------------------------------------------

    @admin.display(description=_("NDCG@10, 95 %"))
    def ndcg(self, version: ModelVersion) -> StrOrPromise:
        metric = model_comparison.summarise_headline(version)
        if metric:
            return format_html(_BELOW, format_decimal(metric["mean"], 4), _format_interval(metric))
        return (
            _("not measurable yet") if model_comparison.explain_why_not_measurable(version) else "–"
        )

    @admin.display(description=_("learned from"), ordering="n_listeners")
    def data_size(self, version: ModelVersion) -> str:
        counts = {
            "listeners": format_count(version.n_listeners),
            "songs": format_count(version.n_songs),
        }
        until = version.data_until
        return format_html(
            _BELOW,
            ngettext(
                "%(listeners)s listener, %(songs)s songs",
                "%(listeners)s listeners, %(songs)s songs",
                version.n_listeners,
            )
            % counts,
            _("until %(day)s") % {"day": date_format(localtime(until), "SHORT_DATE_FORMAT")}
            if until
            else "",
        )

    @admin.display(description=_("fit"), ordering="fit_seconds")
    def fit_time(self, version: ModelVersion) -> str:
        return f"{format_decimal(version.fit_seconds, 1)}\N{NO-BREAK SPACE}s"

    @admin.display(description=_("size"), ordering="size_bytes")
    def size(self, version: ModelVersion) -> str:
        return f"{format_decimal(version.size_bytes / 1e6, 1)}\N{NO-BREAK SPACE}MB"

    @admin.display(description=_("actions"))
    def links(self, version: ModelVersion) -> str:
        if version.state != ModelVersion.State.READY:
            return "–"
        preview = reverse("admin:recommendations_modelversion_preview", args=[version.pk])
        if version.is_active:
            return format_html('<a href="{}">{}</a>', preview, _("Preview"))
        activate = reverse("admin:recommendations_modelversion_activate", args=[version.pk])
        return format_html(
            '<a href="{}">{}</a> · <a href="{}">{}</a>',
            preview,
            _("Preview"),
            activate,
            _("Activate"),
        )


def _format_interval(metric: dict[str, float]) -> str:
    return f"{format_decimal(metric['low'], 4)} – {format_decimal(metric['high'], 4)}"


def _choose_versions(request: HttpRequest, name: str) -> ModelVersion | None:
    number = request.GET.get(name, "")
    return (
        ModelVersion.objects.filter(pk=number).first()
        if number.isdecimal() and len(number) < 19
        else None
    )


def _make_previews(version: ModelVersion, listener: User, song: Song | None) -> dict[str, Any]:
    active = registry.get_active_version()
    shown = [version] if active in (None, version) else [active, version]
    lists = model_comparison.preview(listener, shown)
    why = (
        [(v, absence_text.describe_absence(listener, v, song)) for v in shown]
        if song is not None
        else []
    )
    return {
        "listener": listener,
        "columns": list(zip(shown, lists, strict=True)),
        "song": song,
        "why": why,
    }
