"""How recommendations, taste and the models behind them look as JSON."""

import math
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts import time_zones
from accounts.models import Theme, User
from catalog.api.serializers import ArtistRef, SongKeyField, SongSerializer, document_example
from catalog.models import Playlist
from recommendations.api import examples
from recommendations.engine import PRESETS
from recommendations.models import (
    Arm,
    Experiment,
    ListenerControl,
    ModelVersion,
    Outcome,
    TrainingRun,
)
from recommendations.services.experiments import interleaving, results
from recommendations.services.experiments.interleaving import Comparison
from recommendations.services.serving.fallback import Fallback

MADE_KINDS = [kind for kind in Playlist.Kind.values if kind != Playlist.Kind.OWN]
MOODS = {"": "", "mute": "mute-song", "boost": "boost-song", "not-me": "not-me"}
HIDDEN_KINDS = [*ListenerControl.HIDING, ListenerControl.Kind.IGNORE_SONG]
MAX_SONGS = 200
MOST_ARMS = 10


# --- Lists ------------------------------------------------------------------------------------------------------------


class ShareSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(
        help_text="history · listeners · artist · genre · sound · likeness · popular · other"
    )
    percent = serializers.IntegerField(help_text="All parts together make 100.")
    text = serializers.CharField()


class EvidenceSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    artist = ArtistRef()


class AgreementSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    song = serializers.FloatField()
    yours = serializers.FloatField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """Why a song is recommended, in numbers that add up and in words."""

    line = serializers.CharField(help_text="The strongest reason in one line.")
    sentence = serializers.CharField(help_text="All parts with their shares.")
    shares = ShareSerializer(many=True)
    because = EvidenceSerializer(
        many=True,
        help_text="The song of your history without which this one would most likely stand lower (measured for every "
        "version); empty where that is not sure of any song.",
    )
    goes_with = EvidenceSerializer(
        many=True, help_text="Other songs of your history that counted most."
    )
    features = AgreementSerializer(
        many=True, help_text="Audio features that agree with your taste."
    )
    contributions = serializers.DictField(
        child=serializers.FloatField(),
        help_text="What each algorithm added; they sum to the score.",
    )


class RuleSerializer(serializers.Serializer[Any]):
    """How a list keeps one of its rules."""

    term = serializers.ChoiceField(choices=["artist_cap", "new_artists", "tail", "genres"])
    wanted = serializers.FloatField(
        help_text="Songs at least; of artist_cap songs of one artist at most; of genres a distance at most."
    )
    listed = serializers.FloatField(help_text="What the list has.")
    possible = serializers.FloatField(
        allow_null=True,
        help_text="The most that the candidates allow with the rules before it kept; of artist_cap the longest list, "
        "of genres the nearest mix found (null: nothing is known of mine).",
    )
    kept = serializers.BooleanField()
    sentence = serializers.CharField(help_text="Empty where the rule is kept.")


class ItemSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    score = serializers.FloatField()
    song = SongSerializer()
    explanation = ExplanationSerializer(required=False)


@document_example(examples.LIST)
class ListSerializer(serializers.Serializer[Any]):
    items = ItemSerializer(many=True)
    step = serializers.ChoiceField(
        choices=["precomputed", "live", "cold", "popular", "empty"],
        help_text="How the list came about.",
    )
    segment = serializers.CharField(
        help_text="How much is known of the listener: none, cold, warm or hot."
    )
    version = serializers.CharField(
        allow_null=True, help_text="The model version; null without a model."
    )
    fallback = serializers.ChoiceField(
        choices=Fallback.values,
        help_text="Why the list is not what one would expect, as a code; empty when it is.",
    )
    note = serializers.CharField(help_text="The same as a sentence in the reader's language.")
    computed_at = serializers.DateTimeField(allow_null=True)
    rules = RuleSerializer(
        many=True,
        help_text="How it keeps what I or the operator ask of lists; empty without rules.",
    )
    receipt = serializers.CharField(
        help_text="Send it to /impressions/ once the list was shown; empty for strangers."
    )


class QueuedSerializer(serializers.Serializer[Any]):
    song = SongSerializer()
    is_new = serializers.BooleanField(help_text="Whether I have not played it yet.")
    reason = serializers.CharField(help_text="Why it is here.")


@document_example(examples.QUEUE)
class QueueSerializer(serializers.Serializer[Any]):
    items = QueuedSerializer(many=True)
    familiarity = serializers.FloatField(help_text="The part of known songs that was aimed at.")
    repeat_rate = serializers.FloatField(help_text="The part of repeats among what I played.")


class HeardSerializer(serializers.Serializer[Any]):
    song = SongSerializer()
    n_plays = serializers.IntegerField()
    last_played = serializers.DateTimeField()
    reason = serializers.CharField(help_text="Why it is here.")


@document_example(examples.REDISCOVERED)
class RediscoveredSerializer(serializers.Serializer[Any]):
    items = HeardSerializer(many=True)


