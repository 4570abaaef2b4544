"""The dashboard's own pages: navigation, first steps, listeners, settings, and all tables behind them."""

import re
from datetime import date, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.core import mail
from django.core.cache import cache
from django.template import Context, Template
from django.test import Client
from django.utils import timezone, translation
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from accounts.models import User
from catalog.models import Artist, Interaction, Playlist, Song
from catalog.songs import kept_figures
from common.chart_scale import choose_top, write_tick
from common.templatetags.dates import format_days
from recommendations import tasks
from recommendations.admin.dashboard import SECTIONS
from recommendations.models import BackgroundJob, SiteContract, TrainingRun
from recommendations.services.operations import first_steps, schedule_text, site_figures
from recommendations.services.operations.audit_log import list_entries
from recommendations.templatetags.dashboard import rough_size

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> User:
    return User.objects.create_superuser("olga", email="olga@example.org")


@pytest.fixture
def dashboard(olga, client) -> Client:
    client.force_login(olga)
    return client


@pytest.fixture
def song() -> Song:
    artist = Artist.objects.create(name="The Lanterns")
    return Song.objects.create(key="s1", title="Tune", artist=artist)


@pytest.mark.parametrize(
    "section", ["", *(f"dashboard/{name}/" for name in SECTIONS), "dashboard/tables/"]
)
def test_every_page_of_the_dashboard_has_the_navigation_and_marks_itself(dashboard, section):
    page = dashboard.get(f"/admin/{section}").content.decode()
    navigation = page[
        page.index('class="dashboard-nav"') : page.index("</nav>", page.index("dashboard-nav"))
    ]
    assert len(re.findall(r"<a href", navigation)) == 8
    assert re.findall(r'href="([^"]+)" aria-current="page"', navigation) == [f"/admin/{section}"]


def test_every_table_is_behind_all_tables(dashboard):
    page = dashboard.get("/admin/dashboard/tables/").content.decode()
    for model in admin.site._registry:
        assert f"/admin/{model._meta.app_label}/{model._meta.model_name}/" in page, model


