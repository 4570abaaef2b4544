"""Seed packs: what listeners elsewhere heard, brought to this site, and what this site can give to another."""

import fcntl
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db.models import Q
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from catalog.models import Song
from catalog.names.external_ids import parse_uuid
from recommendations.engine import (
    FEWEST_LISTENERS,
    MOST_NEIGHBOURS,
    ArtifactError,
    Interactions,
    Labels,
    Prior,
    SeedPack,
    Weighting,
    load_pack,
    save_pack,
)

log = logging.getLogger(__name__)

_INCOMING, _OUTGOING, _MADE = ".incoming-", ".outgoing-", ".made-"


class SeedRefused(ValueError):
    """A pack can't be made or brought in; the message is one sentence."""


def get_pack_folder() -> Path:
    """Return where the pack of this site lies, whether there is one or not."""
    return Path(settings.DATA_DIR) / "seed" / "pack"


def read_keys(song_ids: NDArray[np.int64]) -> NDArray[Any]:
    """Return what each song goes by elsewhere: its MusicBrainz id, else its normalised artist and title.

    Reads the whole catalog once; a song that is gone has the key "".
    """
    keys_by_id = {
        pk: str(mbid) if mbid else f"name:{match_key}"
        for pk, mbid, match_key in Song.objects.values_list("pk", "mbid", "match_key").iterator()
    }
    return np.array([keys_by_id.get(int(pk), "") for pk in song_ids], dtype=str)


def install_pack(directory: Path) -> SeedPack:
    """Check a pack and copy it to where trainings look for it, in place of the one before.

    Killed at any moment it leaves one of both.

    Raises
    ------
    ArtifactError
        The folder is damaged or no seed pack; the pack before it stays.
    OSError
        It can't be copied, as the disk is full; the pack before it stays.
    """
    pack = load_pack(directory)
    with _lock_folder() as parent:
        _replace_pack(directory, parent)
    return pack


def install_made_pack(pack: SeedPack) -> None:
    """Use a pack that was made here, in place of the one before."""
    with _lock_folder() as parent, tempfile.TemporaryDirectory(prefix=_MADE, dir=parent) as folder:
        save_pack(Path(folder) / "pack", pack)
        _replace_pack(Path(folder) / "pack", parent)


@contextmanager
def _lock_folder(*, waits: bool = True) -> Iterator[Path]:
    """Hold the folder of the pack for this process alone, and clear what a killed one left there.

    Without `waits` it raises BlockingIOError where another process holds it.
    """
    parent = get_pack_folder().parent
    parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        _clear_leftovers(parent)
        yield parent
    finally:
        os.close(handle)


def _clear_leftovers(parent: Path) -> None:
    """Put a pack back that was moved away for one that never came; remove copies that are not whole."""
    for path in sorted(parent.glob(".*-*")):
        if path.name.startswith(_OUTGOING) and not get_pack_folder().exists():
            path.rename(get_pack_folder())
        elif path.name.startswith((_INCOMING, _OUTGOING, _MADE)):
            shutil.rmtree(path, ignore_errors=True)


def _replace_pack(directory: Path, parent: Path) -> None:
    target = get_pack_folder()
    with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=parent) as folder:
        incoming = Path(folder) / "pack"
        incoming.mkdir(mode=0o700)
        # without the rights of its files: what can't be written can't be removed later
        for file in directory.iterdir():
            shutil.copyfile(file, incoming / file.name)
        load_pack(incoming)
        outgoing = parent / f"{_OUTGOING}{secrets.token_hex(4)}"
        if target.exists():
            target.rename(outgoing)
        incoming.rename(target)
        shutil.rmtree(outgoing, ignore_errors=True)


def _find_folder() -> Path | None:
    """Return the folder of the pack; None without one. One that a killed process moved away is put back."""
    folder = get_pack_folder()
    if not folder.exists() and any(folder.parent.glob(f"{_OUTGOING}*")):
        try:
            with _lock_folder(waits=False):
                pass
        except OSError as error:  # another process is at it, or may write here and this one may not
            log.warning("The seed pack that was moved away was not put back: %s", error)
    return folder if folder.exists() else None


@dataclass(frozen=True)
class PackState:
    """What the operator reads about the pack: what it says about itself and holds, or why it is not used."""

    about: Mapping[str, str]
    n_songs: int = 0
    n_pairs: int = 0
    error: str = ""


def read_state() -> PackState | None:
    """Return the state of this site's pack, None without one; a process reads a pack once."""
    folder = _find_folder()
    if folder is None:
        return None
    try:
        changed_at = max(path.stat().st_mtime_ns for path in (folder, *folder.iterdir()))
    except FileNotFoundError:  # it is being replaced
        return None
    return _read_state(str(folder), changed_at)


@lru_cache(maxsize=1)
def _read_state(folder: str, changed_at: int) -> PackState:
    try:
        pack = load_pack(Path(folder))
    except ArtifactError as error:
        return PackState({}, error=str(error))
    counts = pack.prior.summarise()
    return PackState(pack.about, counts["n_songs"], counts["n_pairs"])


def remove_pack() -> bool:
    """Take the pack away, and return whether there was one; the next training does without it."""
    with _lock_folder() as parent:
        if not get_pack_folder().exists():
            return False
        # whole or not at all, whatever happens meanwhile
        doomed = parent / f"{_INCOMING}{secrets.token_hex(4)}"
        get_pack_folder().rename(doomed)
        shutil.rmtree(doomed)
    return True


