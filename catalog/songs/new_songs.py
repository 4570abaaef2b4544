"""New songs: their keys and numbers, and the rows that are inserted for the records of a batch."""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Length

from accounts.models import User
from catalog.names.artist_credits import get_main_artist, strip_channel
from catalog.names.external_ids import clean_isrc, parse_uuid
from catalog.names.song_keys import SongKeys
from catalog.names.text import NAME_LENGTH, build_search_text
from catalog.records import AUDIO_FEATURES, SongRecord
from catalog.songs import credits
from catalog.songs.genres import add_genres
from catalog.songs.models import Song
from catalog.songs.song_candidates import Candidate, Resolution
from catalog.songs.song_facts import find_album_ids, has_features
from common.bulk_sql import load_ids

if TYPE_CHECKING:
    from catalog.imports.models import ImportRun

_NUMBERED = "song_"
# any number; transactions that hand out song numbers wait for one another by it
_NUMBERING_LOCK = 743_102_116
# the same for transactions that add songs by their names
_NAMES_LOCK = 743_102_117


class NewSongWriter:
    """Inserts the songs that the catalog lacks; see SongResolver for the parameters."""

    def __init__(
        self,
        run: "ImportRun | None",
        bringer: User | None,
        get_keys: Callable[[SongRecord], SongKeys],
        *,
        numbered: bool,
        makes_genres: bool,
    ) -> None:
        self._run = run
        self._bringer = bringer
        self._get_keys = get_keys
        self._numbered = numbered
        self._makes_genres = makes_genres

    def add(
        self,
        records: Sequence[SongRecord],
        new: dict[int, list[int]],
        brought: dict[int, Candidate],
        resolved: Resolution,
    ) -> None:
        """Insert the songs of the records at the positions `new`; its lists hold the other records of each song."""
        if not new:
            return
        keys = self._make_keys(records, new, brought)
        existing_ids = load_ids(Song, "key", keys.values())
        new_positions: dict[str, int] = {}
        for i, key in keys.items():
            if key not in existing_ids:
                new_positions.setdefault(key, i)
        self._insert(records, new_positions, brought)
        ids = load_ids(Song, "key", new_positions)
        resolved.new.update(i for key, i in new_positions.items() if key in ids)
        for i, key in keys.items():
            resolved.ids[i] = existing_ids.get(key) or ids.get(key)
            if resolved.ids[i] is None:
                resolved.reasons[i] = (
                    "another song took one of its ids at the same moment; import it again"
                )
            for other in new[i]:
                resolved.ids[other] = resolved.ids[i]
                if i in resolved.reasons:
                    resolved.reasons[other] = resolved.reasons[i]
        added = {ids[key]: records[i] for key, i in new_positions.items() if key in ids}
        add_genres(
            {pk: record.genres for pk, record in added.items()}, makes_new=self._makes_genres
        )
        credits.link_artists(added)

    def _make_keys(
        self,
        records: Sequence[SongRecord],
        positions: Iterable[int],
        brought: dict[int, Candidate],
    ) -> dict[int, str]:
        """Return the key of each new song: its file's, the next number, or one made of what it is recognised by."""
        keys: dict[int, str] = {i: records[i].key for i in positions if records[i].key}
        unnamed = sorted(i for i in positions if not records[i].key)
        if self._numbered and unnamed:
            keys |= {
                i: f"{_NUMBERED}{number:05d}"
                for i, number in zip(unnamed, _reserve_numbers(len(unnamed)), strict=True)
            }
            return dict(sorted(keys.items()))
        stored_keys = (
            load_ids(
                Song, "key", (make_song_key(None, brought[i].match_key) for i in unnamed)
            ).keys()
            if unnamed
            else set()
        )
        used = set(stored_keys)
        for i in unnamed:
            key = make_song_key(brought[i].mbid, brought[i].match_key)
            if key in used:  # a song of the same names that this one is not
                record = records[i]
                details = (
                    record.album,
                    record.isrc,
                    record.spotify_id,
                    record.mbid,
                    str(record.duration_ms),
                )
                key = make_song_key(None, "\x1f".join((brought[i].match_key, *details)))
            used.add(key)
            keys[i] = key
        return dict(sorted(keys.items()))

    def _insert(
        self,
        records: Sequence[SongRecord],
        positions_by_key: dict[str, int],
        brought: dict[int, Candidate],
    ) -> None:
        new = [records[i] for i in positions_by_key.values()]
        artists = credits.find_or_add_artists(new)
        album_ids = find_album_ids(new, artists)
        songs = [
            self._build_song(records[i], key, artist_id, album_id, brought.get(i))
            for (key, i), artist_id, album_id in zip(
                positions_by_key.items(), artists, album_ids, strict=True
            )
        ]
        Song.objects.bulk_create(songs, batch_size=500, ignore_conflicts=True)

    def _build_song(
        self,
        record: SongRecord,
        key: str,
        artist_id: int,
        album_id: int | None,
        candidate: Candidate | None,
    ) -> Song:
        title = record.title[:NAME_LENGTH]
        main = get_main_artist(record.artist)[:NAME_LENGTH]
        mbid, spotify_id, isrc = (
            parse_uuid(record.mbid),
            record.spotify_id or None,
            clean_isrc(record.isrc),
        )
        if candidate is not None:  # without what belongs to another song
            mbid, spotify_id, isrc = candidate.mbid, candidate.spotify_id, candidate.isrc
        return Song(
            key=key,
            title=title,
            artist_id=artist_id,
            credit=credits.build_credit(record.artist, main),
            album_id=album_id,
            track_number=record.track_number,
            disc_number=record.disc_number,
            year=record.year,
            duration_ms=record.duration_ms,
            **dict(zip(AUDIO_FEATURES, record.features, strict=True)),
            features_source=record.features_source if has_features(record) else "",
            mbid=mbid,
            isrc=isrc,
            spotify_id=spotify_id,
            audio_url=record.audio_url,
            search_text=build_search_text(title, strip_channel(record.artist)),
            **self._get_keys(record)._asdict(),
            import_run=self._run,
            brought_by=self._bringer,
        )


