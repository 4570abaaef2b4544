"""Jobs of a cluster from this side, without one: what is asked, what is refused, what a lost driver leaves."""

import json
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Interaction
from recommendations import tasks
from recommendations.engine import CLASSIC, PRESETS, Recommender, Weighting, shards
from recommendations.engine.core.weighting import cap_strengths
from recommendations.models import (
    ForgettingReceipt,
    ListenerControl,
    ModelVersion,
    RecommendationList,
    TrainingRun,
)
from recommendations.services.cluster import (
    fit_jobs,
    list_jobs,
    list_task,
    shard_tasks,
    submission,
)
from recommendations.services.cluster.job_folder import FINAL, MEASURED, JobFolder, Progress
from recommendations.services.cluster.shard_reader import ShardReader, choose_listeners
from recommendations.services.data import column_store, training_rows
from recommendations.services.serving import precompute
from recommendations.services.training import pipeline, training_requests
from recommendations.services.versions import deletion_receipts
from tests.recommendations.conftest import N_LISTENERS, N_SONGS
from tests.waiting import wait_for


@pytest.fixture(autouse=True)
def own_cluster(settings, tmp_path, monkeypatch):
    """A folder of its own, and several shards."""
    settings.CLUSTER_DIR = tmp_path / "cluster"
    settings.SPARK_MASTER = "spark://127.0.0.1:9"
    monkeypatch.setattr(column_store, "ROWS_A_PARTITION", 500)


def prepare(run_id: int = 1, **options) -> JobFolder:
    return fit_jobs.prepare(
        run_id,
        seed=3,
        on_read=lambda done, total: None,
        **{"is_measured": True, "config": PRESETS["large"]} | options,
    )


def write_submit_script(settings, tmp_path, script: str) -> None:
    """Let spark-submit be this shell script; it gets the job's folder as $folder."""
    home = tmp_path / "spark"
    (home / "bin").mkdir(parents=True)
    (home / "lib/python3.11/site-packages/pyspark").mkdir(parents=True)
    program = home / "bin" / "spark-submit"
    # the last two arguments are the folder and the token
    program.write_text(f"#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\nfolder=$1\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    settings.SPARK_PYTHON = str(home / "bin" / "python")


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"SPARK_MASTER": ""}, "SPARK_MASTER is empty"),
        ({"SPARK_PYTHON": "/nowhere/bin/python"}, "no spark-submit beside SPARK_PYTHON"),
    ],
)
def test_a_training_on_no_cluster_is_refused_with_what_is_missing(
    db, settings, changes, sentence, tmp_path
):
    write_submit_script(settings, tmp_path, "exit 0")
    for name, value in changes.items():
        setattr(settings, name, value)
    with pytest.raises(training_requests.TrainingRefused, match=sentence):
        training_requests.request_training(preset="large", options={"engine": "spark"})
    assert not TrainingRun.objects.exists()


def test_an_engine_that_does_not_exist_is_refused(db):
    with pytest.raises(training_requests.TrainingRefused, match="no engine 'dask'"):
        training_requests.request_training(preset="large", options={"engine": "dask"})


def test_a_preset_that_learns_an_order_is_refused(db, settings, tmp_path):
    write_submit_script(settings, tmp_path, "exit 0")
    with pytest.raises(training_requests.TrainingRefused, match="train large there"):
        training_requests.request_training(preset="standard", options={"engine": "spark"})


@pytest.mark.parametrize("options", ["executor.memory=1g", "spark.executor.memory"])
def test_options_that_are_no_options_are_named(settings, options):
    settings.SPARK_OPTIONS = options
    with pytest.raises(submission.ClusterUnavailable, match=options):
        submission._read_options()


def test_options_with_blanks_are_quoted(settings):
    settings.SPARK_OPTIONS = "spark.cores.max=8 'spark.executor.extraJavaOptions=-Xss4m -ea'"
    assert submission._read_options() == {
        "spark.cores.max": "8",
        "spark.executor.extraJavaOptions": "-Xss4m -ea",
    }


