"""A history file brought over the API."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation

from catalog.imports import import_jobs
from catalog.models import Interaction
from common.stored_text import translate_stored

PLAYS = [
    {
        "ts": f"2024-05-0{day}T10:03:00Z",
        "ms_played": 180_000,
        "master_metadata_track_name": "Título 0",
        "master_metadata_album_artist_name": "Artist 0",
        "reason_end": "trackdone",
    }
    for day in (1, 2, 3)
]


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path


def say_in_german(sentence: str) -> str:
    with translation.override("de"):
        return translate_stored(sentence)


def upload(caller, content, name="Streaming_History_Audio_2024_1.json", **fields):
    caller.commits = False  # no worker is to be woken up
    response = caller.client.post(
        "/api/v1/me/imports/", {"file": SimpleUploadedFile(name, content), **fields}
    )
    return caller._parse_body(response)


def test_a_history_comes_in_is_watched_and_undone(alice, bob, songs):
    queued = upload(alice, json.dumps(PLAYS).encode())
    assert (queued.status, queued.body["status"]) == (202, "queued")
    address = f"me/imports/{queued.body['id']}/"
    import_jobs.run_import(queued.body["id"])
    done = alice.get(address).body
    assert (done["status"], done["n_added"], done["rejected_rows"]) == ("succeeded", 3, [])
    assert set(Interaction.objects.for_listener(alice.user).values_list("song", flat=True)) == {
        songs[0].pk
    }
    assert bob.get(address).status == 404
    assert bob.delete(address).status == 404
    assert alice.delete(address).body["status"] == "undone"
    assert Interaction.objects.count() == 0
    assert alice.get("me/imports/").body["count"] == 1


def test_what_is_no_history_ends_with_a_sentence(alice):
    """T50, T52."""
    for content, name, sentence in (
        (b"hello", "../../hello.txt", "is no listening history that is known here"),
        (b"\x00" * 100, "x.zip", "x.zip is not a text file"),
    ):
        answer = upload(alice, content, name)
        assert (answer.status, answer.body["format"]) == (202, "")
        import_jobs.run_import(answer.body["id"])
        failed = alice.get(f"me/imports/{answer.body['id']}/").body
        assert failed["status"] == "failed"
        assert sentence in failed["error"]
        address = f"/api/v1/me/imports/{answer.body['id']}/"
        german = alice.client.get(address, headers={"accept-language": "de"}).json()["error"]
        assert german == say_in_german(failed["error"]) != failed["error"]
    answer = upload(alice, b"", "empty.json")
    assert answer.status == 400
    assert answer.body["error"]["fields"]["file"]
    assert upload(alice, b"[]", format="nonsense").status == 400
    assert alice.post("me/imports/", {"file": "x"}).status == 415
