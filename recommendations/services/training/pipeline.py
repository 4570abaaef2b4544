"""A training from the request to the active version.

rows → arrays → fit → evaluate → save → register → gate → activate → precompute. The state machine is drawn at
`JobRow`; who may work on a run is in `common.jobs`.
"""

import errno
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.template.defaultfilters import pluralize

from common import jobs
from common.jobs import Cancelled, Lease, LostLease
from recommendations import telemetry
from recommendations.engine import (
    ArtifactError,
    NotEnoughData,
)
from recommendations.models import Activation, BackgroundJob, ModelVersion, TrainingRun
from recommendations.services.cluster import fit_jobs, list_jobs, submission
from recommendations.services.data.training_rows import TrainingRows
from recommendations.services.jobs import background_jobs
from recommendations.services.seeds import beyond_index
from recommendations.services.serving import precompute
from recommendations.services.training import memory_check, training_requests
from recommendations.services.training.cluster_version import train_on_cluster
from recommendations.services.training.new_version import train_version
from recommendations.services.training.progress import Reporter
from recommendations.services.training.training_requests import TrainingRefused
from recommendations.services.versions import registry
from recommendations.services.workloads.background_work import keep

Status = TrainingRun.Status


NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def run_training(
    run_id: int,
    owner: str | None = None,
    *,
    on_progress: Callable[[str, float], None] | None = None,
) -> TrainingRun:
    """Claim a queued run and see it through; a run that somebody else has is returned as it is.

    `on_progress(stage, fraction)` gets what is written to the row. What goes wrong is written to the row; only what
    nobody foresaw is raised again after that.
    """
    run = jobs.run_job(_TrainingKind(on_progress), run_id, owner or "")
    return run or TrainingRun.objects.get(pk=run_id)


def _list_skipped_parts(run: TrainingRun) -> set[str]:
    """Return the parts that this run leaves out."""
    stages = {"evaluate": "evaluating", "precompute": "precomputing"}
    skipped = {stage for option, stage in stages.items() if not run.options.get(option, True)}
    # on the cluster nothing is estimated
    return skipped | {"estimating"} if training_requests.is_for_cluster(run.options) else skipped


class _TrainingKind(jobs.JobKind[TrainingRun]):
    """Trainings: one turn to the end. An error ends them, because the next attempt would meet it after an hour, too."""

    model = TrainingRun
    log_name = "training_run"
    final_errors = (
        NotEnoughData,
        memory_check.NotEnoughMemory,
        TrainingRefused,
        registry.RegistryError,
        ArtifactError,
        submission.ClusterUnavailable,
        submission.ClusterFailed,
    )
    passing_errors = ()
    caught = BaseException
    claim_fields = {"stage": ""}

    def __init__(self, on_progress: Callable[[str, float], None] | None = None) -> None:
        self._on_progress = on_progress
        self._reporter: Reporter

    def name_job(self, job: TrainingRun) -> str:
        return f"Training #{job.pk}"

    def make_reporter(self, lease: Lease, job: TrainingRun) -> Reporter:
        skipped = _list_skipped_parts(job)
        self._reporter = Reporter(lease, job.log, self._on_progress, skipped=skipped)
        return self._reporter

    def work(self, turn: jobs.Turn[TrainingRun]) -> bool:
        _train(turn.job, self._reporter)
        return True

    def judge(self, error: BaseException) -> jobs.Verdict:
        if isinstance(error, MemoryError):
            sentence = f"The memory ran out at “{self._reporter.stage}”."
            return jobs.Verdict(sentence, is_foreseen=True)
        if isinstance(error, OSError):
            return jobs.Verdict(_describe_disk_error(error), is_foreseen=error.errno in NO_SPACE)
        return super().judge(error)

    def collect_final_fields(self, status: str, error: str) -> dict[str, Any]:
        """Close the run's log with the sentence that says why it ended early."""
        if sentence := "Cancelled." if status == Status.CANCELLED else error:
            self._reporter.say(sentence)
        return {"log": self._reporter.log}

    def clean_up(self, job: TrainingRun) -> None:
        fit_jobs.remove_ended()
        seconds = None
        if job.started_at and job.finished_at:
            seconds = (job.finished_at - job.started_at).total_seconds()
        telemetry.count_training(job.status, seconds)


def _describe_disk_error(error: OSError) -> str:
    if error.errno in NO_SPACE:
        return f"No space left on the disk of {settings.ARTIFACTS_DIR}; the version that serves is not touched."
    return f"{error.strerror or error}: {error.filename or settings.ARTIFACTS_DIR}"


def _train(run: TrainingRun, reporter: Reporter) -> None:
    """The whole pipeline. A run taken up again after its version was registered goes on from there."""
    version, rows = ModelVersion.objects.filter(training_run=run).first(), None
    if version is None:
        if training_requests.is_for_cluster(run.options):
            version = train_on_cluster(run, reporter)
        else:
            version, rows = train_version(run, reporter)
    if not version.gate_reason and run.options.get("activate", True):
        reporter.enter("activating")
        registry.activate(version, by=run.requested_by, reason=Activation.Reason.TRAINED)
        reporter.say(f"{version.name} is active.")
        _precompute(version, rows, run, reporter)
    beyond_index.rebuild_index()
    pruned = registry.prune()
    if pruned:
        reporter.say(f"The files of {', '.join(v.name for v in pruned)} were removed.")


def _precompute(
    version: ModelVersion, rows: TrainingRows | None, run: TrainingRun, reporter: Reporter
) -> None:
    """Compute lists ahead of time. Cancelling here keeps the version: lists are then made live."""
    if not run.options.get("precompute", True):
        return
    on_progress = reporter.enter("precomputing")
    job = background_jobs.request_lists(version)
    lease = jobs.claim_job(BackgroundJob, job.pk)
    if lease is None:
        reporter.say(f"Its lists are being computed by job #{job.pk}.")
        return
    # A row of its own: when this process is killed, any worker goes on behind the last list that is written.
    with jobs.Heartbeat(lease):
        try:
            if training_requests.is_for_cluster(run.options):
                n_lists = list_jobs.precompute_on_cluster(
                    version, on_progress=on_progress, keep=partial(keep, lease)
                )
            else:
                n_lists = precompute.precompute(
                    version,
                    rows=rows,
                    on_progress=on_progress,
                    after=job.cursor,
                    keep=partial(keep, lease),
                )
        except Cancelled:
            lease.finish(Status.CANCELLED)
            reporter.say("Precomputing was stopped; lists are made when somebody asks.")
        except LostLease:
            reporter.say(f"Its lists are being computed by job #{job.pk}.")
        else:
            lease.finish(Status.SUCCEEDED, progress=1.0)
            reporter.say(f"Precomputed {n_lists:,} list{pluralize(n_lists)}.")
