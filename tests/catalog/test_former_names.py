"""What songs and artists were called before they were merged or renamed leads to them, whatever brings it."""

import uuid

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from catalog.curation import merge, renaming
from catalog.imports import import_jobs
from catalog.models import Artist, ArtistAlias, Playlist, Song, SongAlias
from catalog.playlists import edit
from catalog.records import SongRecord
from catalog.songs import resolver
from catalog.songs.resolver import SongResolver

pytestmark = pytest.mark.django_db

ONE, OTHER, THIRD = (str(uuid.UUID(int=n + 2**100)) for n in range(3))


def record(title: str, artist: str = "Mara Bug", **details) -> SongRecord:
    return SongRecord(1, title, artist, **details)


def resolve(*records: SongRecord) -> list[int | None]:
    """Resolve records as files, servers and folders do, together."""
    batch = SongResolver(makes_genres=False)
    batch.prepare(records)
    with transaction.atomic():
        return batch.resolve(records).ids


def hear(*records: SongRecord) -> list[int | None]:
    """Resolve records as a player sends them, one by one."""
    return [resolver.find_or_add_song(one)[0].pk for one in records]


both_ways = pytest.mark.parametrize("bring", [resolve, hear], ids=["a file", "a player"])


def merge_songs(keeper: int, *others: int) -> None:
    merge.merge_songs(Song.objects.get(pk=keeper), list(Song.objects.filter(pk__in=others)))


def merge_artists(keeper: str, *others: str) -> Artist:
    artist = Artist.objects.get(name=keeper)
    merge.merge_artists(artist, list(Artist.objects.filter(name__in=others)))
    return artist


# --- Songs ------------------------------------------------------------------------------------------------------------


@both_ways
def test_the_old_name_of_a_merged_song_means_the_one_that_is_left(bring):
    keeper, other = bring(record("Tide"), record("Tdie"))
    merge_songs(keeper, other)
    assert bring(record("Tdie"), record("TDIE - 2011 Remaster"), record("Tide")) == [keeper] * 3
    assert Song.objects.count() == 1


@both_ways
def test_a_chain_of_merges_leads_to_its_end(bring):
    first, second, third = bring(record("Tdie"), record("Tied"), record("Tide"))
    merge_songs(second, first)
    merge_songs(third, second)
    assert bring(record("Tdie"), record("Tied")) == [third, third]


@both_ways
def test_a_song_of_that_name_wins_over_a_former_name(bring):
    keeper, other = bring(record("Tide"), record("Tdie", mbid=OTHER))
    merge_songs(keeper, other)
    artist = Artist.objects.get(name="Mara Bug")
    own = Song.objects.create(key="own", title="Tdie", artist=artist)
    assert bring(record("Tdie"), record("Tdie", mbid=OTHER)) == [own.pk, own.pk]
    assert bring(record("Tide")) == [keeper]


@both_ways
def test_ids_of_a_merged_song_are_believed_under_its_old_names(bring):
    keeper, other = bring(
        record("Tide", mbid=ONE, duration_ms=200_000, album="Low"),
        record("Flut", mbid=OTHER, duration_ms=300_000, album="Hoch"),
    )
    merge_songs(keeper, other)
    again = [
        record("Flut", mbid=OTHER, duration_ms=300_000, album="Hoch"),
        record("Flut", "マーラ", mbid=OTHER),
        record("Flut", duration_ms=300_000, album="Hoch"),
    ]
    assert bring(*again) == [keeper] * 3
    song = Song.objects.get(pk=keeper)
    assert (str(song.mbid), song.duration_ms, song.title) == (ONE, 200_000, "Tide")


@both_ways
def test_another_recording_of_the_old_name_is_a_song_of_its_own(bring):
    """An id and a length that are others than the merged song's: the rule that holds between two songs."""
    keeper, other = bring(record("Tide"), record("Flut", mbid=OTHER, duration_ms=300_000))
    merge_songs(keeper, other)
    (another,) = bring(record("Flut", mbid=THIRD, duration_ms=100_000))
    assert another != keeper
    assert bring(record("Flut", mbid=THIRD, duration_ms=300_000)) == [another]


