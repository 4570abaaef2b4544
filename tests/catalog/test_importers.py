"""Importers on good files, bad files and files that nobody would write; no database."""

import csv
import gzip
import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.imports.importers import detect_history, list_importers, open_file
from catalog.imports.reading import source_files
from catalog.imports.reading.lines import LONGEST_LINE
from catalog.models import Interaction
from catalog.records import AUDIO_FEATURES, DISLIKE, LIKE, PLAY, SKIP, RejectedRow, WrongFile
from recommendations import engine
from tests.catalog.files import outcomes, split, spotify_entry, spotify_zip, write, zip_members

ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
)
LISTEN = {
    "listened_at": 1_443_521_965,
    "recording_msid": "m1",
    "track_metadata": {
        "artist_name": "Lola Berg",
        "track_name": "Hidden",
        "release_name": "Tide",
        "mbid_mapping": {},
        "additional_info": {
            "duration_ms": 1,
            "duration": 1,
            "recording_mbid": "",
            "isrc": "",
            "recording_msid": "",
        },
    },
}
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_kinds_and_features_of_the_engine_are_the_catalogs():
    """Neither imports the other; a training hands over numbers of kinds and columns of features by their order."""
    assert [PLAY, LIKE, DISLIKE, SKIP] == list(engine.Kind) == sorted(Interaction.Kind.values)
    assert AUDIO_FEATURES == engine.AUDIO_FEATURES


