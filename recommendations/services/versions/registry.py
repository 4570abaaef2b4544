"""Model versions: which one serves, how another one is activated, and what happens to a broken one."""

import logging
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from recommendations.conf import conf
from recommendations.engine import Recommender
from recommendations.models import (
    Activation,
    Arm,
    Experiment,
    ModelVersion,
    RecommendationList,
    TrainingRun,
)
from recommendations.services.jobs import background_jobs
from recommendations.services.versions import deletion_receipts, trends
from recommendations.services.versions.recommender_cache import MANIFEST as MANIFEST
from recommendations.services.versions.recommender_cache import BrokenVersion as BrokenVersion
from recommendations.services.versions.recommender_cache import (
    RecommenderCache,
    follow_replacement,
)
from recommendations.services.versions.recommender_cache import RegistryError as RegistryError
from recommendations.services.versions.recommender_cache import (
    compute_manifest_digest as compute_manifest_digest,
)
from recommendations.services.versions.recommender_cache import get_folder as get_folder

log = logging.getLogger(__name__)

# --- Which version ----------------------------------------------------------------------------------------------------


def get_active_version() -> ModelVersion | None:
    return ModelVersion.objects.filter(is_active=True).first()


def find(name: str) -> ModelVersion:
    """Return the version that a person means by "active", "v3" or "3"."""
    if name == "active":
        return require_active()
    number = name.removeprefix("v")
    version = ModelVersion.objects.filter(pk=number).first() if number.isdecimal() else None
    if version is None:
        names = ", ".join(v.name for v in ModelVersion.objects.usable()[:5]) or "none yet"
        raise RegistryError(f"There is no model version {name!r}. The newest are: {names}.")
    return version


def require_active() -> ModelVersion:
    version = get_active_version()
    if version is None:
        raise RegistryError(
            _("No model version is active yet. Train one: python manage.py train_model")
        )
    return version


def find_previous_version() -> ModelVersion | None:
    """Return what roll-back would bring back: the usable version that was active before the active one."""
    return next(_list_earlier_versions(get_active_version()), None)


def _list_earlier_versions(version: ModelVersion | None) -> Iterator[ModelVersion]:
    """Walk the log of activations back, each usable version once.

    A roll-back is not a step forward: from the version it brought back the walk goes on to what was before that one.
    """
    seen: set[int] = set()
    while version is not None and version.pk not in seen:
        seen.add(version.pk)
        log_of = version.activations.exclude(
            reason__in=[Activation.Reason.ROLLED_BACK, Activation.Reason.BROKEN]
        )
        entry = log_of.select_related("previous").first()
        version = entry.previous if entry else None
        if (
            version is not None
            and version.pk not in seen
            and version.state == ModelVersion.State.READY
        ):
            yield version


# --- Change it --------------------------------------------------------------------------------------------------------


def activate(
    version: ModelVersion, *, by: Any = None, reason: str = Activation.Reason.BY_HAND
) -> ModelVersion:
    """Make a version the one that serves. Its files are loaded and checked first; then rows flip in one transaction.

    Raises RegistryError when its files were pruned, BrokenVersion when they are damaged.
    """
    if version.state == ModelVersion.State.PRUNED:
        raise RegistryError(
            _("The files of %(version)s were removed by pruning; train again instead.")
            % {"version": version.name}
        )
    try:
        load_recommender(version)
    except BrokenVersion as error:
        mark_broken(version, str(error))
        raise
    for _attempt in range(5):
        try:
            return _flip(version, by, reason)
        except IntegrityError:
            # Two activations at once on a server database: the constraint let one through, ours goes after it.
            continue
    raise RegistryError(
        _("%(version)s could not be activated because others kept activating; try again.")
        % {"version": version.name}
    )


