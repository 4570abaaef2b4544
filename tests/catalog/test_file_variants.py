"""Files like those in tests/cases, invented: other names, orders, versions and faults of each kind."""

import io
import json

import pytest

from accounts.models import User
from catalog.imports import import_jobs, import_undo
from catalog.imports.importers import detect_history, open_file
from catalog.imports.reading import json_files
from catalog.listening import interactions
from catalog.models import Artist, Genre, Interaction, Playlist, PlaylistItem, Song
from catalog.records import (
    DISLIKE,
    LIKE,
    PLAY,
    SKIP,
    ListenRecord,
    PlaylistRecord,
    SongRecord,
    WrongFile,
)
from catalog.songs import resolver
from recommendations.models import ListenerControl
from recommendations.services.preferences import controls, data_export, taste
from tests.catalog.files import (
    list_names,
    read_history,
    spotify_entry,
    spotify_zip,
    write,
    zip_members,
)

MBID = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"


class TestTimes:
    @pytest.mark.parametrize(
        "odd", ["0", "1523", "2004", "1033410599", "9" * 400, "1e999", "inf", "nan", "-1"]
    )
    def test_what_is_no_time_costs_its_row(self, tmp_path, odd):
        """T50: 400 digits were the end of the whole import."""
        text = f"uts,artist,album,track\n{odd},A,B,Odd\n1598278020,A,B,Good\n"
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names(records), list(rejected)) == ([("A", "Good")], [2])

    @pytest.mark.parametrize("number", ["1e999", "9" * 400, "9" * 5000, "-1e999", "NaN"])
    def test_a_json_number_without_end_costs_its_entry(self, tmp_path, number):
        entry = '{"listened_at": %s, "track_metadata": {"artist_name": "A", "track_name": "T"}}'
        for name, layout in (("old.json", "[%s, %s]"), ("new.jsonl", "%s\n%s\n")):
            file = write(tmp_path / name, layout % (entry % number, entry % 1_714_550_000))
            records, rejected = read_history(file)
            assert (len(records), len(rejected)) == (1, 1)
        maloja = '{"scrobbles": [{"time": %s, "track": {"artists": ["A"], "title": "T"}}, %s]}'
        good = '{"time": 1714550000, "track": {"artists": ["A"], "title": "U"}}'
        assert len(read_history(write(tmp_path / "m.json", maloja % (number, good)))[0]) == 1

    def test_float_and_text_times_are_taken(self, tmp_path):
        entries = [
            {"listened_at": at, "track_metadata": {"artist_name": "A", "track_name": "T"}}
            for at in (1_714_550_000.9, "1714550001", 1_714_550_002_000)
        ]
        records, rejected = read_history(write(tmp_path / "l.json", json.dumps(entries)))
        assert rejected == {}
        assert [record.occurred_at - 1_714_550_000 for record in records] == [0, 1, 2]

    @pytest.mark.parametrize(
        "when", ["0001-01-01 00:00", "9999-12-31T23:59:59-14:00", "2024-05-01"]
    )
    def test_years_beyond_and_days_without_a_time_are_no_scrobbles(self, tmp_path, when):
        text = f"artist,album,track,date\nA,B,Odd,{when}\nA,B,Good,2024-05-01 10:00\n"
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names(records), list(rejected)) == ([("A", "Good")], [2])

    @pytest.mark.parametrize(
        "text",
        [
            "A,B,Often,1523\nA,B,Other,845\n",
            "A;B;Often;1523\nA;B;Other;845\n",
            "artist,album,track,date\nA,B,One,2004\nA,B,Two,1998\n",
            "artist,album,track,date\nA,B,One,2004-02-01\n",
            "artist,track,playcount\nA,One,15\n",
            "artist,album,title,year\nA,B,One,2004\n",
        ],
    )
    def test_counts_years_and_release_days_are_no_times(self, tmp_path, text):
        with pytest.raises(WrongFile):
            detect_history(open_file(write(tmp_path / "l.csv", text)))

    def test_a_table_that_can_be_read_in_two_ways_is_refused(self, tmp_path):
        rows = (
            "1598278020,Album,Title,24 Aug 2020 14:07\n1598278080,Album,Other,24 Aug 2020 14:08\n"
        )
        with pytest.raises(WrongFile, match="could be read in two ways"):
            detect_history(open_file(write(tmp_path / "l.csv", rows)))

    def test_titles_in_the_second_column_are_seen_where_they_are_more_varied(self, tmp_path):
        rows = [f"{1_598_278_020 + 300 * n},Title {n},The Artist,The Album\n" for n in range(5)]
        records, _ = read_history(write(tmp_path / "l.csv", "".join(rows)))
        assert list_names(records)[0] == ("The Artist", "Title 0")

    def test_odd_rows_above_the_header_cost_themselves(self, tmp_path):
        text = "My scrobbles of 2024\nartist,album,track,date\nA,B,T,2024-05-01 10:00\n"
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names(records), list(rejected)) == ([("A", "T")], [1])


