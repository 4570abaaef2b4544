"""What is trending follows what is heard, also where no training comes through."""

import io
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from accounts.models import User
from catalog.models import Interaction, Song
from recommendations import tasks
from recommendations.models import Trends
from recommendations.services.data import column_copy, column_store, training_rows
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.serving import recommend
from recommendations.services.surfaces import home
from recommendations.services.versions import registry, trends
from tests.recommendations.conftest import train


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch):
    """No process of these tests has looked for trends, and each looks every time."""
    monkeypatch.setattr(trends, "LOOKED_FOR_SECONDS", 0.0)


@pytest.fixture
def hit(version) -> Song:
    """The song that hardly anybody heard before the training, and everybody after it."""
    counts = popularity().n_listeners_
    _version, recommender = registry.load_serving_recommender()
    song = Song.objects.get(pk=int(recommender.item_ids[int(np.argmin(counts))]))
    later = Interaction.objects.order_by("-occurred_at").first().occurred_at + timedelta(days=20)
    for listener in User.objects.all():
        Interaction.objects.filter(listener=listener, song=song).delete()
        Interaction.objects.create(
            listener=listener, song=song, kind=1, source="test", occurred_at=later
        )
    return song


def popularity():
    _version, recommender = registry.load_serving_recommender()
    return recommender.algorithms["popularity"]


def trending_songs():
    items = home.draft_trending(ListenerContext()).unpack().items
    songs = Song.objects.in_bulk(int(item.item_id) for item in items)
    return [songs[int(item.item_id)] for item in items]


def test_a_new_hit_leads_what_is_trending_without_a_training(hit, version):
    assert hit not in trending_songs()[:3]
    assert tasks.count_trends() == "succeeded"
    home.cache.clear()
    assert trending_songs()[0] == hit
    newcomer = User.objects.create_user("newcomer")
    served = recommend.recommend_songs(newcomer, 3)
    first = served.items[0]
    assert first.song == hit
    assert (first.explanation.popularity.kind, first.explanation.popularity.count) == (
        "trending",
        User.objects.exclude(pk=newcomer.pk).count(),
    )


def test_it_is_what_a_training_would_have_counted(hit, version):
    tasks.count_trends()
    counted = popularity()
    train()
    trained = popularity()
    assert registry.require_active() != version
    for name in ("trend_", "n_listeners_", "n_recent_", "is_trending_"):
        np.testing.assert_array_equal(getattr(counted, name), getattr(trained, name))


def test_it_is_counted_shard_by_shard(hit, version, monkeypatch):
    """Many shards count what one does, and none of them is the whole."""
    _version, recommender = registry.load_serving_recommender()
    monkeypatch.setattr(column_store, "ROWS_A_PARTITION", 1)
    column_copy.get_store().remove()
    sizes = []

    def measure(events):
        sizes.extend(each.n_events for each in events)
        return trends.measure(recommender, events)

    counted = training_rows.read_shards(measure, lambda done, total: None)
    whole = training_rows.read().interactions
    at_once = trends.measure(recommender, [whole])
    assert sum(sizes) == whole.n_events
    assert max(sizes) < whole.n_events
    for name in ("n_listeners_", "n_recent_", "is_trending_"):
        np.testing.assert_array_equal(getattr(counted, name), getattr(at_once, name))
    np.testing.assert_allclose(counted.trend_, at_once.trend_, rtol=1e-6)


def test_nothing_is_counted_while_nothing_new_was_heard(version):
    assert tasks.count_trends() == "succeeded"
    assert Trends.objects.count() == 0


def test_without_a_model_there_is_nothing_to_count_for(db):
    assert tasks.count_trends() == "succeeded"
    assert Trends.objects.count() == 0


def test_counts_of_other_songs_are_left_alone(hit, version):
    tasks.count_trends()
    short = {name: np.zeros(3) for name in ("trend_", "n_listeners_", "n_recent_", "is_trending_")}
    packed = io.BytesIO()
    np.savez_compressed(packed, **short)
    before = popularity().trend_.copy()
    Trends.objects.update(counts=packed.getvalue(), computed_at=timezone.now())
    np.testing.assert_array_equal(popularity().trend_, before)


def test_trends_go_with_the_version_back_and_forth(hit, version, become_new_process):
    """A roll-back brings the version back with its own counts."""
    tasks.count_trends()
    counted = popularity().trend_.copy()
    train()
    registry.roll_back()
    become_new_process()
    assert registry.require_active() == version
    np.testing.assert_array_equal(popularity().trend_, counted)
