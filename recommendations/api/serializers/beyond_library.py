"""What listeners may look for elsewhere, as JSON."""

from typing import Any

from rest_framework import serializers

from catalog.api.serializers import SongKeyField, document_example
from recommendations.api import examples


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
