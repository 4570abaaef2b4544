"""Experiments and what came of them, as JSON."""

import math
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.serializers import document_example
from common.api.stored_text import StoredTextField
from recommendations.api import examples
from recommendations.engine import PRESETS
from recommendations.models import (
    Arm,
    Experiment,
    ModelVersion,
)
from recommendations.services.experiments import interleaving, results
from recommendations.services.experiments.interleaving import Comparison

MOST_ARMS = 10


class ArmSerializer(serializers.ModelSerializer[Arm]):
    version = serializers.CharField(
        source="version.name", allow_null=True, help_text="The model version; null: the active one."
    )
    stop_reason = StoredTextField()

    class Meta:
        model = Arm
        fields = ["id", "name", "share", "version", "discovery", "relevance", "stop_reason"]
        fields += ["is_winner"]


class GuardrailSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    share = serializers.FloatField(allow_null=True, help_text="Now, 0 to 1.")
    usual = serializers.FloatField(allow_null=True, help_text="In the 28 days before the start.")
    bound = serializers.FloatField(allow_null=True, help_text="Null: too little was shown before.")
    e_value = serializers.FloatField(help_text="From `limit` on the experiment is stopped.")
    limit = serializers.FloatField()


class StandingSerializer(serializers.Serializer[Any]):
    """How an interleaving stands; drafts are what one listener was shown on one day."""

    won_by_first = serializers.IntegerField(source="standing.n_first")
    won_by_second = serializers.IntegerField(source="standing.n_second")
    ties = serializers.IntegerField(source="n_ties")
    open = serializers.IntegerField(source="n_open")
    listeners = serializers.IntegerField(source="n_listeners")
    e_value = serializers.FloatField(
        source="standing.e_value", help_text="From `limit` on it is decided."
    )
    limit = serializers.FloatField()
    low = serializers.FloatField(
        source="standing.low", help_text="The least share of wins of the second that fits."
    )
    high = serializers.FloatField(source="standing.high")
    winner = serializers.SerializerMethodField(help_text="Id of the better arm once it is decided.")
    guardrails = GuardrailSerializer(many=True)

    def get_winner(self, comparison: Comparison) -> int | None:
        return comparison.winner.pk if comparison.winner else None


@document_example(examples.EXPERIMENT)
class ExperimentSerializer(serializers.ModelSerializer[Experiment]):
    arms = ArmSerializer(many=True)

    class Meta:
        model = Experiment
        fields = ["id", "name", "question", "kind", "state", "started_at", "ended_at", "arms"]


class ArmIn(serializers.Serializer[Any]):
    """One way to recommend; what is left out is as for everybody."""

    name = serializers.CharField(max_length=40)
    share = serializers.FloatField(
        min_value=0,
        max_value=1,
        default=0.5,
        help_text="Of listeners; interleaving does not use it.",
    )
    version = serializers.PrimaryKeyRelatedField(
        queryset=ModelVersion.objects.usable(),
        allow_null=True,
        default=None,
        help_text="Id of a version; null: the active one.",
    )
    preset = serializers.ChoiceField(
        choices=sorted(PRESETS),
        allow_blank=True,
        default="",
        help_text="Or the newest version of this preset when it starts.",
    )
    discovery = serializers.FloatField(min_value=0, max_value=1, allow_null=True, default=None)
    relevance = serializers.FloatField(min_value=0, max_value=1, allow_null=True, default=None)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["discovery"] is not None and attrs["relevance"] is not None:
            raise serializers.ValidationError(
                "Set discovery or relevance: both say how varied a list is."
            )
        return attrs


@document_example(
    {
        "name": "Old against new",
        "kind": "interleaving",
        "arms": [{"name": "now", "version": 3}, {"name": "new", "version": 4}],
    },
    request_only=True,
)
class NewExperiment(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    question = serializers.CharField(max_length=2000, allow_blank=True, default="")
    kind = serializers.ChoiceField(choices=Experiment.Kind.values, default=Experiment.Kind.SPLIT)
    arms = ArmIn(many=True, help_text="Two or more; the others are compared with the first.")

    def validate_arms(self, arms: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not 2 <= len(arms) <= MOST_ARMS:
            raise serializers.ValidationError(
                f"An experiment has 2 to {MOST_ARMS} arms, not {len(arms)}."
            )
        names = [arm["name"] for arm in arms]
        if len(set(names)) < len(names):
            raise serializers.ValidationError("Two arms have the same name.")
        return arms


class EstimateSerializer(serializers.Serializer[Any]):
    """A value with its 95 % interval; null where there is too little to say."""

    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class ArmResultSerializer(serializers.Serializer[Any]):
    arm = serializers.IntegerField(help_text="Id of the arm.")
    n_listeners = serializers.IntegerField()
    n_lists = serializers.IntegerField()
    rates = serializers.DictField(
        child=EstimateSerializer(),
        help_text="click, like, unwanted: the mean over listeners of the share of their lists with one.",
    )
    differences = serializers.DictField(
        child=EstimateSerializer(), help_text="To the first arm; empty for it."
    )


class SplitResultSerializer(serializers.Serializer[Any]):
    arms = ArmResultSerializer(many=True)
    sample_ratio_p = serializers.FloatField(
        help_text="Small where arms have other numbers of listeners than their shares say."
    )


@document_example(examples.EXPERIMENT | {"standing": examples.STANDING, "result": None})
class ExperimentDetailSerializer(ExperimentSerializer):
    standing = serializers.SerializerMethodField(
        help_text="Of an interleaving that was started; null for a draft and for a split."
    )

    class Meta(ExperimentSerializer.Meta):
        fields = [*ExperimentSerializer.Meta.fields, "standing", "result"]

    result = serializers.SerializerMethodField(
        help_text="Of a split that was started; null for a draft and for an interleaving."
    )

    @extend_schema_field(SplitResultSerializer(allow_null=True))
    def get_result(self, experiment: Experiment) -> dict[str, Any] | None:
        if experiment.is_interleaving or experiment.state == Experiment.State.DRAFT:
            return None
        result = results.compute_result(experiment)
        return {
            "arms": [
                {
                    "arm": one.arm.pk,
                    "n_listeners": one.n_listeners,
                    "n_lists": one.n_lists,
                    "rates": _load_estimates(one.rates),
                    "differences": _load_estimates(one.differences),
                }
                for one in result.arms
            ],
            "sample_ratio_p": result.sample_ratio_p,
        }

    @extend_schema_field(StandingSerializer(allow_null=True))
    def get_standing(self, experiment: Experiment) -> dict[str, Any] | None:
        if not experiment.is_interleaving or experiment.state == Experiment.State.DRAFT:
            return None
        return StandingSerializer(interleaving.compare(experiment)).data


def _load_estimates(
    estimates: Mapping[str, results.Estimate],
) -> dict[str, dict[str, float | None]]:
    """Return estimates as JSON, which has no NaN."""
    return {
        measure: {
            name: None if math.isnan(value) else value
            for name in ("value", "low", "high")
            for value in (getattr(one, name),)
        }
        for measure, one in estimates.items()
    }


@document_example({"arm": 8}, request_only=True)
class PromoteIn(serializers.Serializer[Any]):
    arm = serializers.IntegerField(min_value=1, help_text="Id of the arm that everybody gets.")
