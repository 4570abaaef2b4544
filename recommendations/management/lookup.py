"""From what a person types to a row: a listener's name, a song's key."""

from django.core.management.base import CommandError

from accounts.models import User
from catalog.models import Song


def listener_named(name: str) -> User:
    listener = User.objects.filter(username__iexact=name).first()
    if listener is None:
        raise CommandError(f"There is no listener {name!r}.")
    return listener


def song_keyed(key: str) -> Song:
    song = Song.objects.for_cards().filter(key=key).first()
    if song is None:
        raise CommandError(f"There is no song with the id {key!r}.")
    return song


def songs_keyed(keys: str) -> list[Song]:
    """Return the songs of a comma-separated list."""
    wanted = [key.strip() for key in keys.split(",") if key.strip()]
    if not wanted:
        raise CommandError("Give at least one song id: --likes song_00001,song_00002")
    return [song_keyed(key) for key in wanted]
