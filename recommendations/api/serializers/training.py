"""Training runs and the versions that came of them, as JSON."""

from typing import Any

from rest_framework import serializers

from catalog.api.serializers import document_example
from common.api.stored_text import StoredLogField, StoredTextField
from recommendations.api import examples
from recommendations.models import (
    ModelVersion,
    TrainingRun,
)


@document_example(examples.RUN)
class RunSerializer(serializers.ModelSerializer[TrainingRun]):
    requested_by = serializers.CharField(
        source="requested_by.username",
        default=None,
        allow_null=True,
        help_text="Null: the schedule or a command.",
    )
    version = serializers.CharField(
        source="version.name", default=None, allow_null=True, help_text="Null until it is through."
    )
    stage = StoredTextField()
    error = StoredTextField()

    class Meta:
        model = TrainingRun
        fields = [
            "id",
            "status",
            "preset",
            "trigger",
            "requested_by",
            "stage",
            "progress",
            "error",
            "version",
        ]
        fields += ["created_at", "started_at", "finished_at"]


@document_example(examples.RUN | {"log": "05:00:01 reading the history"})
class RunDetailSerializer(RunSerializer):
    log = StoredLogField()

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "log"]


@document_example({"preset": "standard"}, request_only=True)
class RunIn(serializers.Serializer[Any]):
    preset = serializers.CharField(max_length=40, required=False)


@document_example(examples.VERSION)
class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    gate_reason = StoredTextField()

    class Meta:
        model = ModelVersion
        fields = [
            "id",
            "name",
            "preset",
            "state",
            "is_active",
            "gate_reason",
            "metrics",
            "n_listeners",
            "n_songs",
        ]
        fields += ["n_interactions", "fit_seconds", "size_bytes", "created_at", "activated_at"]


@document_example(examples.VERSION | {"config": {}, "metadata": {"seed": 0}})
class VersionDetailSerializer(VersionSerializer):
    class Meta(VersionSerializer.Meta):
        fields = [*VersionSerializer.Meta.fields, "config", "metadata"]
