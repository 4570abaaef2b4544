"""The music and what listeners do with it, as JSON."""

from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Scope
from accounts.permissions import HasScopeOrIsAnonymous
from accounts.requests import SignedInApiRequest, get_signed_in_user
from catalog.api import serializers
from catalog.api.filters import ArtistFilter, SongFilter
from catalog.api.lookups import EARLIEST, get_artist, get_song
from catalog.listening import interaction_batch, submissions
from catalog.listening import interactions as listening
from catalog.listening.interaction_batch import InteractionEntry
from catalog.listening.models import InteractionQuerySet
from catalog.models import Artist, Genre, Interaction, Song
from catalog.songs import genres
from catalog.songs.aliases import find_songs_by_key
from catalog.songs.models import ArtistQuerySet, SongQuerySet
from catalog.songs.search import count_songs
from common.api.caching import KeptForAMinute
from common.api.paging import Cursor

SOURCE = "api"
MAX_BATCH_BYTES = 2 * 1024 * 1024


# --- The music --------------------------------------------------------------------------------------------------------


@extend_schema(tags=["Music"])
class SongList(KeptForAMinute, generics.ListAPIView[Song]):
    """Songs, searched and narrowed down by genre, year and sound."""

    permission_classes = [HasScopeOrIsAnonymous]
    serializer_class = serializers.SongSerializer
    filterset_class = SongFilter
    queryset = songs = Song.objects.available().for_cards()

    def get_queryset(self) -> SongQuerySet:
        return self.songs.filter_visible(self.request.user)


@extend_schema(tags=["Music"])
class SongDetail(KeptForAMinute, generics.RetrieveAPIView[Song]):
    """One song."""

    permission_classes = [HasScopeOrIsAnonymous]
    serializer_class = serializers.SongSerializer
    queryset = songs = Song.objects.for_cards()
    lookup_field = "key"

    def get_queryset(self) -> SongQuerySet:
        return self.songs.filter_visible(self.request.user)

    def get_object(self) -> Song:
        return get_song(self.kwargs["key"], self.request.user)


@extend_schema(tags=["Music"])
class ArtistList(KeptForAMinute, generics.ListAPIView[Artist]):
    """Artists by name, with how many songs each has."""

    permission_classes = [HasScopeOrIsAnonymous]
    serializer_class = serializers.ArtistSerializer
    filterset_class = ArtistFilter
    queryset = Artist.objects.all()

    def get_queryset(self) -> QuerySet[Artist]:
        return _select_artists(self.request.user)


@extend_schema(tags=["Music"])
class ArtistDetail(KeptForAMinute, generics.RetrieveAPIView[Artist]):
    """One artist. Their songs: `/songs/?artist=<id>`."""

    permission_classes = [HasScopeOrIsAnonymous]
    serializer_class = serializers.ArtistSerializer
    queryset = Artist.objects.all()

    def get_queryset(self) -> ArtistQuerySet:
        return _select_artists(self.request.user)

    def get_object(self) -> Artist:
        return get_artist(self.get_queryset(), self.kwargs["pk"])


@extend_schema(tags=["Music"])
class GenreList(KeptForAMinute, generics.ListAPIView[Genre]):
    """Genres by name, with how many songs each has."""

    permission_classes = [HasScopeOrIsAnonymous]
    serializer_class = serializers.GenreSerializer
    queryset = Genre.objects.order_by("name", "pk")

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        return page and genres.count_songs(page, self.request.user)


@extend_schema(tags=["Music"])
class GenreDetail(KeptForAMinute, generics.RetrieveAPIView[Genre]):
    """One genre. Its songs: `/songs/?genre=<name>`."""

    permission_classes = [HasScopeOrIsAnonymous]
    serializer_class = serializers.GenreSerializer
    queryset = Genre.objects.all()

    def get_object(self) -> Genre:
        return genres.count_songs([super().get_object()], self.request.user)[0]


# --- Opinions ---------------------------------------------------------------------------------------------------------


