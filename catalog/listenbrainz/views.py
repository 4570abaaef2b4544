"""Answer the addresses that players call, with errors as ListenBrainz': {"code": 401, "error": "…"}."""

import uuid
from datetime import UTC, datetime

import structlog
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.db.models import Max, Min, Q
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback
from rest_framework.views import exception_handler as drf_exception_handler

from accounts.authentication import (
    TokenAuthentication,
    TokenInAddress,
    convert_gone_account_error,
    require_usable_token,
)
from accounts.models import Scope, User
from accounts.time_zones import get_local_day
from catalog.listenbrainz import answers, payloads, service, stats
from catalog.listenbrainz.payloads import BadRequest
from catalog.listening import sums
from catalog.models import Interaction, Playlist
from catalog.records import SongRecord
from catalog.songs import resolver
from common.api.parsers import AnyTypeJSONParser
from common.bad_values import MESSAGE, is_bad_value

log = structlog.get_logger(__name__)
MAX_COUNT = 1000
MAX_LOOKUPS = 50
MAX_USERS = 10
COUNT_SECONDS = 5.0
"""How long a request counts plays that came since statistics were last asked for."""
RETRY_AFTER_SECONDS = 5


class MayListen(BasePermission):
    message = (
        "This token may not send listens. Make one with the scope “listen” on your account page."
    )

    def has_permission(self, request, view) -> bool:
        return request.auth is not None and request.auth.allows(Scope.LISTEN)


class ListenBrainzView(APIView):
    """What all of them share: tokens only, any content type, the rate-limit headers clients wait by."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [MayListen]
    parser_classes = [AnyTypeJSONParser]
    throttle_scope = "listen"
    max_body_bytes = payloads.MAX_REQUEST_BYTES
    schema = None  # ListenBrainz' documentation is the documentation

    def get_exception_handler(self):
        return _answer_error

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        names = ("Limit", "Remaining", "Reset-In", "Reset")
        for name, value in zip(names, _get_throttle_state(request), strict=False):
            response[f"X-RateLimit-{name}"] = str(value)
        return response

    def get_own_listener(self, username: str) -> User:
        """Return the token's own user, when it is the one asked about."""
        if username.casefold() != self.request.user.username.casefold():
            raise exceptions.NotFound(f"Cannot find user: {username[:100]}")
        return self.request.user

    def get_sharing_listener(self, username: str) -> User:
        """Return the token's own user, or a listener who lets anybody fetch what is made for them."""
        listener = User.objects.with_name(username).filter(is_active=True).first()
        if listener is None or not (listener.shares_playlists or _is_owner(self.request, listener)):
            raise exceptions.NotFound(f"Cannot find user: {username[:100]}")
        return listener


class ValidateToken(ListenBrainzView):
    """The one address where old clients may send the token as `?token=`."""

    authentication_classes = []
    permission_classes = []

    def get(self, request):
        secret = request.query_params.get("token") or _read_header_secret(request)
        if not secret:
            raise exceptions.ValidationError("You need to provide an Authorization token.")
        try:
            token = require_usable_token(secret)
        except exceptions.AuthenticationFailed:
            return Response({"code": 200, "message": "Token invalid.", "valid": False})
        if not token.allows(
            Scope.LISTEN
        ):  # told while the player is set up, not at its first listen
            return Response({"code": 200, "message": MayListen.message, "valid": False})
        username = token.user.username
        return Response(
            {"code": 200, "message": "Token valid.", "valid": True, "user_name": username}
        )


class SubmitListens(ListenBrainzView):
    def post(self, request):
        submission = payloads.read_submission(request.data)
        service.store_submission(request.user, submission)
        answer = {"status": "ok"}
        if (
            payloads.read_flag(request.query_params.get("return_msid"))
            and submission.listen_type != "import"
        ):
            answer["recording_msid"] = str(submission.listens[0].msid)
        return Response(answer)


class DeleteListen(ListenBrainzView):
    def post(self, request):
        service.delete_listen(request.user, *payloads.read_deletion(request.data))
        return Response({"status": "ok"})


class RecordingFeedback(ListenBrainzView):
    def post(self, request):
        service.give_feedback(request.user, payloads.read_feedback(request.data))
        return Response({"status": "ok"})


class UserFeedback(ListenBrainzView):
    def get(self, request, username):
        listener = self.get_own_listener(username)
        count, offset = (
            read_number(request, "count", 25, MAX_COUNT),
            read_number(request, "offset", 0),
        )
        opinions = _select_opinions(listener, request.query_params.get("score"))
        with_metadata = payloads.read_flag(request.query_params.get("metadata"))
        page = opinions.select_related("song__artist", "song__album")[offset : offset + count]
        found = [answers.build_feedback(opinion, listener, with_metadata) for opinion in page]
        total = opinions.count()
        return Response(
            {"count": len(found), "feedback": found, "offset": offset, "total_count": total}
        )


