"""Two at once, on PostgreSQL: nothing acknowledged is lost, nothing is doubled, and no deadlock reaches anybody."""

import json

import pytest

from tests.conftest import Installation

pytestmark = pytest.mark.slow

BEGINNING = """
import json, threading
from concurrent.futures import ThreadPoolExecutor
from django.db import close_old_connections, connection
from accounts.models import User
from catalog.models import *
from catalog.curation import merge
from catalog.listening import interactions as listening
from catalog.playlists import edit as playlists
from catalog.songs.locks import SongNotFound
artist = Artist.objects.create(name="Lola Berg")
listeners = [User.objects.create_user(f"listener_{n}") for n in range(8)]

def together(actions):
    start = threading.Barrier(len(actions))
    def run(action):
        start.wait()
        try:
            return action()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        finally:
            connection.close()
    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))

def song(key):
    return Song.objects.create(key=key, title=f"Song {key}", artist=artist)
"""

A_MERGE = """
lost, errors = [], []
def merge_all(*both):
    keeper, other = (Song.objects.filter(pk=one.pk).first() or one for one in both)
    merge.merge_songs(keeper, [other])
for n in range(12):
    keeper, other = song(f"a{n}"), song(f"b{n}")
    def like(listener, both=(keeper, other), n=n):
        kept = []
        for one in (both if listener.pk % 2 else both[::-1]):
            try:
                listening.like_song(listener, Song.objects.get(pk=one.pk), source="test")
                kept.append(one.pk)
            except (SongNotFound, Song.DoesNotExist):
                pass
        return kept
    answers = together(
        [lambda listener=listener: like(listener) for listener in listeners]
        + [lambda: merge_all(keeper, other)] * 2
    )
    for listener, answer in zip(listeners, answers):
        if isinstance(answer, str):
            errors.append(answer)
        elif answer and not Interaction.objects.filter(listener=listener, song=keeper, kind=1).exists():
            lost.append((n, listener.pk))
    errors += [a for a in answers[len(listeners):] if a and not a.startswith("MergeRefused")]
    assert not Song.objects.filter(pk=other.pk).exists()
print(json.dumps({"lost": lost, "errors": errors}))
"""

A_PLAYLIST = """
mine = playlists.create_playlist(listeners[0], "Mine")
songs = [song(f"p{n}") for n in range(6)]
for one in songs:
    answers = together([lambda: playlists.add_song(Playlist.objects.get(pk=mine.pk), one)] * 5)
    assert sorted(map(str, answers)) == ["False"] * 4 + ["True"], answers
items = list(mine.items.order_by("position"))
moves = [lambda item=item: playlists.move_item(mine, item.pk, 1) for item in items[:3]]
answers = together([*moves, *[lambda item=item: playlists.remove_item(mine, item.pk) for item in items[3:]]])
assert set(answers) == {True}, answers
print(json.dumps(list(mine.items.order_by("position").values_list("position", flat=True))))
"""

TWO_MERGES = """
errors = []
for n in range(10):
    a, b, c = (song(f"{x}{n}") for x in "abc")
    for listener in listeners:
        listening.like_song(listener, c, source="test")
    errors += together([lambda: merge.merge_songs(a, [b, c]) and None, lambda: merge.merge_songs(b, [c, a]) and None,
                        lambda: merge.merge_songs(c, [a, b]) and None])
    left = Song.objects.filter(pk__in=[a.pk, b.pk, c.pk]).get()
    assert Interaction.objects.filter(song=left, kind=1).count() == len(listeners)
print(json.dumps(sorted({error for error in errors if error})))
"""

PARALLEL_OPINIONS = """
songs = [song(f"o{n}") for n in range(40)]
anna = listeners[0]
def turn(order):
    for _ in range(5):
        listening.set_opinions(anna, [(one, Interaction.Kind.LIKE) for one in order], source="test")
        listening.set_opinions(anna, [(one, Interaction.Kind.DISLIKE) for one in order[::-1]], source="test")
answers = together([lambda: turn(songs), lambda: turn(songs[::-1]), lambda: turn(songs[20:] + songs[:20]),
                    lambda: print(listening.delete_all_interactions(anna)),
                    lambda: print(listening.delete_all_interactions(anna))])
assert answers == [None] * 5, answers
assert Interaction.objects.filter(listener=anna).count() <= len(songs)
print(json.dumps([]))
"""