class _Opinion(APIView):
    """PUT makes it so, DELETE takes it back; done twice, nothing changes."""

    write_scopes = (Scope.WRITE, Scope.LISTEN)
    kind: Interaction.Kind

    def put(self, request: SignedInApiRequest, key: str) -> Response:
        act = listening.like_song if self.kind == Interaction.Kind.LIKE else listening.dislike_song
        opinion = act(request.user, get_song(key, request.user), source=SOURCE)
        return Response(serializers.OpinionSerializer(opinion).data)

    def delete(self, request: SignedInApiRequest, key: str) -> Response:
        song = get_song(key, request.user)
        if listening.get_opinion(request.user, song) == self.kind:
            listening.clear_opinion(request.user, song)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["Opinions"], request=None, responses=serializers.OpinionSerializer)
class SongLike(_Opinion):
    """Like a song; a dislike of it is replaced."""

    kind = Interaction.Kind.LIKE


@extend_schema(tags=["Opinions"], request=None, responses=serializers.OpinionSerializer)
class SongDislike(_Opinion):
    """Dislike a song: it is not recommended any more, and less of its kind."""

    kind = Interaction.Kind.DISLIKE


_OPINION_PARAMETER = OpenApiParameter("opinion", str, enum=["like", "dislike"])


@extend_schema(tags=["Opinions"], parameters=[_OPINION_PARAMETER])
class OpinionList(generics.ListAPIView[Interaction]):
    """My likes and dislikes, newest first."""

    serializer_class = serializers.HistorySerializer
    pagination_class = Cursor
    queryset = Interaction.objects.none()

    def get_queryset(self) -> InteractionQuerySet:
        wanted = self.request.query_params.get("opinion")
        if wanted not in (None, "like", "dislike"):
            raise ValidationError(
                {"opinion": [f"{wanted[:40]!r} is none; they are like and dislike."]}
            )
        listener = get_signed_in_user(self.request)
        mine = _select_songs(Interaction.objects.for_listener(listener).opinions())
        return mine.filter(kind=serializers.KINDS[wanted]) if wanted else mine


# --- History ----------------------------------------------------------------------------------------------------------


@extend_schema(tags=["History"])
class History(generics.ListAPIView[Interaction]):
    """My plays and skips, newest first; those without a time come last."""

    serializer_class = serializers.HistorySerializer
    pagination_class = Cursor
    queryset = Interaction.objects.none()

    def get_queryset(self) -> InteractionQuerySet:
        listener = get_signed_in_user(self.request)
        return _select_songs(Interaction.objects.for_listener(listener).plays_and_skips())

    @extend_schema(
        parameters=[
            OpenApiParameter("confirm", str, required=True, description="The word `everything`.")
        ],
        responses={200: serializers.RecordedSerializer},
        operation_id="history_delete_everything",
    )
    def delete(self, request: SignedInApiRequest) -> Response:
        """Delete all of my plays, skips, likes and dislikes."""
        if request.query_params.get("confirm") != "everything":
            raise ValidationError(
                {"confirm": ["Say ?confirm=everything to delete the whole history."]}
            )
        n_deleted = listening.delete_all_interactions(request.user)
        return Response({"added": 0, "known": n_deleted, "rejected": []})


@extend_schema(tags=["History"], responses={204: None})
class HistoryEntry(APIView):
    """Delete one entry of my history."""

    def delete(self, request: SignedInApiRequest, pk: int) -> Response:
        if not listening.delete_interaction(request.user, pk):
            raise NotFound("There is no such entry in your history.")
        return Response(status=status.HTTP_204_NO_CONTENT)


_KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of yours, up to 100 characters. The same one again is answered again and written once.",
)


