"""Finding the song that a listen means, and adding it when the catalog does not have it."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog.records import SongRecord
from catalog.songs.matching import SongIdentifiers, clean_isrc, main_artist
from catalog.songs.models import Album, Artist, Genre, Song
from catalog.songs.text import normalise
from common.bulk_sql import chunks

_TITLE_LENGTH = 500
_TOGETHER = 100
"""Records that are looked up, and whose new songs are committed, at once: other writers wait no longer than that."""


def read_identifiers(record: SongRecord) -> SongIdentifiers:
    return SongIdentifiers(record.artist, record.title, uuid_or_none(record.mbid), clean_isrc(record.isrc))


def find(identifiers: SongIdentifiers) -> Song | None:
    """Return the song by the rules of `catalog.songs.matching`; at most three queries."""
    for field, value in identifiers.lookups():
        song = Song.objects.select_related("artist", "album").filter(**{field: value}).order_by("pk").first()
        if song is not None:
            return song
    return None


def find_or_add(record: SongRecord) -> tuple[Song, bool]:
    """Return the song that `record` describes and whether it is new to the catalog.

    What the record knows and a known song lacks (MusicBrainz id, ISRC, duration) is filled in.
    """
    identifiers = read_identifiers(record)
    with transaction.atomic():
        song = find(identifiers)
        if song is not None:
            return _learn(song, identifiers, record), False
        return _added(identifiers, record)


def find_or_add_all(records: Iterable[SongRecord]) -> list[Song]:
    """The same for many records; a hundred songs that are known cost three queries together."""
    songs: list[Song] = []
    for part in chunks(records, _TOGETHER):
        identifiers = [read_identifiers(record) for record in part]  # before the transaction opens
        with transaction.atomic():
            songs += _find_or_add_together(part, identifiers)
    return songs


def _find_or_add_together(
    records: Sequence[SongRecord], identifiers: Sequence[SongIdentifiers]
) -> list[Song]:
    known = _known_by(lookup for given in identifiers for lookup in given.lookups())
    songs = []
    for given, record in zip(identifiers, records, strict=True):
        song = next((known[lookup] for lookup in given.lookups() if lookup in known), None)
        song = _added(given, record)[0] if song is None else _learn(song, given, record)
        # What this record brought is known to the next, whichever of its identifiers that one has.
        own = [(field, value) for field, value in given.lookups() if getattr(song, field) == value]
        known |= {lookup: song for lookup in own if lookup not in known}
        songs.append(song)
    return songs


def _known_by(lookups: Iterable[tuple[str, object]]) -> dict[tuple[str, object], Song]:
    """Return the songs that have some of these values of fields; one query a field."""
    values: dict[str, set] = {}
    for field, value in lookups:
        values.setdefault(field, set()).add(value)
    known: dict[tuple[str, object], Song] = {}
    for field, some in values.items():
        rows = Song.objects.select_related("artist", "album").filter(**{f"{field}__in": some})
        known |= {(field, getattr(song, field)): song for song in rows.order_by("-pk")}
    return known


def uuid_or_none(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def artist_named(name: str, mbid: uuid.UUID | None = None) -> Artist:
    """Return the artist of that MusicBrainz id or name, adding it when there is none."""
    if mbid and (artist := Artist.objects.filter(mbid=mbid).first()):
        return artist
    search_text = normalise(name)[:_TITLE_LENGTH]
    artist = Artist.objects.filter(search_text=search_text).order_by("pk").first()
    if artist is not None and (mbid is None or artist.mbid in (None, mbid)):
        return artist
    return Artist.objects.create(name=name[:_TITLE_LENGTH], mbid=mbid)


def _album_titled(title: str, artist: Artist) -> Album | None:
    if not title:
        return None
    search_text = normalise(title)[:_TITLE_LENGTH]
    album = Album.objects.filter(artist=artist, search_text=search_text).order_by("pk").first()
    return album or Album.objects.create(title=title[:_TITLE_LENGTH], artist=artist)


def _added(identifiers: SongIdentifiers, record: SongRecord) -> tuple[Song, bool]:
    try:
        with transaction.atomic():
            return _add(identifiers, record), True
    except IntegrityError:  # another request added it at the same moment
        return Song.objects.get(key=key_of(identifiers.mbid, identifiers.match_key)), False


def _add(identifiers: SongIdentifiers, record: SongRecord) -> Song:
    artist = artist_named(main_artist(record.artist), uuid_or_none(record.artist_mbid))
    song = Song.objects.create(
        key=key_of(identifiers.mbid, identifiers.match_key),
        title=record.title[:_TITLE_LENGTH],
        artist=artist,
        album=_album_titled(record.album, artist),
        year=record.year,
        duration_ms=record.duration_ms,
        mbid=identifiers.mbid,
        isrc=identifiers.isrc,
    )
    if record.genres:
        song.genres.add(*_genres_among(record.genres))
    return song


def _genres_among(tags: Iterable[str]) -> QuerySet[Genre]:
    """Return the genres that some tags name: any player may send any tag, and none of them makes a new genre."""
    return Genre.objects.filter(search_text__in={normalise(tag)[:100] for tag in tags})


def _learn(song: Song, identifiers: SongIdentifiers, record: SongRecord) -> Song:
    """Fill in what was unknown; an id that another song has stays with that song."""
    learned: dict[str, object] = {}
    if identifiers.mbid and song.mbid is None:
        learned["mbid"] = identifiers.mbid
    if identifiers.isrc and not song.isrc:
        learned["isrc"] = identifiers.isrc
    if record.duration_ms and song.duration_ms is None:
        learned["duration_ms"] = record.duration_ms
    if learned:
        Song.objects.filter(pk=song.pk).update(**learned)
    for name, value in learned.items():
        setattr(song, name, value)
    return song


def key_of(mbid: uuid.UUID | None, match_key: str) -> str:
    """Return the public id of a song that came with a listen; the same song gets the same one."""
    return f"mb-{mbid}" if mbid else f"heard-{hashlib.sha256(match_key.encode()).hexdigest()[:24]}"
