"""Lists, generated playlists and trends as jobs: one row, turns, and going on after a kill."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from catalog.models import Playlist
from common import jobs
from recommendations import tasks
from recommendations.models import BackgroundJob, ListenerState, RecommendationList, TrainingRun
from recommendations.services.jobs import background_jobs
from recommendations.services.serving import precompute
from recommendations.services.surfaces import generated_playlists
from recommendations.services.training import pipeline
from recommendations.services.versions import registry
from recommendations.services.workloads import background_work
from tests.recommendations.conftest import N_LISTENERS, train

Kind = BackgroundJob.Kind
Status = BackgroundJob.Status


@pytest.fixture
def messages(monkeypatch):
    """The wake-ups that were sent: names of tasks with the number of the row."""
    messages = []
    monkeypatch.setattr(
        tasks,
        "send_wake_up",
        lambda task, *args: messages.append((task.name.rsplit(".")[-1], *args)),
    )
    return messages


def n_lists(version) -> int:
    return RecommendationList.objects.filter(version=version).count()


def dead_owner() -> str:
    """A process of this machine that is not there: no process has this start time."""
    host, pid, _start, unique = jobs.get_owner_name().rsplit(":", 3)
    return f"{host}:{pid}:1:{unique}"


def test_one_job_of_a_kind_is_under_way(version):
    """T08"""
    lists = background_jobs.request_lists(version)
    assert background_jobs.request_lists(version) == lists
    assert background_jobs.request_playlists() == background_jobs.request_playlists()
    assert background_jobs.request_trends() != lists
    assert BackgroundJob.objects.active().count() == 3


def test_a_message_delivered_five_times_does_the_work_once(version):
    """T09"""
    job = background_jobs.request_lists(version)
    ended = [background_work.run(job.pk) for _ in range(5)]
    assert ended == [job, None, None, None, None]
    assert (ended[0].status, ended[0].n_done, n_lists(version)) == (
        "succeeded",
        N_LISTENERS,
        N_LISTENERS,
    )


def test_activating_by_any_way_asks_for_lists(version):
    first = version
    train()
    second = registry.require_active()
    assert second != first
    assert not BackgroundJob.objects.exists()
    registry.roll_back()
    assert [job.version for job in BackgroundJob.objects.active()] == [first]
    registry.activate(second)
    assert {job.version for job in BackgroundJob.objects.active()} == {first, second}


def test_lists_are_computed_in_turns_and_each_goes_on_behind_the_last(version, settings, messages):
    """T66, T67: a long computation gives way; what is written stays."""
    settings.JOB_SLICE_SECONDS = 0
    settings.PRECOMPUTE_BATCH = 15
    job = background_jobs.request_lists(version)
    counts = []
    while tasks.run_background_job() == Status.QUEUED:
        job.refresh_from_db()
        counts.append(n_lists(version))
        assert job.cursor == max(RecommendationList.objects.values_list("listener_id", flat=True))
        assert job.attempt == 0
        assert messages.pop() == ("run_background_job", job.pk)
    assert counts[:2] == [15, 30]
    assert n_lists(version) == N_LISTENERS
    job.refresh_from_db()
    assert (job.status, job.n_done) == (Status.SUCCEEDED, N_LISTENERS)


def test_after_a_kill_the_lists_go_on_behind_the_last_one_written(version, settings, monkeypatch):
    """T01: given a computation that dies after its second batch, then another worker computes the rest only."""
    settings.PRECOMPUTE_BATCH = 10
    job = background_jobs.request_lists(version)
    real, computed = precompute.compute_lists, []

    def dies_at_the_third(recommender, some, *args):
        if len(computed) == 2:
            raise KeyboardInterrupt
        computed.append(list(some.listener_ids))
        return real(recommender, some, *args)

    with monkeypatch.context() as patched:
        patched.setattr(precompute, "compute_lists", dies_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            background_work.run(job.pk, dead_owner())
    assert n_lists(version) == 20
    assert background_jobs.sweep().requeued == [job]

    monkeypatch.setattr(
        precompute,
        "compute_lists",
        lambda *args: computed.append(list(args[1].listener_ids)) or real(*args),
    )
    assert background_work.run(job.pk).status == Status.SUCCEEDED
    assert n_lists(version) == N_LISTENERS
    listeners = [listener for batch in computed for listener in batch]
    assert len(listeners) == len(set(listeners)) == N_LISTENERS


def test_a_worker_that_lost_the_job_writes_no_lists(version, settings, monkeypatch):
    """T10"""
    job = background_jobs.request_lists(version)
    real = precompute.compute_lists

    def overtaken(*args):
        BackgroundJob.objects.filter(pk=job.pk).update(owner="another:1:1:a", attempt=2)
        return real(*args)

    monkeypatch.setattr(precompute, "compute_lists", overtaken)
    assert background_work.run(job.pk).owner == "another:1:1:a"
    assert n_lists(version) == 0


def test_a_job_that_kills_its_worker_every_time_has_failed(version, settings):
    """T66"""
    settings.JOB_ATTEMPTS = 2
    job = background_jobs.request_lists(version)
    for _ in range(2):
        assert jobs.claim_job(BackgroundJob, job.pk, dead_owner())
        swept = background_jobs.sweep()
    assert swept.failed == [job]
    job.refresh_from_db()
    assert "stopped without a word in 2 attempts" in job.error


def test_cancelling_stops_the_lists_and_keeps_those_that_are_written(
    version, settings, monkeypatch
):
    """T11"""
    monkeypatch.setattr("common.jobs.reporter.LOOK_EVERY", 0.0)
    settings.PRECOMPUTE_BATCH = 10
    job = background_jobs.request_lists(version)
    real = precompute.compute_lists

    def asked_to_stop(*args):
        BackgroundJob.objects.filter(pk=job.pk).update(cancel_requested=True)
        return real(*args)

    monkeypatch.setattr(precompute, "compute_lists", asked_to_stop)
    assert background_work.run(job.pk).status == Status.CANCELLED
    assert n_lists(version) <= 10


def test_a_training_killed_at_its_lists_leaves_the_rest_to_any_worker(world, settings, monkeypatch):
    """T01: the training ends, and the lists are computed behind the last one that was written."""
    settings.PRECOMPUTE_BATCH = 10
    real, n_batches = precompute.compute_lists, []

    def dies_at_the_third(*args):
        n_batches.append(1)
        if len(n_batches) == 3:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patched:
        patched.setattr(precompute, "compute_lists", dies_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            train(precompute=True)
    version = registry.require_active()
    BackgroundJob.objects.update(owner=dead_owner())
    run = TrainingRun.objects.get()
    TrainingRun.objects.update(status=TrainingRun.Status.QUEUED)
    assert pipeline.run_training(run.pk).status == TrainingRun.Status.SUCCEEDED
    assert n_lists(version) == 20
    (job,) = background_jobs.sweep().requeued
    assert background_work.run(job.pk).status == Status.SUCCEEDED
    assert n_lists(version) == N_LISTENERS


def test_lists_are_made_for_who_was_active_lately(version, settings):
    """T79: who has been away gets a list at the next visit, not every night."""
    long_ago = timezone.now() - timedelta(days=90)
    away = list(User.objects.filter(username__startswith="user_").order_by("pk")[:5])
    User.objects.filter(pk__in=[one.pk for one in away]).update(
        date_joined=long_ago, last_login=None
    )
    ListenerState.objects.filter(listener__in=away).update(changed_at=long_ago)
    assert precompute.precompute(version) == N_LISTENERS - 5
    User.objects.filter(pk=away[0].pk).update(last_login=timezone.now())
    assert precompute.precompute(version) == N_LISTENERS - 4
    settings.LISTS_ACTIVE_DAYS = 0
    assert precompute.precompute(version) == N_LISTENERS


def test_playlists_are_made_in_turns(version, settings, messages, monkeypatch):
    settings.JOB_SLICE_SECONDS = 0
    listener_ids = []
    monkeypatch.setattr(
        generated_playlists,
        "make_all",
        lambda listener, day: listener_ids.append(listener.pk) or [],
    )
    tasks.make_playlists()
    job = BackgroundJob.objects.get()
    assert messages == [("run_background_job", job.pk)]
    while tasks.run_background_job() == Status.QUEUED:
        pass
    job.refresh_from_db()
    assert (job.status, job.n_done) == (Status.SUCCEEDED, N_LISTENERS)
    assert listener_ids == sorted(set(listener_ids))
    assert not Playlist.objects.exists()


def test_waiting_jobs_are_swept_to_their_queues(version, messages):
    lists, counted = background_jobs.request_lists(version), background_jobs.request_trends()
    tasks.sweep_background_jobs()
    assert sorted(messages) == [("count_trends", counted.pk), ("run_background_job", lists.pk)]


def test_no_time_limit_ends_a_job_and_one_ends_a_short_task(settings):
    """The lease decides about a long training; a mail or a sweep that hangs is killed."""
    from accounts.tasks import send_password_reset
    from catalog.tasks import run_import, sweep_imports

    assert not getattr(settings, "CELERY_TASK_TIME_LIMIT", None)
    for job in (tasks.train, tasks.run_background_job, tasks.count_trends):
        assert job.time_limit is None
    for short in (
        tasks.sweep,
        tasks.retrain,
        tasks.make_playlists,
        send_password_reset,
        sweep_imports,
        run_import,
    ):
        assert short.time_limit <= 900


def test_nothing_long_runs_where_mail_is_sent(settings):
    """T67: mails wait for no import, list or training."""
    from musicrec_site.celery import app

    def queue(name: str) -> str:
        return app.amqp.router.route({}, name)["queue"].name

    assert queue("accounts.tasks.send_password_reset") == "mail"
    assert queue("catalog.tasks.run_import") == "imports"
    assert queue("recommendations.tasks.run_background_job") == "lists"
    assert (
        queue("recommendations.tasks.train")
        == queue("recommendations.tasks.count_trends")
        == "training"
    )
    assert queue("recommendations.tasks.sweep") == queue("catalog.tasks.sweep_imports") == "default"