class TestSpotify:
    @pytest.mark.parametrize(
        ("changes", "kind"),
        [
            ({"ms_played": 29_999, "reason_end": "fwdbtn"}, SKIP),
            ({"ms_played": 5_000, "reason_end": "endplay"}, SKIP),
            ({"ms_played": 5_000, "reason_end": "trackdone"}, None),
            ({"ms_played": 5_000, "reason_end": "unexpected-exit-while-paused"}, None),
            ({"ms_played": 5_000, "reason_end": ["fwdbtn"], "skipped": True}, SKIP),
            ({"ms_played": 0, "reason_end": "trackerror"}, None),
            ({"ms_played": 30_000, "reason_end": "fwdbtn", "skipped": True}, PLAY),
        ],
    )
    @pytest.mark.django_db
    def test_under_thirty_seconds_nothing_is_a_play(self, tmp_path, changes, kind):
        alice = User.objects.create_user("alice")
        import_jobs.import_file(
            spotify_zip(tmp_path / "s.zip", [spotify_entry(**changes)]), "history", listener=alice
        )
        kinds = list(Interaction.objects.for_listener(alice).values_list("kind", flat=True))
        assert kinds == ([] if kind is None else [kind])

    @pytest.mark.django_db
    def test_a_short_song_of_known_length_needs_half_of_it(self, tmp_path):
        alice = User.objects.create_user("alice")
        artist = Artist.objects.create(name="Lola Berg")
        Song.objects.create(key="s", title="Hidden Place", artist=artist, duration_ms=40_000)
        entry = spotify_entry(ms_played=21_000, reason_end="trackdone", spotify_track_uri=None)
        import_jobs.import_file(spotify_zip(tmp_path / "s.zip", [entry]), "history", listener=alice)
        assert Interaction.objects.get().kind == Interaction.Kind.PLAY

    def test_a_clock_that_was_never_set_gives_way_to_the_offline_one(self, tmp_path):
        entry = spotify_entry(ts="1970-01-01T00:01:00Z", offline_timestamp=1_714_550_000_123)
        (play,), _ = read_history(spotify_zip(tmp_path / "s.zip", [entry]))
        assert play.occurred_at == 1_714_550_000
        records, rejected = read_history(
            spotify_zip(tmp_path / "t.zip", [entry | {"offline_timestamp": None}])
        )
        assert (records, len(rejected)) == ([], 1)

    def test_playlists_alone_in_a_file_with_episodes(self, tmp_path):
        items = [
            {
                "track": {
                    "trackName": "T",
                    "artistName": "A",
                    "trackUri": "spotify:track:" + "G" * 22,
                }
            },
            {"track": None, "episode": {"episodeName": "E"}},
            {"track": None, "localTrack": {"uri": "spotify:local:x"}},
        ]
        text = json.dumps({"playlists": [{"name": "Mine", "items": items, "description": "Rain"}]})
        records, rejected = read_history(write(tmp_path / "Playlist1.json", text))
        assert list_names(records) == [("A", "T")]
        assert {record.title for record in records} == {"Mine"}
        assert rejected == {3: "podcast", 4: "the title is missing"}


