"""A training as a job of the cluster: its folder is made, or found as an earlier attempt left it."""

import logging
import time
from pathlib import Path

import numpy as np
from django.conf import settings

from accounts.models import User
from recommendations.conf import conf
from recommendations.engine import RecommenderConfig
from recommendations.models import TrainingRun
from recommendations.services.cluster.job_folder import FINAL, MEASURED, FitRequest, JobFolder
from recommendations.services.cluster.shard_tasks import read_survey
from recommendations.services.data import column_copy, training_rows
from recommendations.services.data.column_copy import OnRead
from recommendations.services.data.column_reader import make_reader
from recommendations.services.data.column_store import StoreDamaged
from recommendations.services.versions import deletion_receipts

log = logging.getLogger(__name__)

SAMPLED_FOR_ONE = 3
"""Listeners who have songs held out for each that is measured: some have too few to hold any out."""
TRIES = 3


def prepare(
    run_id: int, config: RecommenderConfig, seed: int, *, is_measured: bool, on_read: OnRead
) -> JobFolder:
    """Return the folder of a training's job with everything that the cluster needs.

    The folder of an earlier attempt of the same training is continued, unless something was deleted or a listener of
    its data has left or opted out meanwhile: then it is removed.
    """
    folder = JobFolder(get_root() / f"training-{run_id}")
    if folder.is_complete and not _has_deleted_data(folder):
        return folder
    folder.remove()
    # before anything is read: what is deleted from here on is not known to be missing
    open_receipts, read_at = deletion_receipts.list_open(), time.time()
    last_id = write_events(folder, on_read)
    n_listeners = max(User.objects.count(), 1)
    share = min(1.0, SAMPLED_FOR_ONE * conf.evaluation_listeners / n_listeners)
    folder.write_request(
        FitRequest(
            config=config.to_dict(),
            seed=seed,
            held_out_share=share if is_measured else 0.0,
            test_share=conf.evaluation_share,
            last_interaction_id=last_id,
            read_at=read_at,
            open_receipts=open_receipts,
        )
    )
    return folder


def write_events(folder: JobFolder, on_read: OnRead) -> int:
    """Write events and songs into a job's folder; return the last interaction among them."""
    get_root().mkdir(mode=0o700, parents=True, exist_ok=True)
    store, manifest = column_copy.bring_up_to_date(on_read)
    for tries_left in reversed(range(TRIES)):
        try:
            folder.link_events(store, manifest)
            break
        except FileNotFoundError:
            # a listener went, and a partition was written anew
            if not tries_left:
                raise
            folder.remove()
            store, manifest = column_copy.bring_up_to_date(on_read)
    with make_reader() as source:
        songs = training_rows.read_songs(source)
        features, _ = training_rows.read_features(source, songs)
    folder.write_songs(songs["id"], songs["duration_ms"], features)
    folder.write_arrays("ignored", {"pairs": training_rows.read_ignored_pairs()})
    return manifest.last_id


def get_root() -> Path:
    return Path(settings.CLUSTER_DIR)


def _has_deleted_data(folder: JobFolder) -> bool:
    """Return whether the job may hold events that were deleted since it was made, or may not be learned from."""
    request = folder.read_request()
    if deletion_receipts.has_deletions_since(request.read_at, request.open_receipts):
        return True
    return _has_departed_listeners(folder)


def _has_departed_listeners(folder: JobFolder) -> bool:
    """Return whether somebody whose events are in the job may not be learned from any more."""
    fit = next((fit for fit in (FINAL, MEASURED) if folder.has_arrays(f"{fit}-survey")), None)
    if fit is None:
        return True
    try:
        folder.store.read_manifest()
    except StoreDamaged:
        return True
    allowed = User.objects.with_training_consent().values_list("pk", flat=True)
    allowed_ids = np.fromiter(allowed.iterator(), dtype=np.int64)
    return not np.isin(read_survey(folder, fit).listener_ids, allowed_ids).all()


def remove_ended() -> list[str]:
    """Remove the folders of jobs whose training is over, and return their names; lists are made within a training."""
    active = list(TrainingRun.objects.active().values_list("pk", flat=True))
    kept = [f"training-{run_id}" for run_id in active]
    ended = [path for path in get_root().glob("training-*") if path.name not in kept]
    if not active:
        ended += get_root().glob("lists-*")
    for path in ended:
        JobFolder(path).remove()
    return [path.name for path in ended]