def test_the_schedule_asks_where_it_is_told_to(world, settings, tmp_path):
    settings.SCHEDULED_ENGINE, settings.SCHEDULED_PRESET = "spark", "large"
    write_submit_script(settings, tmp_path, "exit 0")
    tasks.retrain()
    assert TrainingRun.objects.get().options == {"engine": "spark"}


def test_a_schedule_that_cannot_reach_a_cluster_says_so(world, settings):
    settings.SCHEDULED_ENGINE, settings.SCHEDULED_PRESET = "spark", "large"
    settings.SPARK_MASTER = ""
    assert "SPARK_MASTER is empty" in tasks.retrain()
    assert not TrainingRun.objects.exists()


# --- What is asked ----------------------------------------------------------------------------------------------------


def test_the_shards_together_are_what_a_training_reads(world, listener, song):
    ListenerControl.objects.create(
        listener=listener, song=song, kind=ListenerControl.Kind.IGNORE_SONG
    )
    reader = ShardReader(prepare())
    assert reader.n_shards > 1
    events = [reader.read(number) for number in range(reader.n_shards)]
    rows = training_rows.read()
    assert sum(share.n_events for share in events) == rows.interactions.n_events
    ours = sorted(
        zip(
            np.concatenate([share.listeners.ids[share.listener_rows] for share in events]).tolist(),
            np.concatenate([share.items.ids[share.item_rows] for share in events]).tolist(),
            np.concatenate([share.timestamps for share in events]).tolist(),
            np.concatenate([share.kinds for share in events]).tolist(),
            strict=True,
        )
    )
    whole = rows.interactions
    theirs = sorted(
        zip(
            whole.listeners.ids[whole.listener_rows].tolist(),
            whole.items.ids[whole.item_rows].tolist(),
            whole.timestamps.tolist(),
            whole.kinds.tolist(),
            strict=True,
        )
    )
    assert ours == theirs


def test_the_songs_arrive_as_they_are(world):
    folder = prepare()
    ours, theirs = folder.read_features(), training_rows.read().features
    np.testing.assert_array_equal(ours.audio, theirs.audio)
    np.testing.assert_array_equal(ours.artist, theirs.artist)
    np.testing.assert_array_equal(ours.genres.toarray(), theirs.genres.toarray())
    np.testing.assert_array_equal(ours.year, theirs.year)
    assert ours.n_items == N_SONGS


def test_the_job_keeps_its_events_while_the_copy_changes(world, listener):
    folder = prepare()
    before = folder.store.read_manifest().n_rows
    listener.delete()
    assert folder.store.read_manifest().n_rows == before


def test_a_later_attempt_finds_its_folder_until_one_of_its_listeners_leaves(world, listener):
    folder = prepare()
    survey_all(folder, FINAL)
    survey = shard_tasks.read_survey(folder, FINAL)
    assert survey.n_listeners == N_LISTENERS
    more = Interaction.objects.filter(listener=listener).first()
    more.pk, more.occurred_at = None, more.occurred_at + timedelta(days=1)
    more.save()
    n_before = folder.store.read_manifest().n_rows
    assert prepare().store.read_manifest().n_rows == n_before
    User.objects.filter(pk=listener.pk).update(personalised=False)
    again = prepare()
    assert not again.has_arrays(f"{FINAL}-survey")
    assert listener.pk not in [
        listener_id
        for number in range(ShardReader(again).n_shards)
        for listener_id in ShardReader(again).read(number).listeners.ids
    ]


def test_a_folder_is_discarded_when_something_was_deleted_since_its_events_were_read(
    world, listener
):
    """A listener who stays, and deletes a play: only a receipt says so."""
    folder = prepare()
    survey_all(folder, FINAL)
    request = folder.read_request()
    assert request.open_receipts == {}
    again = prepare()
    assert again.has_arrays(f"{FINAL}-survey") and again.read_request() == request
    play = Interaction.objects.filter(listener=listener).first()
    n_before = folder.store.read_manifest().n_rows
    interactions.delete_interaction(listener, play.pk)
    (receipt,) = deletion_receipts.list_open().items()
    again = prepare()
    assert not again.has_arrays(f"{FINAL}-survey")
    assert again.store.read_manifest().n_rows == n_before - 1
    assert dict([receipt]) == again.read_request().open_receipts
    assert again.read_request().read_at > request.read_at