class TestListenBrainz:
    def listen(self, **metadata):
        track = {
            "artist_name": "A",
            "track_name": "T",
            "recording_msid": "m1",
            "additional_info": {},
        } | metadata
        return {"listened_at": 1_714_550_000, "track_metadata": track}

    @pytest.mark.django_db
    @pytest.mark.parametrize("is_known", [False, True])
    def test_hearts_by_either_id_arrive_for_new_and_known_songs(self, tmp_path, is_known):
        alice = User.objects.create_user("alice")
        if is_known:
            artist = Artist.objects.create(name="A")
            for title in ("T", "U"):
                Song.objects.create(key=title, title=title, artist=artist)
        mapped = self.listen(
            track_name="U", recording_msid="m2", mbid_mapping={"recording_mbid": MBID}
        )
        feedback = [
            {"recording_msid": "m1", "score": -1},
            {"recording_mbid": MBID.upper(), "score": 1},
        ]
        file = zip_members(
            tmp_path / "l.zip",
            {
                "feedback.jsonl": "\n".join(map(json.dumps, feedback)),
                "listens/2024/5.jsonl": "\n".join(map(json.dumps, [self.listen(), mapped])),
            },
        )
        run = import_jobs.import_file(file, "history", listener=alice)
        assert run.n_rejected == 0
        opinions = dict(
            Interaction.objects.for_listener(alice).opinions().values_list("song__title", "kind")
        )
        assert opinions == {"T": DISLIKE, "U": LIKE}

    @pytest.mark.django_db
    def test_a_heart_by_an_id_that_nothing_has_says_so(self, tmp_path):
        """It said that another song has the id."""
        hearts = [json.dumps({"recording_mbid": MBID, "score": score}) for score in (1, -1)]
        members = {
            "feedback.jsonl": "\n".join(hearts),
            "listens/1.jsonl": json.dumps(self.listen()),
        }
        run = import_jobs.import_file(
            zip_members(tmp_path / "l.zip", members),
            "history",
            listener=User.objects.create_user("alice"),
        )
        reasons = set(run.rejected_rows.values_list("reason", flat=True))
        assert (run.n_added, reasons) == (1, {"no song of the catalog has that id"})

    def test_each_listen_keeps_its_player(self, tmp_path):
        listens = [
            self.listen(additional_info={"submission_client": c}) for c in ("navidrome", 7, None)
        ]
        records, _ = read_history(write(tmp_path / "1.jsonl", "\n".join(map(json.dumps, listens))))
        assert [record.source for record in records] == ["listenbrainz:navidrome", "", ""]


