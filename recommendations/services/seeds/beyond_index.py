"""The part of the seed pack around this library: songs and artists elsewhere that belong to it but are not in it."""

import json
import logging
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from catalog.models import Artist, Song
from catalog.names.artist_keys import build_artist_key
from catalog.names.external_ids import parse_uuid
from catalog.names.song_keys import build_match_key
from catalog.names.title_keys import build_title_key
from common.retention import INCOMING_DAYS, delete_old_files
from recommendations.engine import Prior, SeedPack, make_empty_rows
from recommendations.services.seeds import seed_packs

log = logging.getLogger(__name__)

MOST_SONGS, MOST_ARTISTS = 20_000, 5_000
MAX_LABEL = 200
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, ValueError, KeyError, TypeError, IndexError, EOFError, OSError,
)  # fmt: skip


@dataclass(frozen=True)
class Neighbours:
    """What is here beside what is elsewhere.

    Attributes
    ----------
    own_ids : int64 (n_own,)
        Songs or artists of this library, sorted.
    together : int32 csr (n_own, n_elsewhere)
        Listeners elsewhere who played both in one session.
    cosine : float32 csr (n_own, n_elsewhere)
        The same by the geometric mean of both's listeners.
    labels
        MusicBrainz id, title ("" for artists), artist and the artist's MusicBrainz id of each column.
    """

    own_ids: NDArray[np.int64]
    together: csr_matrix
    cosine: csr_matrix
    labels: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Albums:
    """Albums that the library lacks, and which of the songs elsewhere are on them.

    Attributes
    ----------
    of_song : int32 (n_elsewhere,)
        The album of each column of the songs, -1 without one.
    labels
        Release group's MusicBrainz id ("" where unknown), title, artist and the artist's MusicBrainz id of each album.
    """

    of_song: NDArray[np.int32]
    labels: Sequence[Sequence[str]]


@dataclass(frozen=True)
class BeyondIndex:
    """Songs, albums and artists around the library, and what the pack says about itself."""

    songs: Neighbours
    artists: Neighbours
    about: Mapping[str, str]
    albums: Albums


def get_index_path() -> Path:
    """Return where the index lies, whether there is one or not."""
    return seed_packs.get_pack_folder().parent / "beyond.npz"


def rebuild_index() -> BeyondIndex | None:
    """Write the index for the present library and pack, in place of the one before; remove it without a pack.

    Reads the catalog three times and the pack once; at most 20,000 songs and 5,000 artists are kept.
    """
    pack = seed_packs.find_pack()
    path = get_index_path()
    if pack is None or not len(pack.labels):
        path.unlink(missing_ok=True)
        return None
    songs, columns = _find_songs(pack)
    arrays = _pack_neighbours("songs", songs)
    arrays |= _pack_neighbours("artists", _find_artists(pack)[0])
    albums = _find_albums(pack, columns)
    arrays |= {"album_of_song": albums.of_song, "album_labels": _encode_texts(albums.labels)}
    arrays["about"] = _encode_texts(dict(pack.about))
    path.parent.mkdir(parents=True, exist_ok=True)
    delete_old_files(path.parent, INCOMING_DAYS, pattern=f".{path.name}-*")
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(4)}.npz")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return load_index()


