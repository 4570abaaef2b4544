"""A new version of the model, learned on a Spark cluster: submit, measure, register."""

import time

import numpy as np
from scipy.sparse import csr_matrix

from recommendations.engine import (
    Heard,
    Interactions,
    NotEnoughData,
    Recommender,
    Split,
)
from recommendations.models import ModelVersion, TrainingRun
from recommendations.services.cluster import fit_jobs, shard_tasks, submission
from recommendations.services.cluster.job_folder import FINAL, MEASURED, JobFolder, Progress
from recommendations.services.training.evaluation_result import Evaluation
from recommendations.services.training.index_building import build_indexes
from recommendations.services.training.new_version import (
    keep_measured,
    register_version,
    say_measured,
)
from recommendations.services.training.offline_evaluation import measure_sample
from recommendations.services.training.progress import Reporter
from recommendations.services.training.training_requests import load_config

_PARTS = {MEASURED: "evaluating", FINAL: "fitting"}


def train_on_cluster(run: TrainingRun, reporter: Reporter) -> ModelVersion:
    """Train on the cluster; the artifact is what a training in this process saves.

    A run that is taken up again goes on behind the last stage that was finished.
    """
    config = load_config(run.preset, run.options)
    seed = int(run.options.get("seed", 0))
    on_read = reporter.enter("reading")
    folder = fit_jobs.prepare(
        run.pk,
        config,
        seed,
        is_measured=run.options.get("evaluate", True),
        on_read=lambda done, total: on_read("reading", done, total),
    )
    started = time.perf_counter()
    _run_job(folder, reporter)
    fit_seconds = time.perf_counter() - started
    reporter.say(f"The cluster fitted {config.name} in {fit_seconds:.0f} s.")
    evaluation = _measure(folder, seed, reporter)
    recommender = Recommender.load(folder.path / FINAL)
    for sentence in build_indexes(recommender, None, seed, reporter.enter("fitting")):
        reporter.say(sentence)
    # of an earlier attempt where its folder was gone on with: that is what was learned from
    request = folder.read_request()
    recommender.metadata |= {"read_at": request.read_at, "open_receipts": request.open_receipts}
    keep_measured(recommender, evaluation)
    version = register_version(
        run, request.last_interaction_id, recommender, fit_seconds, evaluation, reporter
    )
    folder.remove()
    return version


def _run_job(folder: JobFolder, reporter: Reporter) -> None:
    phase, on_progress = "", reporter.enter("reading")

    def follow(progress: Progress) -> None:
        nonlocal phase, on_progress
        wanted = _PARTS.get(progress.fit, "reading")
        if wanted != phase:
            phase, on_progress = wanted, reporter.enter(wanted)
        on_progress(progress.stage, progress.done, progress.total)

    result = submission.run_job(folder, follow)
    if "not_enough_data" in result:
        raise NotEnoughData(result["not_enough_data"])


def _measure(folder: JobFolder, seed: int, reporter: Reporter) -> Evaluation | None:
    if not folder.read_request().held_out_share:
        return None
    on_progress = reporter.enter("evaluating")
    fitted = Recommender.load(folder.path / MEASURED)
    build_indexes(fitted, None, seed, on_progress)
    survey = shard_tasks.read_survey(folder, MEASURED)
    evaluation = measure_sample(
        fitted,
        read_split(folder, fitted, seed),
        Heard(survey.n_liked, survey.n_who_like),
        seed=seed,
        on_progress=on_progress,
    )
    say_measured(evaluation, reporter)
    return evaluation


def read_split(folder: JobFolder, fitted: Recommender, seed: int) -> Split:
    sample = folder.read_arrays(f"{MEASURED}-sample")
    given = Interactions.from_ids(
        sample["listener"],
        fitted.item_ids[sample["item"]],
        kinds=sample["kind"],
        plays=sample["plays"],
        played_share=sample["share"],
        timestamps=sample["moment"],
        all_item_ids=fitted.item_ids,
    )
    rows = given.listeners.rows(sample["test_listener"])
    is_known = rows >= 0
    test = csr_matrix(
        (np.ones(is_known.sum(), dtype=bool), (rows[is_known], sample["test_item"][is_known])),
        shape=(given.n_listeners, fitted.n_items),
    )
    return Split("sample", given, test, given, seed)