class TestLikesAndPlaylists:
    EXPORTIFY = (
        "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,Explicit,Added By,"
        "Added At,Genres\nspotify:track:"
        + "H" * 22
        + ',T,Alb,"A;B",2020,200000,1,false,,2024-05-01T10:00:00Z,\n'
    )

    @pytest.mark.parametrize(
        "name", ["Liked_Songs.csv", "liked.csv", "exportify.csv", "Lieblingssongs.csv"]
    )
    def test_exportify_likes(self, tmp_path, name):
        (like,), _ = read_history(write(tmp_path / name, self.EXPORTIFY))
        assert isinstance(like, ListenRecord)
        assert (like.kind, like.song.artist, like.song.spotify_id) == (LIKE, "A, B", "H" * 22)
        assert like.occurred_at == 1_714_557_600

    def test_exportify_playlist_is_called_as_the_file(self, tmp_path):
        (entry,), _ = read_history(write(tmp_path / "rainy_day.csv", self.EXPORTIFY))
        assert isinstance(entry, PlaylistRecord) and entry.title == "rainy_day"

    def test_tunemymusic_says_in_each_row_what_it_is(self, tmp_path):
        text = (
            "Track name,Artist name,Album,Playlist name,Type,ISRC,Spotify - id\n"
            "L,A,Alb,Liked Songs,Favorite,,\nP,A,Alb,Rain,Playlist,,\nX,A,Alb,,Album,,\n"
        )
        (like, entry), rejected = read_history(write(tmp_path / "My Spotify Library.csv", text))
        assert (like.kind, entry.title, rejected) == (LIKE, "Rain", {4: "unread_kind"})

    @pytest.mark.parametrize(("name", "is_like"), [("Favorites.csv", True), ("Rain.csv", False)])
    def test_soundiiz(self, tmp_path, name, is_like):
        (record,), _ = read_history(
            write(tmp_path / name, "title;artist;album;isrc\nT;A;Alb;GBUM71029604\n")
        )
        assert isinstance(record, ListenRecord) is is_like

    def test_m3u_with_names_and_with_paths(self, tmp_path):
        text = (
            "#EXTM3U\n#PLAYLIST:Rain\n#EXTINF:200 tvg=1,A - T - Live\n/x/y.mp3\nMusic\\B\\Alb\\03 - U.flac\n"
            "#EXTINF:-1,\nC - V.mp3\n#EXTINF:10,Nameless\nhttp://radio.example/stream\n"
        )
        records, rejected = read_history(write(tmp_path / "x.m3u", text))
        assert list_names(records) == [("A", "T - Live"), ("B", "U"), ("C", "V")]
        assert {record.title for record in records} == {"Rain"}
        assert list(rejected) == [9]

    def test_jspf_with_its_title_behind_the_tracks(self, tmp_path):
        track = {
            "creator": "A",
            "title": "T",
            "identifier": f"https://musicbrainz.org/recording/{MBID}",
        }
        text = json.dumps({"playlist": {"track": [track, {"title": "x"}], "title": "Rain"}})
        records, rejected = read_history(write(tmp_path / "x.jspf", text))
        assert (records[-1].title, records[-1].song.mbid, list(rejected)) == ("Rain", MBID, [2])

    def test_xspf(self, tmp_path):
        text = (
            '<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><title>Rain</title><trackList>'
            "<track><title>T &amp; U</title><creator>A</creator><duration>200000</duration></track>"
            "<track><location>file:///m/B/Alb/01%20V.flac</location></track><track/></trackList></playlist>"
        )
        records, rejected = read_history(write(tmp_path / "x.xspf", text))
        assert list_names(records) == [("A", "T & U"), ("B", "V")]
        assert (records[0].title, records[0].song.duration_ms, list(rejected)) == (
            "Rain",
            200_000,
            [3],
        )

    def test_an_xspf_that_grows_without_end_is_refused(self, tmp_path):
        text = '<!DOCTYPE p [<!ENTITY a "aaaa">]><playlist xmlns="http://xspf.org/ns/0/"><title>&a;</title></playlist>'
        with pytest.raises(WrongFile, match="document type"):
            read_history(write(tmp_path / "x.xspf", text))

    def test_lastfm_loved_as_json(self, tmp_path):
        track = {"artist": {"name": "A", "url": "x", "mbid": ""}, "name": "T", "mbid": MBID}
        page = {
            "track": [track | {"date": {"uts": "1714550000", "#text": "x"}}],
            "@attr": {"page": "1"},
        }
        for document in ([page], {"lovedtracks": page}):
            (like,), _ = read_history(write(tmp_path / "l.json", json.dumps(document)))
            assert (like.kind, like.song.mbid) == (LIKE, MBID)

    def test_lastfm_scrobbles_as_json_with_what_is_playing(self, tmp_path):
        track = {"artist": {"#text": "A"}, "album": {"#text": "Alb"}, "name": "T", "mbid": ""}
        now = track | {"@attr": {"nowplaying": "true"}}
        page = {
            "recenttracks": {"track": [now, track | {"date": {"uts": "1714550000"}}], "@attr": {}}
        }
        records, rejected = read_history(write(tmp_path / "r.json", json.dumps(page)))
        assert ([record.kind for record in records], rejected) == ([PLAY], {1: "now_playing"})


