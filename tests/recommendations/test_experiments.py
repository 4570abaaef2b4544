"""Experiments from draft to promotion."""

import math
import shutil

import numpy as np
import pytest
from django.core.cache import cache

from accounts.models import User
from catalog.models import Artist, Song
from recommendations.models import Arm, Experiment, Impression, ModelVersion, Outcome
from recommendations.services.experiments import lifecycle, results
from recommendations.services.experiments.lifecycle import ExperimentRefused
from recommendations.services.serving import feedback, recommend
from recommendations.services.versions import registry

pytestmark = pytest.mark.django_db


@pytest.fixture
def experiment():
    draft = Experiment.objects.create(name="More variety?")
    Arm.objects.create(experiment=draft, name="as usual", share=0.5)
    Arm.objects.create(experiment=draft, name="varied", share=0.5, relevance=0.3)
    return draft


@pytest.fixture
def song():
    return Song.objects.create(key="s", title="Song", artist=Artist.objects.create(name="Artist"))


def listen(experiment, song, clicked, *, n_listeners=40, unwanted=(0, 0)):
    """Show each listener ten lists in their arm; in arm i `clicked[i]` of them are clicked."""
    users = User.objects.bulk_create([User(username=f"u{i}") for i in range(n_listeners)])
    for i, user in enumerate(users):
        index = i % 2
        arm = experiment.arms.all()[index]
        shown = Impression.objects.bulk_create(
            [
                Impression(
                    listener=user, surface="home", step="live", arm=arm.code, song_ids=[song.pk]
                )
                for _ in range(10)
            ]
        )
        wiggle = (i // 2) % 2
        for kind, n in (("click", clicked[index] + wiggle), ("dislike", unwanted[index])):
            Outcome.objects.bulk_create(
                [Outcome(impression=s, song=song, kind=kind, position=1) for s in shown[:n]]
            )


class TestStart:
    def test_every_listener_has_one_arm_and_keeps_it(self, experiment):
        users = User.objects.bulk_create([User(username=f"u{i}") for i in range(60)])
        assert {lifecycle.find_treatment(user) for user in users} == {lifecycle.AS_USUAL}

        lifecycle.start(experiment)

        arms = [lifecycle.find_treatment(user).arm for user in users]
        assert set(arms) == {arm.code for arm in experiment.arms.all()}
        cache.clear()
        assert [lifecycle.find_treatment(user).arm for user in users] == arms

    def test_two_at_once_are_refused(self, experiment):
        lifecycle.start(experiment)
        other = Experiment.objects.create(name="Another")
        Arm.objects.create(experiment=other, name="a", share=0.5)
        Arm.objects.create(experiment=other, name="b", share=0.5, discovery=0.9)

        with pytest.raises(ExperimentRefused, match="“More variety\\?” is running; stop it first"):
            lifecycle.start(other)

    @pytest.mark.parametrize(
        ("change", "refusal"),
        [
            ({"share": 0.7}, "add up to 120 %|add up to 120%"),
            ({"share": 0.0}, "above 0"),
            ({"relevance": None}, "the same"),
        ],
    )
    def test_unusable_arms_are_refused_with_the_reason(self, experiment, change, refusal):
        Arm.objects.filter(name="varied").update(**change)

        with pytest.raises(ExperimentRefused, match=refusal):
            lifecycle.start(experiment)

    def test_a_preset_without_a_version_is_refused(self, experiment):
        Arm.objects.filter(name="varied").update(preset="tuned")

        with pytest.raises(ExperimentRefused, match="no version of the preset “tuned” yet"):
            lifecycle.start(experiment)
        experiment.refresh_from_db()
        assert experiment.state == "draft"


class TestServing:
    def test_lists_of_an_arm_differ_and_say_which_arm_they_are(self, experiment, version, listener):
        Arm.objects.filter(name="as usual").update(share=0.01)
        Arm.objects.filter(name="varied").update(share=0.99)
        usual = recommend.recommend_songs(listener, 10)
        lifecycle.start(experiment)

        varied = recommend.recommend_songs(listener, 10)

        assert usual.arm == "" and varied.arm == experiment.arms.get(name="varied").code
        assert [song.pk for song in varied.songs] != [song.pk for song in usual.songs]
        receipt = feedback.sign_receipt(listener, varied)
        assert feedback.record_impression(listener, receipt, varied.songs, "home").arm == varied.arm

    def test_what_a_listener_set_comes_first(self, experiment, version, listener):
        lifecycle.start(experiment)

        assert recommend.recommend_songs(listener, 5, discovery=0.9).arm == ""

    def test_an_arm_can_be_another_version(self, experiment, version, listener):
        from tests.recommendations.conftest import train

        newer = ModelVersion.objects.get(training_run=train(activate=False))
        for share, name in ((1e-6, "as usual"), (1 - 1e-6, "varied")):
            Arm.objects.filter(name=name).update(share=share)
        Arm.objects.filter(name="varied").update(version=newer, relevance=None)
        lifecycle.start(experiment)

        assert recommend.recommend_songs(listener, 5).version == newer

        lifecycle.promote(experiment, experiment.arms.get(name="varied"))
        assert registry.get_active_version() == newer
        assert newer.activations.first().reason == "experiment"

    def test_an_arm_of_a_draft_or_of_a_promoted_experiment_activates_nothing(
        self, experiment, version, listener
    ):
        from tests.recommendations.conftest import train

        newer = ModelVersion.objects.get(training_run=train(activate=False))
        Arm.objects.filter(name="varied").update(version=newer)
        usual, varied = (experiment.arms.get(name=name) for name in ("as usual", "varied"))

        with pytest.raises(ExperimentRefused, match="start it first"):
            lifecycle.promote(experiment, varied)
        assert registry.get_active_version() == version

        lifecycle.start(experiment)
        lifecycle.promote(experiment, usual)
        with pytest.raises(ExperimentRefused, match="promoted already"):
            lifecycle.promote(experiment, varied)
        assert registry.get_active_version() == version
        assert not newer.activations.exists()
        assert [arm.name for arm in experiment.arms.filter(is_winner=True)] == ["as usual"]

    def test_a_version_whose_files_are_gone_leaves_the_experiment_as_it_was(
        self, experiment, version, listener
    ):
        from tests.recommendations.conftest import train

        newer = ModelVersion.objects.get(training_run=train(activate=False))
        Arm.objects.filter(name="varied").update(version=newer)
        lifecycle.start(experiment)
        shutil.rmtree(registry.get_folder(newer))

        with pytest.raises(ExperimentRefused):
            lifecycle.promote(experiment, experiment.arms.get(name="varied"))
        experiment.refresh_from_db()
        assert experiment.state == "running"
        assert registry.get_active_version() == version


class TestResult:
    def test_a_clear_winner_is_named(self, experiment, song):
        listen(experiment, song, clicked=(2, 5))

        result = results.compute_result(experiment)

        first, varied = result.arms
        assert (first.n_listeners, first.n_lists) == (20, 20 * 10)
        assert first.rates["click"].value == pytest.approx((0.2 + 0.3) / 2)
        assert varied.differences["click"].value == pytest.approx(0.5 - 0.2)
        assert varied.differences["click"].is_clear and result.best == varied
        assert not result.ratio_is_off

    def test_no_difference_has_no_winner(self, experiment, song):
        listen(experiment, song, clicked=(3, 3))

        result = results.compute_result(experiment)
        assert result.best is None
        assert (
            result.arms[1].differences["click"].low < 0 < result.arms[1].differences["click"].high
        )

    def test_nobody_yet_is_a_plain_state(self, experiment):
        result = results.compute_result(experiment)

        assert result.best is None and result.sample_ratio_p == 1.0
        assert math.isnan(result.arms[0].rates["click"].value)

    def test_shares_that_are_not_kept_are_noticed(self):
        assert results.compute_sample_ratio_p([5000, 5100], [0.5, 0.5]) > 0.1
        assert results.compute_sample_ratio_p([5000, 5600], [0.5, 0.5]) < results.SAMPLE_RATIO_P

    def test_intervals_hold_the_truth_as_often_as_they_say(self):
        rng = np.random.default_rng(1)
        estimates = [
            results.estimate_difference(rng.normal(0.3, 0.2, 50), rng.normal(0.2, 0.1, 30))
            for _ in range(800)
        ]

        held = np.mean([e.low < 0.3 - 0.2 < e.high for e in estimates])
        assert held == pytest.approx(0.95, abs=0.025)


class TestGuardrails:
    def test_an_arm_that_is_disliked_stops_and_the_rest_goes_on(self, experiment, song):
        lifecycle.start(experiment)
        listen(experiment, song, clicked=(3, 3), n_listeners=80, unwanted=(0, 4))

        stopped = results.watch_running()

        assert [arm.name for arm in stopped] == ["varied"]
        arm = experiment.arms.get(name="varied")
        assert "disliked or hidden" in arm.stop_reason
        user = next(u for u in User.objects.all() if lifecycle.find_treatment(u).arm == arm.code)
        assert (
            lifecycle.find_treatment(user).relevance is None
        )  # served as usual, counted with the arm
        assert results.watch_running() == []

    def test_a_few_listeners_prove_nothing(self, experiment, song):
        lifecycle.start(experiment)
        listen(experiment, song, clicked=(9, 0), n_listeners=20)

        assert results.watch_running() == []


def test_a_promoted_variety_becomes_the_usual_one(experiment):
    lifecycle.start(experiment)
    lifecycle.promote(experiment, experiment.arms.get(name="varied"), by="olga")

    assert lifecycle.find_treatment(User.objects.create_user("anybody")) == lifecycle.Treatment(
        relevance=0.3
    )
    assert [line.split(None, 2)[2] for line in experiment.log.splitlines()] == [
        "started", "stopped by olga", "varied promoted by olga",
    ]  # fmt: skip


def test_the_power_estimate_follows_the_formula(experiment, song):
    listen(experiment, song, clicked=(2, 2), n_listeners=100)

    estimate = results.estimate_power(experiment)

    rate = 0.25
    assert (estimate.n_listeners, estimate.click_rate) == (100, pytest.approx(rate))
    assert estimate.detectable == pytest.approx(
        (1.95996 + 0.84162) * math.sqrt(rate * (1 - rate) * 2 / 50), rel=1e-4
    )
