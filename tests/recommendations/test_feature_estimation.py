"""Missing audio features in a training: estimated, measured, told, and used only where they earn it."""

import re
from html import unescape

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from catalog.models import AUDIO_FEATURES, Song
from recommendations.engine import NO_SOURCE, PRESETS, estimate_features
from recommendations.engine.core.intervals import Interval
from recommendations.engine.synthetic.world import World
from recommendations.models import TrainingRun
from recommendations.services.data import demo_world, training_rows
from recommendations.services.data.feature_sources import read_feature_sources
from recommendations.services.training import (
    feature_estimation,
    new_version,
    offline_evaluation,
    pipeline,
    training_requests,
)
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


def test_a_training_records_what_it_estimated_and_the_dashboard_tells_it(world, client):
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


def decide(monkeypatch, low: float) -> None:
    """Let estimates be worth so much, whatever is measured."""
    monkeypatch.setattr(
        feature_estimation, "bootstrap_pairs", lambda *_args, **_more: Interval(0.01, low, 0.02)
    )


@pytest.mark.parametrize(("low", "is_used"), [(0.001, True), (0.0, False), (-0.01, False)])
def test_lists_use_estimates_only_where_they_surely_find_more(world, monkeypatch, low, is_used):
    """The rule; that what is measured decides is in the test above."""
    decide(monkeypatch, low)
    train(evaluate=True)
    _version, recommender = registry.load_serving_recommender()
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


def test_what_is_evaluated_has_estimates_of_the_training_part_alone(world, monkeypatch):
    """Listens of the held-out songs used to be in the estimates with which these songs were looked for."""
    decide(monkeypatch, 0.001)
    measured = []

    def measure_and_note(rows, *args, **options):
        measured.append(rows)
        return offline_evaluation.measure(rows, *args, **options)

    monkeypatch.setattr(new_version, "measure", measure_and_note)
    train(evaluate=True, preset="classic")
    rows = training_rows.read()
    of_training_part, of_all = estimate_from_both(rows)
    (evaluated,) = measured
    assert not np.array_equal(of_training_part, of_all)
    np.testing.assert_array_equal(evaluated.features.audio, of_training_part)
    _version, recommender = registry.load_serving_recommender()
    np.testing.assert_array_equal(recommender.estimates.fill(rows.features).audio, of_all)


def estimate_from_both(rows: training_rows.TrainingRows) -> list[np.ndarray]:
    """The audio features with estimates from the training part of the training's split, and from everything."""
    sources = read_feature_sources(rows.interactions.items.ids)
    weighting = PRESETS["classic"].weighting
    split = offline_evaluation.make_split(
        rows, offline_evaluation.choose_split(rows, PRESETS["classic"]), 0
    )
    return [
        estimate_features(rows.features, sources.numbers, events.to_matrix(weighting), seed=0)
        .fill(rows.features)
        .audio
        for events in (split.train, rows.interactions)
    ]


def test_a_night_that_begins_warm_would_be_evaluated_by_the_training_part_alone(
    world, settings, monkeypatch
):
    """What an evaluation would see had estimates from everything, because nothing was measured that night."""
    settings.SAMPLE_LISTENERS_FROM = 60
    decide(monkeypatch, 0.001)
    train(evaluate=True, preset="classic")
    estimations = []

    def estimate_and_note(*args, **options):
        estimations.append(estimate(*args, **options))
        return estimations[-1]

    estimate = feature_estimation.estimate
    monkeypatch.setattr(feature_estimation, "estimate", estimate_and_note)
    request = training_requests.request_training(
        preset="classic", trigger=TrainingRun.Trigger.SCHEDULE, options={"precompute": False}
    )
    pipeline.run_training(request.pk)
    assert "warm_started" in registry.require_active().metadata
    (estimation,) = estimations
    rows = training_rows.read()
    assert offline_evaluation.choose_split(rows, PRESETS["classic"]) == "sample"
    of_training_part, of_all = estimate_from_both(rows)
    assert not np.array_equal(of_training_part, of_all)
    np.testing.assert_array_equal(estimation.rows.features.audio, of_all)
    np.testing.assert_array_equal(estimation.measured_rows.features.audio, of_training_part)


def test_few_listeners_are_not_fitted_for_nothing(world, monkeypatch):
    """What too few listeners would say is not said; it used to be worked out first."""
    rows = training_rows.read()
    sources = read_feature_sources(rows.interactions.items.ids)
    steps = []

    def measure(few: int) -> feature_estimation.Use | None:
        monkeypatch.setattr(feature_estimation, "FEW_LISTENERS", few)
        steps.clear()
        return feature_estimation.measure_use(
            rows,
            sources,
            PRESETS["classic"],
            seed=1,
            on_progress=lambda *step: steps.append(step),
        )

    split = offline_evaluation.make_split(
        rows, offline_evaluation.choose_split(rows, PRESETS["classic"]), 1
    )
    n_measured = int((np.diff(split.test.indptr) > 0).sum())
    assert measure(n_measured) is not None and steps
    assert measure(n_measured + 1) is None and not steps


@pytest.mark.parametrize(("low", "is_used"), [(0.001, True), (-0.001, False)])
def test_a_night_that_begins_warm_keeps_the_decision(world, settings, monkeypatch, low, is_used):
    """It is not measured, so it used to decide by nothing and let the estimates go."""
    settings.SAMPLE_LISTENERS_FROM = 60
    decide(monkeypatch, low)
    train(evaluate=True, preset="classic")
    first = registry.require_active().metadata["estimates"]
    assert first["used"] is is_used
    decide(monkeypatch, -low)
    request = training_requests.request_training(
        preset="classic", trigger=TrainingRun.Trigger.SCHEDULE, options={"precompute": False}
    )
    run = pipeline.run_training(request.pk)
    version, recommender = registry.load_serving_recommender()
    assert version.training_run == run and "warm_started" in version.metadata
    assert (version.metadata["estimates"]["used"], version.metadata["estimates"]["use"]) == (
        is_used,
        first["use"],
    )
    assert np.isfinite(recommender.algorithms["content"].audio_).all() == is_used
    verb = "use" if is_used else "do not use"
    assert f"Lists {verb} the estimates, as those of the version before." in run.log


def test_estimating_moves_the_bar_and_can_be_cancelled(world, monkeypatch):
    monkeypatch.setattr("common.jobs.reporter.LOOK_EVERY", 0.0)
    calls = []
    run = request(evaluate=True)
    pipeline.run_training(
        run.pk, on_progress=lambda stage, fraction: calls.append((stage, fraction))
    )
    steps = {stage for stage, _ in calls if stage.startswith("estimating: ")}
    assert steps == {
        "estimating: intervals",
        "estimating: values",
        "estimating: values of the training part",
        "estimating: lists with estimates",
        "estimating: lists without",
    }
    fractions = [fraction for _, fraction in calls]
    assert fractions == sorted(fractions)

    run, seen = request(evaluate=True), []

    def cancel_at_once(stage, fraction):
        if stage == "estimating: values":
            seen.append(fraction)
            training_requests.cancel(run)

    assert pipeline.run_training(run.pk, on_progress=cancel_at_once).status == "cancelled"
    assert len(seen) == 1


def request(**options) -> TrainingRun:
    return training_requests.request_training(
        trigger=TrainingRun.Trigger.COMMAND, options={"precompute": False} | options
    )


def test_nothing_is_estimated_where_everything_is_known(db):
    demo_world.seed_database(World(n_listeners=20, n_songs=130, seed=3))
    train()
    version, recommender = registry.load_serving_recommender()
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
    _version, recommender = registry.load_serving_recommender()
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
