"""What a saved model holds of a listener goes when the listener goes (T63, T75)."""

import json
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from accounts import services as accounts
from accounts.models import User
from recommendations import tasks
from recommendations.engine import Recommender
from recommendations.engine.artifacts.store import verify
from recommendations.models import ModelVersion, RecommendationList
from recommendations.services.preferences import personalisation
from recommendations.services.serving import precompute
from recommendations.services.versions import registry, stored_histories
from tests.recommendations.conftest import train

pytestmark = pytest.mark.django_db(transaction=True)

CONFIG = {
    "search": None,
    "ranker": None,
    "components": {"user_knn": {"n_neighbours": 3}, "content": {}, "popularity": {}},
    "weights": {
        "none": {"content": 0.7, "popularity": 0.3},
        "cold": {"content": 0.5, "popularity": 0.5},
        "warm": {"user_knn": 0.8, "popularity": 0.2},
        "hot": {"user_knn": 0.8, "popularity": 0.2},
    },
}


@pytest.fixture
def version(world) -> ModelVersion:
    """A model that keeps histories."""
    train(config=CONFIG)
    return registry.require_active()


def find_stored_rows(listener: User, folder: Path) -> list[bytes]:
    """Return what the files hold of the listener's row: its song numbers as bytes, where the row has several."""
    state = {
        path.name.removesuffix(".npy"): np.load(path) for path in folder.glob("user_knn.*.npy")
    }
    row = int(np.flatnonzero(state["user_knn.listeners"] == listener.pk)[0])
    own = slice(state["user_knn.starts"][row], state["user_knn.starts"][row + 1])
    return [state["user_knn.columns"][own].tobytes()]


def neighbours(recommender: Recommender, history) -> set[int]:
    knn = recommender.algorithms["user_knn"]
    near = knn._neighbours(knn._weigh(history))
    return {int(knn.listener_ids_[row]) for row in near.indices}


def everybodys_lists(recommender: Recommender, rows) -> list[dict]:
    return [recommender.recommend_batch(rows[row], 10)[0].to_dict() for row in range(rows.shape[0])]


def test_nothing_of_a_listener_is_left_in_any_artifact(version):
    train(config=CONFIG)
    versions = list(ModelVersion.objects.all())
    assert len(versions) == 2
    zaphod = max(
        User.objects.all(), key=lambda user: user.interactions.values("song").distinct().count()
    )
    before = {one.pk: one for one in versions}
    folders = [registry.get_folder(one) for one in versions]
    traces = [row for folder in folders for row in find_stored_rows(zaphod, folder)]
    assert all(len(trace) >= 4 * 4 for trace in traces)
    serving = registry.load_recommender(version)
    pk = zaphod.pk
    accounts.delete_account(zaphod)
    assert not any(folder.exists() for folder in folders)
    for one in ModelVersion.objects.all():
        folder = registry.get_folder(one)
        assert (
            one.manifest_sha256
            == registry.compute_manifest_digest(folder)
            != before[one.pk].manifest_sha256
        )
        assert one.size_bytes == registry.measure_size(folder)
        verify(folder)
        assert pk not in Recommender.load(folder).stored_listener_ids()
        content = b"".join(path.read_bytes() for path in folder.iterdir())
        assert not any(trace in content for trace in traces)
    again = registry.load_recommender(ModelVersion.objects.get(pk=version.pk))
    assert again is not serving and pk not in again.stored_listener_ids()


def test_the_lists_of_others_stay_the_same(version):
    recommender = registry.load_recommender(version)
    knn = recommender.algorithms["user_knn"]
    histories = knn.values_
    pk = int(knn.listener_ids_[5])
    others = [
        row
        for row in range(histories.shape[0])
        if pk not in neighbours(recommender, histories[row])
    ]
    assert len(others) >= 10
    before = everybodys_lists(recommender, histories[others])
    accounts.delete_account(User.objects.get(pk=pk))
    after = registry.load_recommender(registry.require_active())
    assert everybodys_lists(after, histories[others]) == before
    assert after.algorithms["user_knn"].values_.shape[0] == histories.shape[0] - 1


