"""The columnar copy of the interactions: it says what the table says, whatever happens to either."""

import json
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from django.db import connection

from accounts import services as accounts
from accounts.models import User
from catalog.listening import interactions
from catalog.models import Interaction, Song
from recommendations import tasks
from recommendations.models import ChangedListener, ColumnCopyState
from recommendations.services.data import column_copy, column_store, interaction_rows, training_rows
from recommendations.services.data.column_reader import make_reader
from recommendations.services.data.column_store import (
    ColumnStore,
    Manifest,
    StoreBusy,
    choose_n_partitions,
    find_partitions,
    join_columns,
)
from recommendations.services.operations import copy_check
from recommendations.services.preferences import personalisation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.INTERACTIONS_DIR = tmp_path / "interactions"


def silent(done: int, total: int) -> None:
    """Progress that nobody asked for."""


def bring_up_to_date() -> Manifest:
    return column_copy.bring_up_to_date(silent)[1]


def list_stored() -> list[tuple]:
    """Return everything the files hold, by id."""
    store = column_copy.get_store()
    manifest = store.read_manifest()
    partitions = [store.read_partition(files, column_store.SCHEMA) for files in manifest.partitions]
    rows = join_columns(partitions)
    return sorted(zip(*(rows[name].tolist() for name in column_store.SCHEMA), strict=True))


def list_in_table() -> list[tuple]:
    with make_reader() as source:
        rows = interaction_rows.select_range(source, 0, 2**60)
    allowed = set(User.objects.with_training_consent().values_list("pk", flat=True))
    named = zip(*(rows[name].tolist() for name in column_store.SCHEMA), strict=True)
    return sorted(row for row in named if row[1] in allowed)


def count_rows(listener_id: int) -> int:
    """Return how many rows in files of the folder, named by the manifest or not, are of this listener."""
    files = column_copy.get_store().folder.glob("*.parquet")
    return sum(
        int((pq.read_table(path, columns=["listener"]).column(0).to_numpy() == listener_id).sum())
        for path in files
    )


# --- It follows the table ---------------------------------------------------------------------------------------------


def test_the_copy_is_what_the_table_is(world):
    manifest = bring_up_to_date()
    assert list_stored() == list_in_table()
    assert manifest.n_rows == Interaction.objects.count()
    assert copy_check.compare_with_table().problem == ""


def test_only_what_is_new_is_read(world, listener, song, monkeypatch):
    before = bring_up_to_date()
    one = Interaction.objects.create(
        listener=listener, song=song, kind=Interaction.Kind.PLAY, source="new"
    )
    ranges = []
    select = interaction_rows.select_range
    monkeypatch.setattr(
        interaction_rows,
        "select_range",
        lambda source, after, last: (ranges.append((after, last)), select(source, after, last))[1],
    )
    assert bring_up_to_date().last_id == one.pk
    assert ranges == [(before.last_id, one.pk)]
    assert list_stored() == list_in_table()


@pytest.mark.parametrize("change", ["opinion", "removed play", "bulk update", "moved", "merged"])
def test_changed_rows_are_followed(change, world, listener, song):
    bring_up_to_date()
    liked = Interaction.objects.likes().first()
    if change == "opinion":
        interactions.dislike_song(liked.listener, liked.song, source="test")
    elif change == "removed play":
        one = Interaction.objects.filter(listener=listener).plays_and_skips().first()
        interactions.delete_interaction(listener, one.pk)
    elif change == "bulk update":
        Interaction.objects.filter(listener=listener).update(plays=3)
    elif change == "moved":
        other = User.objects.create_user("other")
        Interaction.objects.filter(listener=listener).update(listener=other)
    else:
        Interaction.objects.filter(song=song).delete()
    assert list_stored() != list_in_table()
    assert copy_check.compare_with_table().problem == ""  # what waits is known to wait
    bring_up_to_date()
    assert list_stored() == list_in_table()
    assert not ChangedListener.objects.exists()


