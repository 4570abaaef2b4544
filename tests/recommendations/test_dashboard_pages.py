"""What the dashboard's own pages tell: neighbours of a listener, the catalog, jobs of all kinds, and the log."""

import json
import logging
from datetime import timedelta
from math import sqrt

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from catalog.models import Artist, FolderScan, Genre, ImportRun, Interaction, MusicFolder, Song
from common import log_file
from common.log_file import KeptLog
from recommendations.models import TrainingRun
from recommendations.services.operations import (
    catalog_overview,
    latest_jobs,
    listener_neighbours,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def dashboard(client) -> Client:
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def songs() -> list[Song]:
    artist = Artist.objects.create(name="The Lanterns")
    return [Song.objects.create(key=f"s{n}", title=f"Tune {n}", artist=artist) for n in range(6)]


def make_listener(name: str, songs: list[Song], kind: int = Interaction.Kind.PLAY) -> User:
    listener = User.objects.create_user(name)
    for position, song in enumerate(songs):
        # The first song is played most.
        Interaction.objects.create(
            listener=listener, song=song, kind=kind, plays=len(songs) - position, source="x"
        )
    return listener


class TestNeighbours:
    def test_the_most_alike_come_first_with_the_songs_that_both_know(self, songs):
        ada = make_listener("ada", songs[:4])
        make_listener("ben", songs[:4])  # 4 of 4 and 4
        make_listener("cleo", songs[1:3])  # 2 of 4 and 2
        make_listener("dora", songs[3:])  # 1 of 4 and 3
        make_listener("emil", songs[4:])  # none
        neighbours = listener_neighbours.find_neighbours(ada)
        assert [one.user.username for one in neighbours] == ["ben", "cleo", "dora"]
        assert [one.likeness for one in neighbours] == [
            4 / sqrt(4 * 4), 2 / sqrt(4 * 2), 1 / sqrt(4 * 3)
        ]  # fmt: skip
        assert [(one.n_common, one.n_songs) for one in neighbours] == [(4, 4), (2, 2), (1, 3)]
        assert neighbours[0].shared == songs[:3]
        assert neighbours[1].shared == songs[1:3]

    def test_skips_and_dislikes_and_who_opted_out_do_not_count(self, songs):
        ada = make_listener("ada", songs)
        make_listener("ben", songs, Interaction.Kind.SKIP)
        make_listener("cleo", songs, Interaction.Kind.DISLIKE)
        dora = make_listener("dora", songs, Interaction.Kind.LIKE)
        User.objects.filter(pk=make_listener("emil", songs).pk).update(personalised=False)
        assert [one.user for one in listener_neighbours.find_neighbours(ada)] == [dora]

    def test_songs_beyond_those_that_are_looked_for_count_too(self, monkeypatch, songs):
        ada, ben = make_listener("ada", songs), make_listener("ben", songs)
        monkeypatch.setattr(listener_neighbours, "N_COMPARED_SONGS", 2)
        (neighbour,) = listener_neighbours.find_neighbours(ada)
        assert (neighbour.user, neighbour.n_common, neighbour.likeness) == (ben, 6, 6 / 6)

    def test_who_opted_out_has_none(self, songs):
        ada = make_listener("ada", songs)
        make_listener("ben", songs)
        User.objects.filter(pk=ada.pk).update(personalised=False)
        ada.refresh_from_db()
        assert listener_neighbours.find_neighbours(ada) == []

    def test_a_listener_without_songs_has_none(self, dashboard, songs):
        make_listener("ben", songs)
        nina = User.objects.create_user("nina")
        assert listener_neighbours.find_neighbours(nina) == []
        page = dashboard.get(f"/admin/dashboard/listeners/{nina.pk}/").content.decode()
        assert "This listener has not played or liked anything yet." in page

    def test_the_queries_do_not_grow_with_listeners(self, songs, django_assert_num_queries):
        ada = make_listener("ada", songs)
        for n in range(12):
            make_listener(f"other{n}", songs[: n % 5 + 1])
        with django_assert_num_queries(6):
            assert len(listener_neighbours.find_neighbours(ada)) == 12

    def test_a_click_leads_from_the_table_to_list_and_neighbours(self, dashboard, songs):
        ada, ben = make_listener("ada", songs), make_listener("ben", songs[:2])
        table = dashboard.get("/admin/dashboard/listeners/").content.decode()
        assert f"/admin/dashboard/listeners/{ada.pk}/#neighbours" in table
        page = dashboard.get(f"/admin/dashboard/listeners/{ada.pk}/").content.decode()
        assert f"/admin/dashboard/listeners/{ben.pk}/" in page and "58 %" in page  # 2 / sqrt(6 * 2)
        assert dashboard.get("/admin/dashboard/listeners/999999/").status_code == 404

    def test_only_those_who_may_see_versions_see_a_listener(self, client, songs):
        ada = make_listener("ada", songs)
        client.force_login(User.objects.create_user("sam", is_staff=True))
        assert client.get(f"/admin/dashboard/listeners/{ada.pk}/").status_code == 403


def test_the_catalog_page_says_what_songs_have(dashboard, songs, tmp_path):
    folk = Genre.objects.create(name="Folk")
    for song in songs[:3]:
        song.genres.add(folk)
    Song.objects.filter(pk=songs[0].pk).update(features_source="x", cover_tag="c", has_audio=True)
    Song.objects.filter(pk=songs[5].pk).update(is_available=False)
    MusicFolder.objects.create(path=str(tmp_path))
    ImportRun.objects.create(content="songs", file_name="mine.csv", status="succeeded", n_added=6)
    overview = catalog_overview.load_overview()
    assert (overview.n_songs, overview.n_withdrawn, overview.n_artists) == (5, 1, 1)
    assert overview.genre_share == 3 / 5
    assert overview.sound_share == overview.cover_share == overview.playable_share == 1 / 5
    page = dashboard.get("/admin/dashboard/catalog/").content.decode()
    assert "60 %" in page and "20 %" in page and str(tmp_path) in page and "mine.csv" in page


def test_an_empty_catalog_has_no_shares():
    assert catalog_overview.load_overview().genre_share is None


def test_jobs_of_all_kinds_stand_in_one_list_those_at_work_first(dashboard):
    now = timezone.now()
    training = TrainingRun.objects.create(preset="classic", status="running", progress=0.4)
    done = ImportRun.objects.create(content="songs", file_name="mine.csv", status="succeeded")
    ImportRun.objects.filter(pk=done.pk).update(
        started_at=now, finished_at=now + timedelta(seconds=90)
    )
    first, second = latest_jobs.list_jobs()
    assert (first.row, second.row) == (training, done)
    assert (first.seconds, second.seconds) == (None, 90)
    page = dashboard.get("/admin/dashboard/jobs/").content.decode()
    assert f"/admin/recommendations/trainingrun/{training.pk}/change/" in page and "40 %" in page
    assert f"/admin/catalog/importrun/{done.pk}/change/" in page


def test_german_jobs_and_actions_are_german_with_their_capitals(dashboard):
    german = {"Accept-Language": "de"}
    folder = MusicFolder.objects.create(path="/srv/music")
    scan = FolderScan.objects.create(folder=folder, status="succeeded")
    assert (
        f"Lesen eines Ordners #{scan.pk}"
        in dashboard.get("/admin/dashboard/jobs/", headers=german).content.decode()
    )
    run = TrainingRun.objects.create(preset="classic", status="running")
    dashboard.post(f"/admin/recommendations/trainingrun/{run.pk}/cancel/")
    actions = dashboard.get("/admin/dashboard/settings/", headers=german).content.decode()
    assert "Abgebrochen." in actions and "Cancelled." not in actions


def test_a_long_job_stands_before_those_that_ended_since(dashboard):
    training = TrainingRun.objects.create(preset="classic", status="running")
    for n in range(latest_jobs.N_SHOWN + 1):
        TrainingRun.objects.create(preset=f"p{n}", status="succeeded")
    assert latest_jobs.list_jobs()[0].row == training


class TestLog:
    @pytest.fixture
    def path(self, settings, tmp_path):
        settings.KEPT_LOG = tmp_path / "log" / "warnings.jsonl"
        return settings.KEPT_LOG

    def write(self, path, event: str, level: int = logging.WARNING, error: str = "") -> None:
        handler = KeptLog(str(path))
        handler.setFormatter(JsonLines())
        record = logging.LogRecord("musicrec.test", level, "f", 1, event, None, None)
        record.error = error
        handler.handle(record)

    def test_the_newest_lines_are_on_the_settings_page(self, dashboard, path):
        self.write(path, "first")
        self.write(path, "second\nline", logging.ERROR, "Traceback …\nOSError: disk <full>")
        page = dashboard.get("/admin/dashboard/settings/").content.decode()
        assert page.index("second\nline") < page.index("first")
        assert "OSError: disk &lt;full&gt;" in page and "Traceback" not in page

    def test_a_long_file_is_put_aside_once_and_still_read(self, path, monkeypatch):
        self.write(path, "old")
        monkeypatch.setattr(log_file, "LARGEST_BYTES", path.stat().st_size)
        self.write(path, "new")
        assert sorted(one.name for one in path.parent.iterdir()) == [
            "warnings.jsonl", "warnings.jsonl.1", "warnings.jsonl.lock"
        ]  # fmt: skip
        assert [line.event for line in log_file.read_last_lines(path, 9)] == ["new", "old"]
        assert [line.event for line in log_file.read_last_lines(path, 1)] == ["new"]

    def test_mistyped_addresses_do_not_push_out_what_is_wrong_with_the_site(self, path, client):
        handler = KeptLog(str(path))
        handler.setFormatter(JsonLines())
        names = ("django.request", "django_structlog.middlewares.request")
        loggers = [logging.getLogger(name) for name in names]
        for logger in loggers:
            logger.addHandler(handler)
        try:
            client.get("/nothing/here/")
            client.post("/admin/jsi18n/", {})
            loggers[0].error("Internal Server Error: /x/", extra={"status_code": 500})
        finally:
            for logger in loggers:
                logger.removeHandler(handler)
        events = [line.event for line in log_file.read_last_lines(path, 9)]
        assert events == ["Internal Server Error: /x/"]

    def test_lines_that_are_cut_off_are_left_out(self, path):
        self.write(path, "whole")
        with path.open("a") as file:
            file.write('{"event": "cut')
        assert [line.event for line in log_file.read_last_lines(path, 9)] == ["whole"]

    def test_a_folder_that_cannot_be_written_stops_nobody(self, tmp_path, capsys):
        (tmp_path / "file").write_text("no folder")
        self.write(tmp_path / "file" / "warnings.jsonl", "lost")
        assert capsys.readouterr().err == ""

    def test_a_line_that_cannot_be_formatted_stops_nobody(self, path, capsys):
        handler = KeptLog(str(path))
        handler.setFormatter(JsonLines())
        args = ("no number",)
        handler.handle(
            logging.LogRecord("musicrec.test", logging.ERROR, "f", 1, "%d songs", args, None)
        )
        assert "TypeError: %d format" in capsys.readouterr().err
        self.write(path, "the next one")
        assert [line.event for line in log_file.read_last_lines(path, 9)] == ["the next one"]

    def test_only_a_superuser_sees_it(self, client, path):
        self.write(path, "secret of a server")
        sam = User.objects.create_user("sam", is_staff=True)
        client.force_login(sam)
        sam.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        page = client.get("/admin/dashboard/settings/").content.decode()
        assert "secret of a server" not in page


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "timestamp": timezone.now().isoformat(),
                "level": record.levelname.lower(),
                "logger": record.name,
                "event": record.getMessage(),
                "exception": getattr(record, "error", ""),
            },
            ensure_ascii=False,
        )


def test_the_dashboard_says_what_needs_the_operator_in_their_language(dashboard):
    german = dashboard.get("/admin/", headers={"accept-language": "de"}).content.decode()
    assert "<strong>Worker:</strong> keiner arbeitet" in german
    assert "none is at work" not in german
    assert "<strong>Worker:</strong> none is at work" in dashboard.get("/admin/").content.decode()
