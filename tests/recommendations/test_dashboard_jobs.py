"""What the dashboard does in the background at a button: a backup, and removing the demo."""

import tarfile

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tokens import create_token
from catalog.models import Album, Artist, Genre, ImportRun, Interaction, Playlist, Song
from recommendations.models import BackgroundJob, ModelVersion, RecommendationList, TrainingRun
from recommendations.services.jobs import background_jobs
from recommendations.services.operations import dashboard as dashboard_figures
from recommendations.services.operations import first_steps, storage
from recommendations.services.serving import recommend
from recommendations.services.versions import registry
from recommendations.services.workloads import background_work, demo_removal
from tests.recommendations.conftest import N_LISTENERS, N_SONGS, train

pytestmark = pytest.mark.django_db(transaction=True)

Kind = Interaction.Kind
LISTEN = timezone.now().replace(microsecond=0)


@pytest.fixture(autouse=True)
def data_folder(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.INTERACTIONS_DIR = tmp_path / "interactions"
    return tmp_path


@pytest.fixture
def dashboard(client):
    client.force_login(User.objects.create_superuser("olga", "olga@example.org"))
    return client


def run_job(kind: str) -> BackgroundJob:
    """Give the waiting job of a kind one turn, as a worker does."""
    job = background_work.run_next(BackgroundJob.Kind(kind))
    assert job is not None
    return job


def read_steps() -> list[bool]:
    return [step.is_done for step in first_steps.list_steps(first_steps.find_last_backup())]


def is_song(listener, song, kind=Kind.PLAY, source="lastfm", **columns):
    return Interaction.objects.create(
        listener=listener, song=song, kind=kind, source=source, occurred_at=LISTEN, **columns
    )


# --- Back up now ------------------------------------------------------------------------------------------------------


def test_a_backup_at_a_button_is_a_file_with_its_date_and_size_on_the_page(dashboard, data_folder):
    User.objects.create_user("ben")
    assert "none in the data folder" in dashboard.get("/admin/dashboard/settings/").content.decode()

    page = dashboard.post("/admin/dashboard/back-up/", follow=True).content.decode()
    assert "A backup is being made." in page and "Back up now" not in page
    assert run_job("backup").status == "succeeded"

    (file,) = (data_folder / "backups").glob("*.tar")
    with tarfile.open(file) as archive:
        assert "backup.json" in archive.getnames()
    page = dashboard.get("/admin/dashboard/settings/").content.decode()
    assert file.name in page and "Back up now" in page
    assert read_steps()[-1]
    assert page[page.index("Who did what") :].count("olga: #") == 1


def test_a_backup_that_fails_says_why_in_a_sentence(dashboard, data_folder):
    (data_folder / "backups").write_text("a file where the folder should be")
    dashboard.post("/admin/dashboard/back-up/")
    assert run_job("backup").status == "failed"
    page = dashboard.get("/admin/dashboard/settings/").content.decode()
    assert "No backup was made." in page and "File exists" in page and "Back up now" in page
    assert "No backup was made." in dashboard.get("/admin/dashboard/jobs/").content.decode()


def test_two_clicks_make_one_backup(dashboard):
    for _ in range(2):
        dashboard.post("/admin/dashboard/back-up/")
    assert BackgroundJob.objects.filter(kind="backup").count() == 1


@pytest.mark.parametrize("address", ["back-up", "remove-demo"])
def test_only_superusers_start_them(client, address):
    client.force_login(User.objects.create_user("stan", is_staff=True))
    assert client.post(f"/admin/dashboard/{address}/").status_code == 403
    assert not BackgroundJob.objects.exists()


# --- Removing the demo ------------------------------------------------------------------------------------------------


@pytest.fixture
def real(world) -> User:
    """Rosa, who has an own song and its play, and who liked a song of the demo on its page."""
    rosa = User.objects.create_user("rosa", "rosa@example.org")
    artist = Artist.objects.create(name="The Lanterns")
    album = Album.objects.create(title="Lights", artist=artist)
    song = Song.objects.create(key="real", title="Harbour", artist=artist, album=album)
    song.genres.add(Genre.objects.create(name="Sea shanty"))
    is_song(rosa, song)
    is_song(rosa, Song.objects.get(key="song_00001"), Kind.LIKE, "site")
    is_song(rosa, Song.objects.get(key="song_00002"))  # heard in a player: there is such a song
    mine = Playlist.objects.create(owner=rosa, title="Mine")
    mine.items.create(song=song, position=1)
    mine.items.create(song=Song.objects.get(key="song_00003"), position=2)
    return rosa


def test_the_demo_goes_and_what_others_brought_stays(dashboard, version, real, settings):
    artifacts = settings.ARTIFACTS_DIR
    recommend.recommend_songs(real)
    question = dashboard.get("/admin/dashboard/remove-demo/").content.decode()
    assert f"{N_LISTENERS} listeners of the demo" in question
    assert f"{N_SONGS - 1} made-up songs" in question
    assert "1 model version" in question
    assert "1 like or dislike" in question and "1 song stays" in question

    dashboard.post("/admin/dashboard/remove-demo/")
    assert run_job("demo").status == "succeeded"

    assert {one.username for one in User.objects.all()} == {"olga", "rosa"}
    assert {one.key for one in Song.objects.all()} == {"real", "song_00002"}
    assert Song.objects.get(key="song_00002").energy is None
    assert {one.source for one in Interaction.objects.all()} == {"lastfm"}
    assert Interaction.objects.filter(listener=real).count() == 2
    assert [item.song.key for item in Playlist.objects.get(title="Mine").items.all()] == ["real"]
    assert "The Lanterns" in {one.name for one in Artist.objects.all()}
    assert not Artist.objects.filter(songs=None).exists()
    assert Genre.objects.filter(name="Sea shanty").exists()
    assert not Genre.objects.filter(songs=None).exists()
    assert not ModelVersion.objects.exists() and not RecommendationList.objects.exists()
    assert not TrainingRun.objects.exists() and not list(artifacts.iterdir())
    assert not ImportRun.objects.exists()
    assert read_steps() == [True, True, False, False, False]
    assert [served.song.key for served in recommend.recommend_songs(real)] != []
    page = dashboard.get("/admin/dashboard/settings/").content.decode()
    assert "The demo was removed." in page and "Remove the demo" not in page
    assert "Remove the demo" not in dashboard.get("/admin/").content.decode()


def test_an_empty_site_is_left_by_a_demo_that_was_alone(dashboard, world):
    assert "Remove the demo" in dashboard.get("/admin/").content.decode()
    dashboard.post("/admin/dashboard/remove-demo/")
    run_job("demo")
    assert read_steps() == [False, False, False, False, False]
    assert not Artist.objects.exists() and not Album.objects.exists() and not Genre.objects.exists()
    answer = dashboard.get("/admin/dashboard/remove-demo/", follow=True)
    assert "There is no demo on this site." in answer.content.decode()


def test_the_dashboards_figures_do_not_count_the_demo_any_more(world, settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path / "uploads"
    settings.UPLOADS_DIR.mkdir()
    tom, song = User.objects.get(username="user_00002"), Song.objects.get(key="song_00004")
    is_song(tom, song, source="demo", import_run=Interaction.objects.first().import_run)
    assert sum(day.n_listens for day in dashboard_figures.read().days) == 1
    before = storage.list_sizes()
    (settings.UPLOADS_DIR / "plays.json").write_bytes(bytes(1_000))
    assert storage.list_sizes() == before  # kept for a while
    background_jobs.request_demo_removal()
    run_job("demo")
    assert sum(day.n_listens for day in dashboard_figures.read().days) == 0
    assert storage.list_sizes() != before


def test_an_account_of_the_demo_that_somebody_uses_stays_without_the_demos_listens(world):
    tom, ann = User.objects.filter(username__in=["user_00002", "user_00003"])
    create_token(tom, "phone", ["listen"])
    run = ImportRun.objects.create(content="listens", format="csv", file_name="ours.csv")
    song = Song.objects.get(key="song_00004")
    is_song(ann, song, import_run=run)
    background_jobs.request_demo_removal()
    run_job("demo")
    assert {one.username for one in User.objects.all()} == {"user_00002", "user_00003"}
    assert [row.song for row in Interaction.objects.all()] == [song]


def test_an_account_of_the_demo_with_a_password_of_its_own_stays(world):
    tom = User.objects.get(username="user_00002")
    tom.set_password("three blind mice")
    tom.save()
    background_jobs.request_demo_removal()
    run_job("demo")
    assert [one.username for one in User.objects.all()] == ["user_00002"]


def test_the_published_password_opens_nothing_afterwards(world):
    published = User.objects.get(username="user_00001")
    published.set_password("demo-listener")
    published.save()
    create_token(published, "tried out", ["listen"])
    background_jobs.request_demo_removal()
    run_job("demo")
    assert not User.objects.filter(username="user_00001").exists()


def test_until_a_removal_is_done_nobody_reads_that_it_was(dashboard, real):
    """The last that is left of the demo is the job that takes it away."""
    background_jobs.request_demo_removal()
    ImportRun.objects.filter(format="demo").delete()
    page = dashboard.get("/admin/dashboard/settings/").content.decode()
    assert "The demo is being removed." in page and "The demo was removed." not in page
    run_job("demo")
    page = dashboard.get("/admin/dashboard/settings/").content.decode()
    assert "The demo was removed." in page and "The demo is being removed." not in page


def test_an_earlier_version_serves_again(real):
    # trained before the demo came
    ImportRun.objects.filter(format="demo").update(created_at=timezone.now())
    train()
    earlier = registry.require_active()
    ModelVersion.objects.filter(pk=earlier.pk).update(
        created_at=timezone.now() - timezone.timedelta(days=9)
    )
    train()
    assert registry.require_active() != earlier
    background_jobs.request_demo_removal()
    run_job("demo")
    assert registry.require_active() == earlier
    assert [one.pk for one in ModelVersion.objects.all()] == [earlier.pk]


def test_nothing_is_touched_while_a_training_reads_it(dashboard, world):
    TrainingRun.objects.create(preset="classic", trigger="command")
    dashboard.post("/admin/dashboard/remove-demo/")
    job = run_job("demo")
    assert (job.status, User.objects.filter(username="user_00001").count()) == ("failed", 1)
    page = dashboard.get("/admin/dashboard/settings/").content.decode()
    assert "A training is under way" in page and "Remove the demo" in page


def test_a_removal_that_was_cut_off_goes_on(real):
    steps = demo_removal.remove_demo()
    for _ in range(2):
        next(steps)
    steps.close()
    left = User.objects.filter(username__startswith="user_").count()
    assert left < N_LISTENERS and demo_removal.has_demo()
    assert list(demo_removal.remove_demo())[-1] == 1.0
    assert not demo_removal.has_demo()
    assert {one.key for one in Song.objects.all()} == {"real", "song_00002"}
