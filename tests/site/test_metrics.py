"""/metrics: who may read it, and that what it says is valid and bounded (T62)."""

import subprocess
import sys
import textwrap

import pytest
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from musicrec_site.ops import metrics
from recommendations import telemetry
from recommendations.models import BackgroundJob, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def enabled_metrics(settings):
    settings.METRICS = True
    settings.METRICS_TOKEN = "let-me-scrape"


def scrape(client):
    answer = client.get("/metrics", HTTP_AUTHORIZATION="Bearer let-me-scrape")
    assert answer.status_code == 200
    return {
        family.name: family for family in text_string_to_metric_families(answer.content.decode())
    }


def test_it_is_off_by_default(client):
    assert client.get("/metrics").status_code == 404


@pytest.mark.usefixtures("enabled_metrics")
class TestGuard:
    """T37"""

    @pytest.mark.parametrize(
        "header", ["", "Bearer ", "Bearer wrong", "Basic let-me-scrape", "Bearer läßt"]
    )
    def test_strangers_are_refused(self, client, header):
        assert client.get("/metrics", HTTP_AUTHORIZATION=header).status_code == 403

    def test_the_token_in_the_address_is_refused(self, client):
        assert client.get("/metrics?token=let-me-scrape").status_code == 403

    def test_listeners_are_refused(self, client):
        client.force_login(User.objects.create_user("lena"))
        assert client.get("/metrics").status_code == 403

    def test_staff_may_look(self, client):
        client.force_login(User.objects.create_user("olga", is_staff=True))
        assert client.get("/metrics").status_code == 200

    def test_an_empty_token_lets_nobody_in(self, client, settings):
        settings.METRICS_TOKEN = ""
        assert client.get("/metrics", HTTP_AUTHORIZATION="Bearer ").status_code == 403


@pytest.mark.usefixtures("enabled_metrics")
class TestContent:
    def test_requests_for_recommendations_are_timed_by_step(self, client):
        before = _count(scrape(client), "live")
        telemetry.count_recommendation("live", 0.004)
        telemetry.count_recommendation("live", 0.2, list_age_seconds=90)

        assert _count(scrape(client), "live") == before + 2

    def test_unknown_steps_do_not_make_new_labels(self, client):
        telemetry.count_recommendation("song_4711", 0.004)

        steps = {
            sample.labels["step"]
            for sample in scrape(client)["musicrec_recommendation_seconds"].samples
        }
        assert steps <= {*telemetry.STEPS, "other"}

    def test_the_queue_comes_from_the_database(self, client):
        TrainingRun.objects.create(preset="classic", trigger="admin")
        BackgroundJob.objects.create(kind=BackgroundJob.Kind.LISTS)

        families = scrape(client)

        queue = {
            sample.labels["job"]: sample.value
            for sample in families["musicrec_queue_length"].samples
        }
        assert {job: n_jobs for job, n_jobs in queue.items() if n_jobs} == {
            "training": 1.0,
            "lists": 1.0,
        }
        assert {"import", "folder scan", "server sync", "playlists", "trends"} < queue.keys()
        assert families["musicrec_queue_oldest_seconds"].samples[0].value < 60

    def test_what_does_not_exist_has_no_value(self, client):
        assert scrape(client)["musicrec_worker_heartbeat_age_seconds"].samples == []


def _count(families, step):
    samples = families["musicrec_recommendation_seconds"].samples
    return sum(s.value for s in samples if s.name.endswith("_count") and s.labels["step"] == step)


def test_counts_of_ended_processes_are_kept_without_their_files(tmp_path):
    """T62: two processes count and end; the totals stay, whatever the number of processes that ever ran."""
    count = textwrap.dedent("""
        from prometheus_client import Counter
        Counter("songs", "About.", ["step"]).labels("live").inc(3)
    """)
    for _ in range(2):
        environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        subprocess.run([sys.executable, "-c", count], env=environment, check=True)
    assert len(list(tmp_path.glob("counter_*.db"))) == 2

    metrics.keep_totals(tmp_path)

    assert [path.name for path in tmp_path.glob("*.db")] == ["counter_0.db"]
    values = metrics.MmapedDict.read_all_values_from_file(str(tmp_path / "counter_0.db"))
    assert sum(value for _, value, _, _ in values) == 2 * 3
