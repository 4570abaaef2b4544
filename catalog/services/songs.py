"""Finding the song that a listen means, and adding it when the catalog does not have it."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog.matching import Clues, clean_isrc, main_artist, match_key
from catalog.models import Album, Artist, Genre, Song
from catalog.records import SongRecord
from catalog.services.bulk import chunks
from catalog.text import normalise

_TITLE_LENGTH = 500
_TOGETHER = 100
"""Records that are looked up, and whose new songs are committed, at once: other writers wait no longer than that."""


def clues_of(record: SongRecord) -> Clues:
    return Clues(record.artist, record.title, uuid_or_none(record.mbid), clean_isrc(record.isrc))


def find(clues: Clues) -> Song | None:
    """Return the song by the rules of `catalog.matching`; at most three queries."""
    for field, value in clues.lookups():
        song = Song.objects.select_related("artist", "album").filter(**{field: value}).order_by("pk").first()
        if song is not None:
            return song
    return None


def find_or_add(record: SongRecord) -> tuple[Song, bool]:
    """Return the song that `record` describes and whether it is new to the catalog.

    What the record knows and a known song lacks (MusicBrainz id, ISRC, duration) is filled in.
    """
    clues = clues_of(record)
    with transaction.atomic():
        song = find(clues)
        if song is not None:
            return _learn(song, clues, record), False
        return _added(clues, record)


def find_or_add_all(records: Iterable[SongRecord]) -> list[Song]:
    """The same for many records; a hundred songs that are known cost three queries together."""
    songs: list[Song] = []
    for part in chunks(records, _TOGETHER):
        with transaction.atomic():
            songs += _find_or_add_together(part)
    return songs


def _find_or_add_together(records: Sequence[SongRecord]) -> list[Song]:
    clues = [clues_of(record) for record in records]
    known = _known_by(lookup for clue in clues for lookup in clue.lookups())
    songs = []
    for clue, record in zip(clues, records, strict=True):
        song = next((known[lookup] for lookup in clue.lookups() if lookup in known), None)
        song = _added(clue, record)[0] if song is None else _learn(song, clue, record)
        # What this record brought is known to the next, whichever of its clues that one has.
        own = [(field, value) for field, value in clue.lookups() if getattr(song, field) == value]
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


def _added(clues: Clues, record: SongRecord) -> tuple[Song, bool]:
    try:
        with transaction.atomic():
            return _add(clues, record), True
    except IntegrityError:  # another request added it at the same moment
        return Song.objects.get(key=key_of(clues)), False


def _add(clues: Clues, record: SongRecord) -> Song:
    artist = artist_named(main_artist(record.artist), uuid_or_none(record.artist_mbid))
    song = Song.objects.create(
        key=key_of(clues),
        title=record.title[:_TITLE_LENGTH],
        artist=artist,
        album=_album_titled(record.album, artist),
        year=record.year,
        duration_ms=record.duration_ms,
        mbid=clues.mbid,
        isrc=clues.isrc,
    )
    if record.genres:
        song.genres.add(*_genres_among(record.genres))
    return song


def _genres_among(tags: Iterable[str]) -> QuerySet[Genre]:
    """Return the genres that some tags name: any player may send any tag, and none of them makes a new genre."""
    return Genre.objects.filter(search_text__in={normalise(tag)[:100] for tag in tags})


def _learn(song: Song, clues: Clues, record: SongRecord) -> Song:
    """Fill in what was unknown; an id that another song has stays with that song."""
    learned: dict[str, object] = {}
    if clues.mbid and song.mbid is None:
        learned["mbid"] = clues.mbid
    if clues.isrc and not song.isrc:
        learned["isrc"] = clues.isrc
    if record.duration_ms and song.duration_ms is None:
        learned["duration_ms"] = record.duration_ms
    if learned:
        Song.objects.filter(pk=song.pk).update(**learned)
    for name, value in learned.items():
        setattr(song, name, value)
    return song


def key_of(clues: Clues) -> str:
    """Return the public id of a song that came with a listen; the same song gets the same one."""
    if clues.mbid:
        return f"mb-{clues.mbid}"
    return f"heard-{hashlib.sha256(match_key(clues.artist, clues.title).encode()).hexdigest()[:24]}"