def test_a_listener_who_asks_not_to_be_learned_from_is_taken_out_at_once(version):
    listener = User.objects.get(username="user_00001")
    assert listener.pk in registry.load_recommender(version).stored_listener_ids()
    personalisation.set_personalised(listener, False)
    version.refresh_from_db()
    assert listener.pk not in registry.load_recommender(version).stored_listener_ids()


def test_an_operator_who_switches_personalisation_off_deletes_the_same(version):
    listener = User.objects.get(username="user_00001")
    precompute.precompute(version)
    assert RecommendationList.objects.filter(listener=listener).exists()
    listener.personalised = False
    listener.save()
    assert not RecommendationList.objects.filter(listener=listener).exists()
    version.refresh_from_db()
    assert listener.pk not in registry.load_recommender(version).stored_listener_ids()


def test_a_listener_who_goes_while_a_model_trains_is_not_in_it(world, monkeypatch):
    listener = User.objects.get(username="user_00001")
    pk, save = listener.pk, Recommender.save

    def save_after_deletion(recommender, folder):
        if User.objects.filter(pk=pk).exists():
            accounts.delete_account(User.objects.get(pk=pk))
            assert pk in recommender.stored_listener_ids()
        return save(recommender, folder)

    monkeypatch.setattr(Recommender, "save", save_after_deletion)
    run = train(config=CONFIG)
    assert run.status == "succeeded", run.error
    assert pk not in registry.load_recommender(registry.require_active()).stored_listener_ids()
    names = {path.name for path in settings.ARTIFACTS_DIR.iterdir()}
    assert names == {registry.require_active().artifact}


def test_what_a_full_disk_prevented_is_done_by_the_schedule(version, monkeypatch):
    listener = User.objects.get(username="user_00001")
    pk, save = listener.pk, Recommender.save

    def refuse(recommender, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recommender, "save", refuse)
    accounts.delete_account(listener)
    assert not User.objects.filter(pk=pk).exists()
    assert pk in registry.load_recommender(registry.require_active()).stored_listener_ids()
    monkeypatch.setattr(Recommender, "save", save)
    tasks.count_trends()
    assert pk not in registry.load_recommender(registry.require_active()).stored_listener_ids()


def test_files_that_cannot_be_read_are_removed_whole(version):
    """Nobody can say that the listener is not in them."""
    train()
    assert registry.require_active() != version
    folder = registry.get_folder(version)
    manifest = json.loads((folder / "manifest.json").read_text())
    path = folder / manifest["arrays"]["user_knn.values"]["file"]
    path.write_bytes(path.read_bytes()[:-1])
    accounts.delete_account(User.objects.get(username="user_00001"))
    assert not folder.exists()
    version.refresh_from_db()
    assert version.state == ModelVersion.State.PRUNED


def test_models_without_histories_are_left_alone(world, django_assert_num_queries):
    train()
    active, listener = registry.require_active(), User.objects.first()
    with django_assert_num_queries(1):
        assert stored_histories.remove_histories([listener.pk]) == []
    assert registry.require_active().manifest_sha256 == active.manifest_sha256


def test_two_who_go_at_once_take_no_version_along(version, monkeypatch):
    """T63: the second one met the files of before, and the whole version was removed as unreadable."""
    first, second = User.objects.order_by("pk")[:2]
    present = Recommender.load
    folders = []

    def load_late(folder, **options):
        folders.append(folder)
        if (
            len(folders) == 1
        ):  # between the row and the files the other one's deletion comes to its end
            stored_histories.remove_histories([second.pk])
        return present(folder, **options)

    monkeypatch.setattr(Recommender, "load", load_late)
    stored_histories.remove_histories([first.pk])
    monkeypatch.undo()
    version.refresh_from_db()
    assert (version.state, version.is_active) == ("ready", True)
    stored = Recommender.load(registry.get_folder(version)).stored_listener_ids()
    assert not {first.pk, second.pk} & set(stored.tolist())
    older = [path.name for path in settings.ARTIFACTS_DIR.iterdir()]
    assert version.artifact in older
