"""What workers do. A message is only a wake-up: the job is a row, and services do the work."""

import logging
from functools import partial
from typing import Any

from celery import shared_task
from django.db import transaction

from common.jobs import Swept
from common.jobs.messages import send
from recommendations.conf import conf
from recommendations.models import ModelVersion, TrainingRun
from recommendations.services import (
    experiment_results,
    made_playlists,
    precompute,
    registry,
    training,
    training_data,
    trends,
)

log = logging.getLogger(__name__)

NO_BROKER = "waiting: the message queue can't be reached yet"
"""Where a run stands until then; PostgreSQL takes sixty characters."""


# --- Wake-ups ---------------------------------------------------------------------------------------------------------


def enqueue_training(run: TrainingRun) -> None:
    """Wake a worker up for a queued run once the transaction is committed."""
    transaction.on_commit(partial(_wake_for_training, run.pk))


def enqueue_precompute(version: ModelVersion) -> None:
    """Have the lists of a version computed once the transaction is committed."""
    transaction.on_commit(partial(send, precompute_lists, version.pk))


def start_training(**wishes: Any) -> TrainingRun:
    """Queue a training and wake a worker up for it; what the admin page, the API and the schedule do."""
    with transaction.atomic():
        run = training.request_training(**wishes)
        enqueue_training(run)
    return run


def _wake_for_training(run_id: int) -> bool:
    sent = send(train, run_id)
    if not sent:
        # The page says so, and the next sweep tries again (T12).
        TrainingRun.objects.filter(pk=run_id).queued().update(stage=NO_BROKER)
    return sent


def sweep_and_wake(*, wait: bool = False) -> Swept:
    """Look after runs whose worker is gone and wake workers up for runs that wait.

    Done by workers when they start and every half a minute, and by the admin page when it is opened.
    """
    swept = training.sweep(wait=wait)
    for run in swept.waiting:
        _wake_for_training(run.pk)
    return swept


# --- Tasks ------------------------------------------------------------------------------------------------------------


@shared_task
def train(run_id: int) -> str:
    """See a training run through, unless another worker has it."""
    run = training.run_training(run_id)
    return run.status


@shared_task
def precompute_lists(version_id: int | None = None) -> int:
    """Compute everybody's list under a version, by default the active one."""
    version = registry.active_version() if version_id is None else ModelVersion.objects.get(pk=version_id)
    return 0 if version is None else precompute.precompute(version)


@shared_task
def sweep() -> None:
    """Take up what a lost worker left, and remove folders that no version names."""
    sweep_and_wake(wait=True)
    leftovers = registry.sweep_leftovers()
    if leftovers:
        log.info("Removed unfinished artifacts: %s", ", ".join(leftovers))


@shared_task
def retrain() -> str:
    """Begin the scheduled training; it also refreshes what is trending. One that runs already is enough."""
    if not training_data.is_newer_than(registry.active_version()):
        log.info("No scheduled training: nothing was heard since the last one.")
        return "nothing new"
    try:
        return str(start_training(preset=conf.scheduled_preset, trigger=TrainingRun.Trigger.SCHEDULE))
    except training.TrainingAlreadyActive as error:
        log.info("No scheduled training: %s", error)
        return str(error)


@shared_task
def count_trends() -> bool:
    """Count anew what is trending, when something was heard since the active version was trained."""
    found = registry.serving_recommender()
    if found is None or not training_data.is_newer_than(registry.active_version()):
        return False
    return trends.count(*found, training_data.read().interactions)


@shared_task
def retrain_when_due() -> str:
    """Begin a training when `retrain_after` new interactions came in since the active version's."""
    n_new = training_data.n_since(registry.active_version())
    if not conf.retrain_after or n_new < conf.retrain_after:
        return f"{n_new} new"
    try:
        return str(start_training(preset=conf.scheduled_preset, trigger=TrainingRun.Trigger.NEW_LISTENS))
    except training.TrainingAlreadyActive as error:
        return str(error)


@shared_task
def watch_experiment() -> list[str]:
    """Stop arms of the running experiment that do harm."""
    return [arm.name for arm in experiment_results.watch_running()]


@shared_task
def make_playlists() -> int:
    """Make today's and this week's playlists of everybody who listened lately, where they are missing."""
    return made_playlists.make_due()
