"""A catalogue that is too large to score every song: indexes are built and measured with a version, and told."""

import re
import sys
from dataclasses import replace
from html import unescape

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.models import User
from catalog.models import Song
from recommendations.engine import PRESETS, Recommender
from recommendations.engine.core.vector_index import VectorIndex
from recommendations.models import ModelVersion
from recommendations.services.data import training_rows
from recommendations.services.operations import health_checks, metrics
from recommendations.services.training import offline_evaluation
from recommendations.services.versions import registry
from tests.recommendations.conftest import train


@pytest.fixture
def every_catalogue_is_large(monkeypatch):
    monkeypatch.setattr(Recommender, "exact_below", 1)


def hide_usearch(monkeypatch):
    monkeypatch.setitem(sys.modules, "usearch.index", None)


def read_version_page(client) -> str:
    client.force_login(User.objects.create_superuser("olga"))
    address = reverse(
        "admin:recommendations_modelversion_change", args=[registry.require_active().pk]
    )
    page = client.get(address).content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_version_has_measured_indexes_and_the_page_tells(world, client, every_catalogue_is_large):
    run = train("large")
    version = registry.require_active()
    indexes = version.metadata["indexes"]
    assert indexes["installed"]
    cosine = indexes["components"]["als"]["cosine"]
    assert cosine["recall_at_10"] >= 0.95
    share = f"{100 * cosine['recall_at_10']:.1f}"
    assert f"The index cosine of als finds {share}% of the ten exact songs." in run.log
    text = read_version_page(client)
    assert "Indexes of the catalog" in text
    assert f"als (cosine) {share} %" in text


def test_what_is_measured_was_made_through_an_index(world, monkeypatch, every_catalogue_is_large):
    begun: list[str] = []
    searched = set()  # as soon as the last index is built: what measures it, and the evaluation
    search = VectorIndex.search

    def note_search(self, query, n):
        if begun and begun[-1] == "index content":
            searched.add(self)
        return search(self, query, n)

    monkeypatch.setattr(VectorIndex, "search", note_search)
    rows = training_rows.read()
    large = PRESETS["large"]
    few_factors = {"als": {"n_factors": 8, "n_iterations": 2}}
    offline_evaluation.evaluate_config(
        rows,
        replace(large, components={**large.components, **few_factors}),
        offline_evaluation.make_split(rows, "random", 1),
        seed=1,
        on_progress=lambda stage, done, total: begun.append(stage),
    )
    assert len(searched) > 1


def test_doctor_and_metrics_tell_what_the_indexes_find(world, capsys, every_catalogue_is_large):
    train("large")
    indexes = registry.require_active().metadata["indexes"]["components"]
    least = min(one["recall_at_10"] for each in indexes.values() for one in each.values())
    finding = health_checks.check_index()
    assert finding is not None
    assert (finding.status, finding.detail) == (
        "ok",
        f"finds at least {least:.1%} of the exact songs",
    )
    (gauge,) = [one for one in metrics.read() if one.name == "active_version_index_recall_ratio"]
    assert gauge.values["als cosine"] == indexes["als"]["cosine"]["recall_at_10"]
    assert gauge.values.keys() == {"als cosine", "als product", "content cosine"}
    call_command("doctor")
    assert finding.detail in capsys.readouterr().out


def test_without_usearch_a_version_is_exact_and_says_so(
    world, client, monkeypatch, every_catalogue_is_large
):
    hide_usearch(monkeypatch)
    run = train("large")
    assert run.log.count("usearch is not installed, so there is no index") == 1
    assert registry.require_active().metadata["indexes"] == {"installed": False}
    finding = health_checks.check_index()
    assert finding is not None
    assert finding.status == "degraded"
    assert "compared one by one" in finding.detail
    assert "There is no index, because usearch was not installed" in read_version_page(client)


def test_a_process_without_usearch_serves_a_version_with_indexes(
    world, monkeypatch, every_catalogue_is_large, become_new_process
):
    train("large")
    become_new_process()
    hide_usearch(monkeypatch)
    _version, recommender = registry.load_serving_recommender()
    assert recommender.algorithms["als"].indexes_ == {}
    song = Song.objects.get(key="song_00001")
    assert len(recommender.similar(int(recommender.items.rows([song.pk])[0]), 5)) == 5


def test_a_weak_index_is_told(version, every_catalogue_is_large):
    weak = {"recall_at_10": 0.9, "recall_at_100": 0.8, "used": False}
    about = {"installed": True, "components": {"als": {"product": weak}}}
    ModelVersion.objects.filter(pk=version.pk).update(
        metadata=version.metadata | {"indexes": about}
    )
    finding = health_checks.check_index()
    assert finding is not None
    assert finding.status == "degraded"
    assert finding.detail == "als product find less than 95% of the exact songs, and are not used"


def test_a_small_catalogue_has_no_index_and_nothing_is_said(world, client):
    run = train("large")
    assert "index" not in run.log
    assert health_checks.check_index() is None
    assert "indexes" not in registry.require_active().metadata
    assert "Indexes of the catalog" not in read_version_page(client)