AN_IMPORT = """
from catalog.imports import import_jobs
import pathlib, tempfile
anna = listeners[0]
rows = [f"Lola Berg,,Song m{n % 20},01 Jan 2020 {n // 60 % 24:02}:{n % 60:02}" for n in range(1200)]
path = pathlib.Path(tempfile.mkdtemp()) / "a.csv"
path.write_text("artist,album,track,date\\n" + "\\n".join(rows) + "\\n")
songs = [song(f"m{n}") for n in range(20)]
doubles = [song(f"d{n}") for n in range(20)]
def merge_all():
    for one, other in zip(songs, doubles):
        merge.merge_songs(other, [one])
answers = together([lambda: import_jobs.import_file(path, "history", listener=anna) and None, merge_all])
assert answers == [None, None], answers
print(Interaction.objects.filter(listener=anna, kind=Interaction.Kind.PLAY).count())
"""


@pytest.fixture
def site(installation: Installation, migrated_postgresql) -> Installation:
    installation.database_url = migrated_postgresql()
    return installation


def run(site: Installation, code: str):
    """Run code in the site; return what it printed as JSON."""
    return json.loads(site.shell(BEGINNING + code).splitlines()[-1])


def test_a_merge_loses_no_like_that_was_acknowledged(site):
    """T78."""
    assert run(site, A_MERGE) == {"lost": [], "errors": []}


def test_parallel_changes_of_a_playlist_keep_each_song_once_and_positions_whole(site):
    """T78."""
    assert run(site, A_PLAYLIST) == [1, 2, 3]


A_BLEND = """
from recommendations.models import Blend, BlendMember
from recommendations.services.surfaces import blends
first, second = listeners[:2]
left_over, lost, errors = 0, 0, []
for _ in range(12):
    both, joining = blends.create_blend(first, "Both leave"), blends.create_blend(first, "One joins")
    for one in (both, joining):
        blends.invite_listener(one, first, second.username)
    blends.join_blend(both, second)
    errors += together([lambda: blends.leave_blend(both, first), lambda: blends.leave_blend(both, second)])
    left_over += Blend.objects.filter(pk=both.pk).count()
    _, has_joined, invited = together([
        lambda: blends.leave_blend(joining, first),
        lambda: blends.join_blend(joining, second),
        lambda: blends.invite_listener(joining, first, listeners[2].username),
    ])
    errors += [has_joined if isinstance(has_joined, str) else None, invited]
    is_member = BlendMember.objects.filter(blend=joining.pk, listener=second).exists()
    lost += has_joined is True and not is_member
    Blend.objects.all().delete()
print(json.dumps([left_over, lost, [one for one in errors if one]]))
"""


def test_a_blend_goes_with_its_last_member_and_with_nobody_who_joins_meanwhile(site):
    """T78."""
    assert run(site, A_BLEND) == [0, 0, []]


KEPT_IN_TWO_TABS = """
songs = [song(f"k{n}") for n in range(5)]
anna = listeners[0]
for n in range(5):
    answers = together([lambda: playlists.keep_songs(anna, f"Mix {n}", songs=songs).pk] * 6)
    assert len(set(answers)) == 1, answers
shorter = playlists.keep_songs(anna, "Mix 0", songs=songs[:4])
print(json.dumps([Playlist.objects.filter(owner=anna).count(), shorter.items.count()]))
"""


def test_a_list_kept_in_two_tabs_at_once_is_one_playlist(site):
    """T78; other songs under the same title are another one."""
    assert run(site, KEPT_IN_TWO_TABS) == [6, 4]


LISTENS_BESIDE_A_MERGE = """
from catalog.records import SongRecord
from catalog.songs import resolver
errors, left = [], []
def hear(title, name):
    return resolver.find_or_add_song(SongRecord(1, title, name), listeners[0]) and None
for n in range(10):
    keeper, other = (Song.objects.create(key=f"{x}l{n}", title=f"{x} {n}", artist=artist) for x in ("Tide", "Tdie"))
    old = Artist.objects.create(name=f"Loal Berg {n}")
    errors += together([
        lambda: merge.merge_songs(keeper, [other]) and None,
        lambda: merge.merge_artists(Artist.objects.get(pk=artist.pk), [old]) and None,
        *[lambda: hear(f"Tdie {n}", "Lola Berg")] * 3,
        *[lambda: hear(f"Tide {n}", f"Loal Berg {n}")] * 3,
    ])
    hear(f"Tdie {n}", f"Loal Berg {n}")
    left.append(list(Song.objects.filter(title__endswith=f" {n}").values_list("title", flat=True)))
print(json.dumps([[one for one in errors if one], [len(one) for one in left]]))
"""


