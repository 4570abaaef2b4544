"""Other ids and former names of songs: what they were heard with, and what songs that were merged were called."""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.songs.models import Song, SongQuerySet
from common.bulk_sql import cut_chunks

_NAME_DIGITS = 40
_MANY = 900


class SongAlias(models.Model):
    """An id or a name that leads to a song and is not its own: another recording's, one that is taken, a former one.

    Several songs may have been heard with one id, as sources give wrong ones; names decide between them. A row with
    `former` is of a song that was merged into this one, or of this one before it was renamed: it says what that song
    was, so that a record means it as it did before.
    """

    class Kind(models.TextChoices):
        MBID = "mbid", _("MusicBrainz id")
        SPOTIFY = "spotify_id", _("Spotify id")
        ISRC = "isrc", _("ISRC")
        NAME = "name", _("title and artist")
        KEY = "key", _("id of a merged song")
        NUMBER = "number", _("number of a merged song")

    song = models.ForeignKey(Song, on_delete=models.CASCADE, related_name="aliases")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    value = models.CharField(_("value"), max_length=64)
    former = models.JSONField(_("former song"), null=True, editable=False)

    class Meta:
        verbose_name = _("other id or name of a song")
        verbose_name_plural = _("other ids and names of songs")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["value", "kind", "song"], name="song_alias_once"),
        ]

    def __str__(self) -> str:
        if self.former:
            return f"{self.kind} {self.former['title']} – {self.former['credit']}"
        return f"{self.kind} {self.value}"


OUTER_IDS = (SongAlias.Kind.MBID, SongAlias.Kind.SPOTIFY, SongAlias.Kind.ISRC)


def compute_name_value(match_key: str) -> str:
    """Return the value of an alias of the kind NAME: a digest of the match key, which may be longer than a value."""
    return hashlib.sha256(match_key.encode()).hexdigest()[:_NAME_DIGITS]


def describe_song(song: Song) -> dict[str, Any]:
    """Return what a record is compared with, as `SongAlias.former` keeps it."""
    return {
        "title": song.title,
        "credit": song.artist_credit,
        "album": song.album.title if song.album else "",
        "duration_ms": song.duration_ms,
        "mbid": str(song.mbid) if song.mbid else "",
        "isrc": song.isrc,
    }


def store_former_name(song_id: int, match_key: str, former: dict[str, Any]) -> None:
    """Let the names that a song had before lead to the song `song_id`."""
    _store_aliases(song_id, {SongAlias.Kind.NAME: compute_name_value(match_key)}, former)


def store_merged_song(song_id: int, merged: Song, former: dict[str, Any]) -> None:
    """Let everything that `merged` was called by lead to the song it was merged into."""
    values = {kind: str(value) for kind in OUTER_IDS if (value := getattr(merged, kind))}
    values[SongAlias.Kind.NAME] = compute_name_value(merged.match_key)
    _store_aliases(song_id, values, former)
    own_ids = {SongAlias.Kind.KEY: merged.key, SongAlias.Kind.NUMBER: str(merged.pk)}
    _store_aliases(song_id, own_ids, None)


def _store_aliases(
    song_id: int, values: dict[SongAlias.Kind, str], former: dict[str, Any] | None
) -> None:
    rows = [
        SongAlias(song_id=song_id, kind=kind, value=value, former=former)
        for kind, value in values.items()
    ]
    SongAlias.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["value", "kind", "song"],
        update_fields=["former"],
    )


# --- Ids of songs that are not there any more ---


def find_song_by_number(songs: SongQuerySet, number: int) -> Song | None:
    """Return the one of `songs` with this primary key, or that into which the song of this key was merged."""
    song = songs.filter(pk=number).first()
    if song is None and (owners := _find_owners(SongAlias.Kind.NUMBER, {str(number)})):
        song = songs.filter(pk=owners[str(number)]).first()
    return song


def find_songs_by_number(songs: SongQuerySet, numbers: Sequence[int]) -> list[Song]:
    """Return those of `songs` with these primary keys in this order, each once, merged ones as what they became."""
    by_number: dict[int, Song] = songs.in_bulk(numbers) if numbers else {}
    missing = {str(number) for number in numbers if number not in by_number}
    owners = _find_owners(SongAlias.Kind.NUMBER, missing)
    merged = songs.in_bulk(set(owners.values())) if owners else {}
    named = [by_number.get(number) or merged.get(owners.get(str(number), 0)) for number in numbers]
    return list(dict.fromkeys(song for song in named if song is not None))


def find_songs_by_key(songs: SongQuerySet, keys: set[str]) -> dict[str, Song]:
    """Return those of `songs` that have these public ids, or into which the songs of these ids were merged."""
    by_key: dict[str, Song] = songs.in_bulk(keys, field_name="key")
    owners = _find_owners(SongAlias.Kind.KEY, keys - by_key.keys())
    if owners:
        by_pk = songs.in_bulk(set(owners.values()))
        by_key |= {key: by_pk[pk] for key, pk in owners.items() if pk in by_pk}
    return by_key


def find_ids_by_former_key(keys: set[str]) -> dict[str, int]:
    """Return the songs into which those of some public ids were merged."""
    return _find_owners(SongAlias.Kind.KEY, keys)


def _find_owners(kind: SongAlias.Kind, values: set[str]) -> dict[str, int]:
    owners: dict[str, int] = {}
    for some_values in cut_chunks(values, _MANY):
        rows = SongAlias.objects.filter(kind=kind, value__in=some_values).order_by("-pk")
        owners.update(rows.values_list("value", "song_id"))
    return owners


def parse_alias_value(kind: str, value: str) -> object:
    """Return the value in the form in which records have it."""
    return uuid.UUID(value) if kind == SongAlias.Kind.MBID else value
