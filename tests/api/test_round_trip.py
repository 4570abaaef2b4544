"""An account that moves to another site by its own export: nothing is lost, nothing is doubled."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from catalog.imports import import_jobs
from catalog.imports.importers import own_export
from catalog.models import Album, Artist, Genre, Interaction, Playlist, Song
from catalog.playlists import edit
from catalog.records import SongRecord
from catalog.songs import resolver
from recommendations.models import ListenerControl, Taste
from recommendations.services.preferences import controls, data_export, taste

pytestmark = pytest.mark.django_db

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)
KINDS = Interaction.Kind
RULES = {"new_artist_share": 0.25, "artist_cap": 3, "genre_distance": 0.5, "tail_share": 0.0}


def add_song(title: str, artist: str = "Mara Bug", **details) -> Song:
    return resolver.find_or_add_song(SongRecord(0, title, artist, **details))[0]


def fill_account(listener: User) -> None:
    """Give a listener rows of every kind, and such as are easily mistaken for one another."""
    played = add_song("Tide", duration_ms=200_000, album="Low", mbid=str(_id(1)))
    same_name = add_song("Tide", duration_ms=400_000, album="High", mbid=str(_id(2)))
    live = add_song("Tide (Live)", isrc="GBUM71029604")
    guest = add_song("Sun (feat. Bo)", "Ana Lima & Cy")
    other = add_song("愛", "周杰伦", spotify_id="a" * 22)
    rows = [
        (played, KINDS.PLAY, {"occurred_at": NOON, "played_ms": 180_000, "source": "spotify"}),
        (played, KINDS.PLAY, {"occurred_at": NOON + timedelta(hours=1), "source": "site"}),
        (played, KINDS.PLAY, {"plays": 17, "source": "lastfm"}),
        (played, KINDS.LIKE, {"occurred_at": NOON + timedelta(seconds=7), "source": "site"}),
        (same_name, KINDS.PLAY, {"occurred_at": NOON, "source": "listenbrainz:Navidrome"}),
        (live, KINDS.SKIP, {"occurred_at": NOON, "played_ms": 4_000, "source": "spotify"}),
        (live, KINDS.DISLIKE, {"source": "listenbrainz"}),
        (guest, KINDS.LIKE, {"source": "navidrome"}),
        (guest, KINDS.PLAY, {"occurred_at": NOON, "played_ms": 31_000, "source": "player"}),
        (other, KINDS.PLAY, {"occurred_at": NOON + timedelta(days=1), "source": "csv"}),
    ]
    for song, kind, details in rows:
        Interaction.objects.create(listener=listener, song=song, kind=kind, **details)
    controls.hide_song(listener, live)
    controls.ignore_song(listener, same_name)
    controls.hide_artist(listener, guest.artist)
    taste.set_mood(listener, [played.pk], ListenerControl.Kind.BOOST_SONG)
    taste.set_mood(listener, [other.pk], ListenerControl.Kind.MUTE_SONG)
    taste.set_picks(
        listener,
        songs=[played, other],
        artists=[other.artist],
        genres=[Genre.objects.get_or_create(name="Fado")[0]],
    )
    taste.set_discovery(listener, 0.8)
    taste.set_rules(listener, RULES)
    for songs in ([other, played, live], [same_name, guest]):
        edit.create_playlist(listener, "Mix", songs=songs, description="For the road")
    edit.create_playlist(listener, "Empty")


def _id(number: int) -> str:
    return f"6f3f6c34-4b5b-4c3a-9f1e-{number:012d}"


def describe_account(listener: User) -> dict:
    """Return what a listener has by names, as the ids of another site are others."""

    def name(song: Song | None) -> tuple:
        return () if song is None else (song.title, song.artist_credit, song.duration_ms)

    stored = taste.load_taste(listener)
    rows = Interaction.objects.for_listener(listener).select_related("song__artist")
    playlists = Playlist.objects.filter(owner=listener)
    set_controls = ListenerControl.objects.filter(listener=listener).select_related(
        "song", "artist"
    )
    return {
        "history": sorted(
            (
                (name(one.song), one.kind, one.plays, one.played_ms, one.occurred_at, one.source)
                for one in rows
            ),
            key=str,
        ),
        "playlists": sorted(
            (
                (one.description, [name(item.song) for item in one.items.order_by("position")])
                for one in playlists
            ),
            key=str,
        ),
        "controls": sorted(
            ((one.kind, name(one.song), one.artist and one.artist.name) for one in set_controls),
            key=str,
        ),
        "taste": (
            stored.discovery,
            {term: getattr(stored, term) for term in Taste.TERMS},
            sorted(map(name, stored.songs.all()), key=str),
            sorted(artist.name for artist in stored.artists.all()),
            sorted(genre.name for genre in stored.genres.all()),
        ),
    }


def empty_site() -> None:
    for table in (Playlist, ListenerControl, Taste, Interaction, Song, Album, Artist):
        table.objects.all().delete()


def test_an_account_is_the_same_on_another_site(tmp_path):
    alice = User.objects.create_user("alice")
    fill_account(alice)
    before = describe_account(alice)
    assert len(before["history"]) == 10 and len(before["controls"]) == 5
    file = tmp_path / "my-data.json"
    file.write_text(json.dumps(data_export.export_data(alice), default=str))
    empty_site()
    bob = User.objects.create_user("bob")

    run = import_jobs.import_file(file, "history", listener=bob)

    assert (run.format, run.n_rejected, dict(run.left_out)) == ("musicrec", 0, {})
    assert describe_account(bob) == before
    titles = Playlist.objects.filter(owner=bob).values_list("title", flat=True)
    assert sorted(titles) == ["Empty", "Mix", "Mix (2)"]

    again = tmp_path / "again.json"
    again.write_text(json.dumps(data_export.export_data(bob), default=str))
    for same in (file, again):
        assert import_jobs.import_file(same, "history", listener=bob).n_added == 0
        assert describe_account(bob) == before


def test_a_rule_that_is_set_here_stays_and_one_out_of_bounds_is_refused(tmp_path):
    alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
    taste.set_rules(alice, RULES)
    taste.set_rules(bob, {"artist_cap": 1})
    data = data_export.export_data(alice)
    data["taste"]["rules"]["tail_share"] = 7
    file = tmp_path / "my-data.json"
    file.write_text(json.dumps(data, default=str))

    run = import_jobs.import_file(file, "history", listener=bob)

    stored = taste.load_taste(bob)
    assert (stored.artist_cap, stored.tail_share, stored.genre_distance) == (1, None, 0.5)
    assert [row.reason for row in run.rejected_rows.all()] == [
        "the rule tail_share is a number from 0.0 to 1.0"
    ]


def test_the_importer_has_every_rule_of_a_listener():
    assert tuple(own_export.RULE_BOUNDS) == Taste.TERMS