def test_listens_under_old_names_beside_their_merge_bring_nothing_back(site):
    """T78: whatever comes first, one song is left, and later listens mean it."""
    errors, left = run(site, LISTENS_BESIDE_A_MERGE)
    assert errors == []
    assert max(left) <= 2 and sum(left) < 15


def test_merges_of_the_same_songs_leave_one_with_every_like(site):
    """T78: the first one merges, the others say that it was quicker."""
    (sentence,) = run(site, TWO_MERGES)
    assert sentence.startswith("MergeRefused: Another merge was quicker")


def test_bulk_opinions_in_different_orders_beside_a_deletion_meet_no_deadlock(site):
    """T78."""
    assert run(site, PARALLEL_OPINIONS) == []


def test_an_import_beside_a_merge_brings_every_play(site):
    """T78."""
    assert run(site, AN_IMPORT) == 1200


TOO_MANY = """
from accounts import tokens
from recommendations.services.surfaces import blends
anna = listeners[0]
def make(create, refusal):
    def run():
        try:
            create()
        except refusal:
            return "refused"
    return run
answers = []
for _ in range(4):
    answers += together([make(lambda: blends.create_blend(anna, "x"), blends.BlendRefused)] * 8)
    answers += together([make(lambda: tokens.create_token(anna, "x", ["read"]), tokens.TooManyTokens)] * 16)
from recommendations.models import BlendMember
print(json.dumps([BlendMember.objects.filter(listener=anna).count(), tokens.list_tokens(anna).count(),
                  sorted({str(one) for one in answers})]))
"""


def test_limits_hold_when_many_ask_at_once(site):
    """T78: sixty clicks at once made more blends than a listener may have."""
    assert run(site, TOO_MANY) == [20, 50, ["None", "refused"]]


TWO_WAYS_OUT = """
from django.db import transaction
from accounts import services as accounts
from recommendations.models import Blend
from recommendations.services.surfaces import blends
first, second, third = listeners[:3]
both = blends.create_blend(third, "Both leave")
for one in (first, second):
    blends.invite_listener(both, third, one.username)
    blends.join_blend(both, one)
blends.leave_blend(both, third)
has_left = threading.Event()
def leave_slowly():
    with transaction.atomic():
        blends.leave_blend(both, second)
        has_left.set()
        time.sleep(1)
def delete():
    has_left.wait()
    accounts.delete_account(first)
answers = together([leave_slowly, delete])
print(json.dumps([answers, Blend.objects.count()]))
"""


def test_a_blend_goes_when_one_member_leaves_while_the_others_account_is_deleted(site):
    """T78: each saw the other one as still there."""
    assert run(site, "import time" + TWO_WAYS_OUT) == [[None, None], 0]


TWO_OPERATORS = """
from recommendations.models import Experiment
from recommendations.services.experiments import lifecycle
experiment = Experiment.objects.create(name="One", question="?")
answers = together([lambda n=n: lifecycle._log_change(experiment, f"line {n}", None) and None for n in range(8)])
lines = sorted(line.split(" ", 2)[2] for line in Experiment.objects.get().log.splitlines())
print(json.dumps([set(answers) == {None}, lines]))
"""


def test_the_log_of_an_experiment_keeps_the_line_of_every_operator(site):
    """T78."""
    assert run(site, TWO_OPERATORS) == [True, [f"line {n}" for n in range(8)]]


TWO_WINNERS = """
from recommendations.models import Experiment
from recommendations.services.experiments import lifecycle
def try_to(act, *arguments):
    try:
        act(*arguments)
        return "done"
    except lifecycle.ExperimentRefused as error:
        return str(error)
answers, winners = [], []
for n in range(8):
    arms = [{"name": name, "share": 0.5, "discovery": share} for name, share in (("a", 0.1), ("b", 0.6))]
    lifecycle.start(lifecycle.create(name=f"Test {n}", question="?", kind="split", arms=arms))
    load = lambda: Experiment.objects.get(name=f"Test {n}")
    first, second = load().arms.all()
    answers.append(together([lambda: try_to(lifecycle.promote, load(), first),
                             lambda: try_to(lifecycle.promote, load(), second)]))
    winners.append(load().arms.filter(is_winner=True).count())
print(json.dumps([sorted({one for two in answers for one in two}), [sorted(two)[1] for two in answers], winners]))
"""


def test_of_two_winners_promoted_at_once_one_is_and_the_other_reads_why_not(site):
    """T78: the other one read that only a running experiment can be stopped."""
    refusal = "A winner was promoted already."
    assert run(site, TWO_WINNERS) == [[refusal, "done"], ["done"] * 8, [1] * 8]
