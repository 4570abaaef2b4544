"""A listener with a browser and a folder of made music."""

import pytest

from accounts.models import User
from catalog.files import scan_jobs
from catalog.models import Song
from tests.catalog.audio_files import make_flac, make_png, make_wav, write
from tests.playback.stand_in_server import run_stand_in


@pytest.fixture
def music(tmp_path, db):
    """Two songs: "Ferry" with a picture in it, and "Harbour"."""
    folder = tmp_path / "music"
    write(
        folder / "ferry.flac",
        make_flac(
            {"title": "Ferry", "artist": "Anna Bell", "album": "Tides"}, picture=make_png(700, 700)
        ),
    )
    write(folder / "Cleo Dahl" / "Nights" / "Harbour.wav", make_wav(2))
    scan_jobs.scan_now(scan_jobs.add_folder(str(folder)))
    return folder


@pytest.fixture
def ferry(music):
    return Song.objects.get(title="Ferry")


@pytest.fixture
def anna(db):
    return User.objects.create_user("anna", password="a-long-word-7")


@pytest.fixture
def listener(client, anna):
    client.force_login(anna)
    return client


@pytest.fixture
def stand_in():
    with run_stand_in() as server:
        yield server


@pytest.fixture(autouse=True)
def _data_of_its_own(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
