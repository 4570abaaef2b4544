"""The addresses by which players read: listens, hearts, statistics, playlists, other listeners, recordings."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Max, Min, Q, QuerySet
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.time_zones import get_local_day
from catalog.listenbrainz import answers, payloads, service, stats
from catalog.listenbrainz.base_view import ListenBrainzView, is_owner, read_number
from catalog.listenbrainz.payloads import BadRequest
from catalog.listening.models import InteractionQuerySet
from catalog.models import Interaction, Playlist
from catalog.names.external_ids import parse_uuid
from catalog.records import SongRecord
from catalog.songs import resolver
from catalog.songs.kept_figures import is_small_site
from catalog.statistics import sums

MAX_COUNT = 1000
MAX_LOOKUPS = 50
MAX_USERS = 10
COUNT_SECONDS = 5.0
"""How long a request counts plays that came since statistics were last asked for."""


class UserFeedback(ListenBrainzView):
    def get(self, request: Request, username: str) -> Response:
        listener = self.get_own_listener(username)
        count, offset = (
            read_number(request, "count", 25, MAX_COUNT),
            read_number(request, "offset", 0),
        )
        opinions = _select_opinions(listener, request.query_params.get("score"))
        with_metadata = payloads.read_flag(request.query_params.get("metadata"))
        page = opinions.select_related("song__artist", "song__album")[offset : offset + count]
        feedback = [answers.build_feedback(opinion, listener, with_metadata) for opinion in page]
        total = opinions.count()
        return Response(
            {"count": len(feedback), "feedback": feedback, "offset": offset, "total_count": total}
        )


class FeedbackForRecordings(ListenBrainzView):
    """The score of each recording that is asked about, in the address or, for long lists, in a body."""

    def get(self, request: Request, username: str) -> Response:
        return self._answer(username, request.query_params.dict())

    def post(self, request: Request, username: str) -> Response:
        return self._answer(username, request.data)

    def _answer(self, username: str, asked: Any) -> Response:
        listener = self.get_own_listener(username)
        feedback = service.find_feedback(listener, payloads.read_recording_ids(asked))
        return Response(
            {"feedback": [answers.build_score(one, song, listener) for one, song in feedback]}
        )


class UserStats(ListenBrainzView):
    """The listener's most played artists, recordings or releases; 204 where nothing was played."""

    def get(self, request: Request, username: str, entity: str) -> Response:
        listener = self.get_own_listener(username)
        name = request.query_params.get("range") or stats.ALL_TIME
        period = stats.read_range(name, get_local_day(listener))
        sums.refresh_sums(listener, max_seconds=COUNT_SECONDS)
        count, offset = (
            read_number(request, "count", 25, MAX_COUNT),
            read_number(request, "offset", 0),
        )
        total = stats.count_ranked(listener, entity, period)
        if not total:
            return Response(status=status.HTTP_204_NO_CONTENT)
        ranked = stats.rank_plays(listener, entity, period, count, offset)
        rows = [answers.build_statistic(entity, row) for row in ranked]
        first, last = stats.read_span(listener, period)
        payload = {
            entity: rows,
            "count": len(rows),
            f"total_{entity.removesuffix('s')}_count": total,
            "offset": offset,
            "range": name,
            "from_ts": _convert_to_unix(first),
            "to_ts": _convert_to_unix(last),
            "last_updated": int(datetime.now(UTC).timestamp()),
            "user_id": listener.username,
        }
        return Response({"payload": payload})


class ListeningActivity(ListenBrainzView):
    """How much was played in each day, month or year of a range and of the one before; 204 where nothing was."""

    def get(self, request: Request, username: str) -> Response:
        listener = self.get_own_listener(username)
        name = request.query_params.get("range") or stats.ALL_TIME
        stats.read_range(name, today := get_local_day(listener))
        sums.refresh_sums(listener, max_seconds=COUNT_SECONDS)
        steps = stats.count_activity(listener, name, today)
        if not steps:
            return Response(status=status.HTTP_204_NO_CONTENT)
        activity = [answers.build_activity(*step, listener) for step in steps]
        payload = {
            "listening_activity": activity,
            "range": name,
            "from_ts": activity[0]["from_ts"],
            "to_ts": activity[-1]["to_ts"],
            "last_updated": int(datetime.now(UTC).timestamp()),
            "user_id": listener.username,
        }
        return Response({"payload": payload})


