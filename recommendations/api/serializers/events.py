"""What a client reports of the lists it showed, as JSON."""

from typing import Any

from rest_framework import serializers

from catalog.api.serializers import SongKeyField, document_example
from recommendations.api.serializers.lists import MAX_SONGS
from recommendations.models import Outcome


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
