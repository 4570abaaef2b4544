"""Apply a player's messages to the catalog and to its listener's history."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from catalog.listenbrainz.payloads import (
    BadRequest,
    Feedback,
    Listen,
    RecordingIds,
    Submission,
    compute_msid,
)
from catalog.listening import interactions
from catalog.listening.interactions import ListenEntry
from catalog.listening.same_play import lock_listener
from catalog.models import Interaction, LatestImport, NowPlaying, RecordingMsid, Song, SongAlias
from catalog.records import PLAYER_PREFIX, SongRecord
from catalog.songs import resolver
from catalog.songs.visibility import is_visible
from common.transactions import retry_conflicts

DEFAULT_PLAY_SECONDS = 600
MAX_SERVICES = 20
_ATTEMPTS = 3
MAX_TIME = 32_503_680_000  # the year 3000, in Unix seconds
_SOURCE_LENGTH = Interaction._meta.get_field("source").max_length
_PLAYER_LENGTH = NowPlaying._meta.get_field("player").max_length


@retry_conflicts
def store_submission(listener: User, submission: Submission) -> None:
    """Store the listens, or remember for a while what is playing now.

    Raises OperationalError where their songs are merged at each attempt: what was stored is not stored again when they
    are sent once more.
    """
    if submission.listen_type == "playing_now":
        _set_playing_now(listener, submission.listens[0])
        return
    for _attempt in range(_ATTEMPTS):
        songs = resolver.find_or_add_songs((one.song for one in submission.listens), listener)
        _store_msids(submission.listens, songs)
        if _record_listens(listener, submission.listens, songs):
            return
    raise OperationalError("The songs of these listens are being merged.")


def _record_listens(listener: User, listens: Sequence[Listen], songs: Sequence[Song]) -> bool:
    """Record listens of songs; return False when one was merged into another before that, and so was left out.

    What is recorded is not recorded again when the same listens are sent once more.
    """
    heard = [
        ListenEntry(
            song,
            datetime.fromtimestamp(cast(int, listen.listened_at), UTC),
            source=_get_player(listen),
        )
        for song, listen in zip(songs, listens, strict=True)
    ]
    are_new = interactions.record_listens(listener, heard, source=_get_player(listens[0]))
    if all(are_new):
        return True
    ids = {song.pk for song in songs}
    return Song.objects.filter(pk__in=ids).count() == len(ids)


def get_playing_now(listener: User) -> Listen | None:
    """Return what the listener is playing, until the song ends; one query."""
    row = NowPlaying.objects.filter(listener=listener, ends_at__gt=timezone.now()).first()
    return None if row is None else Listen(_read_record(row.song), None, row.player)


def give_feedback(listener: User, feedback: Feedback) -> None:
    """Make a song liked (1), disliked (-1) or neither (0); raise BadRequest for a song nobody sent."""
    song = _find_song(listener, feedback) or _add_playing_song(listener, feedback)
    if song is None:
        named = feedback.mbid or feedback.msid
        raise BadRequest(f"There is no song {named} here. Send a listen of it first.")
    if feedback.score == 0:
        interactions.clear_opinion(listener, song)
    else:
        act = interactions.like_song if feedback.score > 0 else interactions.dislike_song
        act(listener, song, source="listenbrainz")


def find_feedback(listener: User, wanted: RecordingIds) -> list[tuple[Feedback, Song | None]]:
    """Return the listener's score of each recording that is asked about, 0 where there is none."""
    asked: list[tuple[uuid.UUID | None, uuid.UUID | None]] = [
        *((mbid, None) for mbid in wanted.mbids),
        *((None, msid_) for msid_ in wanted.msids),
    ]
    songs_by_mbid = _find_by_mbids(listener, wanted.mbids)
    songs_by_msid = _find_by_msids(listener, wanted.msids)
    songs = [
        songs_by_mbid.get(mbid) if mbid else songs_by_msid.get(cast(uuid.UUID, msid_))
        for mbid, msid_ in asked
    ]
    opinions = (
        Interaction.objects.for_listener(listener)
        .opinions()
        .filter(song__in=[song for song in songs if song])
    )
    kinds = dict(opinions.values_list("song_id", "kind"))
    scores: dict[int | None, int] = {Interaction.Kind.LIKE: 1, Interaction.Kind.DISLIKE: -1}
    return [
        (Feedback(scores.get(kinds.get(song.pk), 0) if song else 0, mbid, msid_), song)
        for (mbid, msid_), song in zip(asked, songs, strict=True)
    ]