class FeedbackForRecordings(ListenBrainzView):
    """The score of each recording that is asked about, in the address or, for long lists, in a body."""

    def get(self, request, username):
        return self._answer(username, request.query_params.dict())

    def post(self, request, username):
        return self._answer(username, request.data)

    def _answer(self, username, asked):
        listener = self.get_own_listener(username)
        found = service.find_feedback(listener, payloads.read_recording_ids(asked))
        return Response(
            {"feedback": [answers.build_score(one, song, listener) for one, song in found]}
        )


class LatestImport(ListenBrainzView):
    """How far a program brought the history of another service, as it said itself."""

    def get(self, request):
        listener = self.get_own_listener(
            request.query_params.get("user_name") or request.user.username
        )
        service_name = payloads.read_service(request.query_params.get("service"))
        moment = service.read_latest_import(listener, service_name)
        return Response({"musicbrainz_id": listener.username, "latest_import": moment})

    def post(self, request):
        service.set_latest_import(request.user, *payloads.read_latest_import(request.data))
        return Response({"status": "ok"})


class UserStats(ListenBrainzView):
    """The listener's most played artists, recordings or releases; 204 where nothing was played."""

    def get(self, request, username, entity):
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


class SimilarUsers(ListenBrainzView):
    """Listeners who heard the same songs, as far as they share their playlists."""

    def get(self, request, username):
        found = stats.find_similar_listeners(self.get_own_listener(username), MAX_USERS)
        return Response(
            {
                "payload": [
                    {"user_name": name, "similarity": round(score, 6)} for name, score in found
                ]
            }
        )


class SearchUsers(ListenBrainzView):
    """Names that contain what is searched: the caller's own, and those of listeners who share playlists."""

    def get(self, request):
        term = request.query_params.get("search_term", "").strip()
        if not term or "\0" in term:
            raise BadRequest("You need to provide a search_term.")
        seen = User.objects.filter(Q(shares_playlists=True) | Q(pk=request.user.pk), is_active=True)
        names = seen.filter(username__icontains=term[:150]).order_by("username")
        found = names.values_list("username", flat=True)[:MAX_USERS]
        return Response({"users": [{"user_name": name} for name in found]})


class MetadataLookup(ListenBrainzView):
    """The recording that an artist and a title mean, `{}` where the catalog has none with a MusicBrainz id.

    Open to anybody, as the catalog itself is.
    """

    permission_classes = []
    throttle_scope = "read"

    def get(self, request):
        return Response(_look_up(request.query_params.dict()))

    def post(self, request):
        asked = request.data.get("recordings") if isinstance(request.data, dict) else None
        if not isinstance(asked, list) or not 0 < len(asked) <= MAX_LOOKUPS:
            raise BadRequest(f"Key recordings must be a list of 1 to {MAX_LOOKUPS} objects.")
        return Response([_look_up(one) for one in asked])


class UserListens(ListenBrainzView):
    def get(self, request, username):
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
    def get(self, request, username):
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
    def get(self, request, username):
        return Response(
            {"payload": {"count": service.list_listens(self.get_own_listener(username)).count()}}
        )


class CreatedFor(ListenBrainzView):
    """Made playlists, those of the week before the daily mixes, newest first: players look for them on the first page.

    Some players ask without a token: only who opted in is shown to them.
    """

    permission_classes = []

    def get(self, request, username):
        listener = self.get_sharing_listener(username)
        count, offset = read_number(request, "count", 25, 100), read_number(request, "offset", 0)
        made = Playlist.objects.exclude(kind=Playlist.Kind.OWN).filter(owner=listener)
        ordered = made.annotate(is_daily=Q(kind=Playlist.Kind.DAILY_MIX))
        ordered = ordered.select_related("owner").order_by("is_daily", "-created_at", "pk")
        page = ordered[offset : offset + count]
        return Response(
            {
                "playlists": [answers.build_playlist(one, with_tracks=False) for one in page],
                "playlist_count": made.count(),
                "offset": offset,
                "count": count,
            }
        )


class OnePlaylist(ListenBrainzView):
    permission_classes = []

    def get(self, request, playlist_id):
        id_ = _parse_uuid(playlist_id)
        playlists = Playlist.objects.select_related("owner").filter(pk=id_, owner__is_active=True)
        playlist = playlists.first() if id_ else None
        if playlist is None or not _may_see(request, playlist):
            raise exceptions.NotFound(f"Cannot find playlist: {playlist_id}")
        return Response(answers.build_playlist(playlist))


