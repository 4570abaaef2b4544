"""How lists and the reasons of their songs look as JSON."""

from typing import Any

from rest_framework import serializers

from catalog.api.serializers import ArtistRef, SongSerializer, document_example
from recommendations.api import examples
from recommendations.services.lists.fallback import Fallback

MAX_SONGS = 200
"""The most of a list, and of what a client reports of one."""


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
