"""What a listener does not want: hidden songs and artists, and songs not to be learned from.

Every change invalidates the listener's lists, so the next page already follows it. Doing something twice changes
nothing.
"""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from catalog.models import Artist, Song
from recommendations.models import ListenerControl
from recommendations.services.serving import list_cache

Kind = ListenerControl.Kind


def hide_song(listener: User, song: Song) -> bool:
    """Never recommend `song` again; return whether that is new."""
    return _add_control(listener, kind=Kind.HIDE_SONG, song=song)


def unhide_song(listener: User, song: Song) -> bool:
    return _remove_control(listener, kind=Kind.HIDE_SONG, song=song)


def hide_artist(listener: User, artist: Artist) -> bool:
    """Never recommend anything by `artist` again; return whether that is new."""
    return _add_control(listener, kind=Kind.HIDE_ARTIST, artist=artist)


def unhide_artist(listener: User, artist: Artist) -> bool:
    return _remove_control(listener, kind=Kind.HIDE_ARTIST, artist=artist)


def ignore_song(listener: User, song: Song) -> bool:
    """Leave `song` in the history but recommend nothing because of it; return whether that is new."""
    return _add_control(listener, kind=Kind.IGNORE_SONG, song=song)


def unignore_song(listener: User, song: Song) -> bool:
    return _remove_control(listener, kind=Kind.IGNORE_SONG, song=song)


def list_controls(listener: User) -> QuerySet[ListenerControl]:
    """Return the listener's controls, newest first, with what they name; one query."""
    return ListenerControl.objects.filter(listener=listener).select_related(
        "song__artist", "artist"
    )


def list_hidden(listener: User) -> QuerySet[ListenerControl]:
    """Return the hidden songs and artists and the songs not to be learned from, newest first."""
    return list_controls(listener).filter(kind__in=[*ListenerControl.HIDING, Kind.IGNORE_SONG])


def list_song_controls(listener: User, song: Song) -> set[str]:
    """Return the kinds of controls that touch `song` or its artist; one query."""
    controls = ListenerControl.objects.filter(listener=listener)
    touching = controls.filter(song=song) | controls.filter(artist_id=song.artist_id)
    return set(touching.values_list("kind", flat=True))


def find_hidden_ids(listener: User) -> tuple[set[int], set[int]]:
    """Return the ids of the songs and of the artists that the listener hid; one query."""
    rows = ListenerControl.objects.filter(listener=listener, kind__in=ListenerControl.HIDING)
    pairs = list(rows.values_list("song_id", "artist_id"))
    return {song for song, _ in pairs if song}, {artist for _, artist in pairs if artist}


def _add_control(listener: User, **what: Any) -> bool:
    with transaction.atomic():
        _found, is_new = ListenerControl.objects.get_or_create(listener=listener, **what)
        if is_new:
            list_cache.invalidate_lists([listener.pk])
    return is_new


def _remove_control(listener: User, **what: Any) -> bool:
    with transaction.atomic():
        controls = ListenerControl.objects.filter(listener=listener, **what)
        if not controls.exists():
            return False
        # First: it takes the account's row, as a deletion of the account does before it takes these.
        list_cache.invalidate_lists([listener.pk])
        n_deleted, _by_table = controls.delete()
    return n_deleted > 0
