"""What workers do. A message is only a wake-up: the job is a row, and services do the work."""

import logging
from datetime import timedelta
from functools import partial
from typing import Any

from celery import Task, shared_task
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from catalog.signals import listens_brought
from common.jobs import Swept
from common.jobs.messages import send_wake_up, short_task, wake_after_commit
from recommendations.conf import conf
from recommendations.models import BackgroundJob, ModelVersion, TrainingRun
from recommendations.services.cluster import fit_jobs
from recommendations.services.data import column_copy, training_rows
from recommendations.services.experiments import results
from recommendations.services.jobs import background_jobs
from recommendations.services.operations import site_figures
from recommendations.services.training import pipeline, training_requests
from recommendations.services.versions import registry, stored_histories
from recommendations.services.workloads import background_work

log = logging.getLogger(__name__)

NO_BROKER = "waiting: the message queue can't be reached yet"
"""Where a run stands until then; PostgreSQL takes sixty characters."""

FIRST_INTERACTIONS = 20
"""A site without a version trains by itself from so many interactions on."""

AFTER_FAILURE = timedelta(hours=24)
"""So long no training begins by itself after one that ended badly."""

_ENDED_BADLY = (TrainingRun.Status.FAILED, TrainingRun.Status.CANCELLED)


# --- Wake-ups ---------------------------------------------------------------------------------------------------------


def enqueue_training(run: TrainingRun) -> None:
    """Wake a worker up for a queued run once the transaction is committed."""
    transaction.on_commit(partial(_wake_for_training, run.pk))


def enqueue_precompute(version: ModelVersion) -> None:
    """Have the lists of a version computed once the transaction is committed."""
    _wake_worker(background_jobs.request_lists(version))


def start_backup() -> BackgroundJob:
    """Ask for a backup and wake a worker up for it."""
    return _wake_worker(background_jobs.request_backup())


def start_demo_removal() -> BackgroundJob:
    """Ask for the demo to be removed and wake a worker up for it."""
    return _wake_worker(background_jobs.request_demo_removal())


def _wake_worker(job: BackgroundJob) -> BackgroundJob:
    wake_after_commit(_find_task(job), job)
    return job


def start_training(**options: Any) -> TrainingRun:
    """Queue a training and wake a worker up for it; what the admin page, the API and the schedule do."""
    with transaction.atomic():
        run = training_requests.request_training(**options)
        enqueue_training(run)
    return run


def _wake_for_training(run_id: int) -> bool:
    sent = send_wake_up(train, run_id)
    if not sent:
        # The page says so, and the next sweep tries again.
        TrainingRun.objects.filter(pk=run_id).queued().update(stage=NO_BROKER)
    return sent


def sweep_and_wake(*, wait: bool = False) -> Swept:
    """Look after trainings whose worker is gone and wake workers up for those that wait.

    Done by workers when they start and every half a minute, and by the admin page when it is opened.
    """
    swept = training_requests.sweep(wait=wait)
    for run in swept.waiting:
        _wake_for_training(run.pk)
    return swept


def sweep_background_jobs(*, wait: bool = False) -> Swept:
    """Look after background jobs whose worker is gone and wake workers up for those that wait."""
    swept = background_jobs.sweep(wait=wait)
    for job in swept.waiting:
        _send_wake_up(job)
    return swept


def _send_wake_up(job: BackgroundJob) -> bool:
    return send_wake_up(_find_task(job), job.pk)


def _find_task(job: BackgroundJob) -> Task:
    return count_trends if job.kind == BackgroundJob.Kind.TRENDS else run_background_job


# --- Tasks ------------------------------------------------------------------------------------------------------------


@shared_task
def train(run_id: int) -> str:
    """See a training run through, unless another worker has it."""
    run = pipeline.run_training(run_id)
    return run.status


@shared_task
def run_background_job(job_id: int | None = None) -> str:
    """Give one computation of lists or playlists its turn: the one that has waited longest."""
    kind = BackgroundJob.Kind
    job = background_work.run_next(kind.LISTS, kind.PLAYLISTS, kind.BACKUP, kind.DEMO)
    if job is None:
        return "nothing waits"
    if job.status == BackgroundJob.Status.QUEUED:
        _send_wake_up(job)
    elif job.kind == kind.DEMO and job.status == BackgroundJob.Status.SUCCEEDED:
        retrain()  # on what is left, if anything is
    return job.status


