"""The operator's dashboard: retrain, versions, experiments and the start page, as an operator uses them."""

import sqlite3
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from accounts.models import ApiToken, User
from accounts.tokens import create_token
from catalog.models import Artist, ArtistCredit, ImportRun, Interaction, Song, SongTotal
from recommendations.engine import PRESETS
from recommendations.models import Arm, Experiment, Impression, ModelVersion, TrainingRun
from recommendations.services.lists import exclusions
from recommendations.services.operations import dashboard as dashboard_service
from recommendations.services.operations import health_checks
from recommendations.services.preferences import controls
from recommendations.services.serving import recommend, why_not
from recommendations.services.training import budgets, training_requests
from recommendations.services.version_reports import absence_text, model_comparison
from recommendations.services.versions import registry
from tests.query_budgets import DASHBOARD_BUDGET
from tests.recommendations.conftest import train

pytestmark = pytest.mark.django_db


@pytest.fixture
def dashboard(client):
    """Olga, who may do everything."""
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def staff(client):
    """Sam, who may look at everything but neither train nor activate."""
    sam = User.objects.create_user("sam", is_staff=True)
    sam.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(sam)
    return client


def page(client, name, *arguments, **query):
    answer = client.get(reverse(f"admin:{name}", args=arguments), query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("app", ["accounts", "catalog", "recommendations"])
def test_every_table_is_in_the_admin(dashboard, app):
    inline = {inline.model for one in admin.site._registry.values() for inline in one.inlines}
    for model in set(apps.get_app_config(app).get_models()) - inline:
        page(dashboard, f"{app}_{model._meta.model_name}_changelist")


def test_counts_in_tables_and_read_only_fields_have_separators(dashboard):
    artist = Artist.objects.create(name="Zaphod")
    song = Song.objects.create(key="s", title="Improbable", artist=artist)
    SongTotal.objects.create(
        listener=User.objects.get(username="olga"), song=song, n_plays=1_234_567
    )
    run = ImportRun.objects.create(file_name="x.json", status="succeeded", n_read=7_654_321)
    assert ">1,234,567<" in page(dashboard, "catalog_songtotal_changelist")
    assert ">7,654,321<" in page(dashboard, "catalog_importrun_changelist")
    assert "7,654,321" in page(dashboard, "catalog_importrun_change", run.pk)
    dashboard.cookies["django_language"] = "de"
    assert ">1.234.567<" in page(dashboard, "catalog_songtotal_changelist")


def test_an_operator_sees_tokens_and_takes_them_back_but_never_their_secret(dashboard):
    created = create_token(User.objects.create_user("lena"), "player", ["read"])
    token = ApiToken.objects.get()
    for html in (
        page(dashboard, "accounts_apitoken_changelist"),
        page(dashboard, "accounts_apitoken_change", token.pk),
    ):
        assert "player" in html
        assert created.secret not in html
    dashboard.post(reverse("admin:accounts_apitoken_delete", args=[token.pk]), {"post": "yes"})
    assert not ApiToken.objects.exists()


class TestStartPage:
    def test_an_empty_site_says_what_is_missing_and_what_to_do(self, dashboard):
        html = page(dashboard, "index")

        assert "Popular songs are served until a model is trained" in html
        assert "none is at work" in html and "make run" in html

    def test_it_shows_what_serves_and_what_was_heard(self, dashboard, version):
        html = page(dashboard, "index")

        assert version.name in html and "interactions" in html and "<svg" in html
        assert "Listens and opinions" in page(dashboard, "dashboard_settings")

    def test_skips_of_recommended_songs_are_counted_from_when_they_were_shown(self, world):
        olga, now = User.objects.create_user("olga"), timezone.now()
        songs = list(Song.objects.all()[:4])
        Impression.objects.create(
            listener=olga, surface="home", step="live", song_ids=[song.pk for song in songs[:3]]
        )
        Impression.objects.update(shown_at=now - timedelta(hours=1))
        kinds = Interaction.Kind
        what = [(0, kinds.SKIP, 0), (1, kinds.PLAY, 0), (2, kinds.SKIP, -7200), (3, kinds.SKIP, 0)]
        Interaction.objects.bulk_create(
            Interaction(
                listener=olga,
                song=songs[index],
                kind=kind,
                occurred_at=now + timedelta(seconds=later),
                source="test",
            )
            for index, kind, later in what
        )
        assert sum(day.n_recommended_heard for day in dashboard_service.list_days()) == 1
        assert sum(day.n_recommended_skipped for day in dashboard_service.list_days()) == 1
        assert {day.recommended_skip_rate for day in dashboard_service.list_days()} == {None, 0.5}

    @pytest.mark.parametrize(("n_lists", "warns"), [(3, False), (60, True)])
    def test_few_lists_are_no_reason_to_warn(self, dashboard, n_lists, warns):
        visitor = User.objects.create_user("visitor")
        Impression.objects.bulk_create(
            Impression(listener=visitor, surface="home", step="popular") for _ in range(n_lists)
        )
        assert ("of lists came from a fallback" in page(dashboard, "index")) is warns

    def test_a_small_disk_and_a_risky_sqlite_are_told_with_their_cure(self, dashboard, monkeypatch):
        """T27, on the page that an operator opens."""
        monkeypatch.setattr(health_checks, "LITTLE_SPACE_BYTES", 10**18)
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))
        html = page(dashboard, "index")
        assert "GB free below" in html and "prune_model_versions" in html
        is_sqlite = connection.vendor == "sqlite"
        assert ("has the WAL-reset bug" in html) is ("move_database --to URL" in html) is is_sqlite

        monkeypatch.setattr(health_checks, "LITTLE_SPACE_BYTES", 0)
        monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
        html = page(dashboard, "index")
        assert "GB free" not in html and "WAL-reset" not in html

    def test_a_models_folder_that_is_gone_is_told(self, dashboard, settings):
        settings.ARTIFACTS_DIR = settings.ARTIFACTS_DIR / "gone"
        html = page(dashboard, "index")
        assert "gone can&#x27;t be looked at (No such file or directory)" in html

    def test_it_keeps_to_its_budget(self, dashboard, version):
        page(dashboard, "index")  # what is cached for a minute is cached now
        with CaptureQueriesContext(connection) as queries:
            page(dashboard, "index")
        assert len(queries) <= DASHBOARD_BUDGET