class TestOtherHistories:
    @pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
    def test_players_logs_of_every_version_and_zone(self, tmp_path, version):
        text = (
            f"#AUDIOSCROBBLER/{version}\r\n#TZ/UTC+2\r\n#CLIENT/x\r\n"
            f"A\tAlb\tT\t1\t200\tL\t1714550000\t{MBID}\r\nA\t\tU\t\t200\tS\t1714550300\r\nA\t\tV\t\t200\tX\t1\r\nA\tV\r\n"
        )
        records, rejected = read_history(write(tmp_path / ".scrobbler.log", text))
        assert [(one.kind, one.occurred_at) for one in records] == [
            (PLAY, 1_714_550_000 - 7200),
            (SKIP, 1_714_550_300 - 7200),
        ]
        assert records[0].song.mbid == MBID and list(rejected) == [6, 7]

    def test_lastfmstats_as_json(self, tmp_path):
        scrobble = {
            "track": "T",
            "artist": "A",
            "album": "Alb",
            "albumId": "",
            "date": 1_714_550_000_000,
        }
        text = json.dumps({"username": "nora", "scrobbles": [scrobble, scrobble | {"date": None}]})
        records, rejected = read_history(write(tmp_path / "l.json", text))
        assert (records[0].occurred_at, list(rejected)) == (1_714_550_000, [2])

    def test_pano_as_csv_and_json(self, tmp_path):
        table = "timeHuman,timeMs,artist,track,album,durationMs,event\nx,1714550000000,A,T,,200000,scrobble\n"
        (play,), _ = read_history(write(tmp_path / "p.csv", table))
        line = {"timeMs": 1_714_550_000_000, "artist": "A", "track": "T", "event": "love"}
        (like,), _ = read_history(write(tmp_path / "p.jsonl", json.dumps(line)))
        assert (play.kind, play.occurred_at, like.kind) == (PLAY, 1_714_550_000, LIKE)

    def test_youtube_music_in_german_in_the_zip(self, tmp_path):
        entry = {
            "header": "YouTube Music",
            "title": "Lied angesehen",
            "time": "2024-05-01T10:00:00.123Z",
        }
        gone = entry | {"title": "Watched https://music.youtube.com/watch?v=x"}
        entries = [
            entry | {"subtitles": [{"name": "Oda - Topic"}]},
            gone,
            entry | {"header": "YouTube"},
        ]
        name = "Takeout/YouTube und YouTube Music/Verlauf/watch-history.json"
        records, rejected = read_history(
            zip_members(tmp_path / "t.zip", {name: json.dumps(entries)})
        )
        assert list_names(records) == [("Oda", "Lied")]
        assert rejected == {2: "untitled", 3: "not_music"}

    def test_apple_daily_tracks_count_plays_and_skips(self, tmp_path):
        header = (
            "Country,Track Identifier,Media type,Date Played,Hours,Play Duration Milliseconds,End Reason Type,"
            "Source Type,Play Count,Skip Count,Ignore For Recommendations,Track Reference,Track Description\n"
        )
        rows = (
            'US,1,AUDIO,20240501,"10, 11",400000,X,I,2,0,,1,A - T - Live\n'
            "US,1,AUDIO,20240501,9,4000,X,I,0,1,,1,A - U\nUS,1,VIDEO,20240501,9,4000,X,I,1,0,,1,A - V\n"
            "US,1,AUDIO,20240501,9,4000,X,I,1,0,true,1,A - W\n"
        )
        (plays, skip), rejected = read_history(write(tmp_path / "a.csv", header + rows))
        assert (plays.plays, plays.played_ms, plays.song.title) == (2, 200_000, "T - Live")
        assert (skip.kind, skip.occurred_at) == (SKIP, 1_714_554_000)
        assert rejected == {4: "not_music", 5: "unwanted"}

    def test_deezer_and_tidal_with_short_plays_and_zones(self, tmp_path):
        deezer = "Song Title,Artist,ISRC,Album Title,IP Address,Listening Time,Platform Name,Platform Model,Date\n"
        (play,), _ = read_history(
            write(tmp_path / "d.csv", deezer + "T,A,,Alb,192.0.2.1,9,web,,2024-05-01 10:00:00\n")
        )
        assert (play.played_ms, play.occurred_at) == (9_000, 1_714_557_600)
        tidal = (
            "artist_name,track_title,entry_date,product_type,session_type,time_zone,duration_s\n"
        )
        rows = "A,T,13/05/2024 10:00,TRACK,ONLINE,Europe/Berlin,200\nA,V,2024-05-13 10:00,VIDEO,X,Y,1\n"
        (play,), rejected = read_history(write(tmp_path / "t.csv", tidal + rows))
        assert (play.occurred_at, rejected) == (1_715_594_400 - 7200, {3: "not_music"})

    def test_jellyfin_leaves_films_out_and_refuses_two_users(self, tmp_path):
        line = "2024-05-01 10:00:00.1234567\t%s\ti\t%s\t%s\tDirectPlay\tFinamp\tPhone\t200\n"
        rows = line % ("u", "Audio", "A - T (x) (Alb (Deluxe))") + line % ("u", "Movie", "Film")
        (play,), rejected = read_history(write(tmp_path / "j.tsv", rows))
        assert (play.song.title, play.song.album, rejected) == (
            "T (x)",
            "Alb (Deluxe)",
            {2: "not_music"},
        )
        with pytest.raises(WrongFile, match="playback of 2 users"):
            read_history(write(tmp_path / "k.tsv", rows + line % ("v", "Audio", "A - T")))

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            (
                "watch-history.html",
                b'<html><a href="https://www.youtube.com/watch?v=x">',
                "format JSON",
            ),
            ("Library.xml", b"<?xml version='1.0'?><plist><key>Tracks</key></plist>", "iTunes"),
            ("a.pdf", b"%PDF-1.7 x", "is a PDF"),
            ("a.sqlite", b"SQLite format 3\0", "is a database"),
            ("top.csv", b"artist,playcount\nA,5\n", "play counts"),
            ("a.csv", b"x,y\n1,2\n", "is no listening history that is known here"),
        ],
    )
    def test_what_cannot_be_read_is_named_with_the_way_that_works(
        self, tmp_path, name, content, says
    ):
        with pytest.raises(WrongFile, match=says):
            detect_history(open_file(write(tmp_path / name, content)))

    @pytest.mark.parametrize(
        ("member", "says"),
        [
            ("xl/workbook.xml", "Excel workbook"),
            ("Apple_Media_Services/Apple Music Activity.zip", "Apple's whole export"),
            ("Takeout/YouTube/history/watch-history.html", "format JSON"),
            ("photo.jpg", "zip without a history"),
        ],
    )
    def test_what_a_zip_seems_to_be(self, tmp_path, member, says):
        with pytest.raises(WrongFile, match=says):
            detect_history(open_file(zip_members(tmp_path / "z.zip", {member: "x"})))


