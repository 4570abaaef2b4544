"""How the music, what happened and playlists look as JSON."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from catalog.api import examples
from catalog.models import (
    AUDIO_FEATURES,
    Album,
    Artist,
    Genre,
    Interaction,
    Playlist,
    PlaylistItem,
    Song,
)
from catalog.play_rules import FIRST_MOMENT

KINDS = {kind.name.lower(): kind for kind in Interaction.Kind}
MAX_BATCH = 1000

S = TypeVar("S", bound=Callable[..., Any])


def document_example(value: Any, **kwargs: Any) -> Callable[[S], S]:
    shown = OpenApiExample("Example", value=value, status_codes=["200", "201", "202"], **kwargs)
    return extend_schema_serializer(examples=[shown])


class ArtistRef(serializers.ModelSerializer[Artist]):
    class Meta:
        model = Artist
        fields = ["id", "name"]


class AlbumRef(serializers.ModelSerializer[Album]):
    class Meta:
        model = Album
        fields = ["id", "title"]


class FeaturesSerializer(serializers.ModelSerializer[Song]):
    """The sound of a song: seven features of 0 to 1 and the tempo in beats a minute; null where unknown."""

    class Meta:
        model = Song
        fields = AUDIO_FEATURES


@document_example(examples.SONG)
class SongSerializer(serializers.ModelSerializer[Song]):
    id = serializers.CharField(source="key")
    artist = ArtistRef()
    credit = serializers.CharField(
        source="artist_credit",
        help_text="The artists as the song's source writes them, guests included.",
    )
    album = AlbumRef(allow_null=True)
    genres = serializers.SerializerMethodField()
    features = FeaturesSerializer(source="*")
    audio_url = serializers.CharField(
        help_text="Address of the audio or a preview; empty where there is none."
    )

    class Meta:
        model = Song
        fields = [
            "id",
            "title",
            "artist",
            "credit",
            "album",
            "genres",
            "year",
            "duration_ms",
            "features",
            "mbid",
            "isrc",
        ]
        fields += ["audio_url"]
        read_only_fields = fields

    def get_genres(self, song: Song) -> list[str]:
        return [genre.name for genre in song.genres.all()]


@document_example(examples.ARTIST)
class ArtistSerializer(serializers.ModelSerializer[Artist]):
    n_songs = serializers.IntegerField(read_only=True)

    class Meta:
        model = Artist
        fields = ["id", "name", "mbid", "n_songs"]


@document_example(examples.GENRE)
class GenreSerializer(serializers.ModelSerializer[Genre]):
    n_songs = serializers.IntegerField(read_only=True)

    class Meta:
        model = Genre
        fields = ["id", "name", "n_songs"]


class KindField(serializers.ChoiceField):
    """play · skip · like · dislike."""

    def __init__(self, kinds: Iterable[str] = tuple(KINDS), **kwargs: Any) -> None:
        super().__init__(choices=list(kinds), **kwargs)

    def to_representation(self, value: Any) -> str:
        return Interaction.Kind(value).name.lower()


@document_example(examples.OPINION)
class OpinionSerializer(serializers.Serializer[Any]):
    song = serializers.CharField(source="song.key")
    opinion = KindField(["like", "dislike"], source="kind")


@document_example(examples.HEARD)
class HistorySerializer(serializers.ModelSerializer[Interaction]):
    song = SongSerializer()
    kind = KindField()

    class Meta:
        model = Interaction
        fields = ["id", "song", "kind", "occurred_at", "played_ms", "plays", "source"]


class SongKeyField(serializers.CharField):
    """The id of a song of the catalog."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=64, **kwargs)


