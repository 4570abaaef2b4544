"""What a player's messages do to the catalog and to its listener's history."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from django.core.cache import cache
from django.db.models import QuerySet

from accounts.models import User
from catalog.listenbrainz.payloads import BadRequest, Feedback, Listen, Submission, msid
from catalog.models import HeardName, Interaction, Song
from catalog.services import listening, songs
from catalog.services.listening import Heard

DEFAULT_PLAY_SECONDS = 600
_SOURCE_LENGTH = Interaction._meta.get_field("source").max_length


def submit(listener: User, submission: Submission) -> None:
    """Store the listens, or remember for a while what is playing now."""
    if submission.listen_type == "playing_now":
        _set_playing_now(listener, submission.listens[0])
        return
    found = songs.find_or_add_all(listen.song for listen in submission.listens)
    _remember_names(submission.listens, found)
    heard = [
        Heard(song, datetime.fromtimestamp(listen.listened_at, UTC))
        for song, listen in zip(found, submission.listens, strict=True)
    ]
    listening.record_heard(listener, heard, source=_source(submission.listens[0]))


def playing_now(listener: User) -> dict | None:
    """Return the track_metadata of what the listener is playing, until the song ends."""
    return cache.get(_playing_key(listener))


def give_feedback(listener: User, feedback: Feedback) -> None:
    """Make a song liked (1), disliked (-1) or neither (0)."""
    song = _song_of(listener, feedback)
    if song is None:
        named = feedback.mbid or feedback.msid
        raise BadRequest(f"There is no song {named} here. Send a listen of it first.")
    if feedback.score == 0:
        listening.clear_opinion(listener, song)
    else:
        act = listening.like if feedback.score > 0 else listening.dislike
        act(listener, song, source="listenbrainz")


def delete_listen(listener: User, listened_at: int, listen_msid: uuid.UUID) -> bool:
    """Delete the listen of that second and message id; return whether there was one."""
    moment = datetime.fromtimestamp(listened_at, UTC)
    named = HeardName.objects.filter(msid=listen_msid).values_list("song_id", flat=True).first()
    at_that_second = heard_songs(listener).filter(occurred_at=moment)
    for interaction in at_that_second:
        if interaction.song_id == named or msid_of(interaction.song) == listen_msid:
            return listening.delete_listen(listener, interaction.song, moment)
    return False


def heard_songs(listener: User) -> QuerySet[Interaction]:
    """Return the plays with a time, newest first, with what a listen tells about its song."""
    plays = Interaction.objects.by(listener).filter(kind=Interaction.Kind.PLAY, occurred_at__isnull=False)
    return plays.select_related("song__artist", "song__album").order_by("-occurred_at", "-pk")


def msid_of(song: Song) -> uuid.UUID:
    return msid(song.artist.name, song.title, song.album.title if song.album else "")


def _song_of(listener: User, feedback: Feedback) -> Song | None:
    if feedback.mbid and (song := Song.objects.filter(mbid=feedback.mbid).first()):
        return song
    if feedback.msid is None:
        return None
    name = HeardName.objects.select_related("song").filter(msid=feedback.msid).first()
    # What others sent under that name counts only where the listener's own history does not know it.
    if name and Interaction.objects.by(listener).filter(song=name.song).exists():
        return name.song
    return _heard_under(listener, feedback.msid) or (name.song if name else None)


def _heard_under(listener: User, wanted: uuid.UUID) -> Song | None:
    """Look through what the listener heard: a file brought songs whose message id no player has sent."""
    heard = Song.objects.filter(interactions__listener=listener).distinct().select_related("artist", "album")
    return next((song for song in heard.iterator() if msid_of(song) == wanted), None)


def _remember_names(listens: Iterable[Listen], found: Iterable[Song]) -> None:
    names = {listen.msid: song for listen, song in zip(listens, found, strict=True)}
    HeardName.objects.bulk_create(
        (HeardName(msid=msid_, song=song) for msid_, song in names.items()), ignore_conflicts=True
    )


def _set_playing_now(listener: User, listen: Listen) -> None:
    song = listen.song
    info = {
        "recording_mbid": song.mbid,
        "duration_ms": song.duration_ms,
        "submission_client": listen.player,
    }
    metadata = {
        "artist_name": song.artist,
        "track_name": song.title,
        "additional_info": {name: value for name, value in info.items() if value},
    }
    if song.album:
        metadata["release_name"] = song.album
    seconds = song.duration_ms / 1000 if song.duration_ms else DEFAULT_PLAY_SECONDS
    cache.set(_playing_key(listener), metadata, timeout=max(1, int(seconds)))


def _playing_key(listener: User) -> str:
    return f"musicrec:playing-now:{listener.pk}"


def _source(listen: Listen) -> str:
    return f"listenbrainz:{listen.player or 'player'}"[:_SOURCE_LENGTH]
