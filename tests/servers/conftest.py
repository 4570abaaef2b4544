"""A stand-in server and the row of our side that is connected to it."""

from collections.abc import Iterator

import pytest

from catalog.models import MusicServer
from catalog.servers.credentials import encrypt_secret
from tests.servers.stand_in import ACCOUNT, PASSWORD, StandIn, make_song, serve_stand_in


@pytest.fixture(autouse=True)
def _own_key(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with serve_stand_in(StandIn([make_song(number) for number in range(12)])) as one:
        yield one


@pytest.fixture
def server(stand_in, db) -> MusicServer:
    return MusicServer.objects.create(
        name="Attic",
        address=stand_in.address,
        account_name=ACCOUNT,
        secret=encrypt_secret(PASSWORD),
        write_playlists=True,
    )