def test_a_deletion_is_seen_though_another_training_has_confirmed_it(world, listener):
    folder = prepare()
    survey_all(folder, FINAL)
    deletion_receipts.issue_receipt(ForgettingReceipt.Kind.LISTENS, 1, listener.pk)
    ForgettingReceipt.objects.update(confirmed_at=timezone.now())
    assert not prepare().has_arrays(f"{FINAL}-survey")


def test_a_version_says_when_the_events_of_an_earlier_attempt_were_read(
    world, listener, settings, tmp_path, monkeypatch
):
    """It used to say when the last attempt began, and so confirmed deletions that it had never seen."""
    write_submit_script(settings, tmp_path, "exit 0")
    run = training_requests.request_training(
        preset="large", options={"engine": "spark", "evaluate": False, "precompute": False}
    )
    first = prepare(run.pk, is_measured=False)
    survey_all(first, FINAL)
    request = first.read_request()

    def fit_here(folder: JobFolder, on_progress) -> dict:
        assert folder.has_arrays(f"{FINAL}-survey")
        deletion_receipts.issue_receipt(ForgettingReceipt.Kind.LISTENS, 1, listener.pk)
        rows = training_rows.read()
        fitted = Recommender(PRESETS["large"]).fit(rows.interactions, rows.features)
        fitted.save(folder.path / FINAL)
        return {}

    monkeypatch.setattr(submission, "run_job", fit_here)
    assert pipeline.run_training(run.pk).status == TrainingRun.Status.SUCCEEDED
    version = ModelVersion.objects.get(training_run=run)
    assert version.metadata["read_at"] == request.read_at
    assert version.metadata["open_receipts"] == {}
    assert ForgettingReceipt.objects.get().confirmed_at is None


def test_a_folder_of_an_older_release_is_gone_on_with_only_where_nothing_was_ever_deleted(
    world, listener
):
    folder = prepare()
    survey_all(folder, FINAL)
    path = folder.path / "request.json"
    stored = json.loads(path.read_text())
    del stored["request"]["read_at"], stored["request"]["open_receipts"]
    path.write_text(json.dumps(stored))
    assert prepare().has_arrays(f"{FINAL}-survey")
    receipt = deletion_receipts.issue_receipt(ForgettingReceipt.Kind.LISTENS, 1, listener.pk)
    ForgettingReceipt.objects.update(confirmed_at=receipt.requested_at)
    assert not prepare().has_arrays(f"{FINAL}-survey")


def test_threads_of_one_process_may_write_the_same_file(tmp_path):
    """The driver's watch and its main thread both write how far it is."""
    folder = JobFolder(tmp_path / "job")
    folder.path.mkdir()
    written = [Progress(FINAL, "sums", number, 400) for number in range(400)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(folder.write_progress, written))
    assert folder.read_progress() in written
    assert [path.name for path in folder.path.iterdir()] == ["progress.json"]


def test_folders_of_trainings_that_are_over_are_removed(world):
    run = TrainingRun.objects.create(preset="large")
    kept, ended = prepare(run.pk), prepare(run.pk + 1)
    lists = fit_jobs.get_root() / "lists-1"
    lists.mkdir()
    assert fit_jobs.remove_ended() == [ended.path.name]
    assert kept.is_complete and lists.exists() and not ended.path.exists()
    training_requests.cancel(run)
    assert set(fit_jobs.remove_ended()) == {kept.path.name, "lists-1"}
    assert not kept.path.exists() and not lists.exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_about_a_share_of_listeners_is_chosen_whatever_shard_they_are_in(share):
    ids = np.arange(1, 20_001)
    chosen = choose_listeners(ids, share, seed=4)
    # four standard deviations of a binomial
    assert abs(chosen.mean() - share) <= 4 * np.sqrt(share * (1 - share) / len(ids))
    np.testing.assert_array_equal(choose_listeners(ids[::7], share, seed=4), chosen[::7])


def test_another_seed_chooses_others():
    ids = np.arange(1, 20_001)
    first, second = (choose_listeners(ids, 0.5, seed) for seed in (1, 2))
    # of two independent halves half agree, within four standard deviations
    assert abs((first == second).mean() - 0.5) <= 4 * 0.5 / np.sqrt(len(ids))


