"""The operator's catalog: merging duplicates, withdrawing, exporting, importing and undoing, in the admin."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import User
from catalog.curation import export, merge
from catalog.imports import import_jobs
from catalog.models import (
    Album,
    Artist,
    Genre,
    ImportRun,
    Interaction,
    Playlist,
    PlaylistItem,
    Song,
)
from common.spreadsheets import neutralise_cell, restore_cell
from recommendations.models import ListenerControl

pytestmark = pytest.mark.django_db
Kind = Interaction.Kind
NOON, LATER = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)


@pytest.fixture
def dashboard(client, settings, tmp_path):
    settings.UPLOADS_DIR = tmp_path
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def artist():
    return Artist.objects.create(name="Björk")


@pytest.fixture
def pair(artist):
    """The same song twice: one has the history, the other the ids."""
    kept = Song.objects.create(key="kept", title="Hyperballad", artist=artist)
    twin = Song.objects.create(
        key="twin", title="Hyper-Ballad", artist=artist, isrc="GBAYE9500015", energy=0.7
    )
    return kept, twin


@pytest.fixture
def lena():
    return User.objects.create_user("lena")


def did(listener, song, kind, at=None, **values):
    return Interaction.objects.create(
        listener=listener, song=song, kind=kind, occurred_at=at, source="test", **values
    )


class TestMergingSongs:
    def test_likes_and_history_follow(self, pair, lena):
        kept, twin = pair
        did(lena, twin, Kind.LIKE, NOON)
        did(lena, twin, Kind.PLAY, NOON)

        merged = merge.merge_songs(kept, [twin])

        assert (merged.n_moved, merged.n_known) == (2, 0)
        assert Interaction.objects.filter(listener=lena, song=kept).count() == 2
        kept.refresh_from_db()
        assert (kept.isrc, kept.energy) == ("GBAYE9500015", 0.7)
        assert not Song.objects.filter(pk=twin.pk).exists()

    def test_a_feature_of_zero_is_kept_and_taken_over_with_its_source(self, pair):
        kept, twin = pair
        Song.objects.filter(pk=kept.pk).update(liveness=0.0)
        Song.objects.filter(pk=twin.pk).update(
            liveness=0.4, speechiness=0.0, features_source="spotify"
        )
        kept.refresh_from_db()
        merge.merge_songs(kept, Song.objects.filter(pk=twin.pk))
        kept.refresh_from_db()
        assert (kept.liveness, kept.speechiness) == (0.0, 0.0)
        assert (kept.get_source("liveness"), kept.get_source("speechiness")) == ("", "spotify")

    @pytest.mark.parametrize(
        ("kept_at", "twin_at", "stays"), [(NOON, LATER, Kind.DISLIKE), (LATER, NOON, Kind.LIKE)]
    )
    def test_of_two_opinions_the_later_counts(self, pair, lena, kept_at, twin_at, stays):
        kept, twin = pair
        did(lena, kept, Kind.LIKE, kept_at)
        did(lena, twin, Kind.DISLIKE, twin_at)

        merge.merge_songs(kept, pair)

        assert Interaction.objects.get(listener=lena).kind == stays

    def test_plays_add_up_and_one_moment_is_one_play(self, pair, lena):
        kept, twin = pair
        for song, plays in ((kept, 3), (twin, 4)):
            did(lena, song, Kind.PLAY, NOON)
            did(lena, song, Kind.PLAY, None, plays=plays)

        merge.merge_songs(kept, [twin])

        assert Interaction.objects.filter(occurred_at=NOON).count() == 1
        assert Interaction.objects.get(occurred_at=None).plays == 3 + 4

    def test_playlists_and_controls_follow_without_doubles(self, pair, lena):
        kept, twin = pair
        playlist = Playlist.objects.create(owner=lena, title="Mine")
        for position, song in enumerate(pair):
            PlaylistItem.objects.create(playlist=playlist, song=song, position=position)
            ListenerControl.objects.create(
                listener=lena, kind=ListenerControl.Kind.HIDE_SONG, song=song
            )

        merge.merge_songs(kept, [twin])

        assert [item.song for item in playlist.items.all()] == [kept]
        assert [control.song for control in ListenerControl.objects.all()] == [kept]

    def test_one_song_is_no_pair(self, pair):
        with pytest.raises(merge.MergeRefused, match="at least two"):
            merge.merge_songs(pair[0], [pair[0]])


def test_merged_genres_have_every_song_once(pair):
    keeper, other = Genre.objects.create(name="Hip hop"), Genre.objects.create(name="Rap")
    for song, genres in zip(pair, ([keeper, other], [other]), strict=True):
        song.genres.set(genres)
    assert merge.merge_genres(keeper, [keeper, other]) == 2
    assert [list(song.genres.all()) for song in pair] == [[keeper], [keeper]]
    assert not Genre.objects.filter(name="Rap").exists()
    with pytest.raises(merge.MergeRefused, match="at least two"):
        merge.merge_genres(keeper, [keeper])


def test_merged_artists_have_all_songs_and_each_album_once(artist):
    other = Artist.objects.create(name="Bjork Guðmundsdóttir")
    albums = [Album.objects.create(title="Post", artist=of) for of in (artist, other)]
    song = Song.objects.create(key="s", title="Army of Me", artist=other, album=albums[1])

    assert merge.merge_artists(artist, [other]) == 1

    song.refresh_from_db()
    assert (song.artist, song.album) == (artist, albums[0])
    assert "bjork" in song.search_text and "gudmundsdottir" not in song.search_text
    assert Album.objects.count() == 1


class TestCsv:
    HOSTILE = (
        "=HYPERLINK(1)",
        "+1",
        "-1",
        "@SUM(A1)",
        "'=1",
        "\t=1",
        "\n=1",
        "＝1",
        "＋1",
        "plain",
        "'90s",
    )

    @pytest.mark.parametrize("cell", HOSTILE)
    def test_no_cell_is_a_formula_and_every_cell_comes_back(self, cell):
        """T49"""
        assert neutralise_cell(cell)[0] not in "=+-@\t\r\n＝＋－＠"
        assert restore_cell(neutralise_cell(cell)) == cell

    def test_the_catalog_comes_back_as_it_was(self, artist, tmp_path):
        """T49: exported, everything deleted, imported."""
        for index, title in enumerate(("=1+1", "-", "@home", "'=quoted", 'a "b", c', "Ordinary")):
            Song.objects.create(
                key=f"k{index}", title=title, artist=artist, energy=0.25, tempo=120, year=1995
            )
        before = list(
            Song.objects.order_by("key").values_list(
                "key", "title", "artist__name", "energy", "tempo", "year"
            )
        )
        text = "".join(export.write_songs_csv(Song.objects.all()))
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@")]
        (tmp_path / "songs.csv").write_text(text)
        Song.objects.all().delete()

        import_jobs.import_file(tmp_path / "songs.csv", "songs", "csv")

        assert (
            list(
                Song.objects.order_by("key").values_list(
                    "key", "title", "artist__name", "energy", "tempo", "year"
                )
            )
            == before
        )


class TestAdmin:
    def test_merge_asks_which_one_stays_and_then_does_it(self, dashboard, pair, lena):
        did(lena, pair[1], Kind.LIKE, NOON)
        chosen = {"action": "merge", "_selected_action": [song.pk for song in pair]}
        address = reverse("admin:catalog_song_changelist")

        assert "Which one stays?" in dashboard.post(address, chosen).content.decode()
        assert Song.objects.count() == 2
        html = dashboard.post(
            address, chosen | {"keeper": pair[0].pk}, follow=True
        ).content.decode()

        assert "1 likes and plays moved" in html and Song.objects.get() == pair[0]

    def test_withdraw_and_offer_again(self, dashboard, pair):
        address = reverse("admin:catalog_song_changelist")
        for action, available in (("withdraw", False), ("offer", True)):
            dashboard.post(address, {"action": action, "_selected_action": [pair[0].pk]})
            pair[0].refresh_from_db()
            assert pair[0].is_available is available
        changes = LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")
        assert list(changes) == [(str(pair[0]), "Withdrawn."), (str(pair[0]), "Offered again.")]

    def test_a_feature_typed_in_by_hand_is_said_to_be(self, dashboard, pair):
        Song.objects.filter(pk=pair[0].pk).update(energy=0.7, tempo=100, features_source="file")
        address = reverse("admin:catalog_song_change", args=[pair[0].pk])
        form = dashboard.get(address).context["adminform"].form
        values = {name: value for name, value in form.initial.items() if value is not None}
        dashboard.post(address, values | {"genres": [], "energy": "0.2", "valence": "0.5"})
        pair[0].refresh_from_db()
        assert pair[0].energy == 0.2
        assert pair[0].features_by_source == {"by hand": ["energy", "valence"], "file": ["tempo"]}

    def test_search_needs_no_accents(self, dashboard, pair):
        assert (
            "Hyperballad"
            in dashboard.get(
                reverse("admin:catalog_song_changelist"), {"q": "bjork"}
            ).content.decode()
        )

    def test_an_upload_is_imported_shown_and_undone(self, dashboard):
        table = b"title,artist,energy\nOne,A,0.5\nTwo,B,much\nThree,C,0.1\n"
        upload = {"content": "songs", "file": SimpleUploadedFile("../../evil name.csv", table)}
        answer = dashboard.post(reverse("admin:catalog_importrun_upload"), upload)
        run = ImportRun.objects.get()
        assert answer.url.endswith(f"/{run.pk}/change/")
        assert dashboard.get(reverse("admin:catalog_importrun_progress", args=[run.pk])).json()[
            "is_active"
        ]

        import_jobs.run_import(run.pk)

        html = dashboard.get(answer.url).content.decode()
        assert "3 rows read: 2 added" in html and "1 rejected" in html and "energy" in html
        undo = reverse("admin:catalog_importrun_undo", args=[run.pk])
        assert "Take back what “evil name.csv” added?" in dashboard.get(undo).content.decode()
        assert Song.objects.count() == 2
        dashboard.post(undo)
        run.refresh_from_db()
        assert (run.status, Song.objects.count()) == ("undone", 0)
        assert [one.change_message for one in LogEntry.objects.order_by("pk")] == [
            "Requested.",
            "Undone.",
        ]

    def test_what_is_no_table_is_refused_in_words(self, dashboard):
        upload = {"content": "songs", "file": SimpleUploadedFile("a.csv", b"\x00\x01\x02")}
        answer = dashboard.post(reverse("admin:catalog_importrun_upload"), upload)
        run = ImportRun.objects.get()

        import_jobs.run_import(run.pk)

        run.refresh_from_db()
        assert run.status == "failed" and not Song.objects.exists()
        assert run.error in dashboard.get(answer.url).content.decode() and "a.csv" in run.error

    def test_the_whole_catalog_can_be_downloaded(self, dashboard, pair):
        answer = dashboard.get(reverse("admin:catalog_song_export"))

        assert answer["Content-Type"].startswith("text/csv")
        assert b"".join(answer.streaming_content).decode().count("\n") == 1 + 2


class TestNames:
    @pytest.mark.parametrize(
        ("name", "values"), [("artist", {"name": "BJORK"}), ("genre", {"name": "pop"})]
    )
    def test_a_name_that_is_taken_is_told(self, dashboard, artist, name, values):
        Genre.objects.create(name="Pop")
        html = dashboard.post(reverse(f"admin:catalog_{name}_add"), values).content.decode()

        assert "of this name already: merge the two" in html

    def test_a_title_that_is_taken_is_told(self, dashboard, artist):
        Album.objects.create(title="Post", artist=artist)
        values = {"title": "post", "artist": artist.pk}
        html = dashboard.post(reverse("admin:catalog_album_add"), values).content.decode()

        assert "an album of this title by the same artist already" in html

    def test_songs_are_found_under_the_new_name_of_their_artist(self, dashboard, pair, artist):
        table = {"form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "_save": "Save"}
        row = {"form-0-id": artist.pk, "form-0-name": "The Sugarcubes"}
        dashboard.post(reverse("admin:catalog_artist_changelist"), table | row)

        assert Song.objects.matching("sugarcubes").count() == 2
        assert not Song.objects.matching("bjork").exists()

    @pytest.mark.parametrize("name", ["artist", "album", "genre"])
    def test_what_no_song_has_can_be_found(self, dashboard, artist, name):
        album, genre = (
            Album.objects.create(title="Used", artist=artist),
            Genre.objects.create(name="Used"),
        )
        Song.objects.create(key="s", title="S", artist=artist, album=album).genres.add(genre)
        Artist.objects.create(name="Nobody")
        Album.objects.create(title="Nobody", artist=artist)
        Genre.objects.create(name="Nobody")
        for used, n_found in (("no", 1), ("yes", 1), ("", 2)):
            page = dashboard.get(
                reverse(f"admin:catalog_{name}_changelist"), {"used": used} if used else {}
            )
            assert page.context["cl"].result_count == n_found
            assert ("Nobody" in page.content.decode()) is (used != "yes")