def make_song_key(mbid: uuid.UUID | None, match_key: str) -> str:
    """Return the public id of a song that came with a listen; the same song gets the same one."""
    return f"mb-{mbid}" if mbid else f"heard-{hashlib.sha256(match_key.encode()).hexdigest()[:24]}"


def wait_for_other_writers() -> bool:
    """Wait until no other transaction is adding songs by their names, and let others wait until this one ends.

    Return whether songs may have been added since this one looked: on SQLite there is one writer at a time anyway.
    """
    if connection.vendor != "postgresql":
        return False
    _lock(_NAMES_LOCK)
    return True


def _lock(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _reserve_numbers(n: int) -> range:
    """Return n numbers that no song_00042 has; the transaction that asked keeps them to itself."""
    if connection.vendor == "postgresql":  # SQLite has one writer at a time anyway
        _lock(_NUMBERING_LOCK)
    numbered_songs = Song.objects.filter(key__startswith=_NUMBERED).alias(length=Length("key"))
    longest = numbered_songs.aggregate(length=Max(Length("key")))["length"]
    if longest is None:
        return range(1, n + 1)
    last = (
        numbered_songs.filter(length=longest)
        .aggregate(last=Max("key"))["last"]
        .removeprefix(_NUMBERED)
    )
    if not last.isdecimal():  # somebody's own ids begin like ours
        numbered = numbered_songs.filter(key__regex=rf"^{_NUMBERED}[0-9]+$").values_list(
            "key", flat=True
        )
        last = max((key.removeprefix(_NUMBERED) for key in numbered), key=int, default="0")
    return range(int(last) + 1, int(last) + 1 + n)