class _Recording(APIView):
    write_scopes = (Scope.LISTEN, Scope.WRITE)
    throttle_scope = "listen"
    max_body_bytes = MAX_BATCH_BYTES

    def record_once(self, request: SignedInApiRequest, entries: list[Any]) -> dict[str, Any]:
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > submissions.MAX_KEY_LENGTH:
            raise ValidationError(
                f"An Idempotency-Key has {submissions.MAX_KEY_LENGTH} characters at most."
            )
        body = repr(request.data).encode("utf-8", "replace")
        try:
            answer: dict[str, Any]
            answer, self.was_replayed = submissions.run_once(
                request.user, key, body, lambda: self._record(entries)
            )
        except submissions.IdempotencyKeyReused as error:
            raise ValidationError(str(error)) from None
        return answer

    def answer(self, data: dict[str, Any], status_code: int) -> Response:
        headers = {"Idempotency-Replayed": "true"} if self.was_replayed else None
        return Response(data, status=status_code, headers=headers)

    def _record(self, entries: list[Any]) -> dict[str, Any]:
        readable: list[tuple[int, dict[str, Any]]] = []
        rejected: list[dict[str, Any]] = []
        for index, entry in enumerate(entries):
            checked = serializers.InteractionIn(data=entry)
            if checked.is_valid():
                readable.append((index, checked.validated_data))
            else:
                rejected.append({"index": index, "reason": _format_errors(checked.errors)})
        visible = Song.objects.filter_visible(self.request.user)
        songs = find_songs_by_key(visible, {data["song"] for _, data in readable})
        entries_of_songs = [
            _build_entry(songs[data["song"]], data) for _, data in readable if data["song"] in songs
        ]
        rejected += [
            {"index": index, "reason": f"song: there is no song {data['song']!r}."}
            for index, data in readable
            if data["song"] not in songs
        ]
        n_added, n_known = interaction_batch.record_batch(
            get_signed_in_user(self.request), entries_of_songs, source=SOURCE
        )
        rejected.sort(key=lambda one: one["index"])
        return {"added": n_added, "known": n_known, "rejected": rejected}


@extend_schema(tags=["History"], parameters=[_KEY_HEADER], request=serializers.InteractionIn)
class InteractionCreate(_Recording):
    """Tell one fact: a play, a skip, a like or a dislike."""

    @extend_schema(responses={201: serializers.RecordedSerializer})
    def post(self, request: SignedInApiRequest) -> Response:
        checked = serializers.InteractionIn(data=request.data)
        checked.is_valid(raise_exception=True)
        answer = self.record_once(request, [request.data])
        if answer["rejected"]:
            raise ValidationError(
                {"song": [answer["rejected"][0]["reason"].removeprefix("song: ")]}
            )
        return self.answer(answer, status.HTTP_201_CREATED)


@extend_schema(tags=["History"], parameters=[_KEY_HEADER], request=serializers.BatchIn)
class InteractionBatch(_Recording):
    """Tell up to 1,000 facts. What can't be read is named by its position; the rest is written."""

    @extend_schema(responses={200: serializers.RecordedSerializer})
    def post(self, request: SignedInApiRequest) -> Response:
        checked = serializers.BatchIn(data=request.data)
        checked.is_valid(raise_exception=True)
        answer = self.record_once(request, checked.validated_data["interactions"])
        return self.answer(answer, status.HTTP_200_OK)


# --- Shared -----------------------------------------------------------------------------------------------------------


def _select_artists(listener: Any) -> ArtistQuerySet:
    """Return the artists that a listener may see, each with how many of their songs."""
    artists = Artist.objects.filter_visible(listener).annotate(n_songs=count_songs(listener))
    return artists.order_by("name", "pk")


def _select_songs(interactions: InteractionQuerySet) -> InteractionQuerySet:
    songs = interactions.select_related("song__artist", "song__album").prefetch_related(
        "song__genres"
    )
    return songs.annotate(moment=Coalesce("occurred_at", Value(EARLIEST)))


def _build_entry(song: Song, data: dict[str, Any]) -> InteractionEntry:
    return InteractionEntry(
        song, serializers.KINDS[data["kind"]], data.get("occurred_at"), data.get("played_ms")
    )


def _format_errors(errors: Any) -> str:
    if isinstance(errors, dict):
        return "; ".join(
            f"{field}: {' '.join(map(str, messages))}" for field, messages in errors.items()
        )
    return str(errors)
