"""Songs that must not be recommended: the mask for the engine, and the check of what it returns."""

import threading
import time
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, F, OuterRef, Q
from numpy.typing import NDArray

from accounts.models import User
from catalog.models import ArtistCredit, Interaction, Song
from recommendations.conf import conf
from recommendations.engine import Recommender
from recommendations.models import ListenerControl, ModelVersion
from recommendations.services.lists.batch_lists import WorkVersions
from recommendations.services.lists.listener_context import ListenerContext, Unwanted
from recommendations.services.lists.work_versions import read_versions
from recommendations.services.versions.recommender_cache import get_folder

NOTHING_UNWANTED = Unwanted()
EVERYBODY, NOBODY = 0, -1


def load_unwanted(listener: User | AnonymousUser | None) -> Unwanted:
    """Read what a listener disliked or hid, two queries; nothing for a visitor."""
    return ListenerContext(listener if getattr(listener, "pk", None) else None).unwanted


def build_unwanted_condition() -> Q:
    """Return which entries of playlists their listener doesn't want, as a condition of PlaylistItem.

    It says in the database what `Unwanted.allows` says of a song; a test compares the two.
    """
    listener = OuterRef("playlist__owner")
    disliked = Interaction.objects.dislikes().filter(listener=listener, song=OuterRef("song"))
    controls = ListenerControl.objects.filter(
        listener=listener, kind__in=ListenerControl.NOT_OFFERED
    )
    credited = ArtistCredit.objects.filter(song=OuterRef(OuterRef("song"))).values("artist")
    of_song = controls.filter(song=OuterRef("song"))
    of_artist = controls.filter(Q(artist=OuterRef("song__artist")) | Q(artist__in=credited))
    is_foreign = Q(song__brought_by__isnull=False) & ~Q(song__brought_by=F("playlist__owner"))
    return (
        Q(song__is_available=False)
        | is_foreign
        | Q(Exists(disliked))
        | Q(Exists(of_song))
        | Q(Exists(of_artist))
    )


def build_mask(
    version: ModelVersion,
    recommender: Recommender,
    unwanted: Unwanted,
    also: Collection[int] = (),
    only: NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Return what must not come, bool (n_items,).

    That is what is not available, another listener's own, unwanted, in
    `also`, or not in `only` (song ids).
    """
    mask = build_catalog_mask(version, recommender, unwanted.listener_id)
    if only is not None:
        outside = np.ones(len(mask), dtype=bool)
        rows = recommender.items.rows(only)
        outside[rows[rows >= 0]] = False
        mask |= outside
    songs = {*unwanted.song_ids, *also}
    if unwanted.artist_ids:
        songs.update(
            Song.objects.filter(artist_id__in=unwanted.artist_ids).values_list("pk", flat=True)
        )
    mask[find_model_rows(recommender, songs)] = True
    return mask


def find_model_rows(recommender: Recommender, song_ids: Iterable[int]) -> NDArray[np.int32]:
    """Return the rows of those songs that are in the recommender."""
    rows = recommender.items.rows(np.fromiter(song_ids, dtype=np.int64))
    return rows[rows >= 0]


class _CatalogMasks:
    """A cache of who may get each song of a version, for `catalog_mask_seconds`; safe for threads.

    int64 (n_items,): `EVERYBODY`, `NOBODY` for what is not available, or the id of the only listener who sees it.

    Deleted songs cannot be queried; the caller that meets one reports it with `note_missing`, and it stays masked.
    """

    def __init__(self) -> None:
        # by the folder of the artifact, which is never given twice; a row's number may be
        self._masks: dict[Path, tuple[float, NDArray[np.int64], WorkVersions]] = {}
        self._missing: dict[Path, set[int]] = {}
        self._lock = threading.Lock()

    def get(
        self, version: ModelVersion, recommender: Recommender
    ) -> tuple[float, NDArray[np.int64], WorkVersions]:
        folder = get_folder(version)
        held = self._masks.get(folder)
        if held is None or time.monotonic() - held[0] > conf.catalog_mask_seconds:
            with self._lock:
                held = (
                    time.monotonic(),
                    self._read(version, recommender),
                    read_versions(recommender),
                )
                self._masks = (
                    {folder: held} if len(self._masks) > 3 else {**self._masks, folder: held}
                )
        return held

    def _read(self, version: ModelVersion, recommender: Recommender) -> NDArray[np.int64]:
        audience = np.full(recommender.n_items, EVERYBODY, dtype=np.int64)
        columns = Song.objects.order_by().values_list("pk", "is_available", "brought_by_id")
        # Each half has an index of its own; one condition with OR reads every song.
        rows = columns.filter(is_available=False).union(
            columns.filter(brought_by__isnull=False), all=True
        )
        stored = np.array(
            [(pk, bringer if is_available else NOBODY) for pk, is_available, bringer in rows],
            dtype=np.int64,
        ).reshape(-1, 2)
        model_rows = recommender.items.rows(stored[:, 0])
        audience[model_rows[model_rows >= 0]] = stored[model_rows >= 0, 1]
        audience[find_model_rows(recommender, self._missing.get(get_folder(version), ()))] = NOBODY
        return audience

    def note_missing(self, version: ModelVersion, song_ids: Iterable[int]) -> None:
        with self._lock:
            self._missing.setdefault(get_folder(version), set()).update(song_ids)
            self._masks.pop(get_folder(version), None)

    def clear(self) -> None:
        with self._lock:
            self._masks, self._missing = {}, {}


_catalog_masks = _CatalogMasks()


def build_catalog_mask(
    version: ModelVersion, recommender: Recommender, listener_id: int | None = None
) -> NDArray[np.bool_]:
    """Return which songs of a version are not available, or another listener's own: bool (n_items,).

    Without `listener_id` it is the mask for everybody: also songs that one listener alone sees are in it.
    """
    audience = _catalog_masks.get(version, recommender)[1]
    mask: NDArray[np.bool_] = audience != EVERYBODY
    return mask if listener_id is None else mask & (audience != listener_id)


def get_work_versions(version: ModelVersion, recommender: Recommender) -> WorkVersions:
    """Return which songs of a recommender are versions of one another; kept as long as the mask."""
    return _catalog_masks.get(version, recommender)[2]


def note_missing(version: ModelVersion, song_ids: Iterable[int]) -> None:
    """Mask songs of a version that the catalog does not offer any more."""
    _catalog_masks.note_missing(version, song_ids)


def clear_masks() -> None:
    """Drop the masks of this process, so that the next list reads the catalog."""
    _catalog_masks.clear()
