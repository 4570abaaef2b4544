"""Pages as Alice and Bob see them: over a few songs, or where lists matter over the trained world of the API tests."""

from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalog.models import Interaction
from tests.api.conftest import _empty_cache, _forty_songs  # noqa: F401
from tests.api.conftest import world as trained  # noqa: F401


@pytest.fixture
def world(db) -> SimpleNamespace:
    """Forty songs, and Alice who likes eight of them; no model."""
    songs = _forty_songs()
    alice = User.objects.create_user("alice")
    Interaction.objects.bulk_create(
        Interaction(listener=alice, song=song, kind=1, source="world", occurred_at=timezone.now())
        for song in songs[:8]
    )
    return SimpleNamespace(songs=songs)


@pytest.fixture
def alice(world) -> Client:
    """Alice's browser, signed in."""
    return signed_in(User.objects.get(username="alice"))


@pytest.fixture
def bob(world) -> Client:
    return signed_in(User.objects.create_user("bob", password="bobs-own-words-1"))


@pytest.fixture
def alice_with_model(trained) -> Client:  # noqa: F811
    return signed_in(User.objects.get(username="alice"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