@transaction.atomic
def _flip(version: ModelVersion, by: Any, reason: str) -> ModelVersion:
    previous = ModelVersion.objects.select_for_update().filter(is_active=True).first()
    if previous == version:
        return previous
    ModelVersion.objects.filter(is_active=True).update(is_active=False)
    flipped = (
        ModelVersion.objects.usable()
        .filter(pk=version.pk)
        .update(is_active=True, activated_at=timezone.now())
    )
    if not flipped:
        version.refresh_from_db(fields=["state"])  # pruned, or found broken, since it was read
        raise RegistryError(
            _("%(version)s is %(state)s and can't be activated.")
            % {"version": version.name, "state": version.get_state_display()}
        )
    Activation.objects.create(version=version, previous=previous, reason=reason, by=by)
    deletion_receipts.confirm_receipts(version)
    if (
        reason != Activation.Reason.TRAINED
    ):  # a training computes them itself, from what it has read
        background_jobs.request_lists(version)
    version.refresh_from_db()
    log.info("%s is active (%s)", version.name, reason)
    return version


def roll_back(*, by: Any = None) -> ModelVersion:
    """Activate the version that was active before the active one.

    Raises RegistryError when there is none.
    """
    current = require_active()
    for version in _list_earlier_versions(current):
        try:
            return activate(version, by=by, reason=Activation.Reason.ROLLED_BACK)
        except BrokenVersion as error:
            log.warning("Rolling back past a broken version: %s", error)
    raise RegistryError(
        _("%(version)s is the first usable version; there is nothing to roll back to.")
        % {"version": current.name}
    )


@transaction.atomic
def mark_broken(version: ModelVersion, why: str) -> ModelVersion | None:
    """Take a damaged version out of service; return the version that serves instead (None: none is left).

    One whose files were replaced since `version` was read stays: it is not those that are damaged.
    """
    same_files = ModelVersion.objects.filter(pk=version.pk, artifact=version.artifact)
    was_active = same_files.filter(is_active=True).update(is_active=False)
    is_marked = same_files.filter(state=ModelVersion.State.READY).update(
        state=ModelVersion.State.BROKEN, gate_reason=why
    )
    if was_active or is_marked:
        log.error("%s was taken out of service: %s", version.name, why)
    _loaded.forget(version)
    if not was_active:
        return get_active_version()
    successor = next(_list_earlier_versions(version), None) or ModelVersion.objects.usable().first()
    if successor is None:
        return None
    return _flip(successor, None, Activation.Reason.BROKEN)


# --- Load it ----------------------------------------------------------------------------------------------------------


_loaded = RecommenderCache()


def load_recommender(version: ModelVersion) -> Recommender:
    """Return the recommender of a version, read once a process and checked against its checksums.

    It counts by the newest trends of its version. Raises BrokenVersion when its files are missing, damaged or not the
    ones that were registered.
    """
    while True:
        try:
            recommender = _loaded.get(version)
        except BrokenVersion:
            if follow_replacement(version):
                continue
            raise
        trends.take_over(version, recommender)
        return recommender


def load_serving_recommender() -> tuple[ModelVersion, Recommender] | None:
    """Return the version that serves, loaded; a broken one is marked and the previous good one takes over."""
    # A page asks this several times, and the figures of a version are long to read.
    version = (
        ModelVersion.objects.filter(is_active=True).defer("config", "metadata", "metrics").first()
    )
    while version is not None:
        try:
            return version, load_recommender(version)
        except BrokenVersion as error:
            version = mark_broken(version, str(error))
    return None


# --- Files ------------------------------------------------------------------------------------------------------------


def measure_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def prune(keep: int | None = None) -> list[ModelVersion]:
    """Remove the files and lists of old versions; return the versions that lost them.

    The active version, the one roll-back would bring, those of experiments that are not over and the newest `keep`
    ready ones stay.
    """
    keep = conf.versions_kept if keep is None else keep
    if keep < 1:
        raise RegistryError(f"At least 1 version must stay; {keep} was asked for.")
    stays = {v.pk for v in (get_active_version(), find_previous_version()) if v is not None}
    stays.update(ModelVersion.objects.usable().values_list("pk", flat=True)[:keep])
    stays.update(_list_in_experiments())
    pruned = list(
        ModelVersion.objects.exclude(state=ModelVersion.State.PRUNED).exclude(pk__in=stays)
    )
    return [version for version in pruned if remove_files(version)]


