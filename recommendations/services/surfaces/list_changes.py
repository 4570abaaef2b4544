"""What changed in the weekly discovery since last week, and why, from stored lists and events alone.

A song is new with the reason stored with it. A song left for what its listener did before the new list was made; where
nothing of that is stored, only the fact is said that others are in the list now.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import User
from catalog.models import Interaction, Playlist, Song
from recommendations.models import ListenerControl
from recommendations.services.serving import list_cache
from recommendations.services.surfaces.weekly import WeeklyList

N_NAMED = 5
_KEPT_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Change:
    """A song that came or went, and the cause in words; empty where none is stored."""

    song_id: int
    title: str
    artist: str
    cause: str


@dataclass(frozen=True)
class Changes:
    """What is new in this week's list and what is no longer in it, the best explained first."""

    entered: list[Change]
    left: list[Change]
    n_entered: int
    n_left: int


def load_changes(listener: User, lists: Sequence[WeeklyList]) -> Changes | None:
    """Return what changed in this week's discovery; None without a list of last week, or where nothing changed."""
    newest = next(
        (one for one in lists if one.playlist.kind == Playlist.Kind.WEEKLY_DISCOVERY), None
    )
    if newest is None or newest.before is None:
        return None
    unlisted = [item.pk for item in newest.unlisted]
    key = f"musicrec:changes:{newest.playlist.pk}:{get_language()}:{hash(tuple(unlisted))}"
    kept = cache.get(key)
    if kept is None:
        kept = (find_changes(listener, newest),)
        list_cache.keep(key, kept, _KEPT_SECONDS, [listener.pk])
    changes: Changes | None = kept[0]
    return changes


def find_changes(listener: User, newest: WeeklyList) -> Changes | None:
    """Compare a weekly discovery with the one of the week before; five queries.

    What its listener took out of it since it was made neither came nor left.
    """
    if newest.before is None:
        return None
    new, before = newest.playlist, [*newest.before.items, *newest.before.unlisted]
    ids_now = {item.song_id for item in (*newest.items, *newest.unlisted)}
    ids_before = {item.song_id for item in before}
    entered = [item for item in newest.items if item.song_id not in ids_before]
    left = sorted(
        (item for item in before if item.song_id not in ids_now), key=lambda item: item.position
    )
    if not entered and not left:
        return None
    songs = Song.objects.select_related("artist").in_bulk(
        [item.song_id for item in (*entered, *left)]
    )
    gone = [songs[item.song_id] for item in left if item.song_id in songs]
    causes = _find_causes(listener, gone, new)
    gone.sort(key=lambda song: song.pk not in causes)
    return Changes(
        [
            _describe_change(songs[item.song_id], item.shown_reason)
            for item in entered[:N_NAMED]
            if item.song_id in songs
        ],
        [_describe_change(song, causes.get(song.pk, "")) for song in gone[:N_NAMED]],
        len(entered),
        len(left),
    )


def _describe_change(song: Song, cause: str) -> Change:
    return Change(song.pk, song.title, song.artist.name, cause)


def _find_causes(listener: User, songs: Sequence[Song], new: Playlist) -> dict[int, str]:
    """Return by song what the listener did, before the new list was made, that keeps it out of a discovery."""
    by_event = _describe_events(listener, songs, new)
    hidden_songs, hidden_artists = _load_hidden(listener, songs, new)
    causes: dict[int, str] = {}
    for song in songs:
        if not song.is_available:
            causes[song.pk] = _("It is no longer in this library.")
        elif song.pk in hidden_artists:
            causes[song.pk] = _("You hid %(artist)s.") % {"artist": hidden_artists[song.pk]}
        elif song.pk in hidden_songs:
            causes[song.pk] = _("You took it out of your recommendations.")
        elif song.pk in by_event:
            causes[song.pk] = by_event[song.pk]
    return causes


def _describe_events(listener: User, songs: Sequence[Song], new: Playlist) -> dict[int, str]:
    """Say what was done with each song; what an import brought later can't have been the cause."""
    kinds = Interaction.Kind
    words = {
        kinds.DISLIKE: _("You disliked it."),
        kinds.LIKE: _("You liked it, so it is no longer new to you."),
        kinds.PLAY: _("You played it, so it is no longer new to you."),
        kinds.SKIP: _("You skipped it."),
    }
    strongest = list(words)
    rows = (
        Interaction.objects.for_listener(listener)
        .filter(song__in=songs, occurred_at__lt=new.created_at)
        .filter(Q(import_run=None) | Q(import_run__created_at__lt=new.created_at))
        .values_list("song_id", "kind")
    )
    kind_by_song: dict[int, Interaction.Kind] = {}
    for song_id, kind in rows:
        best = kind_by_song.get(song_id)
        if best is None or strongest.index(kinds(kind)) < strongest.index(best):
            kind_by_song[song_id] = kinds(kind)
    return {song_id: words[kind] for song_id, kind in kind_by_song.items()}


def _load_hidden(
    listener: User, songs: Sequence[Song], new: Playlist
) -> tuple[set[int], dict[int, str]]:
    """Return the songs that were hidden, and by song the name of the hidden artist whom it names."""
    controls = ListenerControl.objects.filter(listener=listener, created_at__lt=new.created_at)
    about_songs = controls.filter(song__in=songs, kind__in=ListenerControl.NOT_OFFERED).values_list(
        "song_id", flat=True
    )
    about_artists = controls.filter(artist__isnull=False)
    names: dict[int | None, str] = dict(about_artists.values_list("artist_id", "artist__name"))
    rows = Song.objects.filter(pk__in=[song.pk for song in songs])
    pairs = rows.pair_with_artists(pk for pk in names if pk) if names else []
    return set(about_songs), {song_id: names[artist_id] for song_id, artist_id in pairs}
