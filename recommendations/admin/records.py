"""What was activated, shown and running."""

from django.contrib import admin

from common.admin import RecordAdmin
from recommendations.models import (
    Activation,
    BackgroundJob,
    Blend,
    BlendMember,
    ChangedListener,
    ColumnCopyState,
    ForgettingReceipt,
    Impression,
    InterleavedDraft,
    Outcome,
    Trends,
    WorkerHeartbeat,
)


@admin.register(Activation)
class ActivationAdmin(RecordAdmin[Activation]):
    list_display = ["version", "previous", "reason", "by", "at"]
    list_filter = ["reason"]
    list_select_related = ["version", "previous", "by"]


@admin.register(Blend)
class BlendAdmin(RecordAdmin[Blend]):
    list_display = ["title", "created_at"]


@admin.register(BlendMember)
class BlendMemberAdmin(RecordAdmin[BlendMember]):
    list_display = ["blend", "listener", "invited_by", "joined_at"]
    list_select_related = ["blend", "listener", "invited_by"]


@admin.register(ColumnCopyState)
class ColumnCopyStateAdmin(RecordAdmin[ColumnCopyState]):
    list_display = ["token"]


@admin.register(ChangedListener)
class ChangedListenerAdmin(RecordAdmin[ChangedListener]):
    list_display = ["listener_id"]


@admin.register(ForgettingReceipt)
class ForgettingReceiptAdmin(RecordAdmin[ForgettingReceipt]):
    list_display = ["requested_at", "kind", "n_interactions", "confirmed_at", "version_name"]
    list_filter = ["kind"]


@admin.register(Impression)
class ImpressionAdmin(RecordAdmin[Impression]):
    list_display = ["listener", "surface", "step", "version", "arm", "shown_at"]
    list_filter = ["surface", "step", "version"]
    list_select_related = ["listener", "version"]
    search_fields = ["=listener__username"]


@admin.register(InterleavedDraft)
class InterleavedDraftAdmin(RecordAdmin[InterleavedDraft]):
    list_display = ["experiment", "listener", "day", "closed_at", "n_first", "n_second"]
    list_filter = ["experiment"]
    list_select_related = ["experiment", "listener"]


@admin.register(Outcome)
class OutcomeAdmin(RecordAdmin[Outcome]):
    list_display = ["impression", "song", "kind", "position", "at"]
    list_filter = ["kind"]
    list_select_related = ["impression", "song__artist"]


@admin.register(WorkerHeartbeat)
class WorkerHeartbeatAdmin(RecordAdmin[WorkerHeartbeat]):
    list_display = ["worker", "queues", "started_at", "seen_at"]


@admin.register(Trends)
class TrendsAdmin(RecordAdmin[Trends]):
    list_display = ["version", "computed_at"]
    list_select_related = ["version"]
    fields = ["version", "computed_at"]


@admin.register(BackgroundJob)
class BackgroundJobAdmin(RecordAdmin[BackgroundJob]):
    list_display = [
        "kind",
        "version",
        "status",
        "n_done",
        "attempt",
        "created_at",
        "finished_at",
        "error",
    ]
    list_filter = ["kind", "status"]
    list_select_related = ["version"]