# --- What the machines do with it, here in one process ----------------------------------------------------------------


def survey_all(folder: JobFolder, fit: str) -> None:
    shares = [
        shard_tasks.unpack_survey(
            shard_tasks.unpack_arrays(shard_tasks.survey_shard(str(folder.path), fit, number))
        )
        for number in range(ShardReader(folder).n_shards)
    ]
    joined = shards.Survey.join(shares)
    by_shard = np.array([share.n_listeners for share in shares])
    folder.write_arrays(
        f"{fit}-survey", shard_tasks.pack_survey(joined) | {"listeners_by_shard": by_shard}
    )
    sums = [
        shard_tasks.unpack_arrays(shard_tasks.sum_shard(str(folder.path), fit, number))
        for number in range(len(shares))
    ]
    folder.write_arrays(
        f"{fit}-sums", {name: np.sum([each[name] for each in sums], axis=0) for name in sums[0]}
    )


def test_the_sums_of_the_tasks_are_what_one_process_learns(world):
    folder = prepare()
    survey_all(folder, FINAL)
    path, survey = str(folder.path), shard_tasks.read_survey(folder, FINAL)
    whole = Recommender(PRESETS["large"]).fit(training_rows.read().interactions)
    sums = folder.read_arrays(f"{FINAL}-sums")
    np.testing.assert_allclose(
        sums["popularity.trend"], whole.algorithms["popularity"].trend_, rtol=1e-5
    )
    crowd = survey.describe_crowd(float(sums["n_shared"][0]))
    assert crowd == whole.metadata["crowd"]
    packed = [
        share
        for number in range(ShardReader(folder).n_shards)
        for _, share in shard_tasks.count_shard(path, FINAL, "item_knn", number)
    ]
    block = shard_tasks.select_block(path, FINAL, "item_knn", 0, packed)
    links = shards.join_links([shard_tasks.unpack_rows(0, block)], survey.n_items)
    theirs = whole.algorithms["item_knn"].links_
    for row in range(survey.n_items):
        np.testing.assert_allclose(
            np.sort(links[[row]].data), np.sort(theirs[[row]].data), rtol=1e-4
        )


def test_ratings_are_those_that_implicit_gets_and_no_listener_has_another_ones_number(world):
    # whose transform leaves the sizes of strengths as they are
    folder = prepare(config=CLASSIC)
    survey_all(folder, FINAL)
    first, ratings = 0, []
    for number in range(ShardReader(folder).n_shards):
        ratings.append(shard_tasks.rate_shard(str(folder.path), FINAL, "als", number, first))
        first += int(folder.read_arrays(f"{FINAL}-survey")["listeners_by_shard"][number])
    users = np.concatenate([share["user"] for share in ratings])
    assert first == N_LISTENERS
    assert sum(len(np.unique(share["user"])) for share in ratings) == len(np.unique(users))
    whole = cap_strengths(training_rows.read().interactions.to_matrix(Weighting()))
    together = np.concatenate([share["rating"] for share in ratings])
    np.testing.assert_array_equal(np.sort(together), np.sort(whole.data))


def test_what_is_held_out_of_the_sample_is_not_learned_from(world):
    folder = prepare()
    survey_all(folder, MEASURED)
    split = ShardReader(folder)
    survey = shard_tasks.read_survey(folder, MEASURED)
    n_events = n_test = 0
    for number in range(split.n_shards):
        sample = shard_tasks.unpack_arrays(shard_tasks.sample_shard(str(folder.path), number))
        given = set(zip(sample["listener"].tolist(), sample["item"].tolist(), strict=True))
        test = set(zip(sample["test_listener"].tolist(), sample["test_item"].tolist(), strict=True))
        assert not given & test
        n_test += len(test)
        n_events += split.read(number).n_events
    assert n_test >= N_LISTENERS
    assert survey.n_events < n_events