def find_pack() -> SeedPack | None:
    """Return the pack of this site; None without one, or with a damaged one, which is logged."""
    folder = _find_folder()
    if folder is None:
        return None
    try:
        return load_pack(folder)
    except (ArtifactError, OSError) as error:
        log.warning("The seed pack is left out: %s", error)
        return None


def find_neighbours(song: Song, n: int, listener: Any = None) -> list[int]:
    """Return ids of songs offered to `listener` that others elsewhere heard most with this one, nearest first.

    None without a pack, or where it does not know the song. One query.
    """
    folder = _find_folder()
    try:
        pack = folder and _load_kept_pack(str(folder), folder.stat().st_mtime_ns)
    except FileNotFoundError:  # it is being replaced
        pack = None
    if not pack:
        return []
    prior = pack.prior
    key = get_key(song)
    matches = np.flatnonzero(prior.keys == pack.redirects.get(key, key))
    if not len(matches):
        return []
    row = prior.together[[matches[0]]]
    nearness = row.data / np.sqrt(np.maximum(prior.n_listeners[row.indices], 1))
    nearest = row.indices[np.argsort(-nearness, kind="stable")[:n]]
    keys = [str(key) for key in prior.keys[nearest]]
    names = [key.removeprefix("name:") for key in keys if key.startswith("name:")]
    mbids = [mbid for key in keys if (mbid := parse_uuid(key))]  # a stranger's key may be anything
    songs = Song.objects.filter_offered(listener).filter(Q(mbid__in=mbids) | Q(match_key__in=names))
    by_key = {get_key(other): other.pk for other in songs.only("pk", "mbid", "match_key")}
    return [by_key[key] for key in keys if key in by_key and by_key[key] != song.pk]


@lru_cache(maxsize=1)
def _load_kept_pack(folder: str, changed_at: int) -> SeedPack | None:
    """Return the pack of this process; another one is read when the folder has changed."""
    return find_pack()


def get_key(song: Song) -> str:
    """Return what a song goes by elsewhere (see `read_keys`)."""
    return str(song.mbid) if song.mbid else f"name:{song.match_key}"


def read_prior(song_ids: NDArray[np.int64]) -> Prior | None:
    """Return what listeners elsewhere heard of these songs, in their order; None where no pack has two of them."""
    pack = find_pack()
    if pack is None:
        return None
    prior = pack.over(read_keys(song_ids))
    return prior if prior.together.nnz else None


def count_known_songs(pack: SeedPack) -> int:
    """Return how many songs of this library the pack has; reads the catalog once."""
    song_ids = np.fromiter(Song.objects.values_list("pk", flat=True), dtype=np.int64)
    return int((pack.over(read_keys(song_ids)).n_listeners > 0).sum())


def export_pack(
    directory: Path,
    events: Interactions,
    *,
    fewest_listeners: int = FEWEST_LISTENERS,
    licence: str = "",
) -> SeedPack:
    """Write a pack of what this site's listeners heard together.

    Only songs and pairs that at least `fewest_listeners` listeners share are in it, and nothing of who they
    are. The events are those that may be learned from. The folder must not exist.

    Raises
    ------
    SeedRefused
        `fewest_listeners` is below the floor, or no pair has so many listeners.
    ArtifactError
        The folder exists already.
    """
    if fewest_listeners < FEWEST_LISTENERS:
        raise SeedRefused(
            f"At least {FEWEST_LISTENERS} listeners must share a pair, so that nobody can be recognised; "
            f"{fewest_listeners} were asked for."
        )
    heard, keys = _merge_by_key(events)
    prior = Prior.count(
        heard, keys, fewest_listeners=fewest_listeners, most_neighbours=MOST_NEIGHBOURS
    )
    if not prior.together.nnz:
        raise SeedRefused(
            f"No two songs here were heard by the same {fewest_listeners} listeners, so there is nothing to export."
        )
    pack = SeedPack(
        prior,
        {},
        {
            "source": "the listeners of another site",
            "licence": licence,
            "made_at": datetime.now(UTC).date().isoformat(),
        },
        _read_labels(prior.keys),
    )
    save_pack(directory, pack)
    return pack


def _read_labels(keys: NDArray[Any]) -> Labels:
    """Return the names of songs by their keys; reads the catalog once.

    Albums have no ids: the catalog holds releases at most, no release groups.
    """
    columns = ("mbid", "match_key", "title", "artist__name", "artist__mbid", "album__title")
    by_key = {
        str(mbid) if mbid else f"name:{match_key}": (
            title,
            artist,
            str(artist_mbid or ""),
            album or "",
            "",
        )
        for mbid, match_key, title, artist, artist_mbid, album in Song.objects.values_list(
            *columns
        ).iterator()
    }
    return Labels(*([by_key[str(key)][column] for key in keys] for column in range(5)))


def _merge_by_key(events: Interactions) -> tuple[csr_matrix, NDArray[Any]]:
    """Return who liked or played what, (n_listeners, n_keys), and the keys; songs of one key are one."""
    heard = events.to_matrix(Weighting()).tocoo()
    positive = heard.data > 0
    keys, of_song = np.unique(read_keys(events.items.ids), return_inverse=True)
    entries = (
        np.ones(int(positive.sum()), np.float32),
        (heard.row[positive], of_song[heard.col[positive]]),
    )
    merged = csr_matrix(entries, shape=(heard.shape[0], len(keys)))
    has_key = keys != ""
    return merged[:, np.flatnonzero(has_key)], keys[has_key]
