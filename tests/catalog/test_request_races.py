"""Players, tabs and commands at the same moment on committed rows: nothing lost or doubled, no answer unclear."""

import json

import pytest

from tests.catalog.test_races import BEGINNING
from tests.conftest import Installation

pytestmark = pytest.mark.slow

CLIENTS = """
import random, time
from django.test import Client
from accounts import services as accounts
from accounts.tokens import create_token
random.seed(5)
anna = listeners[0]
secret = create_token(anna, "test", ["read", "write", "listen"]).secret
def ask(method, address, body=None):
    client = Client(
        headers={"Authorization": f"Token {secret}"}, SERVER_NAME="localhost", raise_request_exception=False)
    answer = getattr(client, method)(address, json.dumps(body), content_type="application/json")
    return answer.status_code
def press(address, **values):
    client = Client(SERVER_NAME="localhost", raise_request_exception=False)
    client.force_login(anna)
    return client.post(address, values).status_code
def listen(title, kind="single", **times):
    song = {"artist_name": "Lola Berg", "track_name": title}
    return {"listen_type": kind, "payload": [{"track_metadata": song, **times}]}
"""

NEW_SONGS = """
statuses, doubled = set(), []
for n in range(20):
    single = listen(f"New {n}", listened_at=1_700_000_000 + 1000 * n)
    playing = listen(f"New {n}", "playing_now")
    statuses |= set(together([lambda: ask("post", "/1/submit-listens", single)] * 5
                             + [lambda: ask("post", "/1/submit-listens", playing)] * 3))
    songs = Song.objects.filter(title=f"New {n}")
    if songs.count() != 1 or Interaction.objects.filter(song__in=songs).count() != 1:
        doubled.append(n)
print(json.dumps({"statuses": sorted(statuses), "doubled": doubled}))
"""

HEARTS = """
statuses, wrong = set(), []
from catalog.listenbrainz.payloads import compute_msid
for n in range(10):
    ask("post", "/1/submit-listens", listen(f"Heart {n}", listened_at=1_700_000_000 + 1000 * n))
    msid = str(compute_msid("Lola Berg", f"Heart {n}", ""))
    scores = [[1, -1] * 8, [1, 0] * 8][n % 2]
    statuses |= set(together([
        lambda score=score: ask("post", "/1/feedback/recording-feedback", {"recording_msid": msid, "score": score})
        for score in scores]))
    n_opinions = Interaction.objects.filter(song__title=f"Heart {n}", kind__in=[1, 2]).count()
    if n_opinions > 1 or (0 not in scores and n_opinions != 1):
        wrong.append((n, n_opinions))
print(json.dumps({"statuses": sorted(statuses), "wrong": wrong}))
"""

LATEST_IMPORT = """
statuses, back = set(), []
for n in range(12):
    moments = [1_600_000_000 + 100 * n + i for i in range(8)]
    random.shuffle(moments)
    statuses |= set(together([
        lambda ts=ts: ask("post", "/1/latest-import", {"ts": ts, "service": "lastfm"}) for ts in moments]))
    stored = LatestImport.objects.get(listener=anna, service="lastfm").listened_at.timestamp()
    if stored != max(moments):
        back.append(n)
answers = together([
    lambda n=n: ask("post", "/1/latest-import", {"ts": 1_600_000_000, "service": f"s{n}"}) for n in range(30)])
print(json.dumps({"statuses": sorted(statuses), "back": back, "services": LatestImport.objects.count(),
                  "stored": answers.count(200), "refused": answers.count(400)}))
"""

TABS = """
songs = [song(f"p{n}") for n in range(12)]
statuses, wrong = set(), []
for n in range(16):
    mine = playlists.create_playlist(anna, f"List {n}", songs=songs[:6])
    ids = list(mine.items.order_by("position").values_list("pk", flat=True))
    own, page = f"/api/v1/playlists/{mine.pk}/", f"/playlists/{mine.pk}/"
    actions = [
        lambda: press(page + "move/", order=",".join(map(str, ids[::-1]))),
        lambda: ask("post", own + "items/", {"song": "p7"}),
        lambda: ask("post", own + "items/", {"song": "p8"}),
        lambda: ask("delete", own + f"items/{ids[0]}/"),
        lambda: ask("patch", own + f"items/{ids[1]}/", {"position": 1}),
        lambda: ask("patch", own, {"title": "New", "is_public": True}),
        lambda: press(page + "change/", do="rename", title="Page", description="x"),
        lambda: press(page + "change/", do="share"),
    ]
    is_deleted = n % 2 == 1
    if is_deleted:
        actions.append(lambda: press(page + "change/", do="delete"))
    random.shuffle(actions)
    statuses |= set(together(actions))
    left = Playlist.objects.filter(pk=mine.pk).first()
    if (left is None) != is_deleted:
        wrong.append((n, "deleted" if left is None else "there"))
    elif left is not None:
        positions = list(left.items.order_by("position").values_list("position", flat=True))
        if positions != list(range(1, 6 - 1 + 2 + 1)) or not left.is_public or left.title not in ("New", "Page"):
            wrong.append((n, positions, left.title, left.is_public))
print(json.dumps({"statuses": sorted(statuses - {200, 201, 204, 302, 400, 404, 409}), "wrong": wrong}))
"""