class TestSongs:
    def test_all_columns_are_read(self, tmp_path):
        file = write(
            tmp_path / "songs.csv",
            "song_id,title,artist,album,genres,year,duration_ms,energy,tempo,isrc\n"
            's1,"Hello, ""World""",Björk,Post,pop; art rock,1995-06-13,201000,0.5,121.5,GBAAA9500001\n',
        )
        (song,), rejected = split(outcomes(file, "songs", "csv"))
        assert rejected == {}
        assert (song.key, song.title, song.artist, song.album) == (
            "s1",
            'Hello, "World"',
            "Björk",
            "Post",
        )
        assert (song.genres, song.year, song.duration_ms) == (("pop", "art rock"), 1995, 201_000)
        assert dict(zip(AUDIO_FEATURES, song.features, strict=True))["energy"] == 0.5
        assert dict(zip(AUDIO_FEATURES, song.features, strict=True))["tempo"] == 121.5
        assert song.features[0] is None

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("s1,,A,0.5", "the title is empty"),
            ("s1,T,A,1.5", "energy is 1.5; it must be 0 to 1"),
            ("s1,T,A,loud", "energy is 'loud', not a number"),
            ("s1,T,A", "it has 3 cells where the header has 4"),
            ('s1,"T,A,0.5', "a quote is opened and not closed at the end of its cell"),
            (f"s1,{'x' * 501},A,0.5", "the title is longer than 500 characters"),
            (f"{'k' * 65},T,A,0.5", "the song id is longer than 64 characters"),
            ("s1,T\0,A,0.5", "the line has a NUL character"),
        ],
    )
    def test_a_bad_row_is_rejected_with_its_line_and_the_rest_goes_in(self, tmp_path, row, reason):
        """T50"""
        file = write(
            tmp_path / "s.csv", f"id,title,artist,energy\ns0,First,A,0.1\n{row}\ns2,Last,A,0.2\n"
        )
        if "\0" in row:  # behind the first 4 kB, or the file would be taken for a binary one
            file = write(
                tmp_path / "s.csv",
                "id,title,artist,energy\n" + "s0,First,A,0.1\n" * 300 + f"{row}\ns2,Last,A,0.2\n",
            )
        songs, rejected = split(outcomes(file, "songs", "csv"))
        assert songs[-1].title == "Last"
        assert list(rejected.values()) == [reason]

    def test_a_cell_of_200_kb_costs_its_row_only(self, tmp_path):
        """T50"""
        file = write(tmp_path / "s.csv", f"title,artist\nA,B\n{'x' * 200_000},B\nC,D\n")
        songs, rejected = split(outcomes(file, "songs", "csv"))
        assert [song.title for song in songs] == ["A", "C"]
        assert rejected == {3: f"the line is longer than {LONGEST_LINE // 1024} kB"}

    def test_an_album_is_in_its_order(self, tmp_path):
        rows = [
            "title,artist,album,Album Artist,track_number,disc_number",
            "One,A,Songs,Various,03/12,1",
        ]
        rows += ["Two,B,Songs,,12,2/2", "Three,C,Songs,,A1,0", "Four,D,,,1000,-1"]
        songs, rejected = split(
            outcomes(write(tmp_path / "s.csv", "\n".join(rows)), "songs", "csv")
        )
        assert not rejected
        assert [(song.album_artist, song.track_number, song.disc_number) for song in songs] == [
            ("Various", 3, 1),
            ("", 12, 2),
            ("", None, None),
            ("", None, None),
        ]

    def test_a_quoted_cell_may_span_lines(self, tmp_path):
        file = write(tmp_path / "s.csv", 'title,artist\n"Two\nlines",B\nC,D\n')
        songs, _ = split(outcomes(file, "songs", "csv"))
        assert [song.title for song in songs] == ["Two lines", "C"]

    @pytest.mark.parametrize(
        "head", ["title;artist\nA;B\n", "title\tartist\nA\tB\n", "\ufefftitle,artist\r\nA,B\r\n"]
    )
    def test_other_delimiters_line_ends_and_a_byte_order_mark_are_understood(self, tmp_path, head):
        """T50"""
        songs, _ = split(outcomes(write(tmp_path / "s.csv", head), "songs", "csv"))
        assert [(song.title, song.artist) for song in songs] == [("A", "B")]

    def test_gzip_and_chosen_column_names(self, tmp_path):
        file = write(tmp_path / "s.csv.gz", "Lied,Wer\nA,B\n")
        songs, _ = split(outcomes(file, "songs", "csv", columns={"title": "lied", "artist": "Wer"}))
        assert [(song.title, song.artist) for song in songs] == [("A", "B")]

    def test_spotify_ids_are_kept_as_such_on_request(self, tmp_path):
        file = write(tmp_path / "s.csv", "id,title,artist\n1234567890abcdefghijAB,A,B\nshort,C,D\n")
        songs, rejected = split(outcomes(file, "songs", "csv", spotify_ids=True))
        assert [(song.key, song.spotify_id) for song in songs] == [("1234567890abcdefghijAB",) * 2]
        assert rejected == {3: "the Spotify id 'short' is none"}

    @quick
    @given(
        rows=st.lists(
            st.tuples(
                *[st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=40)]
                * 2
            ),
            min_size=1,
            max_size=20,
        )
    )
    def test_whatever_is_written_as_csv_is_read_back_or_rejected(self, tmp_path, rows):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([("title", "artist"), *rows])
        songs, rejected = split(
            outcomes(write(tmp_path / "s.csv", text.getvalue()), "songs", "csv")
        )
        assert len(songs) + len(rejected) == len(rows)
        for song in songs:
            title, artist = rows[song.line - 2]
            assert song.artist
            if title.isprintable() and artist.isprintable():
                assert (song.title, song.artist) == (title.strip(), artist.strip())

    @quick
    @given(junk=st.binary(max_size=2_000))
    def test_any_bytes_give_records_rejected_rows_or_one_sentence(self, tmp_path, junk):
        """T50"""
        for content, head in (("songs", b"title,artist\n"), ("listens", b"user_id,song_id\n")):
            file = write(tmp_path / "f.csv", head + junk)
            try:
                outcomes(file, content, "csv")
            except WrongFile as error:
                assert str(error).startswith("f.csv ")


