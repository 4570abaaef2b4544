"""What is done otherwise for many listeners: a sample is measured, and the nights between begin warm."""

import numpy as np
import pytest

from catalog.models import Interaction
from recommendations import tasks
from recommendations.engine import PRESETS
from recommendations.engine.synthetic.world import World
from recommendations.models import ListenerState, ModelVersion, RecommendationList, TrainingRun
from recommendations.services.data import demo_world
from recommendations.services.jobs import background_jobs
from recommendations.services.serving import list_cache, precompute
from recommendations.services.training import pipeline, training_requests
from recommendations.services.versions import registry
from recommendations.services.workloads import background_work
from tests.recommendations.conftest import N_LISTENERS, N_SONGS

Trigger = TrainingRun.Trigger


@pytest.fixture(autouse=True)
def many_are_forty(settings):
    settings.SAMPLE_LISTENERS_FROM = N_LISTENERS
    settings.WARM_STARTS = 2


def train_large(trigger: str = Trigger.COMMAND) -> ModelVersion:
    run = pipeline.run_training(
        training_requests.request_training(preset="large", trigger=trigger).pk
    )
    assert run.status == TrainingRun.Status.SUCCEEDED, run.error
    return ModelVersion.objects.get(training_run=run)


def test_a_first_training_measures_a_sample_and_fits_the_rest_from_there(world):
    version = train_large()
    assert version.metrics["report"]["split"] == "sample"
    assert version.metadata["warm_started"] == ["als"]
    assert version.metadata["n_events"] == Interaction.objects.count()


def test_nights_begin_warm_and_now_and_then_everything_is_learned_anew(world):
    versions = [train_large()] + [train_large(Trigger.SCHEDULE) for _ in range(3)]
    assert [bool(version.metrics) for version in versions] == [True, False, False, True]
    log = TrainingRun.objects.get(version=versions[2]).log
    assert f"Begins with what {versions[1].name} learned, and is not measured." in log


def test_who_asks_for_a_training_gets_a_whole_one(world):
    train_large()
    assert train_large(Trigger.ADMIN).metrics


def test_another_preset_or_a_small_site_begins_with_nothing(world, settings):
    train_large()
    settings.SAMPLE_LISTENERS_FROM = N_LISTENERS + 1
    again = train_large(Trigger.SCHEDULE)
    assert "warm_started" not in again.metadata
    assert again.metrics["report"]["split"] == "random"


def test_songs_keep_their_direction_over_a_warm_night(world):
    """Two fits from nothing turn the factors at random; a warm one begins where the last one ended."""
    before, after = (
        registry.load_recommender(train_large(trigger))
        .algorithms["als"]
        .item_vectors(np.arange(N_SONGS))
        for trigger in (Trigger.COMMAND, Trigger.SCHEDULE)
    )
    is_known = (np.abs(before).sum(axis=1) > 0) & (np.abs(after).sum(axis=1) > 0)
    assert np.median((before * after).sum(axis=1)[is_known]) > 0.8


# --- Weights are found on the site's own listeners -------------------------------------------------------------------


@pytest.fixture
def crowd(db, settings):
    """More listeners than are measured, so that others can be asked which weights find more."""
    settings.EVALUATION_LISTENERS = 60
    demo_world.seed_database(World(n_listeners=400, n_songs=N_SONGS, seed=3))


def test_a_training_finds_weights_says_so_and_the_next_nights_keep_them(crowd):
    first = train_large()
    given, log = PRESETS["large"].weights, TrainingRun.objects.get(version=first).log
    record = first.metadata["found_weights"]
    assert 60 <= record["n_listeners"] <= 120  # three have songs held out for each who is measured
    assert first.config["weights"] == record["weights"] != given
    assert first.config["weights"]["cold"] == given["cold"]
    assert f"on {record['n_listeners']} listeners" in log

    night = train_large(Trigger.SCHEDULE)
    assert "warm_started" in night.metadata and not night.metrics
    assert night.config["weights"] == first.config["weights"]


def test_found_weights_are_no_other_configuration_that_would_be_fitted_beside_it(crowd):
    train_large()
    assert train_large().metrics["champion_ndcg_10"] is None


# --- Lists are made once ----------------------------------------------------------------------------------------------


def test_the_job_makes_only_lists_that_are_missing_or_outdated(version, listener, monkeypatch):
    """After a training made everybody's list the schedule's job made them all a second time."""
    assert precompute.precompute(version) == N_LISTENERS
    list_cache.invalidate_lists([listener.pk])
    other = RecommendationList.objects.exclude(listener=listener).first()
    other.delete()
    job = background_jobs.request_lists(version)
    background_work.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.n_done) == ("succeeded", 2)
    generation = ListenerState.objects.get(listener=listener).generation
    assert RecommendationList.objects.get(listener=listener).generation == generation
    assert RecommendationList.objects.count() == N_LISTENERS


def test_the_schedule_asks_for_no_list_twice(version):
    precompute.precompute(version)
    computed_at = dict(RecommendationList.objects.values_list("listener_id", "computed_at"))
    tasks.precompute_lists()
    tasks.run_background_job()
    assert dict(RecommendationList.objects.values_list("listener_id", "computed_at")) == computed_at