@both_ways
def test_what_a_generic_title_says_counts_for_former_names_too(bring):
    keeper, other = bring(record("Opening"), record("Intro", album="Low"))
    merge_songs(keeper, other)
    (another,) = bring(record("Intro", album="High"))
    assert another != keeper
    assert bring(record("Intro", album="Low")) == [keeper]


@both_ways
def test_a_guest_in_the_title_or_in_the_credit_finds_a_former_name(bring):
    keeper, other = bring(record("Tide"), record("Tdie (feat. Bo)", "Ana"))
    merge_songs(keeper, other)
    assert bring(record("Tdie", "Ana & Bo")) == [keeper]


@both_ways
def test_a_listener_without_a_change_is_not_asked_for_former_names(bring):
    """A song that is called so now costs no query more than before."""
    bring(record("Tide"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        bring(record("Tide"))
    assert not [one for one in queries if "catalog_songalias" in one["sql"]]
    assert not [one for one in queries if "catalog_artistalias" in one["sql"]]


def test_a_file_with_ids_of_its_own_finds_what_they_were_merged_into(tmp_path, django_user_model):
    songs = tmp_path / "songs.csv"
    songs.write_text("id,title,artist\na1,Tide,Mara Bug\na2,Tdie,Mara Bug\n")
    import_jobs.import_file(songs, "songs", "csv")
    merge_songs(Song.objects.get(key="a1").pk, Song.objects.get(key="a2").pk)
    run = import_jobs.import_file(songs, "songs", "csv")
    assert (run.n_added, run.n_known, run.n_rejected) == (0, 2, 0)
    assert list(Song.objects.values_list("key", "title")) == [("a1", "Tide")]


@both_ways
def test_the_name_before_an_operator_changed_it_means_the_song_still(bring):
    (pk,) = bring(record("Tdie"))
    song = Song.objects.get(pk=pk)
    song.title = "Tide"
    renaming.save_song(song)
    assert bring(record("Tdie"), record("Tide")) == [pk, pk]


def test_a_private_song_leaves_with_its_account_and_so_do_its_former_names(django_user_model):
    anna = django_user_model.objects.create_user("anna")
    keeper, other = (
        resolver.find_or_add_song(record(title), anna)[0].pk for title in ("Tide", "Tdie")
    )
    merge_songs(keeper, other)
    assert Song.objects.get(pk=keeper).brought_by == anna
    assert resolver.find_song(record("Tdie"), None) is None, "nobody else sees it"
    anna.delete()
    assert SongAlias.objects.count() == 0


def test_a_playlist_has_no_gap_after_a_merge(django_user_model):
    anna = django_user_model.objects.create_user("anna")
    ids = hear(*(record(f"Song {n}") for n in "abcd"))
    playlist = edit.create_playlist(anna, "Mine", songs=[Song.objects.get(pk=pk) for pk in ids])
    merge_songs(ids[3], ids[1])
    entries = Playlist.objects.get(pk=playlist.pk).items.order_by("position")
    assert list(entries.values_list("position", "song")) == [
        (1, ids[0]),
        (2, ids[2]),
        (3, ids[3]),
    ]


# --- Artists ----------------------------------------------------------------------------------------------------------


@both_ways
def test_the_old_name_of_a_merged_artist_means_the_one_that_is_left(bring):
    first, old = bring(record("Help", "Beatles"), record("Yesterday", "Beatls"))
    artist = merge_artists("Beatles", "Beatls")
    again = bring(record("Yesterday", "Beatls"), record("Help", "The Beatls"))
    assert again == [old, first]
    (new,) = bring(record("Girl", "BEATLS"))
    song = Song.objects.select_related("artist").get(pk=new)
    assert (song.artist, song.artist_credit) == (artist, "Beatles")
    assert bring(record("Girl", "Beatles")) == [new]
    assert list(Artist.objects.values_list("name", flat=True)) == ["Beatles"]
    stored = song.search_text, song.match_key, song.work_key
    song.update_derived()
    assert stored == (song.search_text, song.match_key, song.work_key)


@both_ways
def test_credits_that_name_a_merged_artist_follow(bring):
    (old,) = bring(record("Help", "Beatls feat. Bo Berg"))
    bring(record("Yesterday", "Beatles"), record("Solo", "Bo Berg"), record("Solo", "Cy Dahl"))
    artist = merge_artists("Beatles", "Beatls")
    same = [record("Help", name) for name in ("Beatls feat. Bo Berg", "Beatles", "Beatls")]
    assert bring(*same) == [old] * 3
    (guest, joint) = bring(
        record("Girl (feat. Beatls)", "Cy Dahl"), record("Boy", "Cy Dahl & Beatls")
    )
    assert set(Song.objects.by_artists([artist.pk]).values_list("pk", flat=True)) >= {guest, joint}
    assert not Artist.objects.filter(name__contains="Beatls").exists()


@both_ways
def test_a_chain_of_merged_artists_leads_to_its_end(bring):
    first, *_ = bring(record("Help", "Betles"), record("Girl", "Beatls"), record("Boy", "Beatles"))
    merge_artists("Beatls", "Betles")
    merge_artists("Beatles", "Beatls")
    assert bring(record("Help", "Betles"), record("Help", "Beatls")) == [first, first]
    assert Artist.objects.count() == 1


@both_ways
def test_an_artist_of_that_name_wins_over_a_former_name(bring):
    bring(record("Help", "Beatles"), record("Girl", "Beatls"))
    merge_artists("Beatles", "Beatls")
    own = Artist.objects.create(name="Beatls")
    (new,) = bring(record("Boy", "Beatls"))
    assert Song.objects.get(pk=new).artist == own


@both_ways
def test_the_id_of_a_merged_artist_means_the_one_that_is_left(bring):
    bring(
        record("Help", "Nirvana", artist_mbid=ONE), record("Girl", "Nirvana UK", artist_mbid=OTHER)
    )
    artist = merge_artists("Nirvana", "Nirvana UK")
    (new,) = bring(record("Boy", "Nirvana UK", artist_mbid=OTHER))
    assert Song.objects.get(pk=new).artist == artist
    (third,) = bring(record("Sun", "Nirvana UK", artist_mbid=THIRD))
    assert Song.objects.get(pk=third).artist != artist, "an id says that it is somebody else"
    artist.refresh_from_db()
    assert str(artist.mbid) == ONE


@both_ways
def test_two_artists_of_one_name_that_were_merged_stay_one(bring):
    bring(record("Help", "Nirvana", artist_mbid=ONE), record("Girl", "Nirvana", artist_mbid=OTHER))
    first, second = Artist.objects.order_by("pk")
    merge.merge_artists(first, [second])
    (new,) = bring(record("Boy", "Nirvana", artist_mbid=OTHER))
    assert Song.objects.get(pk=new).artist == first
    assert Artist.objects.count() == 1


@both_ways
def test_the_name_before_an_operator_renamed_an_artist_means_it_still(bring):
    (old,) = bring(record("Help", "Beatls feat. Bo Berg"))
    artist = Artist.objects.get(name="Beatls")
    artist.name = "Beatles"
    renaming.save_artist(artist)
    renaming.save_artist(artist)
    assert Song.objects.get(pk=old).credit == "Beatles feat. Bo Berg"
    assert bring(record("Help", "Beatls"), record("Help", "Beatles")) == [old, old]
    assert ArtistAlias.objects.count() == 1


def test_a_name_within_another_name_is_not_changed():
    hear(record("Help", "Bob & Bo feat. Bo"), record("Girl", "Bo"), record("Boy", "Bob"))
    (joint,) = Song.objects.filter(title="Help")
    artist = Artist.objects.get(name="Bo")
    artist.name = "Bo Berg"
    renaming.save_artist(artist)
    joint.refresh_from_db()
    assert joint.credit == "Bob & Bo feat. Bo"
    assert hear(record("Girl", "Bo")) == hear(record("Girl", "Bo Berg"))
