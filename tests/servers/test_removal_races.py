"""A server, a joined account, a music folder or a listener goes while a worker writes about it.

On committed transactions of two processes' worth of threads: what comes between the reading of the rows and their
deletion kept all of them, and the page answered 500.
"""

import json

import pytest

from tests.conftest import Installation

pytestmark = pytest.mark.slow

BEGINNING = """
import json, pathlib, random, tempfile, threading, time
from django.conf import settings
from django.db import connection
from django.test import Client
from accounts import services as accounts
from accounts.models import User
from catalog.files import scan_jobs
from catalog.models import *
from catalog.servers import joining, syncs
from catalog.servers.clients import subsonic
from catalog.servers.credentials import encrypt_secret
from tests.catalog.audio_files import make_wav, write
from tests.servers.stand_in import ACCOUNT, PASSWORD, StandIn, make_song, serve_stand_in

subsonic.PAGE_SONGS = 40
random.seed(7)
olga = User.objects.create_superuser("olga", password="quite-some-words-9")
dashboard = Client(SERVER_NAME="localhost", raise_request_exception=False)
dashboard.force_login(olga)
errors = []

def work(action):
    def run():
        try:
            action()
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}"[:300])
        finally:
            connection.close()
    thread = threading.Thread(target=run)
    thread.start()
    return thread

def wait_until(is_so, seconds=20):
    ends = time.monotonic() + seconds
    while not is_so() and time.monotonic() < ends:
        time.sleep(0.002)

def end(thread, seconds=240):
    thread.join(seconds)
    if thread.is_alive():
        errors.append("the worker never ended")

def connect(stand_in, name):
    return MusicServer.objects.create(
        name=name, address=stand_in.address, account_name=ACCOUNT, secret=encrypt_secret(PASSWORD))

def count(*models):
    return {model.__name__: model.objects.count() for model in models if model.objects.exists()}
"""

A_SERVER = """
statuses, left = [], []
with serve_stand_in(StandIn([make_song(n, title=f"Song {n} of them") for n in range(900)])) as stand_in:
    for n in range(ROUNDS):
        server = connect(stand_in, f"attic {n}")
        sync = syncs.request_library_sync(server)
        worker = work(lambda: syncs.run_sync(sync.pk))
        wait_until(lambda: ServerSong.objects.filter(server=server).count() >= 40 * (n % 5))
        time.sleep(random.uniform(0, 0.1))
        statuses.append(dashboard.post(f"/admin/catalog/musicserver/{server.pk}/delete/", {"post": "yes"}).status_code)
        end(worker)
        left.append(count(MusicServer, ServerSync, ServerSong, RejectedServerSong))
        left.append({"offered": Song.objects.filter(has_audio=True).count()})
print(json.dumps({"statuses": statuses, "left": [one for one in left if one not in ({}, {"offered": 0})],
                  "errors": errors}))
"""

AN_ACCOUNT = """
statuses, left = [], []
songs = [make_song(n, title=f"Song {n} of them", userRating=1 + n % 5, playCount=3, played="2026-05-01T10:00:00Z")
         for n in range(600)]
with serve_stand_in(StandIn(songs)) as stand_in:
    stand_in.starred[ACCOUNT] = {f"s{n}": "2026-05-01T10:00:00Z" for n in range(0, 600, 2)}
    server = connect(stand_in, "attic")
    syncs.run_sync(syncs.request_library_sync(server).pk)
    for n in range(ROUNDS):
        name = f"anna {n}"
        anna = User.objects.create_user(name, password="quite-some-words-9")
        account = joining.join_account(anna, server, ACCOUNT, PASSWORD)
        ServerAccount.objects.update(star_back=True)
        sync = syncs.request_account_sync(account)
        worker = work(lambda: syncs.run_sync(sync.pk))
        is_leaving = n % 3 == 0
        step = (Interaction if n % 2 else ServerAccountSong).objects
        wait_until(lambda: step.exists() or not worker.is_alive())
        time.sleep(random.uniform(0, 0.15))
        browser = Client(SERVER_NAME="localhost", raise_request_exception=False)
        browser.force_login(anna)
        if is_leaving:
            answer = browser.post(f"/settings/servers/{server.pk}/leave/")
        elif n % 3 == 1:
            answer = browser.post("/settings/delete/", {"password": "quite-some-words-9"})
        else:
            answer = dashboard.post(f"/admin/accounts/user/{anna.pk}/delete/", {"post": "yes"})
        statuses.append(answer.status_code)
        end(worker)
        left.append(count(ServerAccount, ServerAccountSong, WrittenPlaylist))
        left.append({"syncs": ServerSync.objects.exclude(account=None).count()})
        if not is_leaving:
            left.append({"rows": Interaction.objects.filter(listener=anna.pk).count()
                         + User.objects.filter(pk=anna.pk).count()})
        else:
            accounts.delete_account(anna)
        if stand_in.count("unstar"):
            left.append({"unstarred": stand_in.count("unstar")})
nothing = ({}, {"syncs": 0}, {"rows": 0})
print(json.dumps({"statuses": statuses, "left": [one for one in left if one not in nothing], "errors": errors}))
"""