class TestListens:
    def test_times_counts_and_kinds(self, tmp_path):
        file = write(
            tmp_path / "l.csv",
            "user_id,song_id,timestamp,plays,event,ms_played\n"
            "u,s,1600000000,1,play,1000\n"
            "u,s,1600000000000,3,like,\n"
            "u,s,2020-09-13T12:26:40Z,1,skip,\n"
            "u,s,2020-09-13 12:26:40,1,dislike,\n"
            "u,s,,1,,\n",
        )
        listens, rejected = split(outcomes(file, "listens", "csv"))
        assert rejected == {}
        assert [listen.occurred_at for listen in listens] == [1_600_000_000] * 4 + [None]
        assert [listen.kind for listen in listens] == [PLAY, LIKE, SKIP, DISLIKE, PLAY]
        assert [listen.plays for listen in listens] == [1, 3, 1, 1, 1]
        assert listens[0].played_ms == 1000

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("u,s,yesterday,1", "the time 'yesterday' cannot be read"),
            ("u,s,1,0", "plays is 0; it must be 1 to"),
            (",s,1,1", "the listener is empty"),
            ("u,,1,1", "the song id is empty"),
            ("u,s,99999999999999999,1", "is not between 2002 and 2100"),
            ("u,s,45292.5,1", "the time '45292.5' is a spreadsheet's number of a day"),
            ('u,s,"45292,524305556",1', "is a spreadsheet's number of a day"),
            ("u,s,45292,1", "is a spreadsheet's number of a day"),
            ("u,s,1999,1", "is not between 2002 and 2100"),
        ],
    )
    def test_bad_rows(self, tmp_path, row, reason):
        file = write(tmp_path / "l.csv", f"user_id,song_id,timestamp,plays\n{row}\n")
        listens, rejected = split(outcomes(file, "listens", "csv"))
        assert listens == []
        assert reason in rejected[2]

    def test_hetrec_artists_stand_for_songs(self, tmp_path):
        file = zip_members(
            tmp_path / "h.zip",
            {
                "artists.dat": "id\tname\turl\tpictureURL\n51\tDüran\tx\ty\n52\tMoon\tx\ty\n",
                "tags.dat": "tagID\ttagValue\n1\tpop\n2\trock\n",
                "user_artists.dat": "userID\tartistID\tweight\n2\t51\t13883\n2\t99\t1\n",
                "user_taggedartists.dat": "userID\tartistID\ttagID\tday\tmonth\tyear\n"
                "2\t51\t2\t1\t4\t2009\n3\t51\t2\t1\t4\t2009\n2\t51\t1\t1\t4\t2009\n",
            },
        )
        (listen,), rejected = split(outcomes(file, "listens", "hetrec"))
        assert (listen.listener, listen.plays) == ("lastfm-user-2", 13_883)
        assert (listen.song.key, listen.song.title) == ("lastfm-artist-51", "Düran")
        assert listen.song.genres == ("rock", "pop")
        assert rejected == {3: "the row has unknown ids"}