@document_example(examples.INTERACTION, request_only=True)
class InteractionIn(serializers.Serializer[Any]):
    song = SongKeyField()
    kind = KindField()
    occurred_at = serializers.DateTimeField(
        required=False,
        help_text="When the play began; now, if it is left out. An opinion is always of now.",
    )
    played_ms = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=24 * 3600 * 1000,
        help_text="How much of it was heard.",
    )

    def validate_occurred_at(self, moment: datetime) -> datetime:
        earliest = datetime.fromtimestamp(FIRST_MOMENT, UTC)
        if not earliest <= moment <= timezone.now() + timedelta(days=1):
            raise serializers.ValidationError("A play lies between 30 September 2002 and now.")
        return moment


# The entries are checked one by one, so that one wrong entry does not cost the others.
_BATCH_SCHEMA = {
    "type": "array",
    "items": {"$ref": "#/components/schemas/InteractionInRequest"},
    "minItems": 1,
    "maxItems": MAX_BATCH,
}


@extend_schema_field(_BATCH_SCHEMA)
class BatchField(serializers.ListField):
    """Up to 1,000 entries, each as in POST /interactions/."""

    child = serializers.JSONField()


@document_example(
    {"interactions": [examples.INTERACTION, {"song": "song_00007", "kind": "like"}]},
    request_only=True,
)
class BatchIn(serializers.Serializer[Any]):
    interactions = BatchField(
        min_length=1, max_length=MAX_BATCH, help_text="Each as in POST /interactions/."
    )


class RejectedSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="Position in the batch, from 0.")
    reason = serializers.CharField()


@document_example(examples.RECORDED)
class RecordedSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    known = serializers.IntegerField(help_text="Here already, so nothing was changed.")
    rejected = RejectedSerializer(many=True)


@document_example(examples.PLAYLIST_ITEM)
class PlaylistItemSerializer(serializers.ModelSerializer[PlaylistItem]):
    song = SongSerializer()
    reason = serializers.CharField(source="shown_reason", read_only=True)

    class Meta:
        model = PlaylistItem
        fields = ["id", "position", "song", "reason", "added_at"]


@document_example(examples.PLAYLIST)
class PlaylistSerializer(serializers.ModelSerializer[Playlist]):
    n_songs = serializers.IntegerField(read_only=True)
    title = serializers.CharField(source="shown_title", read_only=True)
    description = serializers.CharField(source="shown_description", read_only=True)

    class Meta:
        model = Playlist
        fields = [
            "id",
            "kind",
            "period",
            "title",
            "description",
            "is_public",
            "n_songs",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "kind", "period", "n_songs", "created_at", "updated_at"]


@document_example(examples.PLAYLIST | {"items": [examples.PLAYLIST_ITEM]})
class PlaylistDetailSerializer(PlaylistSerializer):
    items = serializers.SerializerMethodField()

    class Meta(PlaylistSerializer.Meta):
        fields = [*PlaylistSerializer.Meta.fields, "items"]

    @extend_schema_field(PlaylistItemSerializer(many=True))
    def get_items(self, playlist: Playlist) -> Any:
        listed = playlist.listed_items.select_related("song__artist", "song__album")
        items = list(listed.prefetch_related("song__genres"))
        for position, item in enumerate(items, start=1):
            item.position = position  # stored ones have gaps where something is not listed
        return PlaylistItemSerializer(items, many=True).data


@document_example(
    {"title": "Rainy Sunday", "songs": ["song_00042", "song_00007"]}, request_only=True
)
class PlaylistIn(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    is_public = serializers.BooleanField(required=False)
    songs = serializers.ListField(child=SongKeyField(), required=False, max_length=MAX_BATCH)


@document_example({"title": "Rainy Monday", "is_public": True}, request_only=True)
class PlaylistChange(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True, max_length=5000)
    is_public = serializers.BooleanField(required=False)


@document_example({"song": "song_00042"}, request_only=True)
class PlaylistSongIn(serializers.Serializer[Any]):
    song = SongKeyField()


@document_example({"position": 1}, request_only=True)
class PositionIn(serializers.Serializer[Any]):
    position = serializers.IntegerField(min_value=1, max_value=100_000)
