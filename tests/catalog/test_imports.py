"""Files into the database by the commands and the services that pages and the API call."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from catalog.imports import import_jobs, import_requests, import_undo
from catalog.imports.ingest import ingest
from catalog.listenbrainz import payloads, service
from catalog.listenbrainz.payloads import compute_msid
from catalog.listening import interactions
from catalog.models import Album, Artist, ImportRun, Interaction, RecordingMsid, Song
from catalog.records import ListenRecord, SongRecord, WrongFile
from catalog.signals import listening_changed
from common import jobs
from common.jobs import LostLease
from recommendations.engine.synthetic.world import World
from recommendations.services.data import demo_world
from tests.catalog.files import spotify_entry, spotify_zip, write, zip_members

pytestmark = pytest.mark.django_db
Status = ImportRun.Status
Kind = Interaction.Kind
SONGS = (
    "song_id,title,artist,energy\ns1,Tide,Lola Berg,0.5\ns2,Ember,Lola Berg,\ns3,Café,Élan,0.1\n"
)


@pytest.fixture
def songs(tmp_path):
    import_jobs.import_file(write(tmp_path / "songs.csv", SONGS), "songs", "csv")


@pytest.fixture
def alice():
    return User.objects.create_user("alice")


def listens(tmp_path, text, **options):
    return import_jobs.import_file(
        write(tmp_path / "listens.csv", text), "listens", "csv", options=options
    )


def counts(run):
    return run.n_read, run.n_added, run.n_known, run.n_rejected


class TestSongs:
    def test_songs_are_findable_and_a_second_import_adds_nothing(self, tmp_path, songs, capsys):
        again = import_jobs.import_file(tmp_path / "songs.csv", "songs", "csv")
        assert counts(again) == (3, 0, 3, 0)
        assert Song.objects.matching("elan CAFE").get().key == "s3"
        assert Artist.objects.count() == 2
        song = Song.objects.get(key="s1")
        assert (song.energy, song.features_source) == (0.5, "file")
        stored = song.search_text, song.match_key
        song.update_derived()
        assert (song.search_text, song.match_key) == stored

    @pytest.mark.parametrize(
        ("content", "header"), [("songs", "song_id,title,artist"), ("listens", "user_id,song_id")]
    )
    def test_a_table_without_rows_is_said_to_be_one(self, tmp_path, content, header):
        with pytest.raises(WrongFile, match=r"t.csv holds no rows; there is nothing to import\."):
            import_jobs.import_file(write(tmp_path / "t.csv", header + "\n"), content, "csv")
        assert ImportRun.objects.get().status == Status.FAILED
        assert not Song.objects.exists()

    def test_songs_without_ids_get_numbers_and_are_recognised(self, tmp_path):
        file = write(
            tmp_path / "s.csv", "title,artist\nTide,Lola\nTide - Remastered 2011,Lola\nEmber,Lola\n"
        )
        assert counts(import_jobs.import_file(file, "songs", "csv")) == (3, 2, 1, 0)
        assert sorted(Song.objects.values_list("key", flat=True)) == ["song_00001", "song_00002"]
        more = write(tmp_path / "t.csv", "title,artist\nEmber,Lola\nNew,Lola\n")
        assert counts(import_jobs.import_file(more, "songs", "csv")) == (2, 1, 1, 0)
        assert Song.objects.get(title="New").key == "song_00003"

    def test_a_later_file_fills_in_what_is_missing_and_changes_nothing_else(self, tmp_path, songs):
        file = write(
            tmp_path / "more.csv", "song_id,title,artist,energy,tempo,year\ns1,X,Y,0.9,120,1999\n"
        )
        import_jobs.import_file(file, "songs", "csv")
        song = Song.objects.get(key="s1")
        assert (song.title, song.energy, song.tempo, song.year) == ("Tide", 0.5, 120, 1999)

    def test_each_feature_keeps_the_source_of_the_file_that_brought_it(self, tmp_path, songs):
        header = "song_id,title,artist,energy,tempo\n"
        more = write(
            tmp_path / "more.csv", header + "s1,Tide,Lola Berg,0.9,120\ns2,Ember,Lola Berg,0.4,90\n"
        )
        import_jobs.import_file(more, "songs", "csv", options={"features_source": "spotify"})
        first, second = Song.objects.get(key="s1"), Song.objects.get(key="s2")
        assert first.features_by_source == {"file": ["energy"], "spotify": ["tempo"]}
        assert second.features_by_source == {"spotify": ["energy", "tempo"]}
        assert second.other_sources is None

    def test_an_outer_id_of_another_song_rejects_the_row(self, tmp_path):
        mbid = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
        file = write(tmp_path / "s.csv", f"id,title,artist,mbid\na,T,A,{mbid}\nb,U,A,{mbid}\n")
        run = import_jobs.import_file(file, "songs", "csv")
        assert counts(run) == (2, 1, 0, 1)
        assert run.rejected_rows.get().reason == "song a has the same MusicBrainz or Spotify id"

    def test_hostile_titles_are_stored_as_they_are(self, tmp_path):
        """T47, T48"""
        title = "<script>alert(1)</script> \u202egnp.exe \U0001f468\u200d\U0001f469"
        import_jobs.import_file(
            write(tmp_path / "s.csv", f"title,artist\n{title},=1+1\n"), "songs", "csv"
        )
        assert Song.objects.get().title == title
        assert Song.objects.matching("script alert").exists()


class TestListens:
    def test_listeners_keep_their_ids_and_cannot_sign_in(self, tmp_path, songs):
        run = listens(
            tmp_path, "user_id,song_id\nplaylist-1802,s1\nplaylist-1802,s2\nAlice,s1\nalice,s2\n"
        )
        assert counts(run) == (4, 4, 0, 0)
        listener = User.objects.get(username="playlist-1802")
        assert not listener.has_usable_password()
        assert User.objects.filter(username__iexact="alice").count() == 1

    def test_a_second_import_adds_nothing(self, tmp_path, songs):
        text = "user_id,song_id,timestamp\nu,s1,1600000000\nu,s1,1600000300\nv,s2,\n"
        assert counts(listens(tmp_path, text)) == (3, 3, 0, 0)
        assert counts(listens(tmp_path, text)) == (3, 0, 3, 0)
        assert Interaction.objects.count() == 3

    def test_rows_without_time_add_up_within_a_file(self, tmp_path, songs):
        listens(tmp_path, "user_id,song_id,plays\nu,s1,3\nu,s2,1\nu,s1,4\n")
        assert dict(Interaction.objects.values_list("song__key", "plays")) == {"s1": 3 + 4, "s2": 1}

    def test_the_last_opinion_of_a_file_counts_but_not_against_the_site(self, tmp_path, songs):
        song = Song.objects.get(key="s3")
        interactions.like_song(User.objects.create_user("u"), song, source="page")
        listens(
            tmp_path,
            "user_id,song_id,kind,time\nu,s1,dislike,1600000200\nu,s1,like,1600000100\nu,s3,dislike,1600000300\n",
        )
        assert dict(Interaction.objects.values_list("song__key", "kind")) == {
            "s1": Kind.DISLIKE,
            "s3": Kind.LIKE,
        }

    def test_unknown_songs_and_the_future_are_rejected_with_line_and_reason(self, tmp_path, songs):
        later = (timezone.now() + timedelta(days=3)).isoformat()
        run = listens(tmp_path, f"user_id,song_id,time\nu,s1,\nu,nope,\nu,s1,{later}\n")
        assert counts(run) == (3, 1, 0, 2)
        assert dict(run.rejected_rows.values_list("line", "reason")) == {
            3: "song 'nope' is not in the catalog; import the songs first",
            4: "the time is in the future",
        }

    def test_songs_named_by_title_and_artist_are_matched_or_added(self, tmp_path, songs):
        run = listens(
            tmp_path, "user,artist,title\nu,LOLA BERG,Tide (2004 Remaster)\nu,Someone,New\n"
        )
        assert counts(run) == (2, 2, 0, 0)
        assert Song.objects.count() == 4
        assert Interaction.objects.filter(song__key="s1").exists()

    def test_everybody_whose_history_changed_is_told(self, tmp_path, songs):
        announced = []

        def receiver(listener_ids=(), **_):
            announced.extend(listener_ids)

        listening_changed.connect(receiver, weak=False)
        listens(tmp_path, "user_id,song_id\nu,s1\nv,s2\n")
        listening_changed.disconnect(receiver)
        assert sorted(announced) == sorted(User.objects.values_list("pk", flat=True))


class TestCommands:
    def test_the_result_is_said_with_every_rejected_row(self, tmp_path, songs, capsys):
        file = write(tmp_path / "l.csv", "user_id,song_id\nu,s1\nu,nope\n")
        call_command("import_listens", file)
        assert capsys.readouterr().out.splitlines() == [
            "l.csv: 2 read, 1 added, 0 known already, 1 rejected.",
            "  It holds 1 play.",
            "  line 3: song 'nope' is not in the catalog; import the songs first",
        ]

    @pytest.mark.parametrize(
        "content", [b"", b"x,y\n1,2\n", "title,artist\nCaf\xe9,A\n".encode("latin-1")]
    )
    def test_a_wrong_file_is_one_sentence_and_changes_nothing(self, tmp_path, content):
        """T50"""
        file = write(tmp_path / "s.csv", content)
        for command in ("import_songs", "import_listens"):
            with pytest.raises(CommandError) as raised:
                call_command(command, file)
            assert str(raised.value).count("\n") == 0
        assert (
            not ImportRun.objects.exists()
            and not Song.objects.exists()
            and not User.objects.exists()
        )

    def test_columns_by_flags(self, tmp_path, capsys):
        file = write(tmp_path / "s.csv", "Lied;Wer\nA;B\n")
        call_command("import_songs", file, "--title-column", "Lied", "--artist-column", "wer")
        assert "1 added" in capsys.readouterr().out
        with pytest.raises(
            CommandError, match=r"s\.csv has no column 'Nope'; it has 'lied', 'wer'\."
        ):
            call_command("import_songs", file, "--title-column", "Nope")

    def test_a_file_of_rejected_rows_only_ends_with_1(self, tmp_path):
        file = write(tmp_path / "l.csv", "user_id,song_id\nu,nope\n")
        with pytest.raises(CommandError, match="Every row was rejected"):
            call_command("import_listens", file)

    def test_histories_need_a_listener_that_exists(self, tmp_path):
        with pytest.raises(CommandError, match="There is no listener 'nobody'"):
            call_command("import_history", tmp_path / "x.zip", "--listener", "nobody")


class TestDemoWorld:
    WORLD = World(n_listeners=40, n_songs=60, n_interactions=800)

    def test_the_same_world_twice_adds_nothing_even_at_another_time(self):
        first = demo_world.seed_database(self.WORLD)
        later = World(n_listeners=40, n_songs=60, n_interactions=800, now=self.WORLD.now + 99_999)
        again = demo_world.seed_database(later)
        assert first.songs.n_added == 60
        assert first.listens.n_added == Interaction.objects.count() > 500
        assert (again.songs.n_added, again.listens.n_added) == (0, 0)
        assert User.objects.filter(username="user_00040").exists()

    def test_another_world_is_refused_and_changes_nothing(self):
        demo_world.seed_database(self.WORLD)
        before = Song.objects.count(), Interaction.objects.count()
        with pytest.raises(CommandError, match="This database has another song with the id song_0"):
            call_command("seed_demo_data", "--listeners=40", "--songs=60", "--seed=8")
        assert (Song.objects.count(), Interaction.objects.count()) == before


class TestHistory:
    def upload(self, path):
        return SimpleUploadedFile("../../evil name.zip", path.read_bytes())

    def history(self, tmp_path, n=5, **changes):
        start = datetime(2021, 3, 4, 10, tzinfo=UTC)
        times = [
            (start + timedelta(minutes=5 * i)).strftime("%Y-%m-%dT%H:%M:%SZ") for i in range(n)
        ]
        entries = [
            spotify_entry(f"Song {i % 3}", ts=ts, spotify_track_uri=None, **changes)
            for i, ts in enumerate(times)
        ]
        return spotify_zip(tmp_path / "my.zip", entries)

    def test_upload_run_and_undo(self, tmp_path, alice, songs, settings):
        settings.UPLOADS_DIR = tmp_path / "uploads"
        before = (
            set(Song.objects.values_list("key", flat=True)),
            Artist.objects.count(),
            Album.objects.count(),
        )
        run = import_requests.request_import(alice, self.upload(self.history(tmp_path)))
        assert (run.status, run.format, run.file_name) == (Status.QUEUED, "", "evil name.zip")
        assert import_requests.request_import(alice, self.upload(self.history(tmp_path))) == run
        assert len(list(settings.UPLOADS_DIR.iterdir())) == 1
        assert import_jobs.sweep_imports().waiting == [run]

        done = import_jobs.run_import(run.pk)
        assert done.format == "spotify-extended"
        assert (done.status, done.progress, counts(done)) == (Status.SUCCEEDED, 1.0, (5, 5, 0, 0))
        assert list(settings.UPLOADS_DIR.iterdir()) == []
        assert Song.objects.filter(title__startswith="Song ").count() == 3
        assert import_jobs.run_import(run.pk) is None

        assert import_undo.undo_import(done) == 5
        assert Interaction.objects.count() == 0
        assert (
            set(Song.objects.values_list("key", flat=True)),
            Artist.objects.count(),
            Album.objects.count(),
        ) == before
        assert ImportRun.objects.get(pk=run.pk).status == Status.UNDONE

    def test_undo_keeps_what_others_use(self, tmp_path, alice):
        first = import_jobs.import_file(self.history(tmp_path), "history", listener=alice)
        interactions.like_song(
            User.objects.create_user("bob"), Song.objects.get(title="Song 1"), source="page"
        )
        import_undo.undo_import(first)
        assert list(Song.objects.values_list("title", flat=True)) == ["Song 1"]

    def test_nothing_private_is_stored(self, tmp_path, alice):
        import_jobs.import_file(self.history(tmp_path), "history", listener=alice)
        with connection.cursor() as cursor:
            tables = connection.introspection.table_names(cursor)
            stored = []
            for table in tables:
                cursor.execute(f'SELECT * FROM "{table}"')
                stored.append(repr(cursor.fetchall()))
        assert "secret" not in "".join(stored)
        assert "203.0.113.9" not in "".join(stored)

    def test_overlapping_exports_of_different_kinds_count_once(self, tmp_path, alice):
        stop = "2021-03-04T10:05:42Z"
        extended = spotify_zip(tmp_path / "e.zip", [spotify_entry("Tide", ts=stop)])
        account = zip_members(
            tmp_path / "a.zip",
            {
                "StreamingHistory0.json": json.dumps(
                    [
                        {
                            "endTime": "2021-03-04 10:05",
                            "artistName": "Lola Berg",
                            "trackName": "Tide",
                            "msPlayed": 240_000,
                        },
                        {
                            "endTime": "2021-03-05 10:05",
                            "artistName": "Lola Berg",
                            "trackName": "Tide",
                            "msPlayed": 240_000,
                        },
                    ]
                )
            },
        )
        assert counts(import_jobs.import_file(extended, "history", listener=alice)) == (1, 1, 0, 0)
        assert counts(import_jobs.import_file(account, "history", listener=alice)) == (2, 1, 1, 0)
        assert counts(import_jobs.import_file(extended, "history", listener=alice)) == (1, 0, 1, 0)

    def test_loved_songs_of_listenbrainz_become_likes(self, tmp_path, alice):
        listen = {
            "listened_at": 1_600_000_000,
            "recording_msid": "m",
            "track_metadata": {"artist_name": "A", "track_name": "T"},
        }
        file = zip_members(
            tmp_path / "l.zip",
            {
                "listens/2020/9.jsonl": json.dumps(listen),
                "feedback.jsonl": '{"recording_msid":"m","score":1}',
            },
        )
        import_jobs.import_file(file, "history", listener=alice)
        assert interactions.get_opinion(alice, Song.objects.get(title="T")) == Kind.LIKE

    def test_a_heart_by_the_message_id_of_an_imported_listen_finds_its_song(self, tmp_path, alice):
        """Only ids as ListenBrainz makes them: one that this site computes is not claimed by a file."""
        random, computed = "b4ffa2c1-6a62-4a2c-8ad9-0a1a3a9d8f10", compute_msid("B", "U", "")
        listens = [
            {
                "listened_at": 1_600_000_000 + 1000 * index,
                "track_metadata": {
                    "artist_name": "A",
                    "track_name": "T",
                    "additional_info": {"recording_msid": str(msid)},
                },
            }
            for index, msid in enumerate((random, computed))
        ]
        file = tmp_path / "listens.jsonl"
        file.write_text("\n".join(map(json.dumps, listens)))
        for _twice in range(2):
            import_jobs.import_file(file, "history", listener=alice)
        service.give_feedback(alice, payloads.read_feedback({"recording_msid": random, "score": 1}))
        assert interactions.get_opinion(alice, Song.objects.get(title="T")) == Kind.LIKE
        assert [str(row.msid) for row in RecordingMsid.objects.all()] == [random]

    def test_a_wrong_upload_fails_with_the_reason_and_is_not_kept(self, tmp_path, alice, settings):
        """T51, T52"""
        settings.UPLOADS_DIR = tmp_path / "uploads"
        with pytest.raises(WrongFile, match=r"x\.zip is empty"):
            import_requests.request_import(alice, SimpleUploadedFile("x.zip", b""))
        assert not ImportRun.objects.exists()
        for content, reason in (
            (b"GIF89a", "is a picture or music"),
            (b"a,b\n1,2\n", "is no listening history that is known here"),
        ):
            run = import_requests.request_import(alice, SimpleUploadedFile("x.zip", content))
            run = import_jobs.run_import(run.pk)
            assert run.status == Status.FAILED
            assert f"x.zip {reason}" in run.error
        assert list(settings.UPLOADS_DIR.iterdir()) == []
        assert not Interaction.objects.exists()

    def test_cancelled_stays_cancelled(self, tmp_path, alice, settings):
        settings.UPLOADS_DIR = tmp_path / "uploads"
        run = import_requests.request_import(alice, self.upload(self.history(tmp_path)))
        assert import_jobs.cancel_import(run) is True
        assert import_jobs.run_import(run.pk) is None
        assert import_jobs.cancel_import(run) is False
        assert Interaction.objects.count() == 0


class TestLeases:
    def create_run(self, **fields):
        return ImportRun.objects.create(content="songs", format="csv", file_name="f", **fields)

    def test_one_of_two_workers_gets_a_run(self):
        run = self.create_run()
        assert jobs.claim_job(ImportRun, run.pk, "a:x:1").owner == "a:x:1"
        assert jobs.claim_job(ImportRun, run.pk, "b:x:1") is None

    def test_a_silent_owner_loses_the_run_and_its_late_write_is_refused(self):
        """T10"""
        run = self.create_run()
        lease = jobs.claim_job(ImportRun, run.pk, "a:x:1")
        ImportRun.objects.filter(pk=run.pk).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
        assert jobs.claim_job(ImportRun, run.pk, "b:x:1", take_over=True) is not None
        with pytest.raises(LostLease):
            ingest(run, lease, iter([SongRecord(1, "T", "A")]))
        assert not Song.objects.exists()
        with pytest.raises(LostLease):
            lease.finish(Status.SUCCEEDED)

    def test_a_run_of_a_dead_process_of_this_machine_is_taken_at_once(self):
        dead = jobs.get_owner_name().split(":")
        dead[1] = "999999999"
        run = self.create_run(
            status=Status.RUNNING,
            owner=":".join(dead),
            lease_until=timezone.now() + timedelta(hours=1),
        )
        assert jobs.claim_job(ImportRun, run.pk, take_over=True) is not None

    def test_a_run_goes_on_behind_its_last_chunk(self, songs):
        run = self.create_run(resume_at=2, n_read=2)
        lease = jobs.claim_job(ImportRun, run.pk, "a:x:1")
        run.refresh_from_db()
        ImportRun.objects.filter(pk=run.pk).update(content="listens")
        run.content = "listens"
        records = [
            ListenRecord(i, "u", "s1", occurred_at=1_600_000_000 + 60 * i) for i in range(2, 5)
        ]
        ingest(run, lease, iter(records))
        assert (run.n_read, run.n_added) == (5, 3)


def test_lookups_by_id_use_an_index(songs):
    """A song's and a listener's rows are found without reading the table, however large it is."""
    queries = [
        Song.objects.filter(key="s1"),
        Song.objects.filter(match_key="lola berg|tide"),
        User.objects.filter(username="u"),
        Interaction.objects.filter(listener_id=1).order_by("-occurred_at"),
        Interaction.objects.filter(listener_id=1, song_id=1).opinions(),
        Interaction.objects.filter(song_id=1, kind=0),
        Interaction.objects.filter(import_run_id=1),
    ]
    whole_table, by_index = (
        ("Seq Scan", "Index") if connection.vendor == "postgresql" else ("SCAN", "USING")
    )
    if connection.vendor == "postgresql":
        # a handful of rows is read fastest as a whole; ask what it could do with many
        connection.cursor().execute("SET LOCAL enable_seqscan = off")
    for query in queries:
        plan = query.explain()
        assert whole_table not in plan, f"{query.query}: {plan}"
        assert by_index in plan, f"{query.query}: {plan}"


@pytest.mark.slow
def test_the_longest_names_fit_on_postgresql(installation, migrated_postgresql, tmp_path):
    """T48: 500 letters of four bytes each in title, artist and album."""
    letters = "".join(chr(0x20000 + i * 37 % 40_000) for i in range(1500))
    file = write(
        tmp_path / "s.csv",
        f"title,artist,album\n{letters[:500]},{letters[500:1000]},{letters[1000:]}\n",
    )
    installation.database_url = migrated_postgresql()
    assert "1 added" in installation.manage("import_songs", str(file))