@pytest.mark.django_db
class TestPlaylistsAndOwnData:
    JSPF = {
        "playlist": {
            "title": "Rain",
            "track": [{"title": t, "creator": "A"} for t in ("T", "U", "T")],
        }
    }

    def test_a_playlist_keeps_its_order_and_each_song_once_and_joins_the_one_that_is_there(
        self, tmp_path
    ):
        alice = User.objects.create_user("alice")
        file = write(tmp_path / "x.jspf", json.dumps(self.JSPF))
        first = import_jobs.import_file(file, "history", listener=alice)
        assert first.kinds == {"playlist": 1, "playlist_song": 3}
        more = json.loads(json.dumps(self.JSPF))
        more["playlist"]["track"].append({"title": "V", "creator": "A"})
        again = import_jobs.import_file(
            write(tmp_path / "y.jspf", json.dumps(more)), "history", listener=alice
        )
        playlist = Playlist.objects.get(owner=alice)
        assert [item.song.title for item in playlist.items.all()] == ["T", "U", "V"]
        import_undo.undo_import(again)
        assert [item.song.title for item in playlist.items.all()] == ["T", "U"]
        import_undo.undo_import(first)
        assert not Playlist.objects.exists() and not Song.objects.exists()

    def test_everything_of_a_listener_comes_back_from_their_own_export(self, tmp_path):
        alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
        history = [
            spotify_entry("One", spotify_track_uri=None),
            spotify_entry(
                "Two",
                spotify_track_uri=None,
                ts="2021-03-05T10:05:00Z",
                ms_played=9_000,
                reason_end="fwdbtn",
            ),
        ]
        import_jobs.import_file(spotify_zip(tmp_path / "s.zip", history), "history", listener=alice)
        import_jobs.import_file(
            write(tmp_path / "x.jspf", json.dumps(self.JSPF)), "history", listener=alice
        )
        interactions.like_song(alice, Song.objects.get(title="One"), source="site")
        interactions.dislike_song(alice, Song.objects.get(title="Two"), source="site")
        for listener, title in ((alice, "T"), (alice, "U")):
            interactions.record_play(listener, Song.objects.get(title=title), source="player")
        file = write(
            tmp_path / "my-data.json", json.dumps(data_export.export_data(alice), default=str)
        )

        run = import_jobs.import_file(file, "history", listener=bob)

        assert (run.format, run.n_rejected) == ("musicrec", 0)
        columns = ("song", "kind", "plays", "played_ms", "occurred_at", "source")
        of = [
            set(Interaction.objects.for_listener(one).values_list(*columns)) for one in (alice, bob)
        ]
        assert of[0] == of[1] and len(of[0]) == 6
        playlists = [
            [
                (p.title, [item.song_id for item in p.items.all()])
                for p in Playlist.objects.filter(owner=one)
            ]
            for one in (alice, bob)
        ]
        assert playlists[0] == playlists[1] != []
        assert import_jobs.import_file(file, "history", listener=alice).n_added == 0

    def test_settings_and_playlists_come_back_whole_on_another_site(self, tmp_path):
        """Only plays, opinions and the songs of playlists came back: a listener who moved hid everything anew."""
        alice = User.objects.create_user("alice")
        import_jobs.import_file(
            write(tmp_path / "x.jspf", json.dumps(self.JSPF)), "history", listener=alice
        )
        hidden, muted, picked = (
            resolver.find_or_add_song(SongRecord(0, title, artist))[0]
            for title, artist in (("Hid", "Ana"), ("Mute", "Bo feat. Cy"), ("Pick", "Di"))
        )
        genre = Genre.objects.create(name="Fado")
        controls.hide_song(alice, hidden)
        controls.hide_artist(alice, picked.artist)
        controls.ignore_song(alice, picked)
        taste.set_mood(alice, [muted.pk], ListenerControl.Kind.MUTE_SONG)
        taste.set_discovery(alice, 0.9)
        taste.set_picks(alice, songs=[picked], artists=[hidden.artist], genres=[genre])
        item = PlaylistItem.objects.filter(playlist__owner=alice).first()
        PlaylistItem.objects.filter(pk=item.pk).update(reason="You like it")
        Playlist.objects.filter(owner=alice).update(description="For the road")
        file = write(
            tmp_path / "my-data.json", json.dumps(data_export.export_data(alice), default=str)
        )
        before = describe_settings(alice)
        Song.objects.all().delete()
        Artist.objects.all().delete()
        Playlist.objects.all().delete()
        bob = User.objects.create_user("bob")

        run = import_jobs.import_file(file, "history", listener=bob)

        assert (run.n_rejected, run.kinds["setting"]) == (0, 4 + 4)
        assert describe_settings(bob) == before
        assert len(before["controls"]) == 4 and before["discovery"] == 0.9
        assert before["playlists"] == [("Rain", "For the road", ["T", "U"], ["You like it", ""])]
        assert import_jobs.import_file(file, "history", listener=bob).n_added == 0

    def test_exports_of_before_called_controls_wishes(self, tmp_path):
        alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
        song, _new = resolver.find_or_add_song(SongRecord(0, "Tide", "Ana"))
        controls.hide_song(alice, song)
        data = data_export.export_data(alice)
        data["wishes"] = data.pop("controls")
        file = write(tmp_path / "my-data.json", json.dumps(data, default=str))

        import_jobs.import_file(file, "history", listener=bob)

        assert describe_settings(bob)["controls"] == {("hide-song", str(song))}

    def test_what_is_set_here_already_stays(self, tmp_path):
        alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
        song, _new = resolver.find_or_add_song(SongRecord(0, "Tide", "Ana"))
        taste.set_mood(alice, [song.pk], ListenerControl.Kind.MUTE_SONG)
        taste.set_discovery(alice, 0.9)
        taste.set_mood(bob, [song.pk], ListenerControl.Kind.BOOST_SONG)
        taste.set_discovery(bob, 0.2)
        data = data_export.export_data(alice)
        data["taste"]["genres"] = ["No such genre"]
        data["controls"].append({"kind": "explode", "title": "x", "artist": "y"})
        file = write(tmp_path / "my-data.json", json.dumps(data, default=str))

        run = import_jobs.import_file(file, "history", listener=bob)

        assert (run.n_added, run.n_rejected) == (0, 2)
        assert taste.load_taste(bob).discovery == 0.2
        assert list(bob.controls.values_list("kind", flat=True)) == ["boost-song"]


