"""Every file that outsiders brought, with what is right for it (tests/cases/README.md), by the way of the command."""

import json
from pathlib import Path

import pytest

from accounts.models import User
from catalog.imports import import_jobs, import_undo
from catalog.models import ImportRun, Interaction, Playlist, Song
from catalog.records import WrongFile
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db
Kind = Interaction.Kind
CASES = Path(__file__).resolve().parent.parent / "cases"

# plays, skips, likes, dislikes, playlists
RIGHT = {
    "apple-music-daily-tracks.csv": (1, 0, 0, 0, 0),
    "apple-music-track-play-history.csv": (1, 0, 0, 0, 0),
    "audioscrobbler-rockbox.scrobbler.log": (1, 1, 0, 0, 0),
    "deezer-listening-history.csv": (1, 0, 0, 0, 0),
    "exportify-liked.csv": (0, 0, 1, 0, 0),
    "favourites.jspf": (0, 0, 0, 0, 1),
    "favourites.m3u8": (0, 0, 0, 0, 1),
    "jellyfin-playback-reporting.tsv": (1, 0, 0, 0, 0),
    "koito-export.json": (1, 0, 0, 0, 0),
    "lastfm-ghan-recenttracks.json": (1, 0, 0, 0, 0),
    "maloja-export.json": (1, 0, 0, 0, 0),
    "tidal-streaming.csv": (1, 0, 0, 0, 0),
    "tunemymusic.csv": (0, 0, 1, 0, 0),
    "youtubemusic-watch-history.json": (1, 0, 0, 0, 0),
    "lastfm-1970-row-first.csv": (3, 0, 0, 0, 0),
    "lastfm-400-digit-time.csv": (2, 0, 0, 0, 0),
    "lastfm-lastfmstats.csv": (1, 0, 0, 0, 0),
    "lastfm-loved.csv": (0, 0, 1, 0, 0),
    "lastfm-unquoted-comma-first.csv": (3, 0, 0, 0, 0),
    "listenbrainz-export-2025-with-feedback.zip": (4, 0, 3, 1, 0),
    "listenbrainz-old-export-array.json": (2, 0, 0, 0, 0),
    "spotify-YourLibrary.json": (0, 0, 1, 1, 0),
    "spotify-account-with-library.zip": (1, 0, 1, 1, 1),
    "spotify-extended-oddities.zip": (8, 0, 0, 0, 0),
    "spotify-zero-second-plays.json": (2, 4, 0, 0, 0),
}
REFUSED = {
    "lastfm-top-tracks-with-counts.csv": "'1523' in its last column is a count or a year",
    "library-with-date-as-year.csv": "'2004' is no moment after September 2002",
}


@pytest.fixture
def alice():
    return User.objects.create_user("alice")


def bring(name: str, listener: User) -> ImportRun:
    return import_jobs.import_file(CASES / name, "history", listener=listener)


def counts(listener: User) -> tuple[int, ...]:
    mine = Interaction.objects.for_listener(listener)
    kinds = (Kind.PLAY, Kind.SKIP, Kind.LIKE, Kind.DISLIKE)
    n_playlists = Playlist.objects.filter(owner=listener).exclude(items=None).distinct().count()
    return (*(mine.filter(kind=kind).count() for kind in kinds), n_playlists)


@pytest.mark.parametrize("name", RIGHT)
def test_a_file_gives_what_is_right_twice_adds_nothing_and_can_be_undone(alice, name):
    run = bring(name, alice)
    assert counts(alice) == RIGHT[name]
    assert run.n_read == run.n_added + run.n_known + run.n_rejected + run.n_left_out
    kinds = [run.kinds.get(kind, 0) for kind in ("play", "skip", "like", "dislike", "playlist")]
    assert [n > 0 for n in kinds] == [n > 0 for n in RIGHT[name]]

    again = bring(name, alice)
    assert (again.n_added, counts(alice)) == (0, RIGHT[name])

    import_undo.undo_import(run)
    assert counts(alice) == (0, 0, 0, 0, 0)
    assert not Song.objects.exists() and not Playlist.objects.exists()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_history_is_refused_with_a_sentence_and_changes_nothing(alice, name):
    with pytest.raises(WrongFile, match=REFUSED[name]):
        bring(name, alice)
    assert counts(alice) == (0, 0, 0, 0, 0)
    assert not Song.objects.exists()


def test_every_case_file_is_tried():
    others = {
        "README.md",
        "matching-pairs.csv",
        "player-requests.json",
        "submit-duration-1e999.json",
    }
    pairs = {f"lastfm-two-exporters-{exporter}.csv" for exporter in ("1-seconds", "2-minutes")}
    pairs.add("lastfm-one-mbid-two-titles.csv")
    files = {path.name for path in CASES.iterdir()} - others - pairs
    assert files == {*RIGHT, *REFUSED}


def test_no_play_is_older_than_scrobbling(alice):
    for name in RIGHT:
        bring(name, alice)
    times = Interaction.objects.for_listener(alice).filter(occurred_at__isnull=False)
    assert times.order_by("occurred_at").first().occurred_at.year >= 2002


@pytest.mark.parametrize("order", [("1-seconds", "2-minutes"), ("2-minutes", "1-seconds")])
def test_two_exporters_of_one_account_count_once(alice, order):
    for exporter in order:
        bring(f"lastfm-two-exporters-{exporter}.csv", alice)
    assert counts(alice) == (1, 0, 0, 0, 0)


def test_what_was_left_out_is_said_by_reason(alice):
    run = bring("spotify-extended-oddities.zip", alice)
    assert run.left_out == {"podcast": 1, "audiobook": 1, "untitled": 2, "private": 1, "video": 1}
    assert "9 plays" in run.kinds_in_words
    assert (1, "from the video history") in run.left_out_in_words
    run = bring("spotify-zero-second-plays.json", alice)
    assert run.left_out == {"unheard": 2, "broken_off": 2}


@pytest.mark.parametrize("name", ["two-clients-two-seconds-apart", "start-and-end"])
@pytest.mark.parametrize("is_reversed", [False, True])
def test_two_players_that_send_one_play_count_once(alice, name, is_reversed):
    requests = json.loads((CASES / "player-requests.json").read_text())[name]["requests"]
    player = Caller(alice, scopes=["listen"], prefix="/1/")
    for request in reversed(requests) if is_reversed else requests:
        assert player.post(request["POST"].removeprefix("/1/"), request["body"]).status == 200
    assert counts(alice) == (1, 0, 0, 0, 0)


def test_one_id_on_two_titles_is_two_songs(alice):
    bring("lastfm-one-mbid-two-titles.csv", alice)
    titles = Interaction.objects.for_listener(alice).values_list("song__title", flat=True)
    assert sorted(titles) == ["First Title", "Second Title"]
