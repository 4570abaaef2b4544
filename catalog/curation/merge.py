"""Duplicates become one song, artist or genre: likes, history, playlists and everything else follow.

What they were called stays: the next listen under an old name, or with an old id, means the one that is left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import Exists, F, OuterRef, Subquery
from django.utils.translation import gettext as _

from catalog.curation.renaming import refresh_search_columns, rename_in_credits
from catalog.listening.changes import announce_change
from catalog.listening.models import Interaction
from catalog.listening.outdated_months import mark_plays
from catalog.listening.sum_tables import SongMonth, SongTotal
from catalog.playlists.edit import close_gaps
from catalog.playlists.models import Playlist, PlaylistItem
from catalog.records import AUDIO_FEATURES
from catalog.songs import aliases, former_artists
from catalog.songs.models import Album, Artist, ArtistCredit, Genre, Song
from catalog.songs.sources import refresh_sources
from common.transactions import lock_rows, retry_conflicts

Kind = Interaction.Kind
_TAKEN_OVER = (
    "album", "year", "duration_ms", "mbid", "isrc", "spotify_id", "audio_url", "track_number", "disc_number",
)  # fmt: skip
_NOTHING = (None, "")


class MergeRefused(Exception):
    """The rows cannot be merged; the message says why."""


@dataclass(frozen=True)
class MergeResult:
    """What a merge moved to the song that stays, and what was there already."""

    n_moved: int
    n_known: int


Row = TypeVar("Row", bound=models.Model)


def _lock_for_merge(keeper: Row, others: list[Row]) -> list[Row]:
    """Lock what becomes one, so that nobody writes about it meanwhile; return the duplicates that still exist.

    Raises MergeRefused when another merge was quicker.
    """
    present = lock_rows([keeper, *others])
    # Rows of our own: deleting takes an object's id, and a second attempt needs it again.
    others = list(type(keeper)._base_manager.filter(pk__in=present - {keeper.pk}).order_by("pk"))
    if keeper.pk not in present or not others:
        raise MergeRefused(
            _("Another merge was quicker: some of these are gone. Load the page again.")
        )
    keeper.refresh_from_db()
    return others


# --- Songs ------------------------------------------------------------------------------------------------------------


@retry_conflicts
def merge_songs(keeper: Song, duplicates: Iterable[Song]) -> MergeResult:
    """Merge duplicates into `keeper` in one transaction; the duplicates are deleted.

    Of two opinions the later counts; plays without a time are added up; a play of the same moment is one play.
    Raises MergeRefused when there is no duplicate.
    """
    others = [song for song in duplicates if song.pk != keeper.pk]
    if not others:
        raise MergeRefused(_("Choose at least two songs."))
    n_moved = n_known = 0
    with transaction.atomic():
        others = _lock_for_merge(keeper, others)
        listener_ids = _find_listeners(others)
        for other in others:
            moved = _merge_song(keeper, other)
            n_moved, n_known = n_moved + moved.n_moved, n_known + moved.n_known
        refresh_sources([keeper.pk])
        if listener_ids:
            announce_change(listener_ids)
    return MergeResult(n_moved, n_known)


def _find_listeners(songs: list[Song]) -> list[int]:
    rows = Interaction.objects.filter(song__in=songs).order_by()
    return list(rows.values_list("listener_id", flat=True).distinct())


def _merge_song(keeper: Song, other: Song) -> MergeResult:
    n_all = Interaction.objects.filter(song=other).count()
    mark_plays(Interaction.objects.filter(song=other))
    _merge_opinions(keeper, other)
    _merge_plays(keeper, other)
    n_moved = Interaction.objects.filter(song=other).update(song=keeper)
    _merge_entries(keeper, other)
    for sums in (SongMonth, SongTotal):
        sums.objects.filter(song=other).delete()  # counted anew, as their months are marked
    _move_relations(other, keeper)
    _fill_keeper(keeper, other)
    return MergeResult(n_moved, n_all - n_moved)


def _merge_entries(keeper: Song, other: Song) -> None:
    """Take the duplicate out of playlists that have both."""
    in_same_playlist = PlaylistItem.objects.filter(playlist=OuterRef("playlist"), song=keeper)
    doubled = PlaylistItem.objects.filter(Exists(in_same_playlist), song=other)
    playlists = list(Playlist.objects.filter(pk__in=doubled.values("playlist")).order_by("pk"))
    doubled.delete()
    for playlist in playlists:
        close_gaps(playlist)


def _select_keeper_rows(keeper: Song, **conditions: object) -> models.QuerySet[Interaction]:
    return Interaction.objects.filter(song=keeper, listener=OuterRef("listener"), **conditions)


def _merge_opinions(keeper: Song, other: Song) -> None:
    """Where a listener has an opinion on both, only the later one stays; without times the keeper's."""
    opinions = [Kind.LIKE, Kind.DISLIKE]
    theirs = Interaction.objects.filter(song=other, kind__in=opinions)
    later = theirs.filter(
        Exists(
            _select_keeper_rows(keeper, kind__in=opinions, occurred_at__lt=OuterRef("occurred_at"))
        )
    )
    Interaction.objects.filter(
        song=keeper, kind__in=opinions, listener__in=later.values("listener")
    ).delete()
    theirs.filter(Exists(_select_keeper_rows(keeper, kind__in=opinions))).delete()