def describe_settings(listener: User) -> dict:
    """Return all that a listener set of their recommendations and playlists, by names and not by ids."""
    stored = taste.load_taste(listener)
    return {
        "discovery": stored.discovery,
        "songs": {str(song) for song in stored.songs.all()},
        "artists": {artist.name for artist in stored.artists.all()},
        "genres": {genre.name for genre in stored.genres.all()},
        "controls": {
            (one.kind, str(one.song or one.artist)) for one in controls.list_controls(listener)
        },
        "playlists": [
            (
                one.title,
                one.description,
                [item.song.title for item in one.items.all()],
                [item.reason for item in one.items.all()],
            )
            for one in Playlist.objects.filter(owner=listener)
        ],
    }


class TestJsonStreams:
    def values(self, text: str, *paths):
        return list(json_files.read_values(io.BytesIO(text.encode()), paths))

    @pytest.mark.parametrize("block", [1, 2, 7, 2**18])
    def test_the_size_of_the_blocks_makes_no_difference(self, monkeypatch, block):
        monkeypatch.setattr(json_files, "BLOCK_BYTES", block)
        text = json.dumps(
            {"big": {"x": 'a\\"]}', "y": [[{}]]}, "list": [1, "é", {"k": []}, 2.5], "end": None}
        )
        assert self.values(text, ("list", "*"), ("end",)) == [
            (("list", "*"), 1),
            (("list", "*"), "é"),
            (("list", "*"), {"k": []}),
            (("list", "*"), 2.5),
            (("end",), None),
        ]

    @pytest.mark.parametrize(
        "broken", ["", "{", '{"list": [1', '{"list": [{"a":', '{"list": ]}', '{"list" 1}', "]"]
    )
    def test_what_breaks_off_is_said(self, broken):
        with pytest.raises(json_files.BrokenJson):
            self.values(broken, ("list", "*"))

    def test_an_entry_that_is_too_long_or_deep_costs_itself(self):
        text = (
            f'[1, "{"x" * (json_files.LONGEST_ENTRY + 2**19)}", {"[" * 200_000}{"]" * 200_000}, 2]'
        )
        entries = list(json_files.read_array(io.BytesIO(text.encode())))
        assert (entries[0], entries[-1], len(entries)) == (1, 2, 4)
