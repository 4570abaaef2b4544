"""From what a person types to a row: a listener's name, a song's key."""

from django.core.management.base import CommandError

from accounts.models import User
from catalog.models import Song


def find_listener(name: str) -> User:
    listener: User | None = User.objects.with_name(name).first()
    if listener is None:
        raise CommandError(f"There is no listener {name!r}.")
    return listener


def find_song(key: str) -> Song:
    song = Song.objects.for_cards().filter(key=key).first()
    if song is None:
        raise CommandError(f"There is no song with the id {key!r}.")
    return song


def find_songs(keys: str) -> list[Song]:
    """Return the songs of a comma-separated list."""
    wanted = [key.strip() for key in keys.split(",") if key.strip()]
    if not wanted:
        raise CommandError("Give at least one song id: --likes song_00001,song_00002")
    return [find_song(key) for key in wanted]