def page_context_entries(dashboard):
    """Return what the settings page says of who did what."""
    return dashboard.get(reverse("admin:dashboard_settings")).context["entries"]


class TestRetrain:
    def test_a_training_is_queued_and_watched(self, dashboard, world):
        answer = dashboard.post(
            reverse("admin:recommendations_retrain"), {"preset": "classic", "budget": "thorough"}
        )

        run = TrainingRun.objects.get()
        assert answer.url == reverse("admin:recommendations_trainingrun_change", args=[run.pk])
        assert run.options["config"]["components"]["als"]["n_iterations"] == 2 * 15
        assert run.requested_by.username == "olga"
        progress = dashboard.get(
            reverse("admin:recommendations_trainingrun_progress", args=[run.pk])
        ).json()
        assert (progress["is_active"], progress["progress"], progress["seconds_left"]) == (
            True,
            0,
            None,
        )
        html = page(dashboard, "recommendations_trainingrun_changelist")
        assert "No training worker is at work" in html and 'http-equiv="refresh"' in html
        (entry,) = page_context_entries(dashboard)
        assert (entry.name, entry.change) == (f"#{run.pk} classic", "Requested.")

    def test_a_second_one_is_refused_in_words(self, dashboard, world):
        """T08"""
        for _ in range(2):
            answer = dashboard.post(
                reverse("admin:recommendations_retrain"), {"preset": "classic"}, follow=True
            )

        assert TrainingRun.objects.count() == 1
        assert "it has to end or be cancelled first" in answer.content.decode()

    def test_where_to_train_is_asked_only_with_a_cluster(self, dashboard, world, settings):
        address = "recommendations_trainingrun_changelist"
        assert 'name="engine"' not in page(dashboard, address)
        settings.SPARK_MASTER = "spark://127.0.0.1:9"
        assert "on the Spark cluster" in page(dashboard, address)

    def test_a_training_on_a_cluster_says_what_is_missing(self, dashboard, world, settings):
        settings.SPARK_MASTER, settings.SPARK_PYTHON = "spark://127.0.0.1:9", "/nowhere/python"
        answer = dashboard.post(
            reverse("admin:recommendations_retrain"),
            {"preset": "large", "engine": "spark"},
            follow=True,
        )
        assert "no spark-submit beside SPARK_PYTHON" in answer.content.decode()
        assert not TrainingRun.objects.exists()

    def test_the_refusal_is_german_on_a_german_dashboard(self, dashboard, world):
        for _ in range(2):
            answer = dashboard.post(
                reverse("admin:recommendations_retrain"),
                {"preset": "classic"},
                follow=True,
                headers={"accept-language": "de"},
            )

        assert "ist noch nicht zu Ende (wartet)" in answer.content.decode()

    def test_the_schedule_is_told_in_words(self, dashboard, world):
        assert "Runs by itself: daily at 03:30" in page(
            dashboard, "recommendations_trainingrun_changelist"
        )
        PeriodicTask.objects.filter(task="recommendations.tasks.retrain").update(enabled=False)
        assert "The schedule is switched off." in page(
            dashboard, "recommendations_trainingrun_changelist"
        )

    def test_what_waits_cannot_be_deleted(self, dashboard, world):
        run = training_requests.request_training(trigger="admin")
        address = reverse("admin:recommendations_trainingrun_delete", args=[run.pk])
        assert dashboard.post(address, {"post": "yes"}).status_code == 403
        training_requests.cancel(run)
        dashboard.post(address, {"post": "yes"})
        assert not TrainingRun.objects.exists()

    def test_cancel(self, dashboard, world):
        run = training_requests.request_training(trigger="admin")
        dashboard.post(reverse("admin:recommendations_trainingrun_cancel", args=[run.pk]))

        run.refresh_from_db()
        assert run.status == "cancelled"

    @pytest.mark.parametrize(
        "name", ["recommendations_retrain", "recommendations_modelversion_prune"]
    )
    def test_without_the_permission_nothing_happens(self, staff, world, name):
        """T37"""
        assert staff.post(reverse(f"admin:{name}"), {"preset": "classic"}).status_code == 403
        assert not TrainingRun.objects.exists()

    def test_looking_changes_nothing(self, dashboard, version):
        """T39: every page that asks first is harmless to open."""
        for name in ("roll_back", "prune"):
            page(dashboard, f"recommendations_modelversion_{name}")
        page(dashboard, "recommendations_modelversion_activate", version.pk)
        assert dashboard.get(reverse("admin:recommendations_retrain")).status_code == 403
        assert registry.get_active_version() == version

    def test_a_budget_leaves_the_preset_as_it_is(self):
        assert budgets.make_options("classic", "normal") == {}
        assert budgets.make_options("classic", "quick")["evaluate"] is False

    @pytest.mark.parametrize(("budget", "factor"), [("quick", 0.5), ("normal", 1), ("thorough", 2)])
    def test_a_preset_that_searches_tries_more_or_less(self, budget, factor):
        config = training_requests.load_config("tuned", budgets.make_options("tuned", budget))
        assert config.search.trials == round(PRESETS["tuned"].search.trials * factor)