AN_IMPORTED_PLAYLIST = """
import pathlib, tempfile
from catalog.imports import import_jobs
wrong = []
for n in range(8):
    mine = playlists.create_playlist(anna, f"Mix {n}", songs=[song(f"i{n}")])
    more = [song(f"a{n}-{i}") for i in range(6)]
    path = pathlib.Path(tempfile.mkdtemp()) / "lists.jspf"
    tracks = [{"title": f"Track {n} {i}", "creator": "Nils Oru"} for i in range(30)]
    path.write_text(json.dumps({"playlist": {"title": f"Mix {n}", "track": tracks}}))
    answers = together([lambda: import_jobs.import_file(path, "history", listener=anna) and None]
                       + [lambda one=one: playlists.add_song(mine, one) and None for one in more])
    positions = list(mine.items.order_by("position").values_list("position", flat=True))
    if answers != [None] * 7 or positions != list(range(1, 1 + 30 + 6 + 1)):
        wrong.append((answers, positions))
print(json.dumps(wrong))
"""

A_COMMAND = """
import io, pathlib, tempfile
from django.core.management import call_command
from django.core.management.base import CommandError
folder = pathlib.Path(tempfile.mkdtemp())
sentences, left = set(), []
for n in range(12):
    bob = User.objects.create_user(f"bob {n}")
    path = folder / f"history {n}.csv"
    path.write_text("artist,album,track,date\\n" + "".join(
        f"Band,,Own {bob.pk} {i % 300},{1 + i // 1440:02} Jan 2020 {i // 60 % 24:02}:{i % 60:02}\\n"
        for i in range(6000)))
    def bring():
        try:
            call_command("import_history", str(path), listener=bob.username, stdout=io.StringIO())
        except CommandError as error:
            return str(error)
    def leave():
        time.sleep([0, 0, 0.02, 0.1, 0.3, 0.6][n % 6])
        accounts.delete_account(User.objects.get(pk=bob.pk))
    sentence, gone = together([bring, leave])
    sentences |= {sentence, gone}
    left.append(Interaction.objects.filter(listener=bob.pk).count() + ImportRun.objects.count()
                + Song.objects.filter(title__startswith=f"Own {bob.pk} ").count())
sentences.discard(None)
allowed = ("There is no listener", "The account of bob", "Import #")
print(json.dumps({"others": [one for one in sentences if not one.startswith(allowed)], "left": sum(left)}))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request, installation: Installation) -> Installation:
    if request.param == "postgresql":
        installation.database_url = request.getfixturevalue("migrated_postgresql")()
    installation.settings["API_RATE_WRITE"] = installation.settings["API_RATE_LISTEN"] = (
        "1000000000"
    )
    return installation


def run(site: Installation, code: str):
    return json.loads(site.shell(BEGINNING + CLIENTS + code).splitlines()[-1])


def test_a_new_song_that_players_send_at_once_is_one_song_with_one_play(site):
    """T78."""
    assert run(site, NEW_SONGS) == {"statuses": [200], "doubled": []}


def test_hearts_of_one_song_at_once_leave_one_opinion(site):
    """T78."""
    assert run(site, HEARTS) == {"statuses": [200], "wrong": []}


def test_how_far_an_import_came_never_goes_back_and_keeps_its_limit(site):
    """T78."""
    assert run(site, LATEST_IMPORT) == {
        "statuses": [200],
        "back": [],
        "services": 20,
        "stored": 20 - 1,
        "refused": 30 - (20 - 1),
    }


def test_a_playlist_in_several_tabs_keeps_what_was_acknowledged(site):
    """T78."""
    assert run(site, TABS) == {"statuses": [], "wrong": []}


def test_an_import_of_a_playlist_beside_its_editing_keeps_positions_whole(site):
    """T78."""
    assert run(site, AN_IMPORTED_PLAYLIST) == []


def test_a_command_whose_account_is_deleted_ends_in_one_sentence(site):
    """T78."""
    assert run(site, A_COMMAND) == {"others": [], "left": 0}


A_MERGE_BETWEEN = """
from catalog.curation import merge
from catalog.listening import interactions
from catalog.songs import resolver
kept, double = resolver.find_or_add_songs([
    SongRecord(line=0, title="Blue Hour", artist="Lola Berg"),
    SongRecord(line=0, title="Blue Hour (Live)", artist="Lola Berg")])
record, n_merges = interactions.record_listens, []
def merge_first(*arguments, **options):
    if not n_merges:  # after the player's song was looked up, before its play is written
        n_merges.append(1)
        together([lambda: merge.merge_songs(kept, [double]) and None])
    return record(*arguments, **options)
interactions.record_listens = merge_first
status = ask("post", "/1/submit-listens", listen("Blue Hour (Live)", listened_at=1_700_000_000))
n_plays = Interaction.objects.filter(listener=anna, kind=0).count()
kept, double = resolver.find_or_add_songs([
    SongRecord(line=0, title="Red Hour", artist="Lola Berg"),
    SongRecord(line=0, title="Red Hour (Live)", artist="Lola Berg")])
from catalog.listening import interaction_batch
record_batch = interaction_batch.record_batch
def merge_before_batch(*arguments, **options):
    together([lambda: merge.merge_songs(kept, [double]) and None])
    return record_batch(*arguments, **options)
interaction_batch.record_batch = merge_before_batch
batch = ask("post", "/api/v1/interactions/batch/", {"interactions": [{"song": double.key, "kind": "play"}]})
print(json.dumps([status, n_plays, batch]))
"""


def test_a_play_whose_song_is_merged_before_it_is_written_is_kept(site):
    """T78: it was answered with 200 and left out; a batch that names the song by its key is refused whole."""
    code = "from catalog.records import SongRecord\n" + A_MERGE_BETWEEN
    assert run(site, code) == [200, 1, 404]
