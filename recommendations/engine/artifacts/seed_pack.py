"""The seed pack: what listeners elsewhere heard, as one folder of plain arrays with checksums."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from recommendations.engine.artifacts import store
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.data.prior import FEWEST_LISTENERS, Prior

KIND = "musicrec seed pack"
PACK_VERSION = 2
READABLE_VERSIONS = (1, 2)
"""Version 1 had neither names nor artists. Artists and albums are arrays that a pack of version 2 may have."""
ABOUT_FIELDS = ("source", "licence", "data_from", "data_until", "made_at")
"""Texts that a pack may hold about itself."""
MOST_LISTENERS = 2**31 - 1
MOST_KEY_BYTES = 2**30
"""Keys of one width are compared in memory: a single long one would make all of them as long."""


class ForeignPack(store.ArtifactError):
    """A folder is whole, but no seed pack that may be used."""


@dataclass(frozen=True)
class Labels:
    """Names of songs, one tuple entry a song.

    Attributes
    ----------
    titles, artist_names
        As the listeners' players wrote them.
    artist_keys
        The MusicBrainz id of the first credited artist, "" where unknown.
    album_titles, album_keys
        The album that a song is on and the MusicBrainz id of its release group, "" where unknown; both are empty in a
        pack without albums.
    """

    titles: Sequence[str]
    artist_names: Sequence[str]
    artist_keys: Sequence[str]
    album_titles: Sequence[str] = ()
    album_keys: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.titles)


@dataclass(frozen=True)
class ArtistPrior:
    """Which artists the same listeners elsewhere heard; the keys of `prior` are MusicBrainz artist ids."""

    prior: Prior
    names: Sequence[str]


@dataclass(frozen=True)
class SeedPack:
    """A prior and where it comes from.

    Attributes
    ----------
    prior : Prior
    redirects
        Former key -> key: a recording that MusicBrainz merged into another.
    about
        `source`, `licence`, `data_from`, `data_until`, `made_at`; texts, empty where unknown.
    labels : Labels
        What the songs of the prior are called, in its order; empty in a pack without names.
    artists : ArtistPrior or None
        The same counts for artists, where the pack has them.
    """

    prior: Prior
    redirects: Mapping[str, str]
    about: Mapping[str, str]
    labels: Labels = field(default_factory=lambda: Labels((), (), ()))
    artists: ArtistPrior | None = None

    def over(self, keys: np.ndarray) -> Prior:
        """Return the prior over other songs, in the order of their keys; former keys are followed."""
        return self.prior.over(
            np.array([self.redirects.get(str(key), str(key)) for key in keys], dtype=str)
        )


def save_pack(directory: Path, pack: SeedPack) -> store.Manifest:
    """Write a pack into a new folder, all or nothing.

    Raises
    ------
    ValueError
        A pair is shared by fewer than two listeners: it would be a listener's own history.
    store.ArtifactError
        The folder exists already.
    """
    prior = pack.prior
    priors = [prior] if pack.artists is None else [prior, pack.artists.prior]
    if any(each.together.nnz and each.fewest() < 2 for each in priors):
        raise ValueError("A pack never holds a pair that a single listener has.")
    if len(pack.labels) not in (0, len(prior)):
        raise ValueError(
            f"{len(pack.labels)} names for {len(prior)} songs: a pack names all of its songs or none."
        )
    _check_albums(pack.labels)
    about: dict[str, Any] = {name: str(pack.about.get(name, "")) for name in ABOUT_FIELDS}
    about |= {"kind": KIND, "pack_version": PACK_VERSION, **prior.summarise()}
    arrays = _pack_prior("", prior)
    arrays |= _pack_texts("former", list(pack.redirects)) | _pack_texts(
        "current", list(pack.redirects.values())
    )
    arrays |= _pack_texts("titles", pack.labels.titles) | _pack_texts(
        "artist_names", pack.labels.artist_names
    )
    arrays |= _pack_texts("artist_keys", pack.labels.artist_keys)
    if any(pack.labels.album_titles):
        arrays |= _pack_texts("album_titles", pack.labels.album_titles) | _pack_texts(
            "album_keys", pack.labels.album_keys
        )
    if pack.artists is not None:
        arrays |= _pack_prior("artists_", pack.artists.prior) | _pack_texts(
            "artists_names", pack.artists.names
        )
    return store.save(directory, arrays, about)


def _check_albums(labels: Labels) -> None:
    """Raise ValueError unless all songs have a place for their album, or none has."""
    if {len(labels.album_titles), len(labels.album_keys)} not in ({0}, {len(labels)}):
        raise ValueError(
            f"{len(labels.album_titles)} albums with {len(labels.album_keys)} ids for {len(labels)} songs: "
            "a pack has both for all of its songs or for none."
        )


def _pack_prior(prefix: str, prior: Prior) -> dict[str, np.ndarray]:
    return {
        **_pack_texts(f"{prefix}keys", prior.keys.tolist()),
        f"{prefix}n_listeners": prior.n_listeners.astype(np.int32),
        f"{prefix}counts": prior.together.data.astype(np.int32),
        f"{prefix}neighbours": prior.together.indices.astype(np.int32),
        f"{prefix}starts": prior.together.indptr.astype(np.int64),
    }


def _pack_texts(name: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return texts as UTF-8 bytes and the ends of each: fixed-width text would be as wide as the longest title."""
    encoded = [text.encode("utf-8", "replace") for text in texts]
    return {
        f"{name}_bytes": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{name}_ends": np.cumsum([len(text) for text in encoded], dtype=np.int64),
    }