class TestWrongFiles:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "f.csv is empty."),
            (b"a,b\n1,2\n", "f.csv has no column for the title"),
            (
                "title,artist\nCafé,B\n".encode("latin-1"),
                "f.csv is not UTF-8 text (line 2 has the byte 0xE9)",
            ),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "f.csv is not a text file."),
            (b'"title,artist\n', "f.csv is not a CSV file: in its header a quote is opened"),
            (b"\x1f\x8b\x08broken", "f.csv is damaged: it cannot be unpacked to its end."),
            (b"PK\x03\x04broken", "f.csv is damaged: it cannot be unpacked."),
        ],
    )
    def test_gets_one_clear_sentence(self, tmp_path, content, sentence):
        """T50"""
        file = tmp_path / "f.csv"
        file.write_bytes(content)
        with pytest.raises(WrongFile) as raised:
            outcomes(file, "songs", "csv")
        assert str(raised.value).startswith(sentence)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(
            WrongFile, match=r"none\.csv cannot be read: No such file or directory\."
        ):
            open_file(tmp_path / "none.csv")

    def test_a_damaged_row_in_a_utf8_file_is_only_a_row(self, tmp_path):
        """T50"""
        file = write(
            tmp_path / "s.csv", "title,artist\nBjörk,B\n".encode() + b"Caf\xe9,B\n" + b"C,D\n"
        )
        songs, rejected = split(outcomes(file, "songs", "csv"))
        assert len(songs) == 2
        assert rejected == {3: "the line is not UTF-8 text"}

    def test_a_gzip_bomb(self, tmp_path):
        """T51"""
        (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"title,artist\n" + b"a" * 80_000_000))
        with pytest.raises(WrongFile, match="unpacks to far more than its size"):
            open_file(tmp_path / "b.csv.gz")

    def test_a_zip_bomb(self, tmp_path):
        """T51"""
        zip_members(tmp_path / "b.zip", {"endsong_0.json": " " * 80_000_000})
        with pytest.raises(WrongFile, match="unpacks to far more than its size"):
            open_file(tmp_path / "b.zip")

    @pytest.mark.parametrize(
        "name", ["../endsong_0.json", "/etc/endsong_0.json", "a/..\\..\\endsong_0.json"]
    )
    def test_members_that_climb_out(self, tmp_path, name):
        """T51"""
        with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
            archive.writestr(name, "[]")
        with pytest.raises(WrongFile, match="unsafe path"):
            open_file(tmp_path / "c.zip")

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
    def test_ways_of_packing_that_cost_memory_or_cannot_be_read(self, tmp_path, method):
        """T51"""
        usual = method if method != 99 else zipfile.ZIP_STORED
        with zipfile.ZipFile(tmp_path / "p.zip", "w", usual) as archive:
            archive.writestr("endsong_0.json", "[]")
        if method == 99:
            data = bytearray((tmp_path / "p.zip").read_bytes())
            offset = data.index(b"PK\x01\x02") + 10
            data[offset : offset + 2] = (99).to_bytes(2, "little")
            (tmp_path / "p.zip").write_bytes(data)
        with pytest.raises(WrongFile, match="packed in an unusual way"):
            open_file(tmp_path / "p.zip")

    def test_a_zip_of_very_many_files(self, tmp_path, monkeypatch):
        """T51: neither a list of files that is too long to be held nor one that is too long to be right."""
        zip_members(tmp_path / "m.zip", {f"{n}.json": "" for n in range(200)})
        monkeypatch.setattr(source_files, "MOST_MEMBERS", 199)
        with pytest.raises(WrongFile, match="holds 200 files; at most 199"):
            open_file(tmp_path / "m.zip")
        monkeypatch.setattr(source_files, "LONGEST_DIRECTORY", 1_000)
        with pytest.raises(WrongFile, match="cannot be unpacked"):
            open_file(tmp_path / "m.zip")

    def test_a_member_that_says_it_is_small(self, tmp_path):
        """T51: what a member unpacks to beyond what the zip says of it is not read."""
        zip_members(tmp_path / "l.zip", {"endsong_0.json": "[" + " " * 60_000_000 + "]"})
        data = bytearray((tmp_path / "l.zip").read_bytes())
        offset = data.index(b"PK\x01\x02") + 24
        data[offset : offset + 4] = (100).to_bytes(4, "little")
        (tmp_path / "l.zip").write_bytes(data)
        records, rejected = split(outcomes(tmp_path / "l.zip", "history", "spotify-extended"))
        assert records == []
        assert len(rejected) == 1


