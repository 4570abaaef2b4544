"""One play told by two sources counts once, in both orders; two plays stay two."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from accounts.models import User
from catalog.imports import import_jobs
from catalog.listening import interactions
from catalog.listening.interactions import ListenEntry
from catalog.models import Artist, Interaction, Song
from catalog.play_rules import compute_same_play_seconds, is_play
from tests.catalog.files import spotify_entry, spotify_zip, write

pytestmark = pytest.mark.django_db
Kind = Interaction.Kind
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def alice():
    return User.objects.create_user("alice")


@pytest.fixture
def song():
    artist = Artist.objects.create(name="Lola Berg")
    return Song.objects.create(key="s", title="Tide", artist=artist, duration_ms=244_000)


def after(**time):
    return NOON + timedelta(**time)


def tell(listener, song, at, source, **more) -> bool:
    return interactions.record_listens(
        listener, [ListenEntry(song, at, **more)], source=source
    ) == [True]


def n_plays(listener) -> int:
    return Interaction.objects.for_listener(listener).filter(kind=Kind.PLAY).count()


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(timedelta(seconds=2), id="seconds apart"),
        pytest.param(timedelta(seconds=223), id="start and end"),
        pytest.param(timedelta(seconds=244), id="start and exact end"),
        pytest.param(timedelta(seconds=120), id="paused for two minutes"),
    ],
)
def test_two_players_tell_of_one_play_in_either_order(alice, song, later):
    for reports in permutations([(NOON, "listenbrainz:one"), (NOON + later, "listenbrainz:two")]):
        Interaction.objects.all().delete()
        assert [tell(alice, song, at, source) for at, source in reports] == [True, False]
        assert n_plays(alice) == 1


def test_a_play_after_the_end_of_the_first_is_another_one(alice, song):
    assert tell(alice, song, NOON, "listenbrainz:one")
    assert tell(alice, song, after(seconds=245), "listenbrainz:two")


def test_one_player_may_repeat_a_song_as_often_as_it_likes(alice, song):
    for n in range(3):
        assert tell(alice, song, after(seconds=40 * n), "listenbrainz:one")
    assert n_plays(alice) == 3


def test_three_plays_in_a_row_are_three_for_both_sources_in_both_orders(alice, song):
    for first, second in permutations(["listenbrainz:one", "listenbrainz:two"]):
        Interaction.objects.all().delete()
        for source, delay in ((first, 0), (second, 3)):
            times = [after(seconds=245 * n + delay) for n in range(3)]
            interactions.record_listens(
                alice, [ListenEntry(song, at) for at in times], source=source
            )
        assert n_plays(alice) == 3


def test_two_players_in_one_request_tell_of_one_play(alice, song):
    heard = [ListenEntry(song, NOON, source="a"), ListenEntry(song, after(seconds=5), source="b")]
    assert interactions.record_listens(alice, heard, source="x") == [True, False]


def test_a_single_play_by_the_same_rule(alice, song):
    first, is_new = interactions.record_play(alice, song, occurred_at=NOON, source="player")
    again, is_new_again = interactions.record_play(
        alice, song, occurred_at=after(seconds=9), source="api"
    )
    assert (is_new, is_new_again, again) == (True, False, first)


def test_a_skip_and_a_play_are_two_things(alice, song):
    assert tell(alice, song, NOON, "one", kind=Kind.SKIP, played_ms=9_000)
    assert tell(alice, song, after(seconds=10), "two")
    assert not tell(alice, song, after(seconds=30), "two", kind=Kind.SKIP)
    assert tell(alice, song, after(seconds=100), "two", kind=Kind.SKIP)


def test_somebody_elses_play_is_no_report_of_mine(alice, song):
    tell(User.objects.create_user("bob"), song, NOON, "one")
    assert tell(alice, song, after(seconds=2), "two")


CSV = "Lola Berg,,Tide,01 May 2024 12:00\n"


def test_a_file_and_a_player_in_either_order(alice, song, tmp_path):
    file = write(tmp_path / "lastfm.csv", CSV)
    import_jobs.import_file(file, "history", listener=alice)
    assert not tell(alice, song, after(seconds=31), "listenbrainz:one")
    Interaction.objects.all().delete()
    tell(alice, song, after(seconds=31), "listenbrainz:one")
    assert import_jobs.import_file(file, "history", listener=alice).n_known == 1
    assert n_plays(alice) == 1


def test_a_paused_song_in_two_files(alice, song, tmp_path):
    """Spotify gives the end: a pause of two minutes moves the start that follows from it."""
    paused = spotify_entry(
        "Tide", ts="2024-05-01T12:06:00Z", ms_played=240_000, spotify_track_uri=None
    )
    files = {
        "lastfm": write(tmp_path / "lastfm.csv", CSV),
        "spotify": spotify_zip(tmp_path / "spotify.zip", [paused]),
    }
    for order in permutations(files):
        Interaction.objects.all().delete()
        for name in order:
            import_jobs.import_file(files[name], "history", listener=alice)
        assert n_plays(alice) == 1


def test_a_newer_export_with_a_repeated_song_adds_what_is_new(alice, song, tmp_path):
    """The older export ends in the middle of a loop; each stored play equals one of the newer one."""
    rows = [f"Lola Berg,,Tide,01 May 2024 12:{minute:02d}\n" for minute in (0, 3, 6, 9)]
    import_jobs.import_file(
        write(tmp_path / "old.csv", "".join(rows[:2])), "history", listener=alice
    )
    newer = import_jobs.import_file(
        write(tmp_path / "new.csv", "".join(rows)), "history", listener=alice
    )
    assert (newer.n_added, newer.n_known, n_plays(alice)) == (2, 2, 4)


@pytest.mark.parametrize(
    ("played_ms", "duration_ms", "counts"),
    [
        (29_999, None, False),
        (30_000, None, True),
        (29_000, 300_000, False),
        (20_000, 40_000, True),
        (19_000, 40_000, False),
        (None, 300_000, True),
        (0, 1_000, False),
    ],
)
def test_thirty_seconds_or_half_of_a_short_song_are_a_play(played_ms, duration_ms, counts):
    assert is_play(played_ms, duration_ms) is counts


def test_the_span_of_one_play_is_the_songs_length():
    assert compute_same_play_seconds(244_000) == 244
    assert compute_same_play_seconds(20_000) == 59
    assert compute_same_play_seconds(None, 600_000) == 600
    assert compute_same_play_seconds(100 * 3_600_000) == 3 * 3600


def test_what_is_too_short_is_a_skip_whoever_tells_it(alice, song):
    play, _ = interactions.record_play(
        alice, song, occurred_at=NOON, played_ms=5_000, source="player"
    )
    tell(alice, song, after(hours=1), "listenbrainz:one", played_ms=12_000)
    assert play.kind == Kind.SKIP
    assert set(Interaction.objects.for_listener(alice).values_list("kind", flat=True)) == {
        Kind.SKIP
    }
    song.duration_ms = 20_000
    kept, _ = interactions.record_play(
        alice, song, occurred_at=after(hours=3), played_ms=11_000, source="player"
    )
    assert kept.kind == Kind.PLAY


def test_a_source_that_says_hours_only_means_any_play_within_its_hour(alice, song):
    """Apple's daily tracks and a scrobbler beside it counted each play twice."""
    for reports in permutations(
        [(NOON, "apple-daily"), (after(minutes=50), "lastfm"), (after(minutes=70), "lastfm")]
    ):
        Interaction.objects.all().delete()
        for at, source in reports:
            tell(alice, song, at, source)
        assert n_plays(alice) == 2
