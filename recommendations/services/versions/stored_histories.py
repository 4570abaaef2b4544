"""Histories that saved models hold, and how they go with their listener.

Only user kNN keeps histories. A listener who deletes the account, or asks not to be learned from, is taken out of the
files of every version; a version whose files cannot be read is removed whole.
"""

import logging
from collections.abc import Iterable

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from accounts.models import User
from recommendations.engine import ArtifactError, Recommender, keeps_histories
from recommendations.models import ModelVersion
from recommendations.services.versions import registry
from recommendations.services.versions.recommender_cache import follow_replacement

log = logging.getLogger(__name__)

_ATTEMPTS = 5


def remove_histories(listener_ids: Iterable[int]) -> list[ModelVersion]:
    """Take the histories of these listeners out of all saved models; return the versions whose files changed.

    Call it when a listener is gone for good. It writes the files of a version anew only where it holds one of them;
    one query where no version keeps histories. What fails (a full disk) is logged, and
    `remove_departed_histories` tries it again.
    """
    ids = np.fromiter(listener_ids, dtype=np.int64)
    return [version for version in _list_versions_with_histories() if _try_to_rewrite(version, ids)]


def remove_departed_histories(versions: Iterable[ModelVersion] | None = None) -> list[ModelVersion]:
    """Remove from saved models the listeners without an account and those who do not allow training.

    Call it for a version that has just been saved: its training may have read a listener who went meanwhile. The
    schedule calls it for all versions.
    """
    changed = []
    for version in _list_versions_with_histories() if versions is None else versions:
        departed = _find_departed(version)
        if len(departed) and _try_to_rewrite(version, departed):
            changed.append(version)
    return changed


def _list_versions_with_histories() -> list[ModelVersion]:
    versions = ModelVersion.objects.exclude(state=ModelVersion.State.PRUNED)
    return [
        version for version in versions if keeps_histories(version.config.get("components", ()))
    ]


def _find_departed(version: ModelVersion) -> NDArray[np.int64]:
    """Return the stored ids of listeners who may not be learned from; none where the files cannot be read."""
    if not keeps_histories(version.config.get("components", ())):
        return np.zeros(0, dtype=np.int64)
    try:
        stored = Recommender.load(registry.get_folder(version), verify=False).stored_listener_ids()
    except ArtifactError as error:
        log.warning("%s can't be searched for listeners who are gone: %s", version.name, error)
        return np.zeros(0, dtype=np.int64)
    allowed = np.fromiter(
        User.objects.with_training_consent().values_list("pk", flat=True), dtype=np.int64
    )
    return stored[(stored >= 0) & ~np.isin(stored, allowed)]


def _try_to_rewrite(version: ModelVersion, listener_ids: NDArray[np.int64]) -> bool:
    try:
        return _rewrite(version, listener_ids)
    except OSError as error:
        log.error("Listeners who are gone are still in %s: %s", version.name, error)
        return False


def _rewrite(version: ModelVersion, listener_ids: NDArray[np.int64]) -> bool:
    """Save a version without these listeners; return whether its files changed."""
    for _attempt in range(_ATTEMPTS):
        version.refresh_from_db()
        if version.state == ModelVersion.State.PRUNED:
            return False
        try:
            recommender = Recommender.load(registry.get_folder(version))
        except ArtifactError as error:
            if follow_replacement(version):  # somebody else goes, too
                continue
            return _remove_unreadable(version, str(error))
        stored = recommender.stored_listener_ids()
        # histories of an older release have no id, so each may be the one
        if not (np.isin(stored, listener_ids) | (stored < 0)).any():
            return False
        if registry.replace_artifact(version, recommender.without_listeners(listener_ids)):
            version.refresh_from_db()
            log.info("%s no longer holds the histories of listeners who are gone", version.name)
            return True
    raise OSError(f"The files of {version.name} in {settings.ARTIFACTS_DIR} kept changing.")


def _remove_unreadable(version: ModelVersion, why: str) -> bool:
    """Remove files that may hold a history nobody can take out any more."""
    registry.mark_broken(version, why)
    registry.remove_files(version)
    return True