class Followers(ListenBrainzView):
    """Whom a listener follows, or who follows them: nobody, as listeners of this site don't follow each other."""

    def get(self, request: Request, username: str, relation: str) -> Response:
        return Response({relation: [], "user": self.get_own_listener(username).username})


class SimilarUsers(ListenBrainzView):
    """Listeners who heard the same songs, as far as they share their playlists."""

    def get(self, request: Request, username: str) -> Response:
        similar = stats.find_similar_listeners(self.get_own_listener(username), MAX_USERS)
        return Response(
            {
                "payload": [
                    {"user_name": name, "similarity": round(score, 6)} for name, score in similar
                ]
            }
        )


class SearchUsers(ListenBrainzView):
    """Names that hold what is searched: the caller's own, and those of listeners who share playlists.

    On a large site they begin with it: no index finds what is inside a name.
    """

    def get(self, request: Request) -> Response:
        term = request.query_params.get("search_term", "").strip()
        if not term or "\0" in term:
            raise BadRequest("You need to provide a search_term.")
        seen = User.objects.filter(Q(shares_playlists=True) | Q(pk=request.user.pk), is_active=True)
        names = seen.with_name_like(term[:150], is_small_site=is_small_site()).order_by("username")
        usernames = names.values_list("username", flat=True)[:MAX_USERS]
        return Response({"users": [{"user_name": name} for name in usernames]})


class MetadataLookup(ListenBrainzView):
    """The recording that an artist and a title mean, `{}` where the catalog has none with a MusicBrainz id.

    Open to anybody, as the catalog itself is.
    """

    permission_classes = []
    throttle_scope = "read"

    def get(self, request: Request) -> Response:
        return Response(_look_up(request.query_params.dict(), request.user))

    def post(self, request: Request) -> Response:
        asked = request.data.get("recordings") if isinstance(request.data, dict) else None
        if not isinstance(asked, list) or not 0 < len(asked) <= MAX_LOOKUPS:
            raise BadRequest(f"Key recordings must be a list of 1 to {MAX_LOOKUPS} objects.")
        return Response([_look_up(one, request.user) for one in asked])


class UserListens(ListenBrainzView):
    def get(self, request: Request, username: str) -> Response:
        listener = self.get_own_listener(username)
        plays = service.list_listens(listener)
        span = plays.aggregate(oldest=Min("occurred_at"), latest=Max("occurred_at"))
        page = _select_page(plays, request)
        payload = {
            "count": len(page),
            "user_id": listener.username,
            "listens": [answers.build_listen(interaction, listener) for interaction in page],
            "latest_listen_ts": _convert_to_unix(span["latest"]),
            "oldest_listen_ts": _convert_to_unix(span["oldest"]),
        }
        return Response({"payload": payload})


class PlayingNow(ListenBrainzView):
    def get(self, request: Request, username: str) -> Response:
        listener = self.get_own_listener(username)
        listen = service.get_playing_now(listener)
        listens = (
            [{"playing_now": True, "track_metadata": answers.build_playing_now(listen)}]
            if listen
            else []
        )
        payload = {
            "count": len(listens),
            "listens": listens,
            "playing_now": True,
            "user_id": listener.username,
        }
        return Response({"payload": payload})


class ListenCount(ListenBrainzView):
    def get(self, request: Request, username: str) -> Response:
        return Response(
            {"payload": {"count": service.list_listens(self.get_own_listener(username)).count()}}
        )


class CreatedFor(ListenBrainzView):
    """Made playlists, those of the week before the daily mixes, newest first: players look for them on the first page.

    Some players ask without a token: only who opted in is shown to them.
    """

    permission_classes = []

    def get(self, request: Request, username: str) -> Response:
        listener = self.get_sharing_listener(username)
        count, offset = read_number(request, "count", 25, 100), read_number(request, "offset", 0)
        generated = Playlist.objects.exclude(kind=Playlist.Kind.OWN).filter(owner=listener)
        ordered = generated.annotate(is_daily=Q(kind=Playlist.Kind.DAILY_MIX))
        ordered = ordered.select_related("owner").order_by("is_daily", "-created_at", "pk")
        page = ordered[offset : offset + count]
        return Response(
            {
                "playlists": [answers.build_playlist(one, with_tracks=False) for one in page],
                "playlist_count": generated.count(),
                "offset": offset,
                "count": count,
            }
        )