def _merge_plays(keeper: Song, other: Song) -> None:
    heard = Interaction.objects.filter(song=other, kind__in=[Kind.PLAY, Kind.SKIP])
    heard.filter(
        Exists(
            _select_keeper_rows(keeper, kind=OuterRef("kind"), occurred_at=OuterRef("occurred_at"))
        )
    ).delete()
    untimed = {"occurred_at__isnull": True, "kind": OuterRef("kind"), "source": OuterRef("source")}
    counted = heard.filter(Exists(_select_keeper_rows(keeper, **untimed)), occurred_at=None)
    more = Interaction.objects.filter(
        song=other,
        occurred_at=None,
        listener=OuterRef("listener"),
        kind=OuterRef("kind"),
        source=OuterRef("source"),
    ).values("plays")[:1]
    both = Interaction.objects.filter(
        song=keeper, occurred_at=None, kind__in=[Kind.PLAY, Kind.SKIP]
    )
    both.filter(Exists(more)).update(plays=F("plays") + Subquery(more))
    counted.delete()


def _fill_keeper(keeper: Song, other: Song) -> None:
    """Fill the keeper's empty fields from the duplicate, ids included, which are freed first."""
    genres = list(other.genres.all())
    values = {name: getattr(other, name) for name in (*_TAKEN_OVER, *AUDIO_FEATURES)}
    if keeper.brought_by_id != other.brought_by_id:
        keeper.brought_by = None
    main = other.artist_id
    aliases.store_merged_song(keeper.pk, other, aliases.describe_song(other))
    other.delete()
    if main != keeper.artist_id:
        ArtistCredit.objects.get_or_create(song=keeper, artist_id=main)
    # a feature of 0.0 is a value like any other
    missing = [
        name
        for name in values
        if values[name] not in _NOTHING and getattr(keeper, name) in _NOTHING
    ]
    for name in missing:
        if name in AUDIO_FEATURES:
            keeper.learn_features({name: values[name]}, other.get_source(name))
        else:
            setattr(keeper, name, values[name])
    keeper.save()
    keeper.genres.add(*genres)


# --- Artists ----------------------------------------------------------------------------------------------------------


@retry_conflicts
def merge_artists(keeper: Artist, duplicates: Iterable[Artist]) -> int:
    """Make several artists one; return how many songs changed hands. Albums of the same title become one."""
    others = [artist for artist in duplicates if artist.pk != keeper.pk]
    if not others:
        raise MergeRefused(_("Choose at least two artists."))
    n_songs = 0
    with transaction.atomic():
        others = _lock_for_merge(keeper, others)
        for other in others:
            n_songs += _merge_artist(keeper, other)
    return n_songs


def _merge_artist(keeper: Artist, other: Artist) -> int:
    _merge_albums(keeper, other)
    songs = Song.objects.filter(artist=other)
    rename_in_credits(songs, other.name, keeper.name)
    n_songs = songs.update(artist=keeper)
    refresh_search_columns(keeper)
    _move_relations(other, keeper)
    former_artists.store_merged_artist(keeper, other)
    mbid = other.mbid
    other.delete()
    if mbid and not keeper.mbid:
        keeper.mbid = mbid
        keeper.save()
    return n_songs


def _merge_albums(keeper: Artist, other: Artist) -> None:
    for album in Album.objects.filter(artist=other):
        same = Album.objects.filter(artist=keeper, search_text=album.search_text).first()
        if same is not None:
            Song.objects.filter(album=album).update(album=same)
            album.delete()


# --- Genres -----------------------------------------------------------------------------------------------------------


@retry_conflicts
def merge_genres(keeper: Genre, duplicates: Iterable[Genre]) -> int:
    """Make several genres one; return how many songs were of the others."""
    others = [genre for genre in duplicates if genre.pk != keeper.pk]
    if not others:
        raise MergeRefused(_("Choose at least two genres."))
    links = Song.genres.through.objects
    with transaction.atomic():
        others = _lock_for_merge(keeper, others)
        n_songs = links.filter(genre__in=others).values("song").distinct().count()
        for other in others:
            of_both = links.filter(genre=keeper).values("song")
            links.filter(genre=other, song__in=of_both).delete()
            _move_relations(other, keeper)
            other.delete()
    return n_songs


# --- Everything else that points at them -----------------------------------------------------------------------------


def _move_relations(other: models.Model, keeper: models.Model) -> None:
    """Point every row of any app that points at `other` to `keeper`; a row that says the same already goes."""
    for relation in other._meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel):
            _move_field_rows(relation.field, other, keeper)


def _move_field_rows(
    field: "models.Field[Any, Any]", other: models.Model, keeper: models.Model
) -> None:
    rows = field.model._base_manager.filter(**{field.name: other})
    try:
        with transaction.atomic():
            rows.update(**{field.name: keeper})
        return
    except IntegrityError:
        pass  # some say the same already: one by one
    for row in rows:
        _move_row(row, field, keeper)


def _move_row(row: models.Model, field: "models.Field[Any, Any]", keeper: models.Model) -> None:
    try:
        with transaction.atomic():
            type(row)._base_manager.filter(pk=row.pk).update(**{field.name: keeper})
    except IntegrityError:
        type(row)._base_manager.filter(pk=row.pk).delete()
