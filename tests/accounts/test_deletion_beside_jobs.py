"""An account or a song goes while trainings, lists, playlists, trends and imports work with it, on committed rows."""

import json

import pytest

from tests.conftest import Installation

pytestmark = pytest.mark.slow

RACE = """
import json, random, threading, time, uuid
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import ForeignKey
from django.test import Client
from django.core.files.uploadedfile import SimpleUploadedFile
from accounts.models import User
from accounts.tokens import create_token
from catalog.imports import import_jobs, import_requests
from catalog.models import Interaction, Song
from recommendations.engine import Recommender
from recommendations.engine.synthetic.world import World
from recommendations.models import BackgroundJob, ModelVersion, TrainingRun
from recommendations.services.data import column_copy, demo_world
from recommendations.services.jobs import background_jobs
from recommendations.services.training import pipeline, training_requests
from recommendations.services.versions import registry, stored_histories
from recommendations.services.workloads import background_work

random.seed(11)
demo_world.seed_database(World(n_listeners=120, n_songs=80, seed=3))
config = {"search": None, "ranker": None, "components": {"user_knn": {"n_neighbours": 3}, "popularity": {}},
          "weights": {name: {"user_knn": 0.8, "popularity": 0.2} for name in ("none", "cold", "warm", "hot")}}
options = {"evaluate": False, "config": config}
pipeline.run_training(training_requests.request_training(preset="classic", options=options).pk)
olga = User.objects.create_superuser("olga")
errors, statuses, over = [], [], threading.Event()

def work(action):
    def run():
        try:
            while not over.is_set():
                action()
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}"[:300])
        finally:
            connection.close()
    thread = threading.Thread(target=run)
    thread.start()
    return thread

def train():
    run = training_requests.request_training(preset="classic", options=options)
    run = pipeline.run_training(run.pk)
    if run.status != "succeeded":
        errors.append(f"training {run.status}: {run.error}")

def compute():
    version = registry.get_active_version()
    if version is None:
        errors.append("no version serves")
        time.sleep(0.1)
        return
    for job in (background_jobs.request_lists(version), background_jobs.request_playlists(),
                background_jobs.request_trends()):
        background_work.run(job.pk)

def browse():
    listener = User.objects.filter(is_staff=False).order_by("?").first()
    browser = Client(SERVER_NAME="localhost", raise_request_exception=False)
    browser.force_login(listener)
    for address in ("/", "/browse/", "/taste/", "/api/v1/recommendations/", "/playlists/"):
        status = browser.get(address).status_code
        if status >= 500:
            statuses.append((address, status))

def bring():
    listener = User.objects.filter(is_staff=False).order_by("?").first()
    rows = "".join(f"Band {n},,Own {listener.pk} {n},02 Jan 2024 12:{n:02}\\n" for n in range(40))
    file = SimpleUploadedFile("lastfm.csv", ("artist,album,track,date\\n" + rows).encode())
    try:
        run = import_requests.request_import(listener, file)
    except (import_requests.ImportRefused, User.DoesNotExist):
        return
    import_jobs.run_import(run.pk)

workers = [work(action) for action in (train, compute, browse, bring)]
gone = []
ends = time.monotonic() + SECONDS
dashboard = Client(SERVER_NAME="localhost", raise_request_exception=False)
dashboard.force_login(olga)
while time.monotonic() < ends and len(gone) < 60:
    time.sleep(random.uniform(0.05, 0.6))
    listener = User.objects.filter(is_staff=False).order_by("?").first()
    answer = dashboard.post(f"/admin/accounts/user/{listener.pk}/delete/", {"post": "yes"})
    if answer.status_code != 302:
        statuses.append(("delete", answer.status_code))
    gone.append(listener.pk)
    if len(gone) % 5 == 0:
        song = Song.objects.order_by("?").first()
        answer = dashboard.post(f"/admin/catalog/song/{song.pk}/delete/", {"post": "yes"})
        if answer.status_code != 302:
            statuses.append(("delete song", answer.status_code))
over.set()
for worker in workers:
    worker.join(240)
    if worker.is_alive():
        errors.append("a worker never ended")

left = []
for model in apps.get_models(include_auto_created=True):
    for field in model._meta.concrete_fields:
        is_of_user = isinstance(field, ForeignKey) and field.related_model is User and model._meta.managed
        if is_of_user and model._base_manager.filter(**{f"{field.attname}__in": gone}).exists():
            left.append(f"{model._meta.label}.{field.name}")
left += [f"job {job.pk} {job.kind} {job.status}" for job in BackgroundJob.objects.filter(status="running")]
left += [f"training {run.pk}" for run in TrainingRun.objects.filter(status="running")]
stored_histories.remove_departed_histories()
for version in ModelVersion.objects.exclude(state="pruned"):
    if version.state != "ready":
        left.append(f"{version.name} {version.state} {version.gate_reason}")
        continue
    stored = Recommender.load(registry.get_folder(version)).stored_listener_ids()
    left += [f"{version.name} holds {pk}" for pk in set(gone) & set(stored.tolist())]
column_copy.drop_departed()
store = column_copy.get_store()
left += [path.name for path in settings.UPLOADS_DIR.iterdir()]
left += [song.title for song in Song.objects.filter(title__startswith="Own ")
         if int(song.title.split()[1]) in gone]
print(json.dumps({"gone": len(gone) > 1, "left": sorted(set(left)), "statuses": sorted(set(statuses)),
                  "errors": sorted(set(errors)), "serves": registry.get_active_version() is not None}))
"""


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_who_goes_beside_every_job_leaves_nothing(request, installation: Installation, database):
    """T63, T75, T78: no page and no job breaks, and nothing of theirs stays."""
    if database == "postgresql":
        installation.database_url = request.getfixturevalue("migrated_postgresql")()
    done = installation.python(
        "manage.py",
        "shell",
        "--verbosity=0",
        "-c",
        RACE.replace("SECONDS", "25"),
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen == {"gone": True, "left": [], "statuses": [], "errors": [], "serves": True}, (
        done.stderr[-3000:]
    )
