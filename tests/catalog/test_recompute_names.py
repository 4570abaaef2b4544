"""Names that were stored before a rule changed are compared by the new rule after the migration."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from catalog.models import Album, Artist, ArtistAlias, Genre, Song, SongAlias
from catalog.records import SongRecord
from catalog.songs.resolver import SongResolver

migration = import_module("catalog.migrations.0009_recompute_names")


@pytest.mark.django_db
def test_stored_keys_are_recomputed():
    artists = [
        Artist.objects.create(name=name) for name in ("बग गायक", "Don't", "Dont it", "Ke$ha")
    ]
    album = Album.objects.create(title="Don't", artist=artists[0])
    genre = Genre.objects.create(name="Rock 'n' Roll")
    songs = [
        Song.objects.create(key=f"s{n}", title=title, artist=artist)
        for n, (title, artist) in enumerate(
            [("मेरा दिल", artists[0]), ("मेरी दाल", artists[0]), ("Ode - Part 1 - Live", artists[3])]
        )
    ]
    Artist.objects.update(lookup_key="")
    Song.objects.update(search_text="old", match_key="old", work_key="")
    Album.objects.update(search_text="don t")
    Genre.objects.update(search_text="rock n roll of old")

    migration.recompute(apps, SimpleNamespace(connection=connection))

    album.refresh_from_db()
    genre.refresh_from_db()
    assert (album.search_text, genre.search_text) == ("dont", "rock n roll")
    for song in songs:
        song.refresh_from_db()
        stored = song.search_text, song.match_key, song.work_key
        song.update_derived()
        assert stored == (song.search_text, song.match_key, song.work_key)
    assert songs[0].match_key != songs[1].match_key
    assert Artist.objects.get(name="Ke$ha").lookup_key == "kesha"


@pytest.mark.django_db
def test_names_that_meet_under_the_new_rule_stay_two_until_they_are_merged():
    first = Artist.objects.create(name="Don't")
    later = Artist.objects.create(name="Don t")
    Artist.objects.filter(pk=later.pk).update(name="Dont")

    migration.recompute(apps, SimpleNamespace(connection=connection))

    first.refresh_from_db()
    later.refresh_from_db()
    assert (first.search_text, later.search_text) == ("dont", "don t")
    assert first.lookup_key == later.lookup_key == "dont"


@pytest.mark.django_db
def test_known_songs_are_linked_to_everybody_they_name():
    link = import_module("catalog.migrations.0013_credits_of_known_songs").link
    names = ["Ana Lima & Bo Berg", "Simon & Garfunkel", "Ana Lima"]
    artists = [Artist.objects.create(name=name) for name in names]
    for artist in artists:
        Song.objects.create(key=artist.name, title="Tide (feat. Cy)", artist=artist)
    for _ in range(2):
        link(apps, SimpleNamespace(connection=connection))
    credited = {
        name: sorted(Artist.objects.filter(credits__song__key=name).values_list("name", flat=True))
        for name in names
    }
    assert credited == {
        "Ana Lima & Bo Berg": ["Ana Lima", "Bo Berg", "Cy"],
        "Simon & Garfunkel": ["Cy"],
        "Ana Lima": ["Cy"],
    }


@pytest.mark.django_db
def test_notes_that_are_read_since_then_meet_too():
    again = import_module("catalog.migrations.0025_recompute_names_again")
    artist = Artist.objects.create(name="Joey Bada$$")
    titles = ["Ode - 2016リマスター", "Ode (con Rosalía)", "Ode feat. Bo Berg, Pt. 2"]
    songs = [
        Song.objects.create(key=f"s{n}", title=title, artist=artist)
        for n, title in enumerate(titles)
    ]
    Song.objects.filter(pk=songs[1].pk).update(credit="Joey Bada$$ & Ana Lima")
    Song.objects.update(search_text="old", match_key="old", work_key="")
    Artist.objects.update(lookup_key="", search_text="joey bada s")

    again.recompute(apps, SimpleNamespace(connection=connection))

    for song in songs:
        song.refresh_from_db()
        stored = song.search_text, song.match_key, song.work_key
        song.update_derived()
        assert stored == (song.search_text, song.match_key, song.work_key)
    assert songs[0].match_key == "joeybadass|ode"
    assert songs[2].match_key == "joeybadass|ode part 2"
    assert Artist.objects.get(pk=artist.pk).search_text == "joey badass"
    guests = [list(song.credits.values_list("artist__name", flat=True)) for song in songs]
    assert guests == [[], ["Rosalía"], ["Bo Berg"]]


@pytest.mark.django_db
def test_letters_that_are_their_own_since_then_part_again():
    last = import_module("catalog.migrations.0027_recompute_names_of_more_languages")
    artist = Artist.objects.create(name="Цой")
    song = Song.objects.create(key="s", title="Твой -Live-", artist=artist)
    Song.objects.update(
        search_text="твои live цои", match_key="цои|твои live", work_key="цои|твои live"
    )

    last.recompute(apps, SimpleNamespace(connection=connection))

    song.refresh_from_db()
    assert (song.match_key, song.work_key) == ("цой|твой live", "цой|твой")


@pytest.mark.django_db
def test_albums_and_songs_called_by_a_sign_get_it_back():
    album = Album.objects.create(title="÷ (Deluxe)", artist=Artist.objects.create(name="Ana Lima"))
    song = Song.objects.create(key="s", title="💔 (Live)", artist=album.artist)
    Album.objects.update(search_text="deluxe")
    Song.objects.update(match_key="analima|live")
    latest = import_module("catalog.migrations.0031_recompute_names_of_collections")

    latest.recompute(apps, SimpleNamespace(connection=connection))

    album.refresh_from_db()
    song.refresh_from_db()
    assert (album.search_text, song.match_key) == ("÷ deluxe", "analima|💔 live")


@pytest.mark.django_db
def test_a_fort_is_no_guest_any_more():
    artist = Artist.objects.create(name="Ana Lima")
    song = Song.objects.create(key="s", title="Leaving Ft. Worth", artist=artist)
    Song.objects.update(match_key="analima|leaving", work_key="analima|leaving")
    latest = import_module("catalog.migrations.0033_recompute_names_of_forts")

    latest.recompute(apps, SimpleNamespace(connection=connection))

    song.refresh_from_db()
    assert song.match_key == song.work_key == "analima|leaving ft worth"


@pytest.mark.django_db
def test_alefs_and_names_of_video_channels_are_written_anew():
    artist = Artist.objects.create(name="أم كلثوم")
    song = Song.objects.create(key="s", title="إنت عمري", artist=artist)
    Song.objects.update(match_key="أمکلثوم|إنت عمری", work_key="أمکلثوم|إنت عمری")
    latest = import_module("catalog.migrations.0038_recompute_names_with_dates")

    latest.recompute(apps, SimpleNamespace(connection=connection))

    song.refresh_from_db()
    assert song.match_key == song.work_key == "امکلثوم|انتعمری"


@pytest.mark.django_db
def test_former_names_are_found_by_the_new_rule():
    artist = Artist.objects.create(name="Mara Bug")
    song = Song.objects.create(key="s1", title="Tide", artist=artist)
    former = {"title": "Tdie", "credit": "Mara Bug", "album": "", "duration_ms": None}
    SongAlias.objects.create(
        song=song, kind="name", value="old", former=former | {"mbid": "", "isrc": ""}
    )
    ArtistAlias.objects.create(artist=artist, name="Mara Bugg", lookup_key="old")

    recompute = import_module("catalog.migrations.0037_former_names").recompute_former_names
    recompute(apps, SimpleNamespace(connection=connection))

    names = [("Tdie", "Mara Bug"), ("Tide", "Mara Bugg")]
    records = [SongRecord(1, *one) for one in names]
    assert SongResolver().find(records) == [song.pk] * 2
