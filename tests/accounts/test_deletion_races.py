"""An account goes while its player, its pages and a worker write for it."""

import json

import pytest

pytestmark = pytest.mark.slow

RACE = """
import json, threading, time
from django.db import connection
from django.test import Client
from accounts.models import User
from accounts.tokens import create_token
from catalog.models import Artist, Interaction, Song
from recommendations.models import ListenerState, ListenerControl
from recommendations.services.serving import list_cache

artist = Artist.objects.create(name="Lola Berg")
for n in range(40):
    Song.objects.create(key=f"s{n}", title=f"Song {n}", artist=artist)
user = User.objects.create_user("anna", password="quite-some-words-9")
secret = create_token(user, "test", ["read", "write", "listen"]).secret
headers = {"Authorization": f"Token {secret}"}
statuses, errors, over = [], [], threading.Event()
begun = threading.Barrier(5)

def write(calls):
    client = Client(headers=headers, SERVER_NAME="localhost", raise_request_exception=False)
    begun.wait()
    n = 0
    try:
        while not over.is_set() or n < 3:
            method, address, body = calls(n % 40)
            answer = getattr(client, method)(f"/api/v1/{address}", body, content_type="application/json")
            statuses.append(answer.status_code)
            n += 1
            time.sleep(0.01)
    finally:
        connection.close()

def invalidate():
    begun.wait()
    try:
        while not over.is_set():
            list_cache.invalidate_lists([user.pk])
            time.sleep(0.01)
    except Exception as error:
        errors.append(repr(error))
    finally:
        connection.close()

threads = [threading.Thread(target=write, args=[calls]) for calls in (
    lambda n: ("put", f"songs/s{n}/like/", ""),
    lambda n: ("put" if n % 2 else "delete", f"songs/s{n // 2}/hidden/", ""),
    lambda n: ("post", "interactions/", json.dumps({"song": f"s{n}", "kind": "play"})),
)] + [threading.Thread(target=invalidate)]
for thread in threads:
    thread.start()
begun.wait()
while len(statuses) < 30:
    time.sleep(0.01)
gone = Client(headers=headers, SERVER_NAME="localhost").delete(
    "/api/v1/me/?confirm=anna", json.dumps({"password": "quite-some-words-9"}), content_type="application/json"
).status_code
over.set()
for thread in threads:
    thread.join()
left = [model.__name__ for model in (User, Interaction, ListenerControl, ListenerState) if model.objects.exists()]
print(json.dumps({"gone": gone, "statuses": sorted(set(statuses)), "left": left, "errors": errors}))
"""


def test_writes_beside_the_deletion_keep_nothing_and_end_in_no_error(
    installation, migrated_postgresql
):
    """T78: a write for the account meanwhile is answered that there is no such token; nothing of theirs stays."""
    installation.database_url = migrated_postgresql()
    installation.settings["API_RATE_WRITE"] = installation.settings["API_RATE_LISTEN"] = (
        "1000000000"
    )
    seen = json.loads(installation.shell(RACE).splitlines()[-1])
    assert (seen["gone"], seen["left"], seen["errors"]) == (204, [], [])
    assert set(seen["statuses"]) <= {200, 201, 204, 401}
