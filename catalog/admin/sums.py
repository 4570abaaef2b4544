"""Admin pages of the kept sums of listening, and of the reviews shared by link."""

from django.contrib import admin

from catalog.models import (
    DayTotal,
    EntityTotal,
    KeptFigure,
    ListeningSums,
    OutdatedMonth,
    RegroupedSong,
    SharedReview,
    SongMonth,
    SongTotal,
    SourceMonth,
)
from common.admin import RecordAdmin


@admin.register(SongTotal)
class SongTotalAdmin(RecordAdmin[SongTotal]):
    list_display = ["listener", "song", "n_plays", "first_at", "last_at"]
    list_select_related = ["listener", "song__artist"]
    search_fields = ["=listener__username"]


@admin.register(SongMonth)
class SongMonthAdmin(RecordAdmin[SongMonth]):
    list_display = ["listener", "song", "month", "n_plays"]
    list_select_related = ["listener", "song__artist"]
    search_fields = ["=listener__username"]


@admin.register(DayTotal)
class DayTotalAdmin(RecordAdmin[DayTotal]):
    list_display = ["listener", "day", "n_plays", "played_ms"]
    list_select_related = ["listener"]
    search_fields = ["=listener__username"]


@admin.register(SourceMonth)
class SourceMonthAdmin(RecordAdmin[SourceMonth]):
    list_display = ["listener", "month", "source", "n_plays"]
    list_select_related = ["listener"]


@admin.register(EntityTotal)
class EntityTotalAdmin(RecordAdmin[EntityTotal]):
    list_display = ["listener", "year", "entity", "entity_id", "n_plays"]
    list_select_related = ["listener"]
    search_fields = ["=listener__username"]


@admin.register(RegroupedSong)
class RegroupedSongAdmin(RecordAdmin[RegroupedSong]):
    list_display = ["song_id"]


@admin.register(OutdatedMonth)
class OutdatedMonthAdmin(RecordAdmin[OutdatedMonth]):
    list_display = ["listener", "month", "n_changes"]
    list_select_related = ["listener"]


@admin.register(ListeningSums)
class ListeningSumsAdmin(RecordAdmin[ListeningSums]):
    list_display = ["listener", "time_zone", "entities", "n_entity_plays"]
    list_select_related = ["listener"]


@admin.register(SharedReview)
class SharedReviewAdmin(RecordAdmin[SharedReview]):
    list_display = ["listener", "year", "created_at"]
    list_select_related = ["listener"]


@admin.register(KeptFigure)
class KeptFigureAdmin(RecordAdmin[KeptFigure]):
    list_display = ["name", "counted_at"]
