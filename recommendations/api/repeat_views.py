"""Songs to hear again, as JSON: the endless queue and what was forgotten."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import SignedInApiRequest
from catalog.api.lookups import get_songs
from catalog.api.serializers import SongSerializer
from recommendations.api.query_values import read_length, read_share
from recommendations.api.serializers.lists import QueueSerializer, RediscoveredSerializer
from recommendations.services.surfaces import repeats

MAX_EXCLUDED = 200


@extend_schema(tags=["Me"])
class NextUp(APIView):
    """What I play next: songs I know and songs that are new to me, in turn."""

    @extend_schema(
        parameters=[
            OpenApiParameter("k", int, description="How many songs, 1 to 200; 20 if left out."),
            OpenApiParameter(
                "familiarity",
                float,
                description="Part of songs I know, 0 to 1; by default my own share of repeats.",
            ),
            OpenApiParameter(
                "exclude",
                str,
                description="Ids of up to 200 songs the queue had already, separated by commas.",
            ),
        ],
        responses=QueueSerializer,
    )
    def get(self, request: SignedInApiRequest) -> Response:
        """My queue. Ask again with `exclude` and it goes on."""
        queue = repeats.list_next_up(
            request.user,
            read_length(request),
            familiarity=read_share(request, "familiarity"),
            exclude=_read_excluded(request),
        )
        songs, why = SongSerializer(), queue.write_reasons()
        items = [
            {
                "song": songs.to_representation(one.song),
                "is_new": one.is_new,
                "reason": why[one.song.pk],
            }
            for one in queue.songs
        ]
        return Response(
            {
                "items": items,
                "familiarity": round(queue.familiarity, 4),
                "repeat_rate": round(queue.repeat_rate, 4),
            }
        )


@extend_schema(tags=["Me"])
class Rediscover(APIView):
    """Songs I once played much and have lost sight of."""

    @extend_schema(
        parameters=[
            OpenApiParameter("k", int, description="How many songs, 1 to 200; 20 if left out.")
        ],
        responses=RediscoveredSerializer,
    )
    def get(self, request: SignedInApiRequest) -> Response:
        """Songs of my history that come back, most played first."""
        songs = SongSerializer()
        items = [
            {
                "song": songs.to_representation(one.song),
                "n_plays": one.n_plays,
                "last_played": one.last_played,
                "reason": one.reason,
            }
            for one in repeats.rediscover(request.user, read_length(request))
        ]
        return Response({"items": items})


def _read_excluded(request: Request) -> list[int]:
    keys = [key for key in request.query_params.get("exclude", "").split(",") if key]
    if len(keys) > MAX_EXCLUDED:
        raise ValidationError(
            {"exclude": [f"At most {MAX_EXCLUDED} songs can be left out, not {len(keys)}."]}
        )
    return [song.pk for song in get_songs(keys, request.user, "exclude")]
