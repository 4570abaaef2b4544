"""A small cast for the API: Alice and Bob listen, Olga operates the site."""

from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalog.models import Album, Artist, Genre, Interaction, Playlist, Song
from recommendations.models import TrainingRun
from recommendations.services.training import pipeline, training_requests
from tests.api.caller import Caller
from tests.snapshots import restore_or_build


@pytest.fixture(autouse=True)
def _empty_cache():
    """Allowances and lists of one test are nothing to the next."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db):
    return Caller(User.objects.create_user("alice"))


@pytest.fixture
def player(alice):
    """Alice's player: a token that may only listen, and ListenBrainz' addresses."""
    return Caller(alice.user, scopes=["listen"], prefix="/1/")


@pytest.fixture
def bob(db):
    return Caller(User.objects.create_user("bob"))


@pytest.fixture
def olga(db):
    return Caller(User.objects.create_superuser("olga"))


@pytest.fixture
def stranger(db):
    """Nobody: no token, no session."""
    caller = Caller.__new__(Caller)
    caller.prefix, caller.client = "/api/v1/", Client()
    return caller


@pytest.fixture
def songs(db):
    """Six songs by three artists; the first has everything a song can have."""
    rock, calm = Genre.objects.create(name="Rock"), Genre.objects.create(name="Calm")
    created = []
    for number in range(6):
        artist, _ = Artist.objects.get_or_create(name=f"Artist {number // 2}")
        song = Song.objects.create(
            key=f"song_{number}",
            title=f"Título {number}",
            artist=artist,
            year=2000 + number,
            duration_ms=200_000,
            energy=number / 10,
            tempo=100 + number,
        )
        song.genres.add(rock if number % 2 else calm)
        created.append(song)
    created[0].album = Album.objects.create(title="First", artist=created[0].artist)
    created[0].mbid = "6f3f6c34-4b5b-4c3a-9f1e-111111111111"
    created[0].isrc = "GBUM71029604"
    created[0].save()
    return created


@pytest.fixture
def world(db, settings, tmp_path, snapshots_folder):
    """Two tastes, twelve listeners, forty songs and a trained, active model; Alice likes the first taste."""
    settings.ARTIFACTS_DIR = tmp_path / "artifacts"
    settings.ARTIFACTS_DIR.mkdir()
    restore_or_build("two-tastes", _build_world, snapshots_folder, settings.ARTIFACTS_DIR)
    run = TrainingRun.objects.get()
    yield SimpleNamespace(
        alice=Caller(User.objects.get(username="alice")),
        songs=list(Song.objects.select_related("artist").order_by("pk")),
        run=run,
        version=run.version,
    )


def _build_world() -> None:
    songs = _forty_songs()
    alice = User.objects.create_user("alice")
    rows = [
        Interaction(
            listener=listener,
            song=song,
            kind=Interaction.Kind.LIKE,
            source="world",
            occurred_at=timezone.now(),
        )
        for number in range(12)
        for listener in [User.objects.create_user(f"listener_{number}")]
        for position, song in enumerate(songs)
        if position % 2 == number % 2 and (position + number) % 5
    ]
    rows += [
        Interaction(
            listener=alice,
            song=song,
            kind=Interaction.Kind.LIKE,
            source="world",
            occurred_at=timezone.now(),
        )
        for song in songs[:16:2]
    ]
    Interaction.objects.bulk_create(rows)
    run = training_requests.request_training(preset="classic", trigger="command")
    run = pipeline.run_training(run.pk, "test")
    assert run.status == "succeeded", run.error


def _forty_songs():
    artists = [Artist.objects.create(name=f"Band {n}") for n in range(8)]
    return [
        Song.objects.create(
            key=f"song_{n:02d}",
            title=f"Song {n:02d}",
            artist=artists[n % 8],
            duration_ms=200_000,
            energy=0.9 if n % 2 else 0.2,
            valence=0.8 if n % 2 else 0.3,
            tempo=160 if n % 2 else 90,
        )
        for n in range(40)
    ]


@pytest.fixture
def jams(alice, songs):
    playlist = Playlist.objects.create(
        owner=alice.user, kind=Playlist.Kind.WEEKLY_JAMS, period="2026-W34", title="Weekly jams"
    )
    for position, song in enumerate(songs[:2], start=1):
        playlist.items.create(song=song, position=position, reason="You loved it")
    return playlist
