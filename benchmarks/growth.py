"""How many bytes a listener adds a day: python -m benchmarks.growth [--listeners 20].

Makes a site of its own in a temporary folder, lets listeners do what a day holds (60 plays from a player in
single submissions, a dozen pages, a few likes, lists shown and opened, a sign-in), and weighs tables and log
before and after. Nothing of the machine's own site is read.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

DAY = """
import html, json, re, sys, time
from django.core.cache import cache
from django.db import connection
from django.test import Client
from accounts import tokens
from accounts.models import User
from catalog.models import Song
from recommendations.services.operations import storage

N = int(sys.argv[-1]) if sys.argv[-1].isdecimal() else 20

def sizes():
    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cache.clear()
    return {size.name: size.n_bytes for size in storage.list_sizes() if size.n_bytes is not None}

songs = list(Song.objects.select_related("artist")[:400])
listeners = list(User.objects.filter(username__startswith="user_").order_by("pk")[:N])
before = sizes()
sys.stderr.write("DAY BEGINS\\n")
now = int(time.time()) - 86_400
for number, listener in enumerate(listeners):
    listener.set_password("a-password-of-a-day")
    listener.save()
    token = tokens.create_token(listener, "player", ["listen"]).secret
    browser, player = Client(headers={"Host": "localhost"}), Client(headers={"Host": "localhost"})
    browser.force_login(listener)
    for play in range(60):
        song = songs[(7 * number + play) % len(songs)]
        track = {"artist_name": song.artist.name, "track_name": song.title}
        listen = {"listened_at": now + play * 600, "track_metadata": track}
        player.post(
            "/1/submit-listens", json.dumps({"listen_type": "single", "payload": [listen]}),
            content_type="application/json", headers={"Authorization": f"Token {token}"},
        )
    for path in ["/", "/library/", "/taste/", "/browse/", "/library/history/", "/playlists/"] * 2:
        page = browser.get(path).content.decode()
        for part in page.split('data-receipt="')[1:]:
            seen = re.findall(r'data-song="([^"]+)"', part)
            shown = {"receipt": html.unescape(part.partition('"')[0]), "songs": seen, "surface": "home"}
            answer = browser.post("/api/v1/impressions/", json.dumps(shown), content_type="application/json")
            if answer.status_code == 201:
                outcome = json.dumps({"song": seen[0], "kind": "click"})
                place = f"/api/v1/impressions/{answer.json()['id']}/outcomes/"
                browser.post(place, outcome, content_type="application/json")
    for song in songs[number : number + 5]:
        browser.get(f"/songs/{song.pk}/")
        browser.post(f"/songs/{song.pk}/opinion/", {"opinion": "like"})
sys.stderr.write("DAY ENDS\\n")
after = sizes()
for name in after:
    print(f"{name}\\t{(after[name] - before.get(name, 0)) / len(listeners):.0f}")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=20)
    n_listeners = parser.parse_args().listeners
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "MUSICREC_ENV_FILE": f"{folder}/none",
            "SECRET_KEY": "only-for-this-measurement-0123456789-abcdefghijklmnop",
            "DATA_DIR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/growth.sqlite3",
            "API_RATE_LISTEN": "1000000",
            "LOG_FORMAT": "json",
        }
        _run(environment, "migrate", "--verbosity=0")
        _run(environment, "seed_demo_data", f"--listeners={5 * n_listeners}", "--songs=500")
        _run(environment, "train_model", "--no-evaluation")
        code = DAY.replace("sys.argv[-1]", f'"{n_listeners}"')
        done = _run(environment, "shell", "--verbosity=0", "-c", code)
        log = done.stderr.partition("DAY BEGINS\n")[2].partition("DAY ENDS\n")[0]
        print(f"{'what':40} bytes a listener and day")
        for line in [*done.stdout.splitlines(), f"Log\t{len(log.encode()) / n_listeners:.0f}"]:
            name, _, n_bytes = line.partition("\t")
            print(f"{name:40} {int(n_bytes):>10,}")


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return done


if __name__ == "__main__":
    main()