class OwnPlaylists(ListenBrainzView):
    """The playlists that the listener made, the last changed first; those made for them are `createdfor`."""

    def get(self, request: Request, username: str) -> Response:
        listener = self.get_own_listener(username)
        count, offset = read_number(request, "count", 25, 100), read_number(request, "offset", 0)
        own = Playlist.objects.filter(owner=listener, kind=Playlist.Kind.OWN)
        page = own.select_related("owner").order_by("-updated_at", "pk")[offset : offset + count]
        return Response(
            {
                "playlists": [answers.build_playlist(one, with_tracks=False) for one in page],
                "playlist_count": own.count(),
                "offset": offset,
                "count": count,
            }
        )


class SharedPlaylists(ListenBrainzView):
    """The playlists that others let the listener change: none, as here only their owner changes a playlist."""

    permission_classes = []

    def get(self, request: Request, username: str) -> Response:
        self.get_sharing_listener(username)
        count, offset = read_number(request, "count", 25, 100), read_number(request, "offset", 0)
        return Response({"playlists": [], "playlist_count": 0, "offset": offset, "count": count})


class OnePlaylist(ListenBrainzView):
    permission_classes = []

    def get(self, request: Request, playlist_id: str) -> Response:
        id_ = parse_uuid(playlist_id)
        playlists = Playlist.objects.select_related("owner").filter(owner__is_active=True)
        playlist = playlists.filter(pk=id_).first() if id_ else None
        if playlist is None or not _may_see(request, playlist):
            raise exceptions.NotFound(f"Cannot find playlist: {playlist_id}")
        is_theirs = is_owner(request, playlist.owner) or playlist.owner.shares_playlists
        return Response(answers.build_playlist(playlist, with_reasons=is_theirs))


def _look_up(asked: Any, listener: Any) -> dict[str, Any]:
    texts = {name: _read_asked_name(asked, name) for name in ("artist_name", "recording_name")}
    record = SongRecord(line=0, artist=texts["artist_name"], title=texts["recording_name"])
    song = resolver.find_song(record, listener)
    return answers.build_lookup(song) if song is not None and song.mbid else {}


def _read_asked_name(asked: Any, name: str) -> str:
    value = asked.get(name) if isinstance(asked, dict) else None
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise BadRequest(f"{name} is invalid or not present in arguments.")
    return value.strip()[: payloads.MAX_NAME_LENGTH]


def _may_see(request: Request, playlist: Playlist) -> bool:
    if playlist.is_public or is_owner(request, playlist.owner):
        return True
    return playlist.kind != Playlist.Kind.OWN and playlist.owner.shares_playlists


def _select_opinions(listener: User, score: str | None) -> InteractionQuerySet:
    both = [Interaction.Kind.LIKE, Interaction.Kind.DISLIKE]
    # the public server takes 0 and nothing for both
    kinds = {"1": both[:1], "-1": both[1:], "0": both, "": both}
    wanted = kinds.get((score or "").strip().removeprefix("+"))
    if wanted is None:
        raise BadRequest("The score must be 1 or -1.")
    chosen: InteractionQuerySet = (
        Interaction.objects.for_listener(listener)
        .filter(kind__in=wanted)
        .order_by("-occurred_at", "-pk")
    )
    return chosen


def _select_page(plays: QuerySet[Interaction], request: Request) -> list[Interaction]:
    """Return the plays next to the time that was asked for, newest first: `min_ts` alone pages towards today."""
    count = read_number(request, "count", 25, MAX_COUNT)
    lowest, highest = read_number(request, "min_ts", None), read_number(request, "max_ts", None)
    if lowest is not None and highest is not None and lowest >= highest:
        raise BadRequest("max_ts must be larger than min_ts.")
    if lowest is not None:
        plays = plays.filter(occurred_at__gt=_convert_to_moment(lowest))
    if highest is not None:
        plays = plays.filter(occurred_at__lt=_convert_to_moment(highest))
    if lowest is not None and highest is None:
        return list(plays.reverse()[:count])[::-1]
    return list(plays[:count])


def _convert_to_moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(min(seconds, service.MAX_TIME), UTC)


def _convert_to_unix(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