class UnknownAddress(ListenBrainzView):
    """Any other address below /1/: ListenBrainz' JSON for every method, with or without a token."""

    authentication_classes = []
    permission_classes = []

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        raise exceptions.NotFound(f"There is no address {request.path[:100]} here.")


def _look_up(asked) -> dict:
    texts = {name: _read_asked_name(asked, name) for name in ("artist_name", "recording_name")}
    record = SongRecord(line=0, artist=texts["artist_name"], title=texts["recording_name"])
    song = resolver.find_song(record)
    return answers.build_lookup(song) if song is not None and song.mbid else {}


def _read_asked_name(asked, name: str) -> str:
    value = asked.get(name) if isinstance(asked, dict) else None
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise BadRequest(f"{name} is invalid or not present in arguments.")
    return value.strip()[: payloads.MAX_NAME_LENGTH]


def _parse_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _may_see(request, playlist: Playlist) -> bool:
    if playlist.is_public or _is_owner(request, playlist.owner):
        return True
    return playlist.kind != Playlist.Kind.OWN and playlist.owner.shares_playlists


def _is_owner(request, user: User) -> bool:
    return request.auth is not None and request.auth.allows(Scope.LISTEN) and request.user == user


def _select_opinions(listener: User, score: str | None):
    kinds = {"1": [Interaction.Kind.LIKE], "-1": [Interaction.Kind.DISLIKE]}
    if score is not None and score not in kinds:
        raise BadRequest("The score must be 1 or -1.")
    wanted = kinds.get(score or "", [Interaction.Kind.LIKE, Interaction.Kind.DISLIKE])
    return (
        Interaction.objects.for_listener(listener)
        .filter(kind__in=wanted)
        .order_by("-occurred_at", "-pk")
    )


def _select_page(plays, request) -> list[Interaction]:
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


def read_number(request, name: str, default: int | None, most: int = 2**40):
    """Return a whole number of the address, cut to `most`; raise BadRequest for anything else."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise BadRequest(f"{name} must be a whole number, not {text[:40]!r}.")
    return min(int(text), most)


def _convert_to_moment(seconds: int):
    return datetime.fromtimestamp(min(seconds, service.MAX_TIME), UTC)


def _convert_to_unix(moment) -> int:
    return int(moment.timestamp()) if moment else 0


def _read_header_secret(request) -> str:
    header = request.headers.get("Authorization", "")
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() in ("token", "bearer") else ""


def _get_throttle_state(request) -> tuple:
    return getattr(getattr(request, "_request", request), "throttle_state", ())


def _answer_error(exc, context) -> Response:
    """Answer `{"code", "error"}`; what is not the client's fault is logged whole."""
    if isinstance(exc, BadRequest):
        exc = exceptions.ValidationError(str(exc))
    exc = convert_gone_account_error(exc, context["request"])
    response = drf_exception_handler(exc, context)
    if response is None:
        return _answer_fault(exc, context["request"])
    response.data = {"code": response.status_code, "error": _format_sentence(exc)}
    if response.status_code in (403, 404):
        request = context["request"]
        log.warning(
            "listenbrainz_access_refused",
            path=request.path,
            user_id=getattr(request.user, "pk", None),
        )
    return response


def _answer_fault(exc, request) -> Response:
    """Answer what is no fault of the client: 503 where the database is away for a moment, else 500."""
    set_rollback()
    if is_bad_value(exc):
        log.warning("listenbrainz_value_refused", path=request.path, exc_info=exc)
        return Response({"code": 400, "error": MESSAGE}, status=400)
    got_request_exception.send(sender=_answer_fault, request=request._request)
    log.error("listenbrainz_request_failed", path=request.path, exc_info=exc)
    if isinstance(exc, OperationalError):
        sentence = (
            "The database can't do that right now; nothing was stored. Try again in a moment."
        )
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return Response({"code": 503, "error": sentence}, status=503, headers=headers)
    error = {"code": 500, "error": "Something went wrong here. The operator finds it in the log."}
    return Response(error, status=status.HTTP_500_INTERNAL_SERVER_ERROR)


def _format_sentence(exc) -> str:
    if isinstance(exc, exceptions.NotAuthenticated):
        return "You need to provide an Authorization header."
    if isinstance(exc, TokenInAddress | exceptions.APIException):
        return (
            " ".join(str(part) for part in exc.detail)
            if isinstance(exc.detail, list)
            else str(exc.detail)
        )
    return "Not found." if isinstance(exc, Http404) else "You may not do that."
