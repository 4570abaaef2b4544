"""Admin pages of interactions, playlists and submissions."""

from django.contrib import admin

from catalog.models import (
    ArtistAlias,
    ArtistCredit,
    Interaction,
    LatestImport,
    NowPlaying,
    Playlist,
    PlaylistItem,
    RecordingMsid,
    SongAlias,
    Submission,
)
from common.admin import LabelledForm, LargeTable, RecordAdmin
from common.generics import ModelAdmin, TabularInline


@admin.register(Interaction)
class InteractionAdmin(RecordAdmin[Interaction]):
    list_display = ["listener", "kind", "song", "plays", "occurred_at", "source"]
    list_filter = ["kind", "source"]
    list_select_related = ["listener", "song__artist"]
    search_fields = ["=listener__username"]
    ordering = ["-pk"]


class PlaylistItemInline(TabularInline[PlaylistItem, Playlist]):
    model = PlaylistItem
    form = LabelledForm[PlaylistItem]
    extra = 0
    fields = ["position", "song", "reason"]
    autocomplete_fields = ["song"]


@admin.register(Playlist)
class PlaylistAdmin(LargeTable, ModelAdmin[Playlist]):
    list_display = ["title", "owner", "kind", "period", "is_public", "updated_at"]
    list_filter = ["kind", "is_public"]
    list_select_related = ["owner"]
    search_fields = ["title", "=owner__username"]
    autocomplete_fields = ["owner"]
    inlines = [PlaylistItemInline]


@admin.register(RecordingMsid)
class RecordingMsidAdmin(RecordAdmin[RecordingMsid]):
    list_display = tuple(field.name for field in RecordingMsid._meta.fields)[:6]


@admin.register(Submission)
class SubmissionAdmin(RecordAdmin[Submission]):
    list_display = tuple(field.name for field in Submission._meta.fields)[:6]


@admin.register(NowPlaying)
class NowPlayingAdmin(RecordAdmin[NowPlaying]):
    list_display = ["listener", "msid", "player", "ends_at"]
    list_select_related = ["listener"]


@admin.register(LatestImport)
class LatestImportAdmin(RecordAdmin[LatestImport]):
    list_display = ["listener", "service", "listened_at"]
    list_select_related = ["listener"]


@admin.register(SongAlias)
class SongAliasAdmin(RecordAdmin[SongAlias]):
    list_display = ["__str__", "song"]
    list_filter = ["kind"]
    list_select_related = ["song__artist"]
    search_fields = ["=value", "song__search_text"]


@admin.register(ArtistAlias)
class ArtistAliasAdmin(RecordAdmin[ArtistAlias]):
    list_display = ["name", "artist"]
    list_select_related = ["artist"]
    search_fields = ["name", "artist__search_text"]


@admin.register(ArtistCredit)
class ArtistCreditAdmin(RecordAdmin[ArtistCredit]):
    list_display = ["artist", "song"]
    list_select_related = ["artist", "song__artist"]
    search_fields = ["artist__search_text"]
