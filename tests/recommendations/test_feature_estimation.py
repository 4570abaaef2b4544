"""Missing audio features in a training: estimated, measured, told, and used only where they earn it."""

import re
from html import unescape

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import AUDIO_FEATURES, Song
from recommendations.engine import NO_SOURCE, PRESETS
from recommendations.engine.core.intervals import Interval
from recommendations.engine.synthetic.world import World
from recommendations.services.data import demo_world, training_rows
from recommendations.services.data.feature_sources import read_feature_sources
from recommendations.services.training import feature_estimation
from recommendations.services.versions import registry
from tests.recommendations.conftest import train

N_SONGS = 240


@pytest.fixture
def world(db) -> World:
    """A world in which every third song is not analysed."""
    world = World(n_listeners=60, n_songs=N_SONGS, seed=3)
    demo_world.seed_database(world)
    missing = [song.pk for song in Song.objects.order_by("pk")[::3]]
    nothing = dict.fromkeys(AUDIO_FEATURES) | {"features_source": "", "other_sources": None}
    Song.objects.filter(pk__in=missing).update(**nothing)
    with_features = Song.objects.exclude(pk__in=missing)
    with_features.update(features_source="vibenet", other_sources={"tempo": "librosa"})
    return world


def read_text(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_training_records_what_it_estimated_and_the_desk_tells_it(world, client):
    run = train(evaluate=True)
    record = registry.require_active().metadata["estimates"]
    assert record["n_songs"] == N_SONGS / 3
    assert [one["n_estimated"] for one in record["features"]] == [N_SONGS / 3] * 8
    assert {one["name"] for one in record["sources"]} == {"vibenet", "librosa"}
    by_source = {one["name"]: one["n_tested"] for one in record["sources"]}
    # seven features of a song are vibenet's, the tempo is librosa's
    assert by_source["vibenet"] == 7 * by_source["librosa"]
    assert record["n_tested"] == sum(by_source.values())
    assert record["n_tested"] == sum(one["n_tested"] for one in record["genres"])
    held = sum(one["coverage"] * one["n_tested"] for one in record["features"])
    assert record["coverage"] == pytest.approx(held / record["n_tested"])
    assert record["used"] == (record["use"]["low"] > 0)
    assert f"Estimated missing audio features of {N_SONGS // 3} songs" in run.log
    assert f"Lists {'use' if record['used'] else 'do not use'} the estimates" in run.log

    client.force_login(User.objects.create_superuser("olga"))
    address = reverse(
        "admin:recommendations_modelversion_change", args=[registry.require_active().pk]
    )
    page_text = read_text(client.get(address).content.decode())
    assert f"Missing features of {N_SONGS // 3} songs are estimated." in page_text
    assert f"{100 * record['coverage']:.1f} % of them are in the range that was given" in page_text
    assert "vibenet" in page_text
    assert "librosa" in page_text


@pytest.mark.parametrize(("low", "is_used"), [(0.001, True), (0.0, False), (-0.01, False)])
def test_lists_use_estimates_only_where_they_surely_find_more(world, monkeypatch, low, is_used):
    """The rule; that what is measured decides is in the test above."""
    use = feature_estimation.Use(0.2, 0.1, Interval(0.01, low, 0.02))
    monkeypatch.setattr(feature_estimation, "measure_use", lambda *_args, **_more: use)
    train(evaluate=True)
    _version, recommender = registry.serving_recommender()
    is_known = np.isfinite(recommender.algorithms["content"].audio_)
    if is_used:
        assert is_known.all()
    else:
        assert is_known.all(axis=1).sum() == N_SONGS * 2 / 3
    # they are there for pages either way
    assert np.isfinite(recommender.estimates.values).all(axis=1).sum() == N_SONGS / 3


def test_an_unmeasured_training_does_not_use_them(world):
    train(evaluate=False)
    assert registry.require_active().metadata["estimates"]["used"] is False
    assert registry.require_active().metadata["estimates"]["use"] is None


def test_what_they_are_worth_is_measured_paired_on_the_split(world):
    """NDCG@10 with and without, of the same listeners."""
    rows = training_rows.read()
    sources = read_feature_sources(rows.interactions.items.ids)
    use = feature_estimation.measure_use(rows, sources, PRESETS["classic"], seed=1)
    assert use.difference.mean == pytest.approx(use.filled - use.bare)
    assert use.difference.low <= use.difference.mean <= use.difference.high


def test_nothing_is_estimated_where_everything_is_known(db):
    demo_world.seed_database(World(n_listeners=20, n_songs=130, seed=3))
    train()
    version, recommender = registry.serving_recommender()
    assert recommender.estimates is None
    assert "estimates" not in version.metadata


def test_sources_are_read_by_feature(world):
    ids = np.array(sorted(Song.objects.values_list("pk", flat=True)))
    sources = read_feature_sources(ids)
    assert set(sources.names) == {"vibenet", "librosa"}
    tempo = AUDIO_FEATURES.index("tempo")
    assert (sources.numbers[::3] == NO_SOURCE).all()
    assert (sources.numbers[1::3, tempo] == sources.names.index("librosa")).all()
    assert (np.delete(sources.numbers[1::3], tempo, axis=1) == sources.names.index("vibenet")).all()


def test_the_page_of_a_song_shows_estimates_as_estimates(world):
    train()
    song, with_features = Song.objects.order_by("pk")[:2]
    _version, recommender = registry.serving_recommender()
    estimate = recommender.estimates.describe(recommender.items.row(song.pk))["energy"]
    page_text = read_text(
        Client().get(reverse("recommendations:song", args=[song.pk])).content.decode()
    )
    range_text = f"{100 * estimate.low:.0f} – {100 * estimate.high:.0f} %"
    assert f"estimated {100 * estimate.value:.0f} % {range_text}" in page_text
    assert "≈ Estimated from songs of the same artist" in page_text
    page = reverse("recommendations:song", args=[with_features.pk])
    assert "≈" not in Client().get(page).content.decode()
    # what is measured later takes the estimate's place
    Song.objects.filter(pk=song.pk).update(energy=0.42)
    page = reverse("recommendations:song", args=[song.pk])
    page_text = read_text(Client().get(page).content.decode())
    assert re.search("energy 42 %", page_text, re.IGNORECASE)
    assert "≈ Estimated" in page_text