@pytest.fixture
def two(world):
    """Two measured versions; the second is active."""
    return [
        ModelVersion.objects.get(training_run=train(evaluate=True, seed=seed)) for seed in (0, 1)
    ]


class TestVersions:
    def test_two_side_by_side_with_paired_intervals(self, dashboard, two):
        html = page(dashboard, "recommendations_modelversion_compare", a=two[0].pk, b=two[1].pk)
        comparison = model_comparison.compare(*two)

        row = next(row for row in comparison.metrics if row.name == "ndcg@10")
        assert row.difference.low <= row.difference.mean <= row.difference.high
        assert comparison.n_paired > 0 and f"{row.a:.4f}" in html
        for n_cases, n_charts in (
            (19, 4),
            (20, 5),
        ):  # of few cases the truth of reasons is not drawn
            for version in two:
                version.metrics["fidelity"]["n_cases"] = n_cases
                version.save(update_fields=["metrics"])
            html = page(dashboard, "recommendations_modelversion_changelist")
            assert html.count("<rect") == n_charts * 2
        assert (
            f"{row.b:.4f} (" in html
            and "Coverage of the catalog" in html
            and "Truth of the reasons" in html
        )

    def test_figures_of_two_kinds_of_songs_are_not_compared(self, dashboard, two):
        """Songs heard last are harder to find than random ones."""
        two[1].metrics["report"]["split"] = "newest"
        two[1].save(update_fields=["metrics"])
        html = page(dashboard, "recommendations_modelversion_compare", a=two[0].pk, b=two[1].pk)
        assert "so their figures are of two kinds" in html
        comparison = model_comparison.compare(*two)
        assert comparison.n_paired == 0
        assert all(row.difference is None for row in comparison.metrics)
        captions = [
            "Measured on the songs that each listener heard last"
            in page(dashboard, "recommendations_modelversion_change", version.pk)
            for version in two
        ]
        assert captions == [False, True]

    def test_a_version_shows_its_figures_as_tables(self, dashboard, two):
        html = page(dashboard, "recommendations_modelversion_change", two[0].pk)
        profile = model_comparison.profile(two[0])

        assert (
            "ndcg@10" in html and "popularity alone" in html and "components.als.n_factors" in html
        )
        assert f"{profile.metrics['ndcg@10']['mean']:.4f}" in html
        assert "listener_ids" not in html
        address = reverse("admin:recommendations_modelversion_delete", args=[two[0].pk])
        assert dashboard.post(address, {"post": "yes"}).status_code == 403

    def test_a_version_says_how_its_settings_were_found(self, dashboard, version):
        def describe(options, ndcg, round_name):
            interval = [ndcg - 0.01, ndcg + 0.01]
            return {
                "component": "ease", "options": options, "round": round_name, "n_listeners": 1400,
                "ndcg@10": ndcg, "interval": interval,
            }  # fmt: skip

        difference = {"mean": 0.0123, "low": -0.0021, "high": 0.0267}
        version.metadata["tuning"] = {
            "validation": {"held_out": "last songs", "n_listeners": 1400, "n_songs": 5200},
            "began_with": {"ease": {"regularization": 70.0}},
            "trials": [
                describe({"regularization": 70.0, "n_links": None}, 0.2345, "full"),
                describe({"regularization": 20.0}, 0.2222, "quick"),
            ],
            "choices": {
                "ease": {
                    "options": {"regularization": 70.0},
                    "ndcg@10": 0.2345,
                    "interval": [0.2245, 0.2445],
                    "n_tried": 2,
                    "next_best": {"options": {}, "difference": difference},
                }
            },
            "comparisons": [
                {
                    "system": "ranker", "baseline": "blend", "listeners": "new listeners",
                    "n_listeners": 400, "difference": difference,
                }
            ],
            "chosen": "ranker",
            "left_out_for_memory": [
                {
                    "component": "ials", "options": {"n_factors": 1024}, "round": "full",
                    "needed_gb": 3.25, "free_gb": 1.0,
                }
            ],
        }  # fmt: skip
        version.save(update_fields=["metadata"])
        html = " ".join(page(dashboard, "recommendations_modelversion_change", version.pk).split())

        assert "finding 5,200 songs again, with 1,400 listeners judging" in html
        assert "the songs that each listener heard last" in html
        assert "0.2345 (0.2245 – 0.2445)" in html
        assert html.count("0.0123 (-0.0021 – 0.0267)") == 2
        assert "regularization 20.0" in html and "n_links" not in html.split("Configuration")[0]
        assert "The search began with the settings of the version before." in html
        assert "new listeners (400)" in html
        assert "ials (n_factors 1024): 3.3 GB needed, 1.0 GB free" in html

    def test_the_log_of_an_older_version_is_shown_as_far_as_it_goes(self, dashboard, version):
        version.metadata["tuning"] = {
            "n_judges": 31, "n_hidden": 90, "chosen": "blend",
            "trials": [{"component": "ease", "options": {"n_links": 7}, "ndcg@10": 0.1}],
        }  # fmt: skip
        version.save(update_fields=["metadata"])
        html = page(dashboard, "recommendations_modelversion_change", version.pk)
        assert "n_links 7" in html and "What serves known listeners: blend." in html
        assert "more than the next best" not in html
        version.metadata.pop("tuning")
        version.save(update_fields=["metadata"])
        html = page(dashboard, "recommendations_modelversion_change", version.pk)
        assert "How its settings were found" not in html

    def test_whether_reasons_are_true_stands_beside_a_control(self, dashboard, two):
        """Where one version was not measured for it, the other's figures are shown all the same."""
        two[1].metrics["fidelity"] = {
            "n_cases": 200,
            "score_fell": 0.875,
            "score_fell_control": 0.5,
        }
        two[1].save(update_fields=["metrics"])
        two[0].metrics["fidelity"] = None
        two[0].save(update_fields=["metrics"])
        rows = {row.name: (row.a, row.b) for row in model_comparison.compare(*two).fidelity}

        assert rows["score falls without the song named as the reason"] == (None, 0.875)
        html = page(dashboard, "recommendations_modelversion_compare", a=two[0].pk, b=two[1].pk)
        assert "Score falls without another song (control)" in html and "0.8750" in html

    def test_activate_and_roll_back_are_confirmed_and_logged(self, dashboard, two):
        first, second = two
        activate = reverse("admin:recommendations_modelversion_activate", args=[first.pk])
        assert f"Serve {first.name} to everybody" in dashboard.get(activate).content.decode()
        assert registry.get_active_version() == second
        dashboard.post(activate)
        assert registry.get_active_version() == first
        assert first.activations.first().by.username == "olga"

        dashboard.post(reverse("admin:recommendations_modelversion_roll_back"))
        assert registry.get_active_version() == second

    def test_a_double_click_goes_back_once(self, dashboard, two):
        _first, second = two
        third = ModelVersion.objects.get(training_run=train())
        address = reverse("admin:recommendations_modelversion_roll_back")
        assert f'name="agreed" value="{third.pk}"' in dashboard.get(address).content.decode()

        for _ in range(2):
            dashboard.post(address, {"agreed": third.pk})
        assert registry.get_active_version() == second

    def test_any_list_under_any_version_with_reasons(self, dashboard, two, listener):
        html = page(
            dashboard, "recommendations_modelversion_preview", two[0].pk, listener=listener.username
        )

        assert f"{listener.username} under {two[0].name}" in html and f"under {two[1].name}" in html
        assert "Personalized pick" in html

    def test_unknown_listeners_are_told(self, dashboard, two):
        html = page(
            dashboard,
            "recommendations_modelversion_preview",
            two[0].pk,
            listener="nobody",
            song="nothing",
        )
        assert "There is no listener nobody." in html


