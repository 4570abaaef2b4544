"""Seed packs: what listeners elsewhere heard, brought to this site, and what this site can give to another."""

import logging
import secrets
import shutil
import tempfile
from collections.abc import Mapping
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

    Raises
    ------
    ArtifactError
        The folder is damaged or no seed pack; the pack before it stays.
    """
    pack = load_pack(directory)
    target = get_pack_folder()
    target.parent.mkdir(parents=True, exist_ok=True)
    incoming = target.parent / f".incoming-{secrets.token_hex(4)}"
    outgoing = target.parent / f".outgoing-{secrets.token_hex(4)}"
    try:
        shutil.copytree(directory, incoming)
        load_pack(incoming)
        if target.exists():
            target.rename(outgoing)
        incoming.rename(target)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
        shutil.rmtree(outgoing, ignore_errors=True)
    return pack


def install_made_pack(pack: SeedPack) -> None:
    """Use a pack that was made here, in place of the one before."""
    parent = get_pack_folder().parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".made-", dir=parent) as folder:
        save_pack(Path(folder) / "pack", pack)
        install_pack(Path(folder) / "pack")


@dataclass(frozen=True)
class PackState:
    """What the operator reads about the pack: what it says about itself and holds, or why it is not used."""

    about: Mapping[str, str]
    n_songs: int = 0
    n_pairs: int = 0
    error: str = ""


def read_state() -> PackState | None:
    """Return the state of this site's pack, None without one; a process reads a pack once."""
    folder = get_pack_folder()
    if not folder.exists():
        return None
    changed_at = max(path.stat().st_mtime_ns for path in (folder, *folder.iterdir()))
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
    folder = get_pack_folder()
    if not folder.exists():
        return False
    shutil.rmtree(folder)
    return True


def find_pack() -> SeedPack | None:
    """Return the pack of this site; None without one, or with a damaged one, which is logged."""
    if not get_pack_folder().exists():
        return None
    try:
        return load_pack(get_pack_folder())
    except ArtifactError as error:
        log.warning("The seed pack is left out: %s", error)
        return None


def find_neighbours(song: Song, n: int, listener: Any = None) -> list[int]:
    """Return ids of songs offered to `listener` that others elsewhere heard most with this one, nearest first.

    None without a pack, or where it does not know the song. One query.
    """
    folder = get_pack_folder()
    if not folder.exists():
        return []
    pack = _load_kept_pack(str(folder), folder.stat().st_mtime_ns)
    if pack is None:
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
    mbids = [key for key in keys if not key.startswith("name:")]
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
