"""What an artist was called before a merge or a new name: the only owner of these names.

A name that an artist has now always wins; so an operator who adds an artist of a former name takes it back.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.names.artist_credits import get_main_artist, split_credit
from catalog.names.artist_keys import build_lookup_key
from catalog.names.text import NAME_LENGTH
from catalog.records import SongRecord
from catalog.songs.models import Artist, ArtistQuerySet
from common.bulk_sql import cut_chunks


class ArtistAlias(models.Model):
    """A name that an artist had before, or that of an artist who was merged into it, with that one's ids."""

    artist = models.ForeignKey(Artist, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(_("name"), max_length=500)
    lookup_key = models.CharField(max_length=300, editable=False, db_index=True)
    mbid = models.UUIDField(_("MusicBrainz id"), null=True, blank=True)
    number = models.BigIntegerField(_("number of a merged artist"), null=True, unique=True)

    class Meta:
        verbose_name = _("former name of an artist")
        verbose_name_plural = _("former names of artists")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["artist", "name"],
                condition=models.Q(number=None),
                name="artist_alias_of_a_new_name_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name


def store_former_name(artist: Artist, name: str) -> None:
    """Let a name that an artist had before lead to it."""
    alias = ArtistAlias(artist=artist, name=name, lookup_key=build_lookup_key(name))
    ArtistAlias.objects.bulk_create([alias], ignore_conflicts=True)


def store_merged_artist(artist: Artist, merged: Artist) -> None:
    """Let the name and the ids of `merged` lead to the artist that it becomes."""
    ArtistAlias.objects.create(
        artist=artist,
        name=merged.name,
        lookup_key=merged.lookup_key or build_lookup_key(merged.name),
        mbid=merged.mbid,
        number=merged.pk,
    )


def find_artist_by_number(artists: ArtistQuerySet, number: int) -> Artist | None:
    """Return the one of `artists` with this primary key, or that into which the artist of this key was merged."""
    artist = artists.filter(pk=number).first()
    if artist is None:
        artist = artists.filter(aliases__number=number).first()
    return artist


def find_artist_by_former_name(
    artists: ArtistQuerySet, *, mbid: object = None, name: str = ""
) -> Artist | None:
    """Return the one of `artists` that had a MusicBrainz id or a name before."""
    condition = models.Q(aliases__mbid=mbid) if mbid else models.Q(pk__in=[])
    if name:
        condition |= models.Q(aliases__lookup_key=build_lookup_key(name))
    return artists.filter(condition).order_by("pk").first()


class FormerArtist(NamedTuple):
    """An artist as it was called before."""

    lookup_key: str
    mbid: str
    pk: int
    name: str
    """As it is called now."""
    mbid_now: str
    is_name_free: bool
    """Whether no artist is called so now."""

    def fits(self, mbid: str) -> bool:
        """Whether a record that has this artist's name and MusicBrainz id, or "" for none, means it."""
        if mbid and mbid in (self.mbid, self.mbid_now):
            return True
        return self.is_name_free and not (mbid and self.mbid)


def find_former_artists(lookup_keys: Iterable[str]) -> dict[str, list[FormerArtist]]:
    """Return who was called so before, by lookup key, the latest first; one query for 900 keys."""
    by_key: dict[str, list[FormerArtist]] = {}
    namesake = Artist.objects.filter(lookup_key=models.OuterRef("lookup_key"))
    for some_keys in cut_chunks(set(lookup_keys)):
        aliases = ArtistAlias.objects.filter(lookup_key__in=some_keys).order_by("-pk")
        columns = ("lookup_key", "mbid", "artist_id", "artist__name", "artist__mbid", "is_free")
        rows = aliases.alias(is_taken=models.Exists(namesake)).annotate(
            is_free=~models.F("is_taken")
        )
        for key, mbid, pk, name, mbid_now, is_free in rows.values_list(*columns):
            former = FormerArtist(key, str(mbid or ""), pk, name, str(mbid_now or ""), is_free)
            by_key.setdefault(key, []).append(former)
    return by_key


def choose_former_artist(artists: Iterable[FormerArtist], mbid: str) -> FormerArtist | None:
    """Return the artist that a record with a former name and a MusicBrainz id, or "", means."""
    return next((one for one in artists if one.fits(mbid)), None)


def use_present_names(records: Mapping[int, SongRecord]) -> dict[int, SongRecord]:
    """Return those of the records that name an artist by a former name, with the name of today; one query."""
    keys = {i: _list_keys(record.artist) for i, record in records.items()}
    former = find_former_artists(key for some_keys in keys.values() for key in some_keys)
    if not former:
        return {}
    renamed = {}
    for i, record in records.items():
        mbid = record.artist_mbid.lower()
        named = {
            key: artist
            for key in keys[i]
            if (artist := choose_former_artist(former.get(key, ()), mbid)) is not None
        }
        credit = rename_in_credit(
            record.artist, {key: artist.name for key, artist in named.items()}
        )
        if credit != record.artist:
            mbids = {artist.mbid: artist.mbid_now for artist in named.values()}
            renamed[i] = record._replace(
                artist=credit, artist_mbid=mbids.get(mbid, record.artist_mbid)
            )
    return renamed


def rename_in_credit(credit: str, names: Mapping[str, str]) -> str:
    """Return a credit with other names for its main artist, or for those that are joined in it, by lookup key."""
    main = get_main_artist(credit)
    written = [main] if build_lookup_key(main) in names else split_credit(main)
    for old in written:
        name = names.get(key := build_lookup_key(old))
        if name is None or build_lookup_key(name) == key:
            continue
        if old == main and main not in credit:  # a composer's name that was turned
            return name
        credit = _replace_name(credit, old, name)
    return credit[:NAME_LENGTH]


def _replace_name(credit: str, old: str, new: str) -> str:
    """Return the credit with its first `old` that is no part of a longer word replaced."""
    start = credit.find(old)
    while start >= 0:
        end = start + len(old)
        if not _is_letter(credit[:start][-1:]) and not _is_letter(credit[end : end + 1]):
            return f"{credit[:start]}{new}{credit[end:]}"
        start = credit.find(old, start + 1)
    return credit


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_"


def _list_keys(credit: str) -> set[str]:
    main = get_main_artist(credit)
    return {build_lookup_key(name) for name in (main, *split_credit(main))}
