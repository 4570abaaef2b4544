"""A tiny world in the database, and a model trained on it by the real pipeline."""

import pytest
from django.core.cache import cache

from accounts.models import User
from catalog.models import Song
from recommendations.engine.synthetic.world import World
from recommendations.models import ModelVersion, TrainingRun
from recommendations.services.data import demo_world
from recommendations.services.training import pipeline, training_requests
from recommendations.services.versions import registry
from tests.snapshots import restore_or_build

N_LISTENERS, N_SONGS = 40, 60


@pytest.fixture(autouse=True)
def own_artifacts(settings, tmp_path):
    """Each test has its own folder of artifacts."""
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ARTIFACTS_DIR.mkdir()
    cache.clear()


@pytest.fixture
def world(db, own_artifacts, snapshots_folder) -> World:
    return restore_or_build("tiny", _build_world, snapshots_folder)


def _build_world() -> World:
    tiny = World(n_listeners=N_LISTENERS, n_songs=N_SONGS, seed=3)
    demo_world.seed_database(tiny)
    return tiny


def train(preset: str | None = None, **options) -> TrainingRun:
    """Train as the worker does and return the ended run; without the slow parts unless they are asked for."""
    requested = {"evaluate": False, "precompute": False} | options
    chosen = {} if preset is None else {"preset": preset}
    run = training_requests.request_training(
        trigger=TrainingRun.Trigger.COMMAND, options=requested, **chosen
    )
    return pipeline.run_training(run.pk)


@pytest.fixture
def version(world, settings, snapshots_folder) -> ModelVersion:
    """The active version of a model trained on the tiny world."""
    restore_or_build("tiny-trained", train, snapshots_folder, settings.ARTIFACTS_DIR)
    return registry.require_active()


@pytest.fixture
def listener(world) -> User:
    return User.objects.get(username="user_00001")


@pytest.fixture
def song(world) -> Song:
    return Song.objects.get(key="song_00001")
