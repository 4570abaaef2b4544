"""The seed pack: what listeners elsewhere heard, as one folder of plain arrays with checksums."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from recommendations.engine.artifacts import store
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.data.prior import FEWEST_LISTENERS, Prior

KIND = "musicrec seed pack"
PACK_VERSION = 1
SAID = ("source", "licence", "data_from", "data_until", "made_at")
"""Texts that a pack may hold about itself."""


class ForeignPack(store.ArtifactError):
    """A folder is whole, but no seed pack that may be used."""


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
    """

    prior: Prior
    redirects: Mapping[str, str]
    about: Mapping[str, str]

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
    if prior.together.nnz and prior.fewest() < 2:
        raise ValueError("A pack never holds a pair that a single listener has.")
    about: dict[str, Any] = {name: str(pack.about.get(name, "")) for name in SAID}
    about |= {"kind": KIND, "pack_version": PACK_VERSION, **prior.about()}
    former, current = list(pack.redirects), list(pack.redirects.values())
    return store.save(
        directory,
        {
            "keys": np.asarray(prior.keys, dtype=str),
            "n_listeners": prior.n_listeners.astype(np.int32),
            "counts": prior.together.data.astype(np.int32),
            "neighbours": prior.together.indices.astype(np.int32),
            "starts": prior.together.indptr.astype(np.int64),
            "former": np.asarray(former, dtype="U36"),
            "current": np.asarray(current, dtype="U36"),
        },
        about,
    )


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
    if manifest.about.get("pack_version") != PACK_VERSION:
        raise ForeignPack(
            f"{directory} is a seed pack of version {manifest.about.get('pack_version')}, "
            f"this program reads {PACK_VERSION}; make it anew."
        )
    arrays, about = store.load(directory)
    pack = store.restore(directory, lambda: _restored(arrays, about))
    if pack.prior.together.nnz and pack.prior.fewest() < fewest_listeners:
        raise ForeignPack(
            f"{directory} holds pairs of {pack.prior.fewest()} listeners; at least {fewest_listeners} are needed, "
            "so that nobody can be recognised."
        )
    return pack


def _restored(arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> SeedPack:
    n = len(arrays["keys"])
    parts = (arrays["counts"].astype(np.float32), arrays["neighbours"], arrays["starts"])
    together = csr_matrix(parts, shape=(n, n))
    together.check_format(full_check=True)
    keys = np.asarray(arrays["keys"], dtype=str)
    IdMap(keys)
    if (arrays["counts"] < 1).any() or (arrays["n_listeners"] < 0).any():
        raise ValueError("a count is below 1")
    redirects = dict(zip(arrays["former"].tolist(), arrays["current"].tolist(), strict=True))
    said = {name: _plain(about.get(name, "")) for name in SAID}
    return SeedPack(Prior(keys, np.asarray(arrays["n_listeners"]), together), redirects, said)


def _plain(text: Any) -> str:
    """Return a text of a stranger's file on one line and of a bounded length."""
    return re.sub(r"\s+", " ", str(text))[:200]