def test_a_change_while_the_copy_is_brought_up_to_date_is_followed_next_time(world, listener):
    bring_up_to_date()
    song = Song.objects.exclude(interactions__listener=listener).first()
    Interaction.objects.create(listener=listener, song=song, kind=Interaction.Kind.PLAY, source="x")

    def change_meanwhile(done: int, total: int) -> None:
        Interaction.objects.filter(listener=listener).update(plays=7)

    column_copy.bring_up_to_date(change_meanwhile)
    assert ChangedListener.objects.exists()
    bring_up_to_date()
    assert list_stored() == list_in_table()


def test_rows_of_a_write_that_is_taken_back_leave_no_note(world, listener):
    bring_up_to_date()
    from django.db import transaction

    with pytest.raises(RuntimeError), transaction.atomic():
        Interaction.objects.filter(listener=listener).delete()
        raise RuntimeError
    assert not ChangedListener.objects.exists()


# --- Who goes ---------------------------------------------------------------------------------------------------------


def test_nothing_of_a_deleted_listener_stays(world, listener):
    bring_up_to_date()
    assert count_rows(listener.pk) > 0
    pk = listener.pk
    accounts.delete_account(listener)
    assert count_rows(pk) == 0
    assert not ChangedListener.objects.filter(listener_id=pk).exists()
    assert copy_check.compare_with_table().problem == ""


def test_who_opts_out_is_taken_out_at_once_and_comes_back_whole(world, listener):
    bring_up_to_date()
    personalisation.set_personalised(listener, False)
    assert count_rows(listener.pk) == 0
    assert copy_check.compare_with_table().problem == ""
    personalisation.set_personalised(listener, True)
    bring_up_to_date()
    assert list_stored() == list_in_table()
    assert count_rows(listener.pk) > 0


def test_who_goes_while_the_copy_is_written_is_not_in_it_afterwards(world, listener):
    """The deletion can't wait for the writer; the writer looks again before it ends."""
    pk = listener.pk
    accounts_gone = []

    def delete_meanwhile(done: int, total: int) -> None:
        if not accounts_gone:
            accounts_gone.append(pk)
            column_copy.WAIT_FOR_REMOVAL, before = 0.0, column_copy.WAIT_FOR_REMOVAL
            accounts.delete_account(listener)
            column_copy.WAIT_FOR_REMOVAL = before

    column_copy.bring_up_to_date(delete_meanwhile)
    assert accounts_gone == [pk]
    assert count_rows(pk) == 0
    assert list_stored() == list_in_table()


def test_the_schedule_takes_out_who_could_not_be_taken_out(world, listener, monkeypatch):
    bring_up_to_date()
    pk = listener.pk
    with column_copy.get_store().lock():
        monkeypatch.setattr(column_copy, "WAIT_FOR_REMOVAL", 0.0)
        accounts.delete_account(listener)
        assert count_rows(pk) > 0
    tasks.count_trends()
    assert count_rows(pk) == 0


# --- What can go wrong ------------------------------------------------------------------------------------------------


def cut_in_half(store: ColumnStore) -> None:
    path = next(store.folder.glob("*.parquet"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def remove_a_file(store: ColumnStore) -> None:
    next(store.folder.glob("*.parquet")).unlink()


def cut_the_manifest(store: ColumnStore) -> None:
    path = store.folder / "manifest.json"
    path.write_text(path.read_text()[:40])


def write_another_format(store: ColumnStore) -> None:
    path = store.folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))


@pytest.mark.parametrize(
    "damage", [cut_in_half, remove_a_file, cut_the_manifest, write_another_format]
)
def test_a_damaged_copy_is_noticed_and_built_anew(damage, world):
    bring_up_to_date()
    damage(column_copy.get_store())
    assert copy_check.compare_with_table().problem
    bring_up_to_date()
    assert list_stored() == list_in_table()
    assert copy_check.compare_with_table().problem == ""