def read_latest_import(listener: User, service: str) -> int:
    """Return the time up to which a program brought listens from `service`, in Unix seconds; 0 if none did."""
    row = LatestImport.objects.filter(listener=listener, service=service).first()
    return int(row.listened_at.timestamp()) if row else 0


def set_latest_import(listener: User, service: str, moment: int) -> None:
    """Note that a program brought listens from `service` up to `moment`; an earlier time changes nothing.

    Raises BadRequest where the listener has `MAX_SERVICES` others already.
    """
    listened_at = datetime.fromtimestamp(min(moment, MAX_TIME), UTC)
    with transaction.atomic():
        lock_listener(listener)  # several programs at once are heard one after the other
        if moment <= read_latest_import(listener, service):
            return
        others = LatestImport.objects.filter(listener=listener).exclude(service=service)
        if others.count() >= MAX_SERVICES:
            raise BadRequest(
                f"latest-import keeps {MAX_SERVICES} services a listener; this would be one more."
            )
        LatestImport.objects.update_or_create(
            listener=listener, service=service, defaults={"listened_at": listened_at}
        )


def delete_listen(listener: User, listened_at: int, listen_msid: uuid.UUID) -> bool:
    """Delete the listen of that second and message id; return whether there was one."""
    moment = datetime.fromtimestamp(listened_at, UTC)
    named = RecordingMsid.objects.filter(msid=listen_msid).values_list("song_id", flat=True).first()
    at_that_second = list_listens(listener).filter(occurred_at=moment)
    for interaction in at_that_second:
        if interaction.song_id == named or compute_song_msid(interaction.song) == listen_msid:
            return interactions.delete_listen(listener, interaction.song, moment)
    return False


def list_listens(listener: User) -> QuerySet[Interaction]:
    """Return the plays with a time, newest first, with what a listen tells about its song."""
    plays = Interaction.objects.for_listener(listener).filter(
        kind=Interaction.Kind.PLAY, occurred_at__isnull=False
    )
    return plays.select_related("song__artist", "song__album").order_by("-occurred_at", "-pk")


def compute_song_msid(song: Song) -> uuid.UUID:
    return compute_msid(song.artist_credit, song.title, song.album.title if song.album else "")


def _find_song(listener: User, feedback: Feedback) -> Song | None:
    if feedback.mbid and (song := _find_by_mbids(listener, [feedback.mbid]).get(feedback.mbid)):
        return song
    if feedback.msid is None:
        return None
    return _find_by_msids(listener, [feedback.msid]).get(feedback.msid)


def _find_by_mbids(listener: User, mbids: list[uuid.UUID]) -> dict[uuid.UUID, Song]:
    """Return the songs of MusicBrainz ids, or those that were heard with them: the listener's own before others'."""
    if not mbids:
        return {}
    aliases = SongAlias.objects.filter(
        kind=SongAlias.Kind.MBID, value__in=[str(mbid) for mbid in mbids]
    )
    named = [
        *Song.objects.filter(mbid__in=mbids).values_list("mbid", "pk"),
        *(
            (uuid.UUID(value), pk)
            for value, pk in aliases.order_by("pk").values_list("value", "song_id")
        ),
    ]
    ids = {pk for _, pk in named}
    own = set(
        Interaction.objects.for_listener(listener)
        .filter(song__in=ids)
        .values_list("song_id", flat=True)
    )
    songs = _select_names(Song.objects.filter_visible(listener)).in_bulk(ids)
    by_mbid: dict[uuid.UUID, Song] = {}
    for mbid, pk in sorted(named, key=lambda name: name[1] not in own):
        if pk in songs:
            by_mbid.setdefault(cast(uuid.UUID, mbid), songs[pk])
    return by_mbid