def load_index() -> BeyondIndex | None:
    """Return the index, kept in memory until the file changes; None without one, or with a damaged one."""
    try:
        status = get_index_path().stat()
    except FileNotFoundError:
        return None
    return _read_index(get_index_path(), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _read_index(path: Path, _modified: int, _n_bytes: int) -> BeyondIndex | None:
    """Return the index of a file; None, which is logged once, for one that is damaged: the next training writes it."""
    try:
        return _unpack_index(path)
    except _DAMAGED as error:
        log.warning("What is beyond the library is left out until the next training: %s", error)
        return None


def _unpack_index(path: Path) -> BeyondIndex:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        songs = _unpack_neighbours("songs", arrays)
        # an index that was written before packs had albums has none until the next training
        albums = Albums(np.full(len(songs.labels), -1, dtype=np.int32), [])
        if "album_of_song" in arrays:
            albums = Albums(arrays["album_of_song"], _decode_texts(arrays["album_labels"]))
        return BeyondIndex(
            songs, _unpack_neighbours("artists", arrays), _decode_texts(arrays["about"]), albums
        )


# --- What is around the library ---------------------------------------------------------------------------------------


def _find_songs(pack: SeedPack) -> tuple[Neighbours, NDArray[np.int64]]:
    rows = list(Song.objects.order_by("pk").values_list("pk", "match_key"))
    song_ids = np.array([pk for pk, _ in rows], dtype=np.int64)
    own_rows = _find_rows(pack.prior, seed_packs.read_keys(song_ids), pack.redirects)
    match_keys = {key for _, key in rows}
    labels = pack.labels

    def is_here(column: int) -> bool:
        return build_match_key(labels.artist_names[column], labels.titles[column]) in match_keys

    def describe(column: int) -> list[str]:
        return [
            _read_mbid(pack.prior.keys[column]),
            labels.titles[column],
            labels.artist_names[column],
            _read_mbid(labels.artist_keys[column]),
        ]

    return _select_neighbours(pack.prior, song_ids, own_rows, is_here, describe, MOST_SONGS)


def _find_artists(pack: SeedPack) -> tuple[Neighbours, NDArray[np.int64]]:
    rows = list(Artist.objects.order_by("pk").values_list("pk", "mbid", "name"))
    artist_ids = np.array([pk for pk, _, _ in rows], dtype=np.int64)
    if pack.artists is None:
        nothing = Prior(np.array([], dtype=str), np.zeros(0, np.int32), make_empty_rows(0, 0))
        return _select_neighbours(
            nothing, artist_ids[:0], np.zeros(0, np.int64), bool, lambda column: [], 0
        )
    names = pack.artists.names
    rows_by_name = {build_artist_key(name): row for row, name in enumerate(names)}
    by_mbid = _find_rows(
        pack.artists.prior, np.array([str(mbid or "") for _, mbid, _ in rows], dtype=str), {}
    )
    by_name = [rows_by_name.get(build_artist_key(name), -1) for _, _, name in rows]
    own_rows = np.where(by_mbid >= 0, by_mbid, np.array(by_name, dtype=np.int64))
    own_names = {build_artist_key(name) for _, _, name in rows}
    keys = pack.artists.prior.keys

    def is_here(column: int) -> bool:
        return build_artist_key(names[column]) in own_names

    def describe(column: int) -> list[str]:
        mbid = _read_mbid(keys[column])
        return [mbid, "", names[column], mbid]

    return _select_neighbours(
        pack.artists.prior, artist_ids, own_rows, is_here, describe, MOST_ARTISTS
    )


def _find_albums(pack: SeedPack, columns: NDArray[np.int64]) -> Albums:
    """Return the albums of the pack's songs in `columns` that are not in this library; reads the catalog once.

    Songs of one artist with one title of an album are on the same one. A release group with songs of several artists
    is left out: it is no artist's album.
    """
    labels = pack.labels
    of_song = np.full(len(columns), -1, dtype=np.int32)
    if not labels.album_titles:
        return Albums(of_song, [])
    own_keys, shared = _read_album_keys(), _find_shared_groups(pack)
    numbers: dict[tuple[str, str], int] = {}
    album_labels: list[list[str]] = []
    for spot, column in enumerate(columns.tolist()):
        title, group = labels.album_titles[column], labels.album_keys[column]
        key = _build_album_key(labels.artist_names[column], title)
        if not title or group in shared or key in own_keys:
            continue
        number = numbers.setdefault(key, len(numbers))
        if number == len(album_labels):
            artist, artist_key = labels.artist_names[column], labels.artist_keys[column]
            texts = (_read_mbid(group), title, artist, _read_mbid(artist_key))
            album_labels.append([text[:MAX_LABEL] for text in texts])
        elif not album_labels[number][0]:
            album_labels[number][0] = _read_mbid(group)
        of_song[spot] = number
    return Albums(of_song, album_labels)


def _read_mbid(key: str) -> str:
    """Return a key that is a MusicBrainz id; "" for a name, and for whatever else a stranger's pack may have."""
    return str(parse_uuid(str(key)) or "")


def _build_album_key(artist: str, title: str) -> tuple[str, str]:
    return build_artist_key(artist), build_title_key(title)


def _read_album_keys() -> set[tuple[str, str]]:
    """Return the keys of this library's albums, by the artist of the album and by those of its songs."""
    names = ("album__title", "album__artist__name", "artist__name")
    rows = Song.objects.exclude(album=None).order_by().values_list(*names).distinct()
    return {
        _build_album_key(artist, title) for title, *artists in rows.iterator() for artist in artists
    }


def _find_shared_groups(pack: SeedPack) -> set[str]:
    """Return the release groups whose songs in the pack are of different artists: compilations."""
    artist_of_group: dict[str, str] = {}
    shared: set[str] = set()
    labels = pack.labels
    for group, mbid, name in zip(
        labels.album_keys, labels.artist_keys, labels.artist_names, strict=True
    ):
        artist = mbid or name
        if group and artist_of_group.setdefault(group, artist) != artist:
            shared.add(group)
    return shared


def _find_rows(prior: Prior, keys: NDArray[Any], redirects: Mapping[str, str]) -> NDArray[np.int64]:
    """Return the row of each key in the pack, -1 where it is not there."""
    order = np.argsort(prior.keys)
    current = np.array([redirects.get(str(key), str(key)) for key in keys], dtype=str)
    if not len(order) or not len(current):
        return np.full(len(current), -1, dtype=np.int64)
    spots = np.minimum(np.searchsorted(prior.keys, current, sorter=order), len(order) - 1)
    rows = order[spots]
    return np.where((prior.keys[rows] == current) & (current != ""), rows, -1)


def _select_neighbours(
    prior: Prior,
    own_ids: NDArray[np.int64],
    own_rows: NDArray[np.int64],
    is_here: Callable[[int], bool],
    describe: Callable[[int], list[str]],
    most: int,
) -> tuple[Neighbours, NDArray[np.int64]]:
    """Return the columns nearest to the library as a whole that are not in it, and their numbers in the prior."""
    is_known = own_rows >= 0
    own_ids, own_rows = own_ids[is_known], own_rows[is_known]
    together = csr_matrix(prior.together.maximum(prior.together.T))[own_rows]
    n_listeners = np.maximum(prior.n_listeners, 1).astype(np.float64)
    cosine = csr_matrix(together, dtype=np.float32, copy=True)
    of_row = np.repeat(np.arange(len(own_rows)), np.diff(cosine.indptr))
    cosine.data /= np.sqrt(n_listeners[own_rows[of_row]] * n_listeners[cosine.indices])
    nearness = np.asarray(cosine.sum(axis=0)).ravel()
    nearness[own_rows] = 0
    order = np.argsort(-nearness, kind="stable")
    columns: list[int] = []
    for column in order[: np.count_nonzero(nearness)].tolist():
        if len(columns) == most:
            break
        if not is_here(column):
            columns.append(column)
    kept = np.array(columns, dtype=np.int64)
    labels = [[text[:MAX_LABEL] for text in describe(column)] for column in columns]
    counts = csr_matrix(together[:, kept], dtype=np.int32)
    return Neighbours(own_ids, counts, csr_matrix(cosine[:, kept]), labels), kept


# --- The file ---------------------------------------------------------------------------------------------------------


def _pack_neighbours(prefix: str, neighbours: Neighbours) -> dict[str, NDArray[Any]]:
    neighbours.together.sort_indices()
    neighbours.cosine.sort_indices()
    return {
        f"{prefix}_own_ids": neighbours.own_ids,
        f"{prefix}_counts": neighbours.together.data,
        f"{prefix}_cosines": neighbours.cosine.data,
        f"{prefix}_columns": neighbours.together.indices,
        f"{prefix}_starts": neighbours.together.indptr,
        f"{prefix}_labels": _encode_texts(neighbours.labels),
    }


def _unpack_neighbours(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Neighbours:
    labels = _decode_texts(arrays[f"{prefix}_labels"])
    own_ids = arrays[f"{prefix}_own_ids"]
    columns, starts = arrays[f"{prefix}_columns"], arrays[f"{prefix}_starts"]
    together, cosine = (
        csr_matrix((arrays[f"{prefix}_{name}"], columns, starts), shape=(len(own_ids), len(labels)))
        for name in ("counts", "cosines")
    )
    return Neighbours(own_ids, together, cosine, labels)


def _encode_texts(value: object) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)


def _decode_texts(array: NDArray[np.uint8]) -> Any:
    return json.loads(array.tobytes())
