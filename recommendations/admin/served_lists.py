"""Served lists that can be replayed, and the rules that the operator sets for all lists."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from common.admin import RecordAdmin
from common.generics import ModelAdmin
from recommendations.models import ServedRecord, SiteContract
from recommendations.services.lists import list_rules
from recommendations.services.serving import recorder, replay


@admin.register(ServedRecord)
class ServedRecordAdmin(RecordAdmin[ServedRecord]):
    """What was served to whom, and its replay."""

    list_display = ["served_at", "listener", "step", "version", "arm", "n_songs", "replay_link"]
    list_filter = ["step", "version"]
    list_select_related = ["listener", "version"]
    search_fields = ["=listener__username", "=id"]
    fields = ["id", "served_at", "listener", "step", "version", "arm", "n_songs", "sha256"]
    fields += ["replay_link"]
    readonly_fields = ["replay_link"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        own = [
            path(
                "<uuid:record_id>/replay/",
                view(self.replay),
                name="recommendations_servedrecord_replay",
            ),
            path(
                "<uuid:record_id>/data.json",
                view(self.download),
                name="recommendations_servedrecord_data",
            ),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description=_("replay"))
    def replay_link(self, record: ServedRecord) -> str:
        address = reverse("admin:recommendations_servedrecord_replay", args=[record.pk])
        return format_html('<a href="{}">{}</a>', address, _("Replay"))

    def replay(self, request: HttpRequest, record_id: UUID) -> HttpResponse:
        """Show a served list as it was, what it was chosen from, and whether it can be made again."""
        record = self._get_record(request, record_id)
        context = self.admin_site.each_context(request) | {
            "title": _("Replay of a served list"),
            "opts": self.opts,
            "record": record,
        }
        try:
            context["replay"] = replay.replay(record)
        except recorder.RecordBroken as error:
            context["problem"] = str(error)
        return TemplateResponse(request, "admin/recommendations/servedrecord/replay.html", context)

    def download(self, request: HttpRequest, record_id: UUID) -> HttpResponse:
        """Answer with the bytes that were recorded."""
        record = self._get_record(request, record_id)
        try:
            body = recorder.decode(record)
        except recorder.RecordBroken as error:
            return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
        headers = {"Content-Disposition": f'attachment; filename="served-list-{record.pk}.json"'}
        return HttpResponse(body, content_type="application/json", headers=headers)

    def _get_record(self, request: HttpRequest, record_id: UUID) -> ServedRecord:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = ServedRecord.objects.select_related("listener", "version")
        return get_object_or_404(rows, pk=record_id)


@admin.register(SiteContract)
class SiteContractAdmin(ModelAdmin[SiteContract]):
    """One row of rules for the lists of everybody who has none of their own; without it there are none."""

    list_display = ["__str__", *SiteContract.TERMS]
    fields = list(SiteContract.TERMS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not SiteContract.objects.exists()

    def save_model(self, request: HttpRequest, obj: SiteContract, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        list_rules.forget_site_rules()

    def delete_model(self, request: HttpRequest, obj: SiteContract) -> None:
        super().delete_model(request, obj)
        list_rules.forget_site_rules()

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        list_rules.forget_site_rules()