def _find_by_msids(listener: User, msids: list[uuid.UUID]) -> dict[uuid.UUID, Song]:
    """Return the songs that were sent under message ids; the listener's own history decides before others'."""
    if not msids:
        return {}
    named = RecordingMsid.objects.select_related("song__artist", "song__album").filter(
        msid__in=msids
    )
    songs_by_msid = {name.msid: name.song for name in named if is_visible(name.song, listener)}
    heard = Interaction.objects.for_listener(listener).filter(song__in=songs_by_msid.values())
    own_ids = set(heard.values_list("song_id", flat=True))
    unsure = {
        one for one in msids if one not in songs_by_msid or songs_by_msid[one].pk not in own_ids
    }
    return songs_by_msid | _find_in_history(listener, unsure)


def _find_in_history(listener: User, wanted: set[uuid.UUID]) -> dict[uuid.UUID, Song]:
    """Look through what the listener heard: a file brought songs whose message id no player has sent.

    Reads the listener's whole history until every wanted id is found; no query where nothing is wanted.
    """
    by_msid: dict[uuid.UUID, Song] = {}
    if not wanted:
        return by_msid
    heard = _select_names(Song.objects.filter(interactions__listener=listener).distinct())
    for song in heard.iterator():
        if (id_ := compute_song_msid(song)) in wanted:
            by_msid.setdefault(id_, song)
            if len(by_msid) == len(wanted):
                break
    return by_msid


def _select_names(songs: QuerySet[Song]) -> QuerySet[Song]:
    return songs.select_related("artist", "album")


def _add_playing_song(listener: User, feedback: Feedback) -> Song | None:
    """Add the song that a player announced last, if the feedback names it."""
    row = NowPlaying.objects.filter(listener=listener).first()
    if row is None:
        return None
    record = _read_record(row.song)
    is_named = (
        feedback.msid == row.msid if feedback.msid else str(feedback.mbid) == record.mbid.lower()
    )
    if not is_named:
        return None
    song, _ = resolver.find_or_add_song(record, listener)
    RecordingMsid.objects.bulk_create(
        [RecordingMsid(msid=row.msid, song=song)], ignore_conflicts=True
    )
    return song


def _store_msids(listens: Iterable[Listen], songs: Iterable[Song]) -> None:
    names = {listen.msid: song for listen, song in zip(listens, songs, strict=True)}
    RecordingMsid.objects.bulk_create(
        (RecordingMsid(msid=msid_, song=song) for msid_, song in names.items()),
        ignore_conflicts=True,
    )


def _set_playing_now(listener: User, listen: Listen) -> None:
    song = listen.song
    seconds = song.duration_ms / 1000 if song.duration_ms else DEFAULT_PLAY_SECONDS
    NowPlaying.objects.update_or_create(
        listener=listener,
        defaults={
            "msid": listen.msid,
            "song": {
                name: value
                for name, value in song._asdict().items()
                if value and name != "features"
            },
            "player": listen.player[:_PLAYER_LENGTH],
            "ends_at": timezone.now() + timedelta(seconds=seconds),
        },
    )


def _read_record(stored: dict[str, Any]) -> SongRecord:
    """Return the stored description; fields that another release wrote are left out."""
    fields = {name: value for name, value in stored.items() if name in SongRecord._fields}
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    lists["credit"] = tuple((name, mbid) for name, mbid in fields.get("credit", ()))
    return SongRecord(**fields | lists)


def _get_player(listen: Listen) -> str:
    return f"{PLAYER_PREFIX}{listen.player or 'player'}"[:_SOURCE_LENGTH]
