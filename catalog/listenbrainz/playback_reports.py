"""What a player reports of a listener's playing: plays, what plays now, and how far a song was heard."""

from datetime import UTC, datetime, timedelta

from accounts.models import User
from catalog.listenbrainz import service
from catalog.listenbrainz.payloads import Listen, Submission
from catalog.listening import interactions
from catalog.records import SongRecord
from catalog.songs import resolver

STATES = ("starting", "playing", "paused", "stopped", "expired")


def record_scrobble(listener: User, song: SongRecord, started_at: int, player: str) -> None:
    """Store a play; the same one twice is stored once."""
    service.store_submission(listener, Submission("single", [Listen(song, started_at, player)]))


def announce_playing(listener: User, song: SongRecord, player: str) -> None:
    """Remember for a while what plays."""
    service.store_submission(listener, Submission("playing_now", [Listen(song, None, player)]))


def record_report(
    listener: User, song: SongRecord, state: str, position_ms: int, rate: float, reported_at: int
) -> bool:
    """Store how far a song was heard once it is stopped; return whether that was news.

    What is too short for a play becomes a skip, which counts the more against a song the earlier it came. A
    session that only ran out says nothing: to close a player is no skip.
    """
    if state != "stopped" or position_ms <= 0:
        return False
    stored, _is_new = resolver.find_or_add_song(song, listener)
    began = datetime.fromtimestamp(reported_at, UTC) - timedelta(
        milliseconds=position_ms / (rate or 1.0)
    )
    _interaction, is_news = interactions.record_play(
        listener,
        stored,
        occurred_at=began,
        played_ms=position_ms,
        source=interactions.REPORT_SOURCE,
    )
    return is_news
