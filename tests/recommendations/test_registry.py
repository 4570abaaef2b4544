"""Which version serves, and what happens to a damaged one."""

import numpy as np
import pytest

from recommendations.models import Activation, Arm, Experiment, ModelVersion
from recommendations.services.serving import recommend
from recommendations.services.versions import registry
from tests.recommendations.conftest import train


def train_version() -> ModelVersion:
    return ModelVersion.objects.get(training_run=train())


def test_rolling_back_twice_goes_two_versions_back(version):
    second, third = train_version(), train_version()
    assert registry.require_active() == third
    assert registry.roll_back() == second
    assert registry.roll_back() == version
    with pytest.raises(registry.RegistryError, match="nothing to roll back to"):
        registry.roll_back()


def test_at_most_one_version_is_active_and_each_change_is_logged(version):
    second = train_version()
    registry.activate(version)
    assert ModelVersion.objects.filter(is_active=True).count() == 1
    log = Activation.objects.order_by("pk").values_list("version", "previous", "reason")
    assert list(log) == [
        (version.pk, None, "trained"),
        (second.pk, version.pk, "trained"),
        (version.pk, second.pk, "by-hand"),
    ]


def test_activating_the_active_version_changes_nothing(version):
    registry.activate(version)
    assert Activation.objects.count() == 1


def test_versions_are_found_as_people_name_them(version):
    assert (
        registry.find("active")
        == registry.find(version.name)
        == registry.find(str(version.pk))
        == version
    )
    with pytest.raises(registry.RegistryError, match=f"no model version 'v999'.*{version.name}"):
        registry.find("v999")


def find_largest_file(version: ModelVersion):
    return max(registry.get_folder(version).glob("*.npy"), key=lambda path: path.stat().st_size)


def truncate_file(version):
    file = find_largest_file(version)
    file.write_bytes(file.read_bytes()[:-1])


def bit_flipped(version):
    file = find_largest_file(version)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def with_nan(version):
    file = find_largest_file(version)
    array = np.load(file)
    array = array.astype(array.dtype)
    array.flat[0] = np.nan if array.dtype.kind == "f" else 0
    np.save(file, array)


def of_another_shape(version):
    file = find_largest_file(version)
    np.save(file, np.load(file)[:-1])


def without_manifest(version):
    (registry.get_folder(version) / registry.MANIFEST).unlink()


def with_another_manifest(version):
    manifest = registry.get_folder(version) / registry.MANIFEST
    manifest.write_text(manifest.read_text() + " ")


def with_an_object_array(version):
    """T06"""
    np.save(find_largest_file(version), np.array([{"a": 1}], dtype=object), allow_pickle=True)


DAMAGES = [
    truncate_file,
    bit_flipped,
    with_nan,
    of_another_shape,
    without_manifest,
    with_another_manifest,
    with_an_object_array,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_active_version_gives_way_to_the_previous_good_one(
    version, listener, damage, become_new_process
):
    """T05, T06"""
    broken = train_version()
    damage(broken)
    become_new_process()
    served = recommend.recommend_songs(listener)
    broken.refresh_from_db()
    assert served.version == version
    assert len(served) > 0
    assert (broken.state, broken.is_active) == ("broken", False)
    assert Activation.objects.first().reason == "broken"


def test_when_the_only_version_is_damaged_popular_songs_are_served(
    version, listener, become_new_process
):
    """T05"""
    truncate_file(version)
    become_new_process()
    served = recommend.recommend_songs(listener)
    assert (served.step, served.version, served.fallback) == ("popular", None, "no-model")
    assert len(served) > 0


def test_a_damaged_version_cannot_be_activated(version, become_new_process):
    second = train_version()
    registry.activate(version)
    bit_flipped(second)
    become_new_process()
    with pytest.raises(registry.BrokenVersion, match=second.name):
        registry.activate(second)
    assert registry.require_active() == version


def test_pruning_keeps_the_active_version_and_the_one_before_it(version):
    others = [train_version() for _ in range(3)]
    registry.activate(version)
    pruned = registry.prune(1)
    assert {v.pk for v in pruned} == {others[0].pk, others[1].pk}
    assert not registry.get_folder(others[0]).exists()
    assert registry.get_folder(others[2]).exists()
    with pytest.raises(registry.RegistryError, match="removed by pruning"):
        registry.activate(registry.find(others[0].name))


def test_a_version_pruned_since_it_was_read_is_not_said_to_be_ready(version):
    second = train_version()
    registry.activate(version)
    ModelVersion.objects.filter(pk=second.pk).update(state=ModelVersion.State.PRUNED)
    state = ModelVersion.State.PRUNED.label
    with pytest.raises(
        registry.RegistryError, match=f"{second.name} is {state} and can't be activated"
    ):
        registry.activate(second)
    assert registry.require_active() == version


def test_folders_that_no_version_names_are_swept(version, settings):
    """T03"""
    settings.LEFTOVERS_AFTER_SECONDS = 0
    leftover = settings.ARTIFACTS_DIR / ".unfinished-run-9"
    leftover.mkdir()
    assert registry.sweep_leftovers() == [leftover.name]
    assert registry.get_folder(version).exists()


def test_pruning_leaves_what_an_experiment_serves(version):
    """A training prunes every night; the arm of an experiment that runs for weeks must stay what it was."""
    experiment = Experiment.objects.create(name="Old against new", state="running")
    Arm.objects.create(experiment=experiment, name="old", version=version)
    train_version(), train_version()

    assert registry.prune(keep=1) == []
    Experiment.objects.update(state="promoted")
    assert registry.prune(keep=1) == [version]


# --- Files that are replaced or pruned while others use them ----------------------------------------------------------


def replace_files(version: ModelVersion) -> None:
    """What the deletion of an account does to a version that keeps histories."""
    present = ModelVersion.objects.get(pk=version.pk)
    assert registry.replace_artifact(present, registry.load_recommender(present))


def test_a_version_whose_files_are_replaced_while_it_is_loaded_serves_on(
    version, become_new_process
):
    """T07: who had read the row a moment before took the active version out of service."""
    stale = ModelVersion.objects.get(pk=version.pk)
    replace_files(version)
    become_new_process()
    assert registry.load_recommender(stale).n_items == version.n_songs
    assert stale.artifact == registry.require_active().artifact


def test_files_that_were_replaced_meanwhile_break_nothing(version):
    stale = ModelVersion.objects.get(pk=version.pk)
    replace_files(version)
    assert registry.mark_broken(stale, "damaged") == version
    version.refresh_from_db()
    assert (version.state, version.is_active, version.gate_reason) == ("ready", True, "")


def test_a_version_that_is_activated_while_it_is_pruned_keeps_its_files(
    version, listener, become_new_process
):
    """Chosen for pruning, then activated: the files of the active version went."""
    newer = train_version()
    chosen = ModelVersion.objects.get(pk=version.pk)
    registry.activate(version)
    assert registry.remove_files(chosen) is False
    become_new_process()
    assert registry.load_recommender(registry.require_active()).n_items == version.n_songs
    assert registry.remove_files(newer) is True
    assert recommend.recommend_songs(listener).version == version
