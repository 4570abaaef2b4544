"""Kept totals by artist, album and genre are what a direct count says, whatever changed, or they are not used."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from accounts.models import User
from accounts.services import delete_account
from accounts.time_zones import get_time_zone
from catalog.curation.merge import merge_artists, merge_genres, merge_songs
from catalog.listening import interactions
from catalog.listening.interactions import ListenEntry
from catalog.listening.periods import ALL_TIME, make_period
from catalog.models import (
    Album,
    Artist,
    EntityTotal,
    Genre,
    Interaction,
    ListeningSums,
    RegroupedSong,
    Song,
)
from catalog.statistics import entity_totals, sums

pytestmark = pytest.mark.django_db
START = datetime(2024, 11, 1, tzinfo=UTC)
Entity, Entities = EntityTotal.Entity, ListeningSums.Entities
N_SONGS = 12


@pytest.fixture(autouse=True)
def few_songs_are_many(monkeypatch):
    monkeypatch.setattr(entity_totals, "KEPT_FROM", 3)


@pytest.fixture
def songs() -> list[Song]:
    artists = [Artist.objects.create(name=f"Band {n}") for n in range(3)]
    albums = [Album.objects.create(title=f"Album {n}", artist=artists[n]) for n in range(3)]
    genres = [Genre.objects.create(name=f"Genre {n}") for n in range(3)]
    songs = [
        Song.objects.create(
            key=f"s{n}",
            title=f"Song {n}",
            artist=artists[n % 3],
            album=albums[n % 3] if n % 4 else None,
        )
        for n in range(N_SONGS)
    ]
    for n, song in enumerate(songs):
        song.genres.add(*{genres[n % 3], genres[n // 4]})
    return songs


@pytest.fixture
def alice(songs) -> User:
    """She played some songs at the end of 2024 and in 2025, and one without a time; her totals are kept."""
    listener = User.objects.create_user("alice", time_zone="America/New_York")
    hear(listener, songs, Random(1), 90)
    Interaction.objects.create(listener=listener, song=songs[1], kind=0, plays=7, source="x")
    sums.mark_everything(listener)
    assert sums.refresh_everybody()
    return listener


def hear(listener: User, songs: list[Song], rng: Random, n: int) -> None:
    entries = [
        ListenEntry(rng.choice(songs), START + timedelta(minutes=rng.randrange(150 * 24 * 60)))
        for _ in range(n)
    ]
    interactions.record_listens(listener, entries, source="player")


def count_directly(listener: User) -> Counter:
    counted: Counter = Counter()
    plays = Interaction.objects.filter(listener=listener, kind=0).select_related("song")
    zone = get_time_zone(listener)
    for play in plays:
        years = [0] + ([play.occurred_at.astimezone(zone).year] if play.occurred_at else [])
        song = play.song
        entities = [(Entity.ARTIST, song.artist_id)]
        entities += [(Entity.ALBUM, song.album_id)] if song.album_id else []
        entities += [(Entity.GENRE, genre.pk) for genre in song.genres.all()]
        for year in years:
            for entity, pk in entities + ([(Entity.SONG, song.pk)] if year else []):
                counted[year, entity, pk] += play.plays
    return counted


def read_kept(listener: User) -> Counter:
    rows = EntityTotal.objects.filter(listener=listener)
    return Counter(
        {
            (year, entity, pk): n
            for year, entity, pk, n in rows.values_list("year", "entity", "entity_id", "n_plays")
        }
    )


def is_kept(listener: User) -> bool:
    return entity_totals.find_kept_year(listener, ALL_TIME) == 0


def assert_right_after_counting(listener: User) -> None:
    assert sums.refresh_everybody()
    assert is_kept(listener)
    assert read_kept(listener) == count_directly(listener)
    assert not RegroupedSong.objects.exists()


def test_totals_of_all_time_and_of_years_are_counted(alice):
    assert_right_after_counting(alice)
    assert {year for year, _entity, _pk in read_kept(alice)} == {0, 2024, 2025}
    assert entity_totals.find_kept_year(alice, make_period("year", date(2025, 5, 5))) == 2025
    assert entity_totals.find_kept_year(alice, make_period("month", date(2025, 1, 5))) is None


@pytest.mark.parametrize("seed", range(3))
def test_plays_that_come_and_go_are_added_and_taken_away(alice, songs, seed):
    rng = Random(seed)
    for _ in range(5):
        hear(alice, songs, rng, 4)
        plays = list(Interaction.objects.filter(listener=alice, kind=0))
        for play in rng.sample(plays, 3):
            interactions.delete_interaction(alice, play.pk)
        sums.refresh_sums(alice)
        assert is_kept(alice)  # without counting anew
        assert read_kept(alice) == count_directly(alice)


def regroup_artist(songs):
    songs[0].artist = songs[1].artist
    songs[0].save()


def regroup_album(songs):
    Song.objects.filter(pk=songs[0].pk).update(album=songs[1].album)


def lose_album(songs):
    songs[1].album.delete()


def add_genre(songs):
    songs[0].genres.add(Genre.objects.create(name="New"))


def remove_genre(songs):
    songs[0].genres.clear()


def lose_genre(songs):
    Genre.objects.get(name="Genre 1").delete()


def lose_song(songs):
    songs[2].delete()


def lose_artist(songs):
    songs[2].artist.delete()


def join_artists(songs):
    merge_artists(songs[0].artist, [songs[1].artist])


def join_genres(songs):
    merge_genres(Genre.objects.get(name="Genre 0"), [Genre.objects.get(name="Genre 1")])


def join_songs(songs):
    merge_songs(songs[0], [songs[1], songs[5]])


@pytest.mark.parametrize(
    "change",
    [
        *(regroup_artist, regroup_album, lose_album, add_genre, remove_genre, lose_genre),
        *(lose_song, lose_artist, join_artists, join_genres, join_songs),
    ],
    ids=lambda change: change.__name__,
)
def test_a_changed_catalogue_leaves_no_wrong_total_in_use(alice, songs, change):
    bob = User.objects.create_user("bob")
    change(songs)
    assert not is_kept(alice)
    hear(alice, songs[6:8], Random(2), 3)  # is added to what is not used
    sums.refresh_sums(alice)
    assert not is_kept(alice)
    assert_right_after_counting(alice)
    assert not is_kept(bob)


def test_a_changed_song_that_a_listener_never_heard_changes_nothing_for_them(alice):
    song = Song.objects.create(
        key="other", title="Other", artist=Artist.objects.create(name="Other")
    )
    song.genres.add(Genre.objects.create(name="New"))
    assert is_kept(alice)
    assert_right_after_counting(alice)


def test_what_changes_while_totals_are_counted_is_counted_once_more(alice, songs):
    ListeningSums.objects.update(entities=Entities.COUNTING)
    hear(alice, songs, Random(3), 3)
    sums.refresh_sums(alice)
    assert ListeningSums.objects.get().entities == Entities.OUTDATED
    ListeningSums.objects.update(entities=Entities.COUNTING)
    add_genre(songs)
    assert entity_totals._follow_songs()
    assert ListeningSums.objects.get().entities == Entities.OUTDATED
    assert_right_after_counting(alice)


def test_many_months_at_once_and_another_time_zone_are_counted_anew(alice, monkeypatch):
    monkeypatch.setattr(entity_totals, "MOST_MONTHS", 2)
    alice.time_zone = "Asia/Tokyo"
    alice.save()
    sums.refresh_sums(alice)
    assert not is_kept(alice)
    assert_right_after_counting(alice)


def test_nothing_is_kept_of_plays_and_of_an_account_that_go(alice, songs):
    interactions.delete_all_interactions(alice)
    assert sums.refresh_everybody()
    assert not read_kept(alice)
    hear(alice, songs[:2], Random(4), 5)
    sums.delete_sums(alice)
    assert sums.refresh_everybody()
    assert not read_kept(alice)
    assert ListeningSums.objects.get().entities == Entities.NONE  # of two songs
    hear(alice, songs, Random(4), 40)
    assert_right_after_counting(alice)
    delete_account(alice)
    assert not EntityTotal.objects.exists()


def test_totals_that_were_written_past_the_program_are_found(alice):
    assert list(sums.find_differences(User.objects.all())) == []
    EntityTotal.objects.filter(year=0, entity=Entity.ARTIST).update(n_plays=1)
    assert [one.listener for one in sums.find_differences(User.objects.all())] == [alice]
