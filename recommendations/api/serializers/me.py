"""A listener's account, taste and controls as JSON."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts import time_zones
from accounts.models import Theme, User
from catalog.api.serializers import ArtistRef, SongKeyField, SongSerializer, document_example
from catalog.models import Playlist
from recommendations.api import examples
from recommendations.api.serializers.lists import MAX_SONGS
from recommendations.models import ListenerControl

MADE_KINDS = [kind for kind in Playlist.Kind.values if kind != Playlist.Kind.OWN]
MOODS = {"": "", "mute": "mute-song", "boost": "boost-song", "not-me": "not-me"}
HIDDEN_KINDS = [*ListenerControl.HIDING, ListenerControl.Kind.IGNORE_SONG]


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
class GeneratedPlaylistsIn(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=MADE_KINDS)