def test_the_copy_of_another_database_is_not_trusted(world):
    """As after `restore`: the ids are the same and mean something else."""
    bring_up_to_date()
    ColumnCopyState.objects.update(token="f" * 32)
    assert "another state" in copy_check.compare_with_table().problem
    bring_up_to_date()
    assert copy_check.compare_with_table().problem == ""


def test_a_kill_between_the_manifest_and_the_commit_loses_no_note(world, listener, monkeypatch):
    bring_up_to_date()
    Interaction.objects.filter(listener=listener).update(plays=5)

    def die(queryset, **values):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(ColumnCopyState.objects.all()), "update", die)
        with pytest.raises(KeyboardInterrupt):
            bring_up_to_date()
    assert ChangedListener.objects.exists()
    bring_up_to_date()
    assert list_stored() == list_in_table()


def test_a_kill_while_new_rows_are_written_goes_on_behind_them(world, settings, monkeypatch):
    settings.READ_CHUNK = 50
    monkeypatch.setattr(column_copy, "ROWS_TOGETHER", 100)
    compact, calls = ColumnStore.compact, []

    def die_at_the_third(store, manifest):
        calls.append(manifest.last_id)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return compact(store, manifest)

    with monkeypatch.context() as patch:
        patch.setattr(ColumnStore, "compact", die_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            bring_up_to_date()
    assert column_copy.get_store().read_manifest().last_id == calls[-1] > 0
    bring_up_to_date()
    assert list_stored() == list_in_table()


def test_what_a_killed_writer_left_is_removed(world):
    bring_up_to_date()
    stray = column_copy.get_store().folder / "000-left.parquet"
    stray.write_bytes(b"half a file")
    Interaction.objects.filter(pk=Interaction.objects.first().pk).update(plays=2)
    bring_up_to_date()
    assert not stray.exists()


def test_only_one_process_writes_at_a_time(tmp_path):
    store = ColumnStore(tmp_path)
    code = (
        "import sys; from pathlib import Path\n"
        "from recommendations.services.data.column_store import ColumnStore, StoreBusy\n"
        f"try:\n with ColumnStore(Path({str(tmp_path)!r})).lock(): print('free')\n"
        "except StoreBusy: print('busy')"
    )
    with store.lock():
        with pytest.raises(StoreBusy), store.lock():
            pass
        finished = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
    assert finished.stdout.strip() == "busy"


# --- Partitions -------------------------------------------------------------------------------------------------------


def make_rows(n: int, n_listeners: int) -> column_store.Columns:
    rng = np.random.default_rng(5)
    rows = {
        name: rng.integers(1, 50, n).astype(type_) for name, type_ in column_store.SCHEMA.items()
    }
    return rows | {"id": np.arange(1, n + 1), "listener": rng.integers(1, n_listeners + 1, n)}


def test_a_partition_is_split_in_two_when_there_are_twice_as_many():
    ids = np.arange(1, 5_000)
    assert (find_partitions(ids, 64) // 2 == find_partitions(ids, 32)).all()
    sizes = np.bincount(find_partitions(ids, 32), minlength=32)
    assert sizes.min() > len(ids) / 32 * 0.8
    assert [choose_n_partitions(n) for n in (0, 400_000, 400_001, 50_000_000)] == [1, 1, 2, 128]


def test_more_rows_make_more_partitions_and_lose_none(tmp_path, monkeypatch):
    store, rows = ColumnStore(tmp_path), make_rows(2_000, 300)
    with store.lock():
        manifest = store.append(store.write_manifest(Manifest()), rows, 2_000)
        monkeypatch.setattr(column_store, "ROWS_A_PARTITION", 300)
        manifest = store.compact(manifest)
    assert len(manifest.partitions) == 8
    partitions = [store.read_partition(files, column_store.SCHEMA) for files in manifest.partitions]
    read = join_columns(partitions)
    order = np.argsort(read["id"])
    assert all((read[name][order] == rows[name]).all() for name in rows)


@pytest.mark.parametrize("n_partitions", [1, 4])
def test_no_rows_are_appended_to_any_number_of_partitions(tmp_path, n_partitions):
    """All that is new may be of listeners who said no."""
    store = ColumnStore(tmp_path)
    with store.lock():
        manifest = store.write_manifest(Manifest(partitions=((),) * n_partitions))
        manifest = store.append(manifest, join_columns([]), 7)
    assert (manifest.n_rows, manifest.last_id) == (0, 7)


def test_many_small_files_become_one(tmp_path):
    store, rows = ColumnStore(tmp_path), make_rows(1_000, 50)
    with store.lock():
        manifest = store.write_manifest(Manifest())
        for start in range(0, 1_000, 100):
            some = {name: column[start : start + 100] for name, column in rows.items()}
            manifest = store.append(manifest, some, start + 100)
        assert len(manifest.partitions[0]) == 10
        manifest = store.compact(manifest)
    assert (len(manifest.partitions[0]), manifest.n_rows) == (1, 1_000)
    assert len(list(tmp_path.glob("*.parquet"))) == 1


def test_arrays_are_the_same_from_one_partition_and_from_many(world, monkeypatch):
    whole = training_rows.read().interactions
    monkeypatch.setattr(column_store, "ROWS_A_PARTITION", 100)
    ColumnCopyState.objects.all().delete()
    many = training_rows.read().interactions
    assert len(column_copy.get_store().read_manifest().partitions) > 4
    assert (whole.pairs() == many.pairs()).all()
    assert (whole.timestamps == many.timestamps).all()
    assert (whole.listeners.ids == many.listeners.ids).all()


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="on PostgreSQL already: SQLite has one writer"
)
def test_a_lower_id_that_is_committed_later_is_not_missed(world, listener):
    """PostgreSQL gives out ids before the commit; open transactions are waited for."""
    import threading
    import time

    from django.db import transaction

    song = Song.objects.exclude(interactions__listener=listener).first()
    begun, done = threading.Event(), []

    def write_slowly() -> None:
        with transaction.atomic():
            Interaction.objects.create(
                listener=listener, song=song, kind=Interaction.Kind.LIKE, source="slow"
            )
            begun.set()
            time.sleep(1)
        done.append(True)
        connection.close()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    begun.wait()
    other = User.objects.create_user("quick")
    Interaction.objects.create(listener=other, song=song, kind=Interaction.Kind.LIKE, source="x")
    bring_up_to_date()
    slow.join()
    assert done
    assert list_stored() == list_in_table()


def test_a_listener_who_goes_while_the_copy_is_read_ends_no_training(world):
    """T63: the files were written anew without them, and the training failed for a missing file."""
    bring_up_to_date()
    going = list(User.objects.filter(interactions__isnull=False).distinct().order_by("pk")[:1])

    def delete_one(done: int, total: int) -> None:
        if going:
            gone.append(going.pop())
            accounts.delete_account(gone[0])

    gone: list[User] = []
    left = set(User.objects.values_list("pk", flat=True)) - {going[0].pk}
    rows = training_rows.read(delete_one)
    assert gone and set(rows.interactions.listeners.ids.tolist()) <= left
    assert rows.interactions.n_events == len(list_in_table())


def test_where_they_keep_going_they_are_taken_out_when_all_is_read(world, monkeypatch):
    monkeypatch.setattr(column_copy, "WAIT_FOR_REMOVAL", 0.1)
    bring_up_to_date()
    listeners = User.objects.filter(interactions__isnull=False).distinct().order_by("pk")
    n_before = listeners.count()

    def delete_one(done: int, total: int) -> None:
        if (listener := listeners.first()) is not None and done == 0:
            accounts.delete_account(listener)

    rows = training_rows.read(delete_one)
    assert n_before - listeners.count() >= column_copy.READS
    assert rows.interactions.n_listeners > listeners.count()  # the last one was read already
    column_copy.drop_departed()
    assert list_stored() == list_in_table()