@short_task
def precompute_lists(version_id: int | None = None) -> None:
    """Ask for the lists under a version, by default the active one, that are missing or outdated."""
    version = (
        registry.get_active_version()
        if version_id is None
        else ModelVersion.objects.get(pk=version_id)
    )
    if version is not None:
        _send_wake_up(background_jobs.request_lists(version))


@short_task
def sweep() -> None:
    """Take up what a lost worker left, and remove folders that no version names."""
    sweep_and_wake(wait=True)
    sweep_background_jobs()
    fit_jobs.remove_ended()
    leftovers = registry.sweep_leftovers()
    if leftovers:
        log.info("Removed unfinished artifacts: %s", ", ".join(leftovers))


@short_task
def retrain() -> str:
    """Begin the scheduled training; it also refreshes what is trending. One that runs already is enough."""
    if not training_rows.is_newer_than(registry.get_active_version()):
        log.info("No scheduled training: nothing was heard since the last one.")
        return "nothing new"
    try:
        return str(
            start_training(
                preset=conf.scheduled_preset,
                trigger=TrainingRun.Trigger.SCHEDULE,
                options=training_requests.make_engine_options(conf.scheduled_engine),
            )
        )
    except training_requests.TrainingAlreadyActive as error:
        log.info("No scheduled training: %s", error)
        return str(error)
    except training_requests.TrainingRefused as error:
        log.warning("No scheduled training: %s", error)
        return str(error)


@shared_task
def count_trends(job_id: int | None = None) -> str:
    """Count anew what is trending; the schedule asks for it without a number.

    Listeners who went and are still in a saved model, because its files could not be written then, go first.
    """
    if job_id is None:
        stored_histories.remove_departed_histories()
        column_copy.drop_departed()
        job_id = background_jobs.request_trends().pk
    job = background_work.run(job_id)
    return job.status if job else "somebody else counts"


@short_task
def retrain_when_due() -> str:
    """Begin a training when enough is new since the newest version's, at the hour and after each import.

    `retrain_after` new interactions ask for the scheduled preset; a share of `retrain_share` of what the newest
    version was trained on, as an import brings it, for the default preset, which is quick. So do the first
    `FIRST_INTERACTIONS` of a site without a version. The newest version counts also where another one serves: what
    was refused would be refused again. After a training that failed or was cancelled the next one waits
    `AFTER_FAILURE`, and none begins while the demo is being removed.
    """
    if BackgroundJob.objects.active().filter(kind=BackgroundJob.Kind.DEMO).exists():
        return "the demo is being removed"
    since = timezone.now() - AFTER_FAILURE
    last = (
        TrainingRun.objects.filter(trigger=TrainingRun.Trigger.NEW_LISTENS).order_by("-pk").first()
    )
    if last is not None and last.status in _ENDED_BADLY and last.created_at > since:
        return f"training #{last.pk}: {last.get_status_display()}"
    newest = ModelVersion.objects.exclude(state=ModelVersion.State.BROKEN).order_by("-pk").first()
    n_new = training_rows.count_since(newest)
    is_many = bool(conf.retrain_after) and n_new >= conf.retrain_after
    wanted = conf.retrain_share * newest.n_interactions if newest else FIRST_INTERACTIONS
    is_large_share = conf.retrain_share > 0 and n_new >= max(wanted, 1)
    if not is_many and not is_large_share:
        return f"{n_new} new"
    preset = conf.scheduled_preset if is_many else conf.preset
    options = training_requests.make_engine_options(conf.scheduled_engine) if is_many else {}
    try:
        return str(
            start_training(preset=preset, trigger=TrainingRun.Trigger.NEW_LISTENS, options=options)
        )
    except training_requests.TrainingRefused as error:
        return str(error)


@receiver(listens_brought)
def look_for_training(sender: Any, **_: Any) -> None:
    """Have a worker see whether what an import or a sync brought is enough for a training."""
    send_wake_up(retrain_when_due)
    count_missing_figures()


def count_missing_figures() -> bool:
    """Have a worker count the figures of a large site now where some never were; return whether that was asked."""
    return site_figures.has_uncounted() and send_wake_up(count_site_figures)


@shared_task
def count_site_figures() -> int:
    """Count what the dashboard, /metrics and lists without a model show of whole tables, where the site is large."""
    return site_figures.count_figures()


@short_task
def watch_experiment() -> list[str]:
    """Stop arms of the running experiment that do harm."""
    return [arm.name for arm in results.watch_running()]


@short_task
def make_playlists() -> None:
    """Ask for today's and this week's playlists of everybody who was active lately, where they are missing."""
    _send_wake_up(background_jobs.request_playlists())