def _list_in_experiments() -> QuerySet[Arm, int]:
    """Return the versions that an experiment serves or may yet promote; without its files an arm would be another."""
    under_way = [Experiment.State.DRAFT, Experiment.State.RUNNING, Experiment.State.STOPPED]
    arms = Arm.objects.filter(experiment__state__in=under_way).exclude(version=None)
    return arms.values_list("version_id", flat=True)


def replace_artifact(version: ModelVersion, recommender: Recommender) -> bool:
    """Save `recommender` as the files of `version` in the place of those it has; processes load them at their next use.

    The new folder is complete before the row names it and the old one goes after that, so that a crash leaves one or
    the other, and a folder that is swept. Return False when the row named other files meanwhile.
    Raises OSError when the disk is full or not writable.
    """
    old = get_folder(version)
    name = f"{version.artifact.partition('+')[0]}+{secrets.token_hex(4)}"
    folder = settings.ARTIFACTS_DIR / name
    recommender.save(folder)
    replaced = (
        ModelVersion.objects.exclude(state=ModelVersion.State.PRUNED)
        .filter(pk=version.pk, artifact=version.artifact)
        .update(
            artifact=name,
            manifest_sha256=compute_manifest_digest(folder),
            size_bytes=measure_size(folder),
        )
    )
    _loaded.forget(version)
    shutil.rmtree(old if replaced else folder, ignore_errors=True)
    return bool(replaced)


def remove_files(version: ModelVersion) -> bool:
    """Take the row out of use before the files go, so that a crash in between leaves only files, which are swept.

    One that was activated meanwhile keeps them; return whether they went.
    """
    with transaction.atomic():
        inactive = ModelVersion.objects.filter(pk=version.pk, is_active=False)
        if not inactive.update(state=ModelVersion.State.PRUNED):
            return False
        RecommendationList.objects.filter(version=version).delete()
    _loaded.forget(version)
    shutil.rmtree(get_folder(version), ignore_errors=True)
    return True


def delete_versions(versions: QuerySet[ModelVersion]) -> int:
    """Delete versions without a trace: rows, files, lists, trainings, and experiments with them; return how many.

    The newest usable version that is left serves instead of the active one; without one, what is played most.
    """
    doomed = list(versions)
    with transaction.atomic():
        Experiment.objects.filter(arms__version__in=doomed).delete()
        was_active = ModelVersion.objects.filter(pk__in=[one.pk for one in doomed], is_active=True)
        successor = ModelVersion.objects.usable().exclude(pk__in=[one.pk for one in doomed]).first()
        if was_active.update(is_active=False) and successor is not None:
            _flip(successor, None, Activation.Reason.ROLLED_BACK)
    for version in doomed:
        remove_files(version)
        training = version.training_run
        version.delete()
        if training is not None:
            training.delete()
    return len(doomed)


def sweep_leftovers() -> list[str]:
    """Remove folders that no version names and no training is writing; return their names."""
    if TrainingRun.objects.running().exists():
        return []
    folders_in_use = set(
        ModelVersion.objects.exclude(state=ModelVersion.State.PRUNED).values_list(
            "artifact", flat=True
        )
    )
    old = time.time() - conf.leftovers_after_seconds
    leftovers = [
        folder
        for folder in settings.ARTIFACTS_DIR.iterdir()
        if folder.is_dir() and folder.name not in folders_in_use and folder.stat().st_mtime <= old
    ]
    for folder in leftovers:
        shutil.rmtree(folder, ignore_errors=True)
    return [folder.name for folder in leftovers]
