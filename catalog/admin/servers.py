"""Music servers in the admin: connect one, test it, sync it. Secrets are never shown."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from catalog import tasks
from catalog.models import (
    MusicServer,
    RejectedServerSong,
    ServerAccount,
    ServerAccountSong,
    ServerSong,
    ServerSync,
    WrittenPlaylist,
)
from catalog.servers import connecting, joining, removal, syncs
from catalog.servers.clients import ServerError, WrongAddress, clean_address
from catalog.songs.sources import refresh_sources
from common.admin import RecordAdmin, answer_progress
from common.generics import ModelAdmin, ModelForm

SHOWN_SYNCS = 5
SHOWN_REJECTED = 100
_PROVED_BY_PASSWORD = {"kind", "address", "account_name"}


class MusicServerForm(ModelForm[MusicServer]):
    """A server and the password of its account, which is tried before anything is saved."""

    password = forms.CharField(
        label=_("password"),
        required=False,
        strip=False,
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("It is stored encrypted and never shown. Empty: it stays as it is."),
    )

    class Meta:
        model = MusicServer
        fields = [
            "name", "kind", "address", "account_name", "password", "web_address", "sync_library",
            "sync_opinions", "sync_plays", "write_playlists", "sync_every_hours",
        ]  # fmt: skip

    def clean_address(self) -> str:
        return self._clean_address(self.cleaned_data["address"])

    def clean_web_address(self) -> str:
        address = self.cleaned_data["web_address"].strip()
        return self._clean_address(address) if address else ""

    def _clean_address(self, text: str) -> str:
        try:
            return clean_address(text)
        except WrongAddress as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        password = data.get("password") or ""
        if self.errors:
            return data
        if not password:
            if self.instance.pk is None or _PROVED_BY_PASSWORD & set(self.changed_data):
                # a stored password is never sent to an address that it was not entered for
                self.add_error("password", _("Enter the password of this account there."))
            return data
        for name in _PROVED_BY_PASSWORD:
            setattr(self.instance, name, data[name])
        try:
            connecting.store_password(self.instance, password)
        except ServerError as error:
            self.add_error("password", str(error))
        return data


@admin.register(MusicServer)
class MusicServerAdmin(ModelAdmin[MusicServer]):
    form = MusicServerForm
    list_display = ["name", "kind", "address", "software", "sync_every_hours"]
    change_form_template = "admin/catalog/musicserver/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:server_id>/test/", view(self.test), name="catalog_musicserver_test"),
            path("<int:server_id>/sync/", view(self.sync), name="catalog_musicserver_sync"),
            path("<int:server_id>/cancel/", view(self.cancel), name="catalog_musicserver_cancel"),
            path(
                "<int:server_id>/progress/",
                view(self.progress),
                name="catalog_musicserver_progress",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        server = MusicServer.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        return super().change_view(
            request, object_id, form_url, (extra_context or {}) | self._describe(server)
        )

    def _describe(self, server: MusicServer | None) -> dict[str, Any]:
        if server is None:
            return {}
        past = list(server.syncs.filter(account=None)[:SHOWN_SYNCS])
        latest = past[0] if past else None
        n_present, n_removed = connecting.describe_library(server)
        return {
            "server": server,
            "latest": latest,
            "past": past,
            "n_present": n_present,
            "n_removed": n_removed,
            "n_accounts": server.accounts.count(),
            "rejected": latest.rejected_songs.all()[:SHOWN_REJECTED] if latest else [],
        }

    def save_model(
        self, request: HttpRequest, obj: MusicServer, form: ModelForm[MusicServer], change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        if not change and obj.sync_library:
            tasks.enqueue(syncs.request_library_sync(obj))
            messages.info(request, _("The server is connected, and its songs are on their way."))

    def delete_model(self, request: HttpRequest, obj: MusicServer) -> None:
        removal.remove_server(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[MusicServer]) -> None:
        for server in queryset:
            removal.remove_server(server)

    def test(self, request: HttpRequest, server_id: int) -> HttpResponse:
        """Ask the server, and say in a sentence what it answered."""
        server = self._get_for_post(request, server_id)
        is_well, sentence = connecting.check_connection(server)
        (messages.success if is_well else messages.error)(request, sentence)
        return redirect("admin:catalog_musicserver_change", server_id)

    def sync(self, request: HttpRequest, server_id: int) -> HttpResponse:
        """Have the whole library read now, and what the joined accounts think and play."""
        server = self._get_for_post(request, server_id)
        tasks.enqueue(syncs.request_library_sync(server, is_forced=True))
        for account in server.accounts.all():
            tasks.enqueue(syncs.request_account_sync(account))
        self.log_change(request, server, "Sync requested.")
        messages.success(request, _("The sync is on its way."))
        return redirect("admin:catalog_musicserver_change", server_id)

    def cancel(self, request: HttpRequest, server_id: int) -> HttpResponse:
        server = self._get_for_post(request, server_id)
        for sync in ServerSync.objects.active().filter(server=server):
            syncs.cancel_sync(sync)
            self.log_change(request, sync, "Cancelled.")
        messages.success(request, _("The sync stops; what it brought stays."))
        return redirect("admin:catalog_musicserver_change", server_id)

    def progress(self, request: HttpRequest, server_id: int) -> HttpResponse:
        """Answer what the live display asks every two seconds."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        sync = ServerSync.objects.filter(server=server_id, account=None).first()
        if sync is None:
            return JsonResponse({"is_active": False, "status": "", "stage": "", "progress": 0})
        return answer_progress(sync, stage=sync.stage or sync.get_status_display())

    def _get_for_post(self, request: HttpRequest, server_id: int) -> MusicServer:
        server = get_object_or_404(MusicServer, pk=server_id)
        if request.method != "POST" or not self.has_change_permission(request, server):
            raise PermissionDenied
        return server