A_FOLDER = """
statuses, left = [], []
scan_jobs.FILES_TOGETHER = 10
music = pathlib.Path(tempfile.mkdtemp())
for n in range(150):
    write(music / f"Anna {n % 9}" / f"Tides {n % 4}" / f"song {n}.wav", make_wav(0.02))
for n in range(ROUNDS):
    folder = scan_jobs.add_folder(str(music))
    scan = scan_jobs.request_scan(folder)
    worker = work(lambda: scan_jobs.run_scan(scan.pk))
    wait_until(lambda: MusicFile.objects.count() >= 10 * (n % 9))
    time.sleep(random.uniform(0, 0.05))
    statuses.append(dashboard.post(f"/admin/catalog/musicfolder/{folder.pk}/delete/", {"post": "yes"}).status_code)
    end(worker)
    left.append(count(MusicFolder, MusicFile, FolderScan))
    left.append({"offered": Song.objects.filter(has_audio=True).count()})
print(json.dumps({"statuses": statuses, "left": [one for one in left if one not in ({}, {"offered": 0})],
                  "errors": errors}))
"""

A_SONG = """
statuses, likes = [], []
from catalog.listening import interactions
artist = Artist.objects.create(name="Lola Berg")
listeners = [User.objects.create_user(f"listener {n}") for n in range(4)]
for n in range(ROUNDS):
    song = Song.objects.create(key=f"s{n}", title=f"Song {n}", artist=artist)
    def like():
        for listener in listeners:
            try:
                interactions.like_song(listener, song, source="test")
            except Exception as error:
                if type(error).__name__ not in ("SongNotFound", "DoesNotExist"):
                    raise
    workers = [work(like) for _ in range(3)]
    wait_until(lambda: Interaction.objects.filter(song=song).exists())
    statuses.append(dashboard.post(f"/admin/catalog/song/{song.pk}/delete/", {"post": "yes"}).status_code)
    for worker in workers:
        end(worker)
left = [count(Song, Interaction)]
print(json.dumps({"statuses": statuses, "left": [one for one in left if one], "errors": errors}))
"""

A_NAMED_SONG = """
statuses, seen = [], set()
from accounts.tokens import create_token
artist = Artist.objects.create(name="Lola Berg")
anna = User.objects.create_user("anna")
headers = {"Authorization": f"Token {create_token(anna, 'x', ['read', 'write', 'listen']).secret}"}
settings.API_RATES = dict.fromkeys(settings.API_RATES, 10**9)
for n in range(ROUNDS):
    song = Song.objects.create(key=f"s{n}", title=f"Song {n}", artist=artist)
    over = threading.Event()
    def name(method, address, body=""):
        client = Client(headers=headers, SERVER_NAME="localhost", raise_request_exception=False)
        while not over.is_set():
            answer = getattr(client, method)(f"/api/v1/{address}", body, content_type="application/json")
            seen.add((address.split("/")[-2], answer.status_code))
    workers = [work(lambda: name("put", f"songs/s{n}/hidden/")), work(lambda: name("delete", f"songs/s{n}/hidden/")),
               work(lambda: name("put", f"songs/s{n}/like/")), work(lambda: name("put", f"songs/s{n}/ignored/")),
               work(lambda: name("post", "playlists/", json.dumps({"title": "x", "songs": [f"s{n}"]})))]
    time.sleep(random.uniform(0.05, 0.2))
    statuses.append(dashboard.post(f"/admin/catalog/song/{song.pk}/delete/", {"post": "yes"}).status_code)
    time.sleep(0.05)
    over.set()
    for worker in workers:
        end(worker)
left = [count(Song, Interaction)]
print(json.dumps({"statuses": statuses, "left": [one for one in left if one]
                  + [one for one in sorted(seen) if one[1] >= 500], "errors": errors}))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request, installation: Installation) -> Installation:
    if request.param == "postgresql":
        installation.database_url = request.getfixturevalue("migrated_postgresql")()
    return installation


@pytest.mark.parametrize(
    "race",
    [A_SERVER, AN_ACCOUNT, A_FOLDER, A_SONG, A_NAMED_SONG],
    ids=["server", "account", "folder", "song", "named song"],
)
def test_what_goes_while_a_worker_writes_about_it_goes_whole(site, race):
    """T78: no page breaks, nothing stays, and no job runs for ever."""
    n = 10
    done = site.shell(BEGINNING + race.replace("ROUNDS", str(n)))
    seen = json.loads(done.splitlines()[-1])
    assert seen == {"statuses": [302] * n, "left": [], "errors": []}