class TestWhyNot:
    """Every step at which a song can fall out says so."""

    def why(self, listener, version, song):
        return absence_text.describe_absence(listener, version, song, n=5)

    def test_withdrawn(self, version, listener, song):
        Song.objects.filter(pk=song.pk).update(is_available=False)
        song.refresh_from_db()
        assert "withdrawn" in self.why(listener, version, song)

    def test_newer_than_the_model(self, version, listener, song):
        new = Song.objects.create(key="new", title="New", artist=song.artist)
        assert "does not know it" in self.why(listener, version, new)

    def test_known_to_the_listener(self, version, listener):
        heard = Interaction.objects.for_listener(listener).likes().first().song
        assert "in their history" in self.why(listener, version, heard)

    def test_disliked(self, version, listener, song):
        Interaction.objects.for_listener(listener).filter(song=song).delete()
        Interaction.objects.create(
            listener=listener, song=song, kind=Interaction.Kind.DISLIKE, source="test"
        )
        assert self.why(listener, version, song) == "The listener disliked it."

    def test_in_the_list_or_below_it(self, version, listener):
        inside = recommend.recommend_songs(listener, 5, version=version)
        assert self.why(listener, version, inside.songs[2]) == "It is in the list, at place 3."
        heard = set(Interaction.objects.for_listener(listener).values_list("song_id", flat=True))
        outside = Song.objects.exclude(pk__in=heard | {song.pk for song in inside.songs}).first()
        assert "By its score it is number" in self.why(listener, version, outside)

    def test_what_the_listener_is_told_is_what_the_operator_reads(self, version, listener):
        listed = recommend.recommend_songs(listener, 5, version=version).songs
        others = Song.objects.exclude(pk__in=[song.pk for song in listed])[:12]
        steps = set()
        for song in [*listed, *others]:
            absence = why_not.explain_absence(listener, song, 5)
            steps.add(absence.step)
            rank = f" {absence.rank}" if absence.rank and absence.step != "next_list" else ""
            assert rank in self.why(listener, version, song)
        assert {"heard", "listed", "outranked"} <= steps

    def test_another_version_that_was_heard(self, version, listener, song):
        heard = Song.objects.filter(interactions__listener=listener).exclude(pk=song.pk).first()
        other = Song.objects.exclude(interactions__listener=listener).first()
        Song.objects.filter(pk__in=[heard.pk, other.pk]).update(work_key="one work")
        exclusions.clear_masks()
        sentence = self.why(listener, version, other)
        assert sentence == "The listener has heard another version of it."

    def test_a_hidden_guest(self, version, listener):
        song = Song.objects.exclude(interactions__listener=listener).first()
        guest = Artist.objects.create(name="Guest")
        ArtistCredit.objects.create(song=song, artist=guest)
        controls.hide_artist(listener, guest)
        assert self.why(listener, version, song) == "The listener hid an artist who is on it."