@admin.register(ServerSync)
class ServerSyncAdmin(RecordAdmin[ServerSync]):
    list_display = [
        "server", "account", "status", "n_read", "n_added", "n_changed", "n_removed", "n_rejected", "created",
    ]  # fmt: skip
    list_filter = ["server", "status"]
    list_select_related = ["server", "account__server"]


@admin.register(RejectedServerSong)
class RejectedServerSongAdmin(RecordAdmin[RejectedServerSong]):
    list_display = ["sync", "item_id", "reason"]
    list_select_related = ["sync__server"]


@admin.register(ServerSong)
class ServerSongAdmin(RecordAdmin[ServerSong]):
    list_display = ["song", "server", "item_id", "path", "removed_at"]
    list_filter = ["server"]
    list_select_related = ["server", "song__artist"]
    search_fields = ["=item_id"]

    def delete_model(self, request: HttpRequest, obj: ServerSong) -> None:
        """Delete a row; a song that nothing else holds is not offered any more."""
        super().delete_model(request, obj)
        refresh_sources([obj.song_id])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ServerSong]) -> None:
        song_ids = list(queryset.values_list("song_id", flat=True))
        with transaction.atomic():
            super().delete_queryset(request, queryset)
            refresh_sources(song_ids)


@admin.register(ServerAccount)
class ServerAccountAdmin(RecordAdmin[ServerAccount]):
    list_display = ["server", "user", "account_name", "last_pull_at", "last_error"]
    list_select_related = ["server", "user"]
    exclude = ["secret"]

    def delete_model(self, request: HttpRequest, obj: ServerAccount) -> None:
        """Leave the server for the listener: the session there ends, too."""
        joining.leave_account(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ServerAccount]) -> None:
        for account in queryset.select_related("server"):
            joining.leave_account(account)


@admin.register(ServerAccountSong)
class ServerAccountSongAdmin(RecordAdmin[ServerAccountSong]):
    list_display = ["account", "server_song", "opinion", "play_count", "played_at"]
    list_select_related = ["account__server", "server_song__song__artist"]


@admin.register(WrittenPlaylist)
class WrittenPlaylistAdmin(RecordAdmin[WrittenPlaylist]):
    list_display = ["account", "name", "playlist_id", "n_songs", "written_at"]
    list_select_related = ["account__server"]