@document_example(examples.EXPLAINED)
class ExplainedSerializer(serializers.Serializer[Any]):
    song = SongSerializer()
    explanation = ExplanationSerializer(allow_null=True)
    note = serializers.CharField(help_text="Why there is no explanation, if there is none.")


@document_example(examples.ABSENCE)
class AbsenceSerializer(serializers.Serializer[Any]):
    step = serializers.CharField(
        help_text="The first step at which the song falls out: `unavailable`, `hidden_song`, `hidden_artist`, "
        "`disliked`, `not_learned_from`, `heard`, `other_version_heard`, `outside` (of what I picked), "
        "`newer_than_model`, `no_score`, `not_proposed` (by any component), `outranked`, `artist_cap`, `variety`, "
        "`other_version_listed`, `no_model`, `not_personalised`; `listed` if it is on the list, `next_list` if it "
        "comes with the next one."
    )
    sentence = serializers.CharField(help_text="The same in a sentence.")
    rank = serializers.IntegerField(
        allow_null=True, help_text="Its place by score from 1; on the list, if it is listed."
    )
    score = serializers.FloatField(
        allow_null=True,
        help_text="Where it was compared with the list's: 0 to 1, or below 0 if only rules look at it.",
    )
    last_score = serializers.FloatField(
        allow_null=True, help_text="The score of the last song of the list."
    )


@document_example(examples.PATH)
class PathSerializer(serializers.Serializer[Any]):
    songs = SongSerializer(many=True, help_text="From the first song to the last, both included.")
    steps = serializers.ListField(
        child=serializers.FloatField(),
        help_text="How different each song sounds from the one before it: 0 the same, 2 the opposite.",
    )
    length = serializers.FloatField(help_text="All steps together.")
    note = serializers.CharField(
        source="reason", help_text="Why there is no path, if there is none."
    )


# --- Events -----------------------------------------------------------------------------------------------------------


@document_example(
    {"receipt": "eyJsIjo3fQ:1wxYzA:signature", "songs": ["song_00042"], "surface": "my-app"},
    request_only=True,
)
class ImpressionIn(serializers.Serializer[Any]):
    receipt = serializers.CharField(max_length=4000)
    songs = serializers.ListField(child=SongKeyField(), min_length=1, max_length=MAX_SONGS)
    surface = serializers.CharField(max_length=40, required=False, default="api")


@document_example({"id": "0b8f0a1e-7c51-4c8e-9a53-9d4fbb1c3a55"}, response_only=True)
class ImpressionOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()


@document_example({"song": "song_00042", "kind": "click"}, request_only=True)
class OutcomeIn(serializers.Serializer[Any]):
    song = SongKeyField()
    kind = serializers.ChoiceField(choices=Outcome.Kind.values)


# --- Beyond the library -----------------------------------------------------------------------------------------------


class LookedForArtist(serializers.Serializer[Any]):
    """An artist that the library lacks."""

    mbid = serializers.CharField(help_text="MusicBrainz id, empty where unknown.")
    artist_name = serializers.CharField()
    n_listeners = serializers.IntegerField(help_text="Listeners elsewhere who played both.")
    because = serializers.CharField(
        source="because.name", help_text="The artist of my history that counts most."
    )


class LookedForSong(serializers.Serializer[Any]):
    """A song that the library lacks."""

    mbid = serializers.CharField(help_text="MusicBrainz id, empty where unknown.")
    title = serializers.CharField()
    artist_name = serializers.CharField()
    artist_mbid = serializers.CharField()
    n_listeners = serializers.IntegerField(help_text="Listeners elsewhere who played both.")
    because = SongKeyField(
        source="because.key", help_text="The song of my history that counts most."
    )


class LookedForAlbum(serializers.Serializer[Any]):
    """An album that the library lacks."""

    mbid = serializers.CharField(
        help_text="MusicBrainz id of the release group, empty where unknown."
    )
    title = serializers.CharField()
    artist_name = serializers.CharField()
    artist_mbid = serializers.CharField()
    n_listeners = serializers.IntegerField(
        help_text="Listeners elsewhere who played its best song and mine."
    )
    because = SongKeyField(
        source="because.key", help_text="The song of my history that counts most."
    )


@document_example(examples.BEYOND, response_only=True)
class BeyondSerializer(serializers.Serializer[Any]):
    songs = LookedForSong(many=True)
    albums = LookedForAlbum(many=True)
    artists = LookedForArtist(many=True)
    about = serializers.DictField(
        child=serializers.CharField(),
        help_text="What the data says about itself: source, licence, dates.",
    )


# --- Me ---------------------------------------------------------------------------------------------------------------