class TestExperiments:
    def test_from_draft_to_promotion(self, dashboard, version):
        address = reverse("admin:recommendations_experiment_add")
        arms = {
            "arms-TOTAL_FORMS": 2,
            "arms-INITIAL_FORMS": 0,
            "arms-MIN_NUM_FORMS": 2,
            "arms-MAX_NUM_FORMS": 9,
        }
        for i, (name, relevance) in enumerate([("as usual", ""), ("varied", "0.4")]):
            arms |= {
                f"arms-{i}-name": name,
                f"arms-{i}-share": "0.5",
                f"arms-{i}-relevance": relevance,
            }
        dashboard.post(address, {"name": "More variety?", "kind": "split"} | arms)
        experiment = Experiment.objects.get()
        html = page(dashboard, "recommendations_experiment_results", experiment.pk)
        assert "What it could find" in html

        arm = experiment.arms.last()
        for step, question, state in (
            ("start", "From now on 100 % of the listeners", "running"),
            ("stop", "Everybody is served as usual again", "stopped"),
            ("promote", "Serve everybody like “varied”", "promoted"),
        ):
            before = experiment.state
            html = page(
                dashboard, "recommendations_experiment_step", experiment.pk, step, arm=arm.pk
            )
            experiment.refresh_from_db()
            assert question in html and experiment.state == before  # only asked so far
            dashboard.post(
                reverse("admin:recommendations_experiment_step", args=[experiment.pk, step]),
                {"arm": arm.pk},
            )
            experiment.refresh_from_db()
            assert experiment.state == state
            assert "Results" in page(dashboard, "recommendations_experiment_results", experiment.pk)
        assert "promoted by olga" in experiment.log
        entries = LogEntry.objects.filter(user__username="olga", action_flag=CHANGE).order_by("pk")
        assert [entry.change_message for entry in entries] == ["start", "stop", "promote: varied"]

    @pytest.mark.parametrize("arm", ["", "0", "x", "9" * 30])
    def test_without_an_arm_nobody_is_asked_and_nothing_promoted(self, dashboard, arm):
        experiment = Experiment.objects.create(name="x", state=Experiment.State.STOPPED)
        address = reverse("admin:recommendations_experiment_step", args=[experiment.pk, "promote"])
        for ask in (dashboard.get, dashboard.post):
            html = ask(address, {"arm": arm}, follow=True).content.decode()
            assert "Choose an arm to promote." in html
        experiment.refresh_from_db()
        assert experiment.state == Experiment.State.STOPPED

    def test_what_runs_cannot_be_deleted_alone_or_among_others(self, dashboard):
        running = Experiment.objects.create(name="runs", state=Experiment.State.RUNNING)
        draft = Experiment.objects.create(name="draft")
        alone = reverse("admin:recommendations_experiment_delete", args=[running.pk])
        assert dashboard.post(alone, {"post": "yes"}).status_code == 403
        both = {
            "action": "delete_selected",
            "_selected_action": [running.pk, draft.pk],
            "post": "yes",
        }
        assert (
            dashboard.post(reverse("admin:recommendations_experiment_changelist"), both).status_code
            == 403
        )
        assert Experiment.objects.count() == 2

        dashboard.post(
            reverse("admin:recommendations_experiment_delete", args=[draft.pk]), {"post": "yes"}
        )
        assert Experiment.objects.get() == running

    def test_staff_without_the_permission_cannot_start(self, staff):
        experiment = Experiment.objects.create(name="x")
        Arm.objects.create(experiment=experiment, name="a")

        address = reverse("admin:recommendations_experiment_step", args=[experiment.pk, "start"])
        assert staff.get(address).status_code == staff.post(address).status_code == 403