def _unpack_texts(arrays: Mapping[str, np.ndarray], name: str) -> list[str]:
    joined = arrays[f"{name}_bytes"].tobytes()
    ends = arrays[f"{name}_ends"].tolist()
    if ends != sorted(ends) or (ends[-1] if ends else 0) != len(joined):
        raise ValueError(f"the texts {name} do not add up")
    starts = [0, *ends][: len(ends)]
    return [joined[start:end].decode("utf-8") for start, end in zip(starts, ends, strict=True)]


def load_pack(directory: Path, *, fewest_listeners: int = FEWEST_LISTENERS) -> SeedPack:
    """Read and check a pack.

    Parameters
    ----------
    fewest_listeners
        A pack with a pair of fewer listeners is refused.

    Raises
    ------
    store.ArtifactError
        There is none, it is damaged, or it is something else; the message says which in a sentence.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise store.MissingArtifact(f"There is no seed pack in {directory}: it is no folder.")
    manifest = store.read_manifest(directory)
    if manifest.about.get("kind") != KIND:
        raise ForeignPack(f"{directory} is no seed pack; it holds something else that was saved.")
    version = manifest.about.get("pack_version")
    if version not in READABLE_VERSIONS:
        raise ForeignPack(
            f"{directory} is a seed pack of version {_make_plain(version)}, "
            f"this program reads {' and '.join(map(str, READABLE_VERSIONS))}; make it anew."
        )
    arrays, about = store.load(directory)
    pack = store.restore(directory, lambda: _restore_pack(arrays, about))
    priors = [pack.prior] if pack.artists is None else [pack.prior, pack.artists.prior]
    fewest = min(
        (prior.fewest() for prior in priors if prior.together.nnz), default=fewest_listeners
    )
    if fewest < fewest_listeners:
        raise ForeignPack(
            f"{directory} holds pairs of {fewest} listeners; at least {fewest_listeners} are needed, "
            "so that nobody can be recognised."
        )
    return pack


def _restore_pack(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> SeedPack:
    description = {name: _make_plain(about.get(name, "")) for name in ABOUT_FIELDS}
    if about.get("pack_version") == 1:
        redirects = dict(zip(arrays["former"].tolist(), arrays["current"].tolist(), strict=True))
        return SeedPack(_restore_prior(arrays, "", arrays["keys"]), redirects, description)
    prior = _restore_prior(arrays, "", _unpack_texts(arrays, "keys"))
    redirects = dict(
        zip(_unpack_texts(arrays, "former"), _unpack_texts(arrays, "current"), strict=True)
    )
    columns = ["titles", "artist_names", "artist_keys"]
    if "album_titles_ends" in arrays:
        columns += ["album_titles", "album_keys"]
    labels = Labels(*(_unpack_texts(arrays, name) for name in columns))
    if len(labels) not in (0, len(prior)):
        raise ValueError("the names are not about the songs")
    _check_albums(labels)
    artists = None
    if "artists_counts" in arrays:
        artist_prior = _restore_prior(arrays, "artists_", _unpack_texts(arrays, "artists_keys"))
        artists = ArtistPrior(artist_prior, _unpack_texts(arrays, "artists_names"))
        if len(artists.names) != len(artist_prior):
            raise ValueError("the names are not about the artists")
    return SeedPack(prior, redirects, description, labels, artists)


def _restore_prior(
    arrays: Mapping[str, np.ndarray], prefix: str, keys: Sequence[str] | np.ndarray
) -> Prior:
    n = len(keys)
    counts = _read_numbers(arrays, f"{prefix}counts", 1)
    n_listeners = _read_numbers(arrays, f"{prefix}n_listeners", 0)
    neighbours, starts = (
        _read_numbers(arrays, f"{prefix}{name}", 0) for name in ("neighbours", "starts")
    )
    entries = (counts.astype(np.float32), neighbours, starts)
    together = csr_matrix(entries, shape=(n, n))
    together.check_format(full_check=True)
    texts = _make_key_array(keys)
    IdMap(texts)
    return Prior(texts, n_listeners.astype(np.int32), together)


def _read_numbers(arrays: Mapping[str, np.ndarray], name: str, least: int) -> np.ndarray:
    """Return an array of whole numbers from `least` on; raise ValueError for any other."""
    numbers = arrays[name]
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        raise ValueError(f"{name} is no list of whole numbers")
    if numbers.size and not least <= int(numbers.min()) <= int(numbers.max()) <= MOST_LISTENERS:
        raise ValueError(f"{name} has a number that is not from {least} to {MOST_LISTENERS}")
    return numbers


def _make_key_array(keys: Sequence[str] | np.ndarray) -> np.ndarray:
    """Return keys as an array, whose memory goes by the longest; raise ValueError where that is too much."""
    longest = max((len(key) for key in keys), default=0)
    n_bytes = 4 * longest * len(keys)
    if n_bytes > MOST_KEY_BYTES:
        raise ValueError(f"its keys would take {n_bytes // 2**20} MB of memory")
    if any("\0" in key for key in keys):
        raise ValueError("a key has a character that no text has")
    return np.asarray(keys, dtype=str)


def _make_plain(text: Any) -> str:
    """Return a text of a stranger's file on one line and of a bounded length."""
    return re.sub(r"\s+", " ", str(text))[:200]