@document_example(examples.ME)
class MeSerializer(serializers.ModelSerializer[User]):
    theme = serializers.ChoiceField(choices=Theme.values, required=False)
    language = serializers.CharField(max_length=10, allow_blank=True, required=False)
    time_zone = serializers.CharField(
        max_length=time_zones.MAX_LENGTH,
        allow_blank=True,
        required=False,
        help_text="An IANA name such as Europe/Berlin; empty: the site's.",
    )

    class Meta:
        model = User
        fields = [
            "username",
            "email",
            "personalised",
            "shares_playlists",
            "theme",
            "language",
            "time_zone",
            "is_staff",
            "date_joined",
        ]
        read_only_fields = ["username", "is_staff", "date_joined"]

    def validate_time_zone(self, name: str) -> str:
        if name and not time_zones.is_time_zone(name):
            raise serializers.ValidationError(
                f"{name!r} is not a time zone; name one such as Europe/Berlin."
            )
        return name

    def validate_language(self, language: str) -> str:
        languages = [code for code, _ in settings.LANGUAGES]
        if language and language not in languages:
            raise serializers.ValidationError(
                f"{language!r} is not a language of this site: {', '.join(languages)}."
            )
        return language


@document_example({"theme": "dark", "language": "de"}, request_only=True)
class MeChange(MeSerializer):
    """What a listener changes about their account."""

    password = serializers.CharField(
        max_length=4096,
        trim_whitespace=False,
        write_only=True,
        required=False,
        help_text="My password: needed to change `email`.",
    )

    class Meta(MeSerializer.Meta):
        fields = [*MeSerializer.Meta.fields, "password"]


@document_example({"password": "quite-some-words-9"}, request_only=True)
class MyPassword(serializers.Serializer[Any]):
    """The password again: a token or a borrowed session must not do this."""

    password = serializers.CharField(max_length=4096, trim_whitespace=False)


class PartSerializer(serializers.Serializer[Any]):
    """A part of a listener's history: songs that belong together."""

    id = serializers.CharField(help_text="The id of the song that stands for it.")
    name = serializers.CharField()
    percent = serializers.IntegerField()
    n_songs = serializers.IntegerField()
    artists = serializers.ListField(child=serializers.CharField())
    genres = serializers.ListField(child=serializers.CharField())
    mean_features = serializers.DictField(child=serializers.FloatField(allow_null=True))
    mood = serializers.CharField()


class RulesSerializer(serializers.Serializer[Any]):
    """What my lists have to keep; null is as the operator sets it."""

    new_artist_share = serializers.FloatField(
        min_value=0,
        max_value=1,
        allow_null=True,
        required=False,
        help_text="At least this share of the songs is by artists I never heard.",
    )
    artist_cap = serializers.IntegerField(
        min_value=1,
        max_value=MAX_SONGS,
        allow_null=True,
        required=False,
        help_text="At most so many songs of one artist.",
    )
    genre_distance = serializers.FloatField(
        min_value=0,
        max_value=1,
        allow_null=True,
        required=False,
        help_text="The genres are at most so far from mine: 0 the same mix, 1 any (Hellinger distance).",
    )
    tail_share = serializers.FloatField(
        min_value=0,
        max_value=1,
        allow_null=True,
        required=False,
        help_text="At least this share of the songs is outside the most popular fifth.",
    )


@document_example(examples.TASTE)
class TasteSerializer(serializers.Serializer[Any]):
    discovery = serializers.FloatField(help_text="0 familiar to 1 adventurous.")
    artists = ArtistRef(many=True, help_text="Chosen at the start.")
    genres = serializers.ListField(child=serializers.CharField())
    parts = PartSerializer(many=True)
    rules = RulesSerializer()


class PartMood(serializers.Serializer[Any]):
    part = SongKeyField()
    mood = serializers.ChoiceField(choices=list(MOODS), allow_blank=True)


@document_example(
    {"discovery": 0.8, "moods": [{"part": "song_00007", "mood": "mute"}]}, request_only=True
)
class TasteChange(serializers.Serializer[Any]):
    discovery = serializers.FloatField(min_value=0, max_value=1, required=False)
    moods = PartMood(many=True, required=False)
    rules = RulesSerializer(required=False)


@document_example(examples.HIDDEN)
class HiddenSerializer(serializers.ModelSerializer[ListenerControl]):
    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in HIDDEN_KINDS])
    song = SongSerializer(allow_null=True, help_text="Null where an artist is hidden.")
    artist = ArtistRef(allow_null=True, help_text="Null where it is about a song.")
    hidden_at = serializers.DateTimeField(source="created_at")

    class Meta:
        model = ListenerControl
        fields = ["kind", "song", "artist", "hidden_at"]
        read_only_fields = fields


@document_example({"kind": "weekly-jams"}, request_only=True)
class MadeIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=MADE_KINDS)


# --- The operators ----------------------------------------------------------------------------------------------------


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
    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "log"]


@document_example({"preset": "standard"}, request_only=True)
class RunIn(serializers.Serializer[Any]):
    preset = serializers.CharField(max_length=40, required=False)


@document_example(examples.VERSION)
class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
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


# --- Experiments ------------------------------------------------------------------------------------------------------


class ArmSerializer(serializers.ModelSerializer[Arm]):
    version = serializers.CharField(
        source="version.name", allow_null=True, help_text="The model version; null: the active one."
    )

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