class TestHistories:
    def detect(self, path) -> str:
        return detect_history(open_file(path)).name

    def test_spotify_extended(self, tmp_path):
        file = spotify_zip(
            tmp_path / "s.zip",
            [
                spotify_entry(),
                spotify_entry(ms_played=12_000, reason_end="fwdbtn", skipped=True),
                spotify_entry(incognito_mode=True),
                spotify_entry(None, episode_name="Talk", spotify_episode_uri="spotify:episode:x"),
                spotify_entry(None, audiobook_title="Book"),
                spotify_entry(ms_played="long"),
            ],
        )
        assert self.detect(file) == "spotify-extended"
        (play, skip), rejected = split(outcomes(file, "history", "spotify-extended"))
        stop = 1_614_852_300  # 2021-03-04 10:05:00 UTC
        assert (play.occurred_at, play.played_ms, play.kind) == (stop - 240, 240_000, PLAY)
        assert (skip.occurred_at, skip.played_ms, skip.kind) == (stop - 12, 12_000, SKIP)
        assert (play.song.title, play.song.artist, play.song.album) == (
            "Hidden Place",
            "Lola Berg",
            "Tide",
        )
        assert play.song.spotify_id == "1234567890abcdefghijAB"
        assert rejected == {
            3: "private",
            4: "podcast",
            5: "audiobook",
            6: "the played time is not a number of milliseconds",
        }
        assert "secret" not in repr(play) and "203.0" not in repr(play)

    def test_spotify_account(self, tmp_path):
        entries = [
            {
                "endTime": "2021-03-04 10:05",
                "artistName": "Lola Berg",
                "trackName": "Hidden",
                "msPlayed": 60_000,
            }
        ]
        file = zip_members(
            tmp_path / "a.zip", {"MyData/StreamingHistory_music_0.json": json.dumps(entries)}
        )
        assert self.detect(file) == "spotify-account"
        (play,), _ = split(outcomes(file, "history", "spotify-account"))
        assert (play.occurred_at, play.song.title) == (1_614_852_300 - 60, "Hidden")
        plain = write(tmp_path / "StreamingHistory0.json", json.dumps(entries))
        assert self.detect(plain) == "spotify-account"

    def test_listenbrainz(self, tmp_path):
        mbid = "8f3471b5-7e6a-48da-86a9-c1c07a0f47ae"
        listen = {
            "listened_at": 1_443_521_965,
            "recording_msid": "m1",
            "track_metadata": {
                "artist_name": "Lola Berg",
                "track_name": "Hidden",
                "additional_info": {"duration_ms": 222_000, "recording_mbid": mbid},
            },
        }
        file = zip_members(
            tmp_path / "l.zip",
            {
                "listens/2015/9.jsonl": json.dumps(listen) + "\n{broken\n",
                "feedback.jsonl": '{"recording_msid":"m1","score":1}\n{"recording_msid":"gone","score":-1}\n',
            },
        )
        assert self.detect(file) == "listenbrainz"
        (play, like), rejected = split(outcomes(file, "history", "listenbrainz"))
        assert (play.occurred_at, play.song.mbid, play.song.duration_ms) == (
            1_443_521_965,
            mbid,
            222_000,
        )
        assert (like.kind, like.song) == (LIKE, play.song)
        assert rejected[2].startswith("the line is not JSON")
        assert rejected[4] == "the song is named by an id only that no listen in the file has"

    @pytest.mark.parametrize(
        "text",
        [
            "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
            '"1258985220","23 Nov 2009, 14:07","Lola Berg","","Tide","","Hidden",""\n',
            "Lola Berg,Tide,Hidden,23 Nov 2009 14:07\n",
            "artist,album,track,date\nLola Berg,Tide,Hidden,23 Nov 2009 14:07\n",
            "1258985220,Lola Berg,Tide,Hidden\n",
            "Artist;Album;Track;Date\nLola Berg;Tide;Hidden;2009-11-23 14:07\n",
        ],
    )
    def test_lastfm_layouts(self, tmp_path, text):
        file = write(tmp_path / "l.csv", text)
        assert self.detect(file) == "lastfm"
        (play,), rejected = split(outcomes(file, "history", "lastfm"))
        assert rejected == {}
        assert (play.song.artist, play.song.album, play.song.title) == (
            "Lola Berg",
            "Tide",
            "Hidden",
        )
        assert play.occurred_at == 1_258_985_220

    def test_something_else_is_named_as_such(self, tmp_path):
        with pytest.raises(
            WrongFile, match=r"l\.csv is no listening history that is known here \(Spotify|Last"
        ):
            self.detect(write(tmp_path / "l.csv", "a,b\n1,2\n"))

    def test_a_cut_off_file_gives_what_is_before_the_cut(self, tmp_path):
        text = json.dumps([spotify_entry(), spotify_entry()])
        file = write(tmp_path / "endsong_0.json", text[:-100])
        plays, rejected = split(outcomes(file, "history", "spotify-extended"))
        assert len(plays) == 1
        assert rejected[2].endswith("cannot be read further: it is damaged or cut off")

    def test_deep_nesting_is_no_crash(self, tmp_path):
        """T54"""
        file = write(tmp_path / "endsong_0.json", "[" * 300_000)
        with pytest.raises(WrongFile):
            outcomes(file, "history", "spotify-extended")

    @quick
    @given(
        entry=st.dictionaries(
            st.sampled_from([*spotify_entry()]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(max_size=20)
            | st.floats(allow_nan=False),
        )
    )
    def test_any_entry_is_a_listen_or_rejected(self, tmp_path, entry):
        entries = [spotify_entry(), spotify_entry() | entry]
        detect = outcomes(spotify_zip(tmp_path / "s.zip", entries), "history", "spotify-extended")
        assert len(detect) == len(entries)

    @quick
    @given(
        entry=st.dictionaries(
            st.sampled_from(["endTime", "artistName", "trackName", "msPlayed"]), ANYTHING
        )
    )
    def test_any_entry_of_an_account_is_a_listen_or_rejected(self, tmp_path, entry):
        good = {
            "endTime": "2021-03-04 10:05",
            "artistName": "A",
            "trackName": "T",
            "msPlayed": 60_000,
        }
        text = json.dumps([good, good | entry, entry])
        detect = outcomes(
            write(tmp_path / "StreamingHistory0.json", text), "history", "spotify-account"
        )
        assert len(detect) == 3

    @quick
    @given(
        listen=st.dictionaries(st.sampled_from([*LISTEN]), ANYTHING),
        metadata=st.dictionaries(st.sampled_from([*LISTEN["track_metadata"]]), ANYTHING),
        info=st.dictionaries(
            st.sampled_from([*LISTEN["track_metadata"]["additional_info"]]), ANYTHING
        ),
        feedback=st.dictionaries(
            st.sampled_from(
                ["score", "created", "recording_msid", "recording_mbid", "track_metadata"]
            ),
            ANYTHING,
        ),
    )
    def test_any_listen_and_any_feedback_is_read_or_rejected(
        self, tmp_path, listen, metadata, info, feedback
    ):
        metadata_given = LISTEN["track_metadata"]
        odd = LISTEN | {
            "track_metadata": metadata_given
            | {"additional_info": metadata_given["additional_info"] | info}
            | metadata
        }
        lines = [LISTEN, odd, LISTEN | listen, {"score": 1, "recording_msid": "m1"} | feedback]
        text = "\n".join(map(json.dumps, lines))
        detect = outcomes(write(tmp_path / "listens.jsonl", text), "history", "listenbrainz")
        assert len(detect) == len(lines)
        for one in detect:
            assert isinstance(one, RejectedRow) or isinstance(one.song.title, str)

    @quick
    @given(
        header=st.sampled_from(["artist,album,track,date", "uts,artist,album,track", ""]),
        rows=st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=6), max_size=10),
    )
    def test_any_scrobbles_are_read_rejected_or_no_scrobbles(self, tmp_path, header, rows):
        """T50"""
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        file = write(
            tmp_path / "l.csv", f"{header}\n{text.getvalue()}".encode("utf-8", "surrogatepass")
        )
        try:
            detect = outcomes(file, "history", "lastfm")
        except WrongFile as error:
            assert str(error).startswith("l.csv ")
        else:
            for one in detect:
                assert isinstance(one, RejectedRow) or (one.song.title and one.occurred_at)

    @quick
    @given(
        junk=st.binary(max_size=2_000),
        name=st.sampled_from(["endsong_0.json", "1.jsonl", "feedback.jsonl"]),
    )
    def test_any_bytes_in_a_zip_are_records_or_rejected_rows(self, tmp_path, junk, name):
        """T50, T51"""
        with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
            archive.writestr(name, junk)
        importer = detect_history(open_file(tmp_path / "z.zip"))
        outcomes(tmp_path / "z.zip", "history", importer.name)
        damaged = bytearray((tmp_path / "z.zip").read_bytes())
        for offset in range(0, len(damaged), 7):
            damaged[offset] ^= junk[offset % len(junk)] if junk else 1
        (tmp_path / "d.zip").write_bytes(damaged)
        try:
            outcomes(tmp_path / "d.zip", "history", importer.name)
        except WrongFile as error:
            assert str(error).startswith("d.zip ")

    def test_every_format_says_what_it_is(self):
        assert len(list_importers("history")) > 20
        assert all(importer.title and importer.extensions for importer in list_importers("history"))