def test_lists_are_those_that_a_worker_makes(version, listener, song, monkeypatch):
    ListenerControl.objects.create(
        listener=listener, song=song, kind=ListenerControl.Kind.HIDE_SONG
    )

    def make_here(folder: JobFolder, on_progress) -> dict:
        for number in range(ShardReader(folder).n_shards):
            list_task.list_shard(str(folder.path), number)
        return {}

    monkeypatch.setattr(submission, "run_job", make_here)
    kept = []
    n_written = list_jobs.precompute_on_cluster(
        version, on_progress=lambda *progress: None, keep=lambda last, n: kept.append((last, n))
    )
    ours = read_lists(version)
    assert n_written == len(ours) == sum(n for _, n in kept) == N_LISTENERS
    assert {last for last, _ in kept} == {0}
    RecommendationList.objects.all().delete()
    precompute.precompute(version)
    theirs = read_lists(version)
    for listener_id, (contributions, *others) in ours.items():
        assert tuple(others) == theirs[listener_id][1:]
        # in millionths: in blocks of other listeners the last digit is rounded otherwise
        np.testing.assert_allclose(contributions, theirs[listener_id][0], atol=5)
    assert not list(fit_jobs.get_root().glob("lists-*"))


def read_lists(version: ModelVersion) -> dict[int, tuple]:
    return {
        row.listener_id: (row.items["contributions"], row.items["ids"], row.segment, row.generation)
        for row in RecommendationList.objects.filter(version=version)
    }


# --- How it ends ------------------------------------------------------------------------------------------------------


def test_a_driver_that_gives_no_result_is_started_three_times_and_its_last_words_are_told(
    world, settings, tmp_path
):
    write_submit_script(settings, tmp_path, 'echo "All masters are unresponsive!" >&2; exit 4')
    run = training_requests.request_training(
        preset="large", options={"engine": "spark", "evaluate": False}
    )
    ended = pipeline.run_training(run.pk)
    assert ended.status == TrainingRun.Status.FAILED
    assert "the driver ended 3 times, the last time with 4" in ended.error
    assert "All masters are unresponsive!" in ended.error
    assert not list(fit_jobs.get_root().glob("training-*"))


def test_a_driver_that_was_killed_is_started_again(world, settings, tmp_path):
    write_submit_script(
        settings,
        tmp_path,
        'if [ -e "$folder/seen" ]; then echo "{}" > "$folder/result.json"; else touch "$folder/seen"; kill -9 $$; fi',
    )
    folder = prepare()
    assert submission.run_job(folder, lambda progress: None) == {}


def test_who_cancels_ends_the_driver_and_all_it_started(world, settings, tmp_path):
    write_submit_script(settings, tmp_path, 'sleep 1000 & echo $! > "$folder/child"; wait')
    folder = prepare()

    class Stopped(Exception):
        pass

    def stop(progress: Progress) -> None:
        if (folder.path / "child").exists() and (folder.path / "child").read_text().strip():
            raise Stopped

    with pytest.raises(Stopped):
        submission.run_job(folder, stop)
    child = (folder.path / "child").read_text().strip()
    wait_for(lambda: not is_running(child))


def is_running(pid: str) -> bool:
    stat_file = Path(f"/proc/{pid}/stat")
    return stat_file.exists() and stat_file.read_text().rpartition(")")[2].split()[0] not in "ZX"


def test_a_job_is_wanted_while_its_asker_shows_signs_of_life(tmp_path, monkeypatch):
    from recommendations.services.cluster import job_folder

    folder = JobFolder(tmp_path)
    assert not folder.is_wanted("a")
    folder.touch("a")
    assert folder.is_wanted("a")
    assert not folder.is_wanted("b")
    monkeypatch.setattr(job_folder, "SILENCE", -1.0)
    assert not folder.is_wanted("a")


def test_what_a_cluster_is_sent_is_complete_and_needs_no_web_framework(tmp_path):
    programs = submission.pack_programs(JobFolder(tmp_path))
    modules = ["cluster.list_task", "cluster.shard_tasks", "cluster.shard_reader"]
    lines = [
        "import sys",
        "sys.modules['django'] = None",
        f"sys.path.insert(0, {str(programs)!r})",
        *(f"import recommendations.services.{module}" for module in modules),
        "print(sys.modules['recommendations'].__file__)",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(programs))
