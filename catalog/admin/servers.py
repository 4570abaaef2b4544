"""Music servers in the admin: their songs, syncs and joined accounts. Secrets are never shown."""

from django.contrib import admin

from catalog.models import MusicServer, RejectedServerSong, ServerAccount, ServerSong, ServerSync
from common.admin import RecordAdmin


@admin.register(MusicServer)
class MusicServerAdmin(RecordAdmin):
    list_display = ["name", "kind", "address", "software", "sync_every_hours"]


@admin.register(ServerSync)
class ServerSyncAdmin(RecordAdmin):
    list_display = [
        "server", "status", "n_read", "n_added", "n_changed", "n_removed", "n_rejected", "created",
    ]  # fmt: skip
    list_filter = ["server", "status"]
    list_select_related = ["server"]


@admin.register(RejectedServerSong)
class RejectedServerSongAdmin(RecordAdmin):
    list_display = ["sync", "item_id", "reason"]
    list_select_related = ["sync__server"]


@admin.register(ServerSong)
class ServerSongAdmin(RecordAdmin):
    list_display = ["song", "server", "item_id", "path", "removed_at"]
    list_filter = ["server"]
    list_select_related = ["server", "song__artist"]
    search_fields = ["=item_id"]


@admin.register(ServerAccount)
class ServerAccountAdmin(RecordAdmin):
    list_display = ["server", "user", "account_name", "last_pull_at", "last_error"]
    list_select_related = ["server", "user"]
    exclude = ["secret"]
