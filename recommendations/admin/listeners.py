"""What listeners set themselves and what was computed for them."""

from django.contrib import admin

from common.admin import RecordAdmin
from recommendations.models import ListenerControl, ListenerState, RecommendationList, Taste


@admin.register(Taste)
class TasteAdmin(RecordAdmin[Taste]):
    list_display = ["listener", "discovery", "onboarded_at"]
    list_select_related = ["listener"]
    search_fields = ["=listener__username"]


@admin.register(ListenerControl)
class ListenerControlAdmin(RecordAdmin[ListenerControl]):
    list_display = ["listener", "kind", "song", "artist", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["listener", "song__artist", "artist"]
    search_fields = ["=listener__username"]


@admin.register(RecommendationList)
class RecommendationListAdmin(RecordAdmin[RecommendationList]):
    list_display = ["listener", "version", "segment", "computed_at"]
    list_filter = ["version", "segment"]
    list_select_related = ["listener", "version"]
    search_fields = ["=listener__username"]


@admin.register(ListenerState)
class ListenerStateAdmin(RecordAdmin[ListenerState]):
    list_display = ["listener", "generation", "changed_at"]
    list_select_related = ["listener"]
    search_fields = ["=listener__username"]
