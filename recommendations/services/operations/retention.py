"""What recommending leaves behind when its time is over."""

from django.db.models import Q, QuerySet

from catalog.models import Playlist
from common.retention import compute_cutoff, delete_in_steps
from recommendations.conf import conf
from recommendations.models import (
    BackgroundJob,
    Experiment,
    ForgettingReceipt,
    Impression,
    InterleavedDraft,
    ModelVersion,
    RecommendationList,
    TrainingRun,
)
from recommendations.services.operations import workers
from recommendations.services.serving import recorder
from recommendations.services.surfaces import generated_playlists


def delete_expired() -> dict[str, int]:
    """Delete events, logs, lists, playlists and jobs that are over; return how many of each."""
    return {
        "events": delete_in_steps(_filter_old_impressions()),
        "served lists": delete_in_steps(recorder.select_expired()),
        "interleaved drafts": delete_in_steps(_filter_old_drafts()),
        "training logs": _clear_training_logs(),
        "trainings": delete_in_steps(_filter_old_trainings()),
        "background jobs": delete_in_steps(
            BackgroundJob.objects.exclude(status__in=BackgroundJob.ACTIVE).filter(
                finished_at__lt=compute_cutoff(conf.training_logs_days)
            )
        ),
        "receipts": delete_in_steps(
            ForgettingReceipt.objects.filter(confirmed_at__lt=compute_cutoff(conf.trainings_days))
        ),
        "lists": delete_in_steps(_find_unused_lists()),
        "generated playlists": sum(
            delete_in_steps(Playlist.objects.filter(kind=kind, created_at__lt=compute_cutoff(days)))
            for kind, days in generated_playlists.KEPT_DAYS.items()
        ),
        "workers": delete_in_steps(workers.select_silent()),
    }


def _filter_old_impressions() -> QuerySet[Impression]:
    """Return lists shown longer ago than `events_days`.

    Those of an experiment stay while it runs, and as many days after it was stopped.
    """
    oldest = compute_cutoff(conf.events_days)
    old = Impression.objects.filter(shown_at__lt=oldest)
    state = Experiment.State
    begun = (
        Experiment.objects.filter(
            Q(state=state.RUNNING) | Q(state=state.STOPPED, ended_at__gte=oldest)
        )
        .exclude(started_at=None)
        .order_by("started_at")
        .values_list("started_at", flat=True)
        .first()
    )
    return old if begun is None else old.exclude(arm__isnull=False, shown_at__gte=begun)


def _filter_old_drafts() -> QuerySet[InterleavedDraft]:
    """Return the drafts of experiments that ended longer ago than `events_days`."""
    return InterleavedDraft.objects.filter(
        experiment__ended_at__lt=compute_cutoff(conf.events_days)
    ).exclude(experiment__state=Experiment.State.RUNNING)


def _clear_training_logs() -> int:
    """Empty the logs of trainings that ended long ago; their figures stay."""
    ended = TrainingRun.objects.filter(finished_at__lt=compute_cutoff(conf.training_logs_days))
    return ended.exclude(log="").update(log="")


def _filter_old_trainings() -> QuerySet[TrainingRun]:
    """Return trainings of more than a year ago without a version."""
    versions = ModelVersion.objects.exclude(training_run=None).values("training_run")
    ended = TrainingRun.objects.exclude(status__in=TrainingRun.ACTIVE)
    return ended.filter(finished_at__lt=compute_cutoff(conf.trainings_days)).exclude(
        pk__in=versions
    )


def _find_unused_lists() -> QuerySet[RecommendationList]:
    """Return lists that are outdated for longer than a listener counts as active, and those of pruned versions."""
    pruned = RecommendationList.objects.filter(version__state=ModelVersion.State.PRUNED)
    if not conf.lists_active_days:
        return pruned
    old = RecommendationList.objects.filter(computed_at__lt=compute_cutoff(conf.lists_active_days))
    return old | pruned
