"""A stand-in server and the row of our side that is connected to it."""

from collections.abc import Iterator

import pytest

from accounts.models import User
from catalog.models import Artist, Interaction, MusicServer, Song
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


@pytest.fixture
def second_server(stand_in, server) -> MusicServer:
    return MusicServer.objects.create(
        name="Cellar", address=stand_in.address, account_name=ACCOUNT, secret=server.secret
    )


@pytest.fixture
def heard_song(db) -> Song:
    """A song that a history named before the server was connected: number 3 of the stand-in."""
    lena = User.objects.create_user("lena-who-heard")
    song = Song.objects.create(
        key="s3", title="Song 3", artist=Artist.objects.create(name="Artist 3")
    )
    Interaction.objects.create(
        listener=lena, song=song, kind=Interaction.Kind.PLAY, source="lastfm"
    )
    return song
