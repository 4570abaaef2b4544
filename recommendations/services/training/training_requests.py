"""Ask for a training, stop it, and requeue those whose worker is gone."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from common import jobs
from common.jobs import Swept
from recommendations import telemetry
from recommendations.conf import conf
from recommendations.engine import (
    PRESETS,
    RecommenderConfig,
    shards,
)
from recommendations.models import TrainingRun
from recommendations.services.cluster import submission

Status = TrainingRun.Status

LOCAL, SPARK = "local", "spark"
ENGINES = (LOCAL, SPARK)


class TrainingRefused(Exception):
    """A training cannot be asked for; the message says why in one sentence."""


class TrainingAlreadyActive(TrainingRefused):
    """Another training is queued or running."""


class UnknownPreset(TrainingRefused):
    """No recommender goes by that name."""


def request_training(
    *,
    preset: str | None = None,
    requested_by: Any = None,
    trigger: str = TrainingRun.Trigger.ADMIN,
    options: dict[str, Any] | None = None,
) -> TrainingRun:
    """Queue a training; the caller sends the wake-up (`tasks.enqueue_training`).

    Raises TrainingAlreadyActive when one is queued or running, UnknownPreset for an unknown name.
    """
    config = load_config(preset or conf.preset, options or {})
    if is_for_cluster(options or {}):
        _require_cluster(config)
    try:
        with transaction.atomic():
            return TrainingRun.objects.create(
                preset=preset or conf.preset,
                requested_by=requested_by,
                trigger=trigger,
                options=options or {},
            )
    except IntegrityError:
        raise TrainingAlreadyActive(_find_already_active()) from None


def make_engine_options(engine: str) -> dict[str, Any]:
    """Return the options of a training there."""
    return {} if engine == LOCAL else {"engine": engine}


def is_for_cluster(options: dict[str, Any]) -> bool:
    """Return whether a training was asked for on the cluster.

    Raises TrainingRefused for an engine that does not exist.
    """
    engine = options.get("engine", LOCAL)
    if engine not in ENGINES:
        raise TrainingRefused(f"There is no engine {engine!r}; there are: {', '.join(ENGINES)}.")
    return bool(engine == SPARK)


def _require_cluster(config: RecommenderConfig) -> None:
    try:
        shards.require_shardable(config)
        submission.require_cluster()
    except (shards.CannotBeSharded, submission.ClusterUnavailable) as error:
        raise TrainingRefused(str(error)) from error


def find_interrupted_run(preset: str | None, options: dict[str, Any]) -> TrainingRun | None:
    """Return the queued run of a command that was killed, when it asked for the same: it may be taken up."""
    run = TrainingRun.objects.queued().filter(trigger=TrainingRun.Trigger.COMMAND).first()
    return run if run and (run.preset, run.options) == (preset or conf.preset, options) else None


def _find_already_active() -> str:
    run = TrainingRun.objects.active().first()
    if run is None:
        return _("Another training has just ended; ask again.")
    return _("Training #%(number)d is %(status)s; it has to end or be cancelled first.") % {
        "number": run.pk,
        "status": run.get_status_display(),
    }


def load_config(preset: str, options: dict[str, Any]) -> RecommenderConfig:
    """Return the configuration of a preset; `options["config"]` may replace parts of it."""
    if preset not in PRESETS:
        raise UnknownPreset(
            f"There is no preset {preset!r}; there are: {', '.join(sorted(PRESETS))}."
        )
    changes = options.get("config")
    if not changes:
        return PRESETS[preset]
    try:
        return RecommenderConfig.from_dict(PRESETS[preset].to_dict() | changes)
    except (ValueError, TypeError) as error:
        raise TrainingRefused(f"The configuration is not usable: {error}") from error


def cancel(run: TrainingRun) -> TrainingRun:
    """Stop a run: at once while it waits, within one iteration while it runs. An ended run stays as it is."""
    jobs.cancel_job(run)
    return run


def sweep(*, wait: bool = False) -> Swept:
    """Requeue runs whose worker fell silent, or give them up after `job_attempts` (see `common.jobs.sweep_jobs`)."""
    swept = jobs.sweep_jobs(TrainingRun.objects.all(), wait=wait)
    for _run in swept.failed:
        telemetry.count_training(Status.FAILED)
    return swept
