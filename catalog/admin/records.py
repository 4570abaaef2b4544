"""The catalog's tables in the admin. What was imported or happened is a record: to look at, not to change."""

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from catalog.admin.forms import LabelledForm
from catalog.models import (
    HeardName,
    Interaction,
    LatestImport,
    NowPlaying,
    Playlist,
    PlaylistItem,
    Submission,
)


class RecordAdmin(admin.ModelAdmin):
    """Rows that nobody edits: there is no form for them, only their page."""

    show_full_result_count = False

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, row):
        """Say when in figures, for tables that must fit the screen."""
        return date_format(localtime(row.created_at), "SHORT_DATETIME_FORMAT")

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Interaction)
class InteractionAdmin(RecordAdmin):
    list_display = ["listener", "kind", "song", "plays", "occurred_at", "source"]
    list_filter = ["kind", "source"]
    list_select_related = ["listener", "song__artist"]
    search_fields = ["=listener__username"]
    ordering = ["-pk"]


class PlaylistItemInline(admin.TabularInline):
    model = PlaylistItem
    form = LabelledForm
    extra = 0
    fields = ["position", "song", "reason"]
    autocomplete_fields = ["song"]


@admin.register(Playlist)
class PlaylistAdmin(admin.ModelAdmin):
    list_display = ["title", "owner", "kind", "period", "is_public", "updated_at"]
    list_filter = ["kind", "is_public"]
    list_select_related = ["owner"]
    search_fields = ["title", "=owner__username"]
    autocomplete_fields = ["owner"]
    inlines = [PlaylistItemInline]


@admin.register(HeardName)
class HeardNameAdmin(RecordAdmin):
    list_display = [field.name for field in HeardName._meta.fields][:6]


@admin.register(Submission)
class SubmissionAdmin(RecordAdmin):
    list_display = [field.name for field in Submission._meta.fields][:6]


@admin.register(NowPlaying)
class NowPlayingAdmin(RecordAdmin):
    list_display = ["listener", "msid", "player", "ends_at"]
    list_select_related = ["listener"]


@admin.register(LatestImport)
class LatestImportAdmin(RecordAdmin):
    list_display = ["listener", "service", "listened_at"]
    list_select_related = ["listener"]