def test_first_steps_are_crossed_off_as_they_are_done(dashboard, olga, song, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    page = dashboard.get("/admin/").content.decode()
    assert "First steps" in page and "4 to do" in page  # songs are there
    Interaction.objects.create(listener=olga, song=song, kind=1, source="x")
    (tmp_path / first_steps.BACKUPS).mkdir()
    (tmp_path / first_steps.BACKUPS / "musicrec-1.tar").write_bytes(b"x")
    assert "2 to do" in dashboard.get("/admin/").content.decode()
    assert "musicrec-1.tar" in dashboard.get("/admin/dashboard/settings/").content.decode()


def test_listeners_are_found_with_what_they_did(dashboard, song):
    ben = User.objects.create_user("ben")
    now = timezone.now()
    kinds = Interaction.Kind
    for kind, plays in ((kinds.PLAY, 3), (kinds.SKIP, 1), (kinds.LIKE, 1)):
        Interaction.objects.create(
            listener=ben, song=song, kind=kind, plays=plays, source="x", occurred_at=now
        )
    listeners = dashboard.get("/admin/dashboard/listeners/?q=BE").context["listeners"]
    assert [one.user.username for one in listeners] == ["ben"]
    assert (listeners[0].n_plays, listeners[0].n_songs, listeners[0].n_likes) == (3, 1, 1)
    assert listeners[0].skip_rate == 1 / (3 + 1)
    assert (listeners[0].segment, listeners[0].last_listen) == ("cold", now)
    assert (
        "Nobody has this name."
        in dashboard.get("/admin/dashboard/listeners/?q=zz").content.decode()
    )


@pytest.mark.parametrize(
    "query", ["page=x", "page=" + "9" * 400, "q=%00", "q=%ED%A0%80", "q=" + "a" * 5000]
)
def test_listeners_take_any_query(dashboard, query):
    assert dashboard.get(f"/admin/dashboard/listeners/?{query}").status_code == 200


def test_a_test_mail_goes_to_the_operator_who_asks(dashboard, olga):
    answer = dashboard.post("/admin/dashboard/test-mail/", follow=True)
    assert [one.to for one in mail.outbox] == [["olga@example.org"]]
    assert "olga@example.org" in answer.content.decode()
    User.objects.filter(pk=olga.pk).update(email="")
    assert (
        "no e-mail address"
        in dashboard.post("/admin/dashboard/test-mail/", follow=True).content.decode()
    )
    assert len(mail.outbox) == 1


def test_a_site_without_mail_says_so_and_sends_no_test(dashboard, settings):
    settings.EMAIL_BACKEND = "musicrec_site.logs.console_mail.EmailBackend"
    page = dashboard.get("/admin/dashboard/settings/").content.decode()
    assert "This site sends no mail" in page and "Send me a test mail" not in page
    answer = dashboard.post("/admin/dashboard/test-mail/", follow=True).content.decode()
    assert "This site sends no mail" in answer and "was handed to" not in answer


def test_staff_without_the_right_see_no_section_and_send_no_mail(client):
    client.force_login(User.objects.create_user("stan", is_staff=True))
    assert client.get("/admin/").status_code == 200
    assert {client.get(f"/admin/dashboard/{name}/").status_code for name in SECTIONS} == {403}
    assert client.post("/admin/dashboard/test-mail/").status_code == 403


# --- In the operator's language, and counted when it is looked at -----------------------------------------------------


def test_the_settings_page_is_german_for_a_german_operator_after_an_english_one(
    dashboard, settings, tmp_path
):
    settings.DATA_DIR = tmp_path
    assert "Listens and opinions" in dashboard.get("/admin/dashboard/settings/").content.decode()
    page = dashboard.get(
        "/admin/dashboard/settings/", headers={"Accept-Language": "de"}
    ).content.decode()
    assert "Gehörtes und Urteile" in page and "Listens and opinions" not in page
    assert "Abgelaufenes löschen" in page and "täglich um 02:30 (UTC)" in page
    assert "Delete what is over" not in page and "alle 5 Minuten" in page


@pytest.mark.parametrize(
    ("every", "period", "words"),
    [
        (1, "hours", "every hour"), (300, "seconds", "every 5 minutes"), (60, "seconds", "every minute"),
        (45, "seconds", "every 45 seconds"), (2, "days", "every 2 days"),
    ],
)  # fmt: skip
def test_an_interval_is_said_in_its_largest_unit(every, period, words):
    task = PeriodicTask(interval=IntervalSchedule(every=every, period=period))
    assert schedule_text.describe_schedule(task) == words


def test_a_large_site_is_counted_when_a_worker_starts(dashboard, song, monkeypatch):
    assert not site_figures.has_uncounted()  # small: pages count for themselves
    monkeypatch.setattr(kept_figures, "SMALL_TABLE", 0)
    cache.clear()
    assert site_figures.has_uncounted()
    page = dashboard.get("/admin/dashboard/catalog/").content.decode()
    assert "being counted for the first time" in page
    asked = []
    monkeypatch.setattr(tasks, "send_wake_up", lambda task: asked.append(task) or True)
    assert tasks.count_missing_figures() and asked == [tasks.count_site_figures]
    tasks.count_site_figures()
    assert not site_figures.has_uncounted() and not tasks.count_missing_figures()
    page = dashboard.get("/admin/dashboard/catalog/").content.decode()
    assert "being counted" not in page and "by 1 artist, on 0 albums" in page


def test_steps_and_segments_have_names(dashboard, song):
    template = Template(
        "{% load dashboard %}{{ 'live'|step_name }}, {{ 'cold'|segment_name }}, {{ 'odd'|step_name }}"
    )
    assert template.render(Context()) == "made on request, under 5 songs, odd"


@pytest.mark.parametrize(
    ("most", "top", "middle"),
    [
        (0.153, "20", "10"),
        (0.15, "20", "10"),
        (0.048, "5", "2.5"),
        (0.98, "100", "50"),
        (0.07, "8", "4"),
    ],
)
def test_the_middle_of_a_chart_of_shares_is_no_rounded_number(most, top, middle):
    scale = choose_top(most)
    assert scale >= most
    ticks = [write_tick(100 * value) for value in (scale, scale / 2)]
    assert ticks == [top, middle]
    with translation.override("de"):
        assert write_tick(2.5) == "2,5"


def test_the_middle_of_a_chart_of_counts_is_a_whole_number():
    tops = {most: choose_top(most, is_whole=True) for most in (0, 1, 3, 5, 7, 9, 11, 25, 45, 1234)}
    assert tops == {
        0: 2, 1: 2, 3: 4, 5: 6, 7: 8, 9: 10, 11: 20, 25: 30, 45: 50, 1234: 2000,
    }  # fmt: skip


def test_a_range_of_one_day_is_said_once():
    day = date(2026, 11, 28)
    assert format_days(day, day) == "28 Nov 2026"
    assert format_days(day - timedelta(days=1), day) == "27 Nov 2026 – 28 Nov 2026"
    assert format_days("2026-11-28", "2026-11-28") == "28 Nov 2026"
    assert format_days("", "spring of 2019") == "spring of 2019"
    with translation.override("de"):
        assert format_days("2026-11-28", "2026-11-29") == "28.11.2026 – 29.11.2026"


def test_numbers_of_the_dashboard_have_the_decimal_mark_of_the_language():
    template = Template(
        "{% load dashboard %}{{ 0.0123|with_sign }} {{ -0.5|points }} {{ 172800|duration }}"
    )
    assert template.render(Context()) == "+0.0123 -50.00 2 d"
    with translation.override("de"):
        assert template.render(Context()) == "+0,0123 -50,00 2 Tg."


def test_who_did_what_is_in_the_language_of_who_reads_it(dashboard, olga, settings, tmp_path):
    """An operator who reads German asked for a job and made rules; an English one reads it, and the other way."""
    settings.DATA_DIR = tmp_path
    SiteContract.objects.create()
    job = BackgroundJob.objects.create(kind=BackgroundJob.Kind.BACKUP)
    training = TrainingRun.objects.create(preset="standard")
    mine = Playlist.objects.create(owner=olga, title="Aktiviert.")
    for row in (job, training, SiteContract.objects.get(), mine):
        with translation.override("de"):
            LogEntry.objects.log_actions(
                olga.pk, [row], CHANGE, change_message="Activated.", single_object=True
            )
    BackgroundJob.objects.update(status=BackgroundJob.Status.SUCCEEDED)
    expected = {
        "en": {f"#{job.pk} backup", "Rules for all lists", "Activated."},
        "de": {f"#{job.pk} Sicherung", "Regeln für alle Listen", "Aktiviert."},
    }
    for language, texts in expected.items():
        page = dashboard.get("/admin/dashboard/settings/", headers={"Accept-Language": language})
        entries = page.context["entries"]
        shown_texts = {text for one in entries for text in (one.name, one.change)}
        assert shown_texts == texts | {f"#{training.pk} standard", mine.title}
        assert all(one.name in page.content.decode() for one in entries)
    job_id = job.pk
    job.delete()
    (gone,) = [one for one in list_entries(20) if one.name.startswith(f"#{job_id} S")]
    assert gone.name == f"#{job_id} Sicherung"


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (987_300_000, "990 MB"),
        (2_221_300_000, "2.2 GB"),
        (996_000_000, "1.0 GB"),
        (71_000_000, "71 MB"),
        (15_870_000_000, "16 GB"),
    ],
)
def test_an_estimate_is_said_as_roughly_as_it_is(n_bytes, text):
    assert rough_size(n_bytes) == text


def test_a_preset_says_how_long_its_last_training_took(dashboard):
    began = timezone.now() - timedelta(hours=1)
    for seconds in (99, 29):
        TrainingRun.objects.create(
            preset="standard",
            status=TrainingRun.Status.SUCCEEDED,
            started_at=began,
            finished_at=began + timedelta(seconds=seconds),
        )
    page = dashboard.get("/admin/recommendations/trainingrun/").content.decode()
    assert page.count("The last one here took") == 1
    assert "The last one here took 29 s." in page


def test_today_lists_no_action_by_the_name_it_had_then(dashboard, olga):
    """Django's own list kept “waiting” for a job that was done, in the language of the day."""
    job = BackgroundJob.objects.create(kind=BackgroundJob.Kind.BACKUP)
    LogEntry.objects.log_actions(olga.pk, [job], CHANGE, single_object=True)
    page = dashboard.get("/admin/").content.decode()
    assert str(job) not in page and "Recent actions" not in page
