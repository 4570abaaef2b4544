"""Receipts of deletions: what was deleted, and the first version that never saw it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts import services
from accounts.models import User
from catalog.imports import import_undo
from catalog.listening import interactions
from catalog.models import ImportRun, Interaction, Song
from recommendations.models import ForgettingReceipt, ModelVersion
from recommendations.services.preferences import personalisation
from recommendations.services.versions import deletion_receipts, registry
from tests.recommendations.conftest import train

pytestmark = pytest.mark.django_db(transaction=True)


def read_arrays(version):
    """Return every file of a saved model by name; the manifest without its own words."""
    folder = Path(settings.ARTIFACTS_DIR) / version.artifact
    return {path.name: path.read_bytes() for path in folder.glob("*.npy")}


def add_guest(name="guest"):
    guest = User.objects.create_user(name, password="quite-some-words-9")
    for song in Song.objects.order_by("pk")[3:9]:
        Interaction.objects.create(
            listener=guest, song=song, kind=Interaction.Kind.LIKE, source="x"
        )
    return guest


def test_after_a_retrain_the_model_equals_one_that_never_saw_the_account(world):
    train()
    never = ModelVersion.objects.get(is_active=True)
    guest = add_guest()
    train()
    seen = ModelVersion.objects.get(is_active=True)
    assert read_arrays(seen) != read_arrays(never)
    (address,) = services.delete_account(guest)
    receipt = ForgettingReceipt.objects.get()
    assert (receipt.kind, receipt.n_interactions, receipt.listener) == ("account", 6, None)
    train()
    after = ModelVersion.objects.get(is_active=True)
    assert after.pk not in (never.pk, seen.pk)
    assert read_arrays(after) == read_arrays(never)
    receipt.refresh_from_db()
    assert receipt.version == after
    assert receipt.data_sha256 == never.metadata["data_sha256"] != seen.metadata["data_sha256"]
    page = Client().get(address).content.decode()
    assert f"Unlearned: {after.name}" in page
    assert seen.name in page, "it can still be rolled back to, and learned from the account"


def test_the_page_does_not_call_it_unlearned_while_a_version_that_saw_it_serves(world):
    guest = add_guest()
    train()
    seen = ModelVersion.objects.get(is_active=True)
    (address,) = services.delete_account(guest)
    page = Client().get(address).content.decode()
    assert f"{seen.name} serves now." in page
    assert "The next training learns without it" in page
    train()
    assert "Unlearned:" in Client().get(address).content.decode()
    registry.activate(seen)
    page = Client().get(address).content.decode()
    assert f"{seen.name} serves now." in page
    assert "Unlearned:" not in page


def test_a_version_that_is_not_activated_confirms_nothing_until_it_is(world):
    add_guest()
    train()
    interactions.clear_opinion(User.objects.get(username="guest"), Song.objects.order_by("pk")[3])
    train(activate=False)
    receipt = ForgettingReceipt.objects.get()
    assert receipt.confirmed_at is None
    registry.activate(ModelVersion.objects.order_by("-pk").first())
    receipt.refresh_from_db()
    assert receipt.confirmed_at is not None


def test_what_is_deleted_while_a_training_reads_waits_for_the_next(world):
    guest = add_guest()
    songs = list(Song.objects.order_by("pk")[3:5])
    interactions.clear_opinion(guest, songs[0])
    open_receipts = deletion_receipts.list_open()
    interactions.clear_opinion(guest, songs[1])
    train()
    version = ModelVersion.objects.get(is_active=True)
    ForgettingReceipt.objects.update(confirmed_at=None, version=None)
    version.metadata["open_receipts"] = open_receipts
    assert deletion_receipts.confirm_receipts(version) == 0
    assert ForgettingReceipt.objects.get().n_interactions == 2


def test_an_undone_import_a_withdrawn_history_and_a_deleted_play_have_one_each(world):
    guest = add_guest()
    run = ImportRun.objects.create(
        content="listens", format="lastfm", file_name="x.csv", listener=guest, status="succeeded"
    )
    Interaction.objects.filter(listener=guest).update(import_run=run)
    import_undo.undo_import(run)
    Interaction.objects.create(
        listener=guest, song=Song.objects.first(), kind=Interaction.Kind.LIKE, source="x"
    )
    personalisation.set_personalised(guest, False)
    interactions.clear_opinion(guest, Song.objects.first())
    counted = dict(ForgettingReceipt.objects.values_list("kind", "n_interactions"))
    assert counted == {"import": 6, "withdrawn": 1, "listens": 1}
    client = Client()
    client.force_login(guest)
    page = client.get("/settings/deletions/").content.decode()
    assert page.count("Link to this receipt") == 3
    assert (
        len(json.loads(client.get("/settings/my-data.json").content)["receipts_of_deletions"]) == 3
    )


def test_plays_taken_out_of_the_history_have_a_receipt_until_they_are_put_back(world):
    guest = User.objects.create_user("guest")
    days = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 1, 2)]
    for song, moment in zip(Song.objects.order_by("pk")[:3], days, strict=True):
        Interaction.objects.create(
            listener=guest, song=song, kind=Interaction.Kind.PLAY, occurred_at=moment, source="x"
        )
    client = Client()
    client.force_login(guest)
    last = Interaction.objects.for_listener(guest).latest("occurred_at")
    client.post(f"/library/history/{last.pk}/forget/")
    receipt = ForgettingReceipt.objects.get(listener=guest)
    assert (receipt.kind, receipt.n_interactions) == ("listens", 1)
    client.post("/library/history/forget-day/", {"day": "2026-03-01"})
    receipt.refresh_from_db()
    assert receipt.n_interactions == 1 + 2
    client.post("/library/history/undo/")
    receipt.refresh_from_db()
    assert receipt.n_interactions == 1
    client.post("/library/history/forget-day/", {"day": "2026-03-01"})
    deletion_receipts.take_back_receipt(guest.pk, 1)
    client.post("/library/history/undo/")
    assert not ForgettingReceipt.objects.exists()


def test_the_browser_and_the_api_hand_out_the_receipt_of_an_account(world):
    add_guest()
    client = Client()
    client.login(username="guest", password="quite-some-words-9")
    answer = client.delete(
        "/api/v1/me/?confirm=guest",
        {"password": "quite-some-words-9"},
        content_type="application/json",
    )
    assert answer.status_code == 204
    assert Client().get(answer["Location"].removeprefix("http://testserver")).status_code == 200
    add_guest("trillian")
    client = Client()
    client.login(username="trillian", password="quite-some-words-9")
    page = client.post(
        "/settings/delete/", {"password": "quite-some-words-9"}, follow=True
    ).content.decode()
    assert "/forgotten/" in page


@pytest.mark.parametrize("way", ["play", "source"])
def test_after_a_retrain_the_model_equals_one_that_never_saw_a_play_or_a_source(world, way):
    guest = add_guest()
    train()
    never = ModelVersion.objects.get(is_active=True)
    run = ImportRun.objects.create(
        content="listens", format="lastfm", file_name="x.csv", listener=guest, status="succeeded"
    )
    plays = [
        Interaction.objects.create(
            listener=guest,
            song=song,
            kind=Interaction.Kind.PLAY,
            occurred_at=datetime(2026, 3, day, 12, tzinfo=UTC),
            source="x",
            import_run=run,
        )
        for day, song in enumerate(
            Song.objects.order_by("pk")[20 : 22 if way == "source" else 21], 1
        )
    ]
    train()
    seen = ModelVersion.objects.get(is_active=True)
    assert read_arrays(seen) != read_arrays(never)
    if way == "source":
        import_undo.undo_import(run)
    else:
        interactions.delete_interaction(guest, plays[0].pk)
    train()
    after = ModelVersion.objects.get(is_active=True)
    assert read_arrays(after) == read_arrays(never)
    receipt = ForgettingReceipt.objects.get()
    assert (receipt.n_interactions, receipt.version) == (len(plays), after)
    assert receipt.data_sha256 == never.metadata["data_sha256"] != seen.metadata["data_sha256"]
    assert receipt.checks["read_after_the_deletion"] and receipt.checks["trained_from_scratch"]
