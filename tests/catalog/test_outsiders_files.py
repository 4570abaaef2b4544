"""What exporters of many kinds and languages write, each with what is right for it."""

import codecs
import json

import pytest

from catalog.imports.importers import detect_history, open_file
from catalog.imports.reading import dates
from catalog.records import DISLIKE, LIKE, PLAY, ListenRecord, WrongFile
from tests.catalog.files import list_names, read_history, write, zip_members

# 2021-01-05 22:15 UTC
AT = 18_632 * 86_400 + 22 * 3600 + 15 * 60
HOUR = 3600


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "at"),
        [
            ("5 Jan 2021, 10:15pm", AT),
            ("Jan 5, 2021, 10:15 PM", AT),
            ("Jan 5, 2021, 10:15:00\u202fPM", AT),
            ("Jan 05, 2021 22:15", AT),
            ("January 5, 2021 at 10:15 PM", AT),
            ("Tue, 05 Jan 2021 22:15:00 +0000", AT),
            ("Tue, 05 Jan 2021 22:15:00 -0530", AT + 5 * HOUR + HOUR // 2),
            ("Tuesday 5 Jan 2021, 10:15pm", AT),
            ("5th January 2021 22:15", AT),
            ("05-Jan-2021 22:15", AT),
            ("05.01.2021, 22:15:00", AT),
            ("5.1.2021 22:15", AT),
            ("2021.01.05 22:15:00", AT),
            ("2021/01/05 10:15 PM", AT),
            ("2021-01-05 10:15:00 PM", AT),
            ("13/01/2021 22:15", AT + 8 * 24 * HOUR),
            ("01/13/2021 10:15:00 PM", AT + 8 * 24 * HOUR),
            ("01/13/2021 12:15 AM", AT + 8 * 24 * HOUR - 22 * HOUR),
            ("13-01-2021 22:15", AT + 8 * 24 * HOUR),
            ("2021-01-05T22:15:00+01", AT - HOUR),
            ("1609884900.9", AT),
        ],
    )
    def test_dates_of_many_tools_are_moments(self, tmp_path, text, at):
        file = write(tmp_path / "l.csv", f'artist,album,track,date\nA,B,T,"{text}"\n')
        (record,), rejected = read_history(file)
        assert (record.occurred_at, rejected) == (at, {})

    @pytest.mark.parametrize(
        "text",
        [
            "22:15",
            "3:45",
            "225",
            "32 Jan 2021 22:15",
            "5 Nonsense 2021 22:15",
            "05/13/2021 13:15 PM",
            "2021-01-05 25:15",
            "13/13/2021 22:15",
            "5 Jan 1999 22:15",
            "Jan 5, 2021",
        ],
    )
    def test_what_is_no_moment_costs_its_row(self, tmp_path, text):
        text = f'artist,album,track,date\nA,B,Odd,"{text}"\nA,B,Good,2021-01-05 22:15\n'
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names(records), list(rejected)) == ([("A", "Good")], [2])

    @pytest.mark.parametrize(("other", "day"), [("13/02/2021 10:00", 32), ("02/13/2021 10:00", 2)])
    @pytest.mark.parametrize("n_rows", [1, 400])
    def test_one_row_decides_how_dates_with_slashes_are_read(self, tmp_path, other, day, n_rows):
        row = "A,B,T,01/02/2021 22:15\n"
        text = f"artist,album,track,date\n{row * n_rows}A,B,U,{other}\n"
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (records[0].occurred_at, rejected) == (AT + (day - 5) * 24 * HOUR, {})

    def test_dates_with_two_readings_are_refused(self, tmp_path):
        text = "artist,album,track,date\nA,B,T,01/02/2021 22:15\n"
        with pytest.raises(WrongFile, match="'01/02/2021 22:15', which can be read in two ways"):
            read_history(write(tmp_path / "l.csv", text))
        mixed = f"{text}A,B,U,13/02/2021 22:15\nA,B,V,02/13/2021 22:15\n"
        with pytest.raises(WrongFile, match="the day first in some dates and the month in others"):
            read_history(write(tmp_path / "m.csv", mixed))
        assert dates.parse_date("05/05/2021 22:15").month == 5

    @pytest.mark.parametrize(
        "header",
        [
            "Artist,Album,Song,Date and Time",
            "artists,release_name,track_title,played_at",
            "Artist Name,Album Name,Song Name,Listened At",
            '\ufeff"Artist","Album","Track","Date"',
            "Artist,Album,Title,Scrobble Time",
        ],
    )
    def test_columns_are_known_by_many_names(self, tmp_path, header):
        (record,), _ = read_history(
            write(tmp_path / "l.csv", f"{header}\nA,B,T,2021-01-05 22:15\n")
        )
        assert (list_names([record]), record.song.album, record.occurred_at) == (
            [("A", "T")],
            "B",
            AT,
        )

    @pytest.mark.parametrize("order", ["{},A,T%d,B", "A,T%d,B,{}", "{},A,B,T%d"])
    def test_title_and_album_are_told_apart(self, tmp_path, order):
        text = "".join(f"{order.format(f'2021-01-05 22:1{n}')}\n" % n for n in range(5))
        records, _ = read_history(write(tmp_path / "l.csv", text))
        assert [(*list_names([one])[0], one.song.album) for one in records] == [
            ("A", f"T{n}", "B") for n in range(5)
        ]

    @pytest.mark.parametrize("sign", [",", "\t", ";", "|"])
    def test_a_name_that_begins_with_a_quoted_word_needs_no_quotes_around_it(self, tmp_path, sign):
        rows = (
            ['"Weird Al" Yankovic', '"Off, the; Deep\tEnd|"', 'Say "Hi"', "2021-01-05 22:15"],
            ["A", "B", '"Heroes" (Live)', "2021-01-05 22:16"],
            ['"A', "B", "never closed", "2021-01-05 22:17"],
            ["A", "B", "Last", "2021-01-05 22:18"],
        )
        text = "\n".join(map(sign.join, rows))
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert [record.song.title for record in records] == ['Say "Hi"', '"Heroes" (Live)', "Last"]
        assert (records[0].song.artist, records[0].song.album) == (
            '"Weird Al" Yankovic',
            "Off, the; Deep End|",
        )
        assert rejected == {3: "a quote is opened and not closed at the end of its cell"}

    @pytest.mark.parametrize("order", ["A,T%d", "T%d,A"])
    def test_three_columns_without_a_header(self, tmp_path, order):
        text = "".join(f"{order % n},05 Jan 2021 22:1{n}\n" for n in range(5))
        records, _ = read_history(write(tmp_path / "l.csv", text))
        assert list_names(records) == [("A", f"T{n}") for n in range(5)]

    @pytest.mark.parametrize("order", ["A,B,T%s,{}", "{},A,B,T%s"])
    def test_american_dates_without_a_header(self, tmp_path, order):
        days = [("01/05/2021", 5), ("01/13/2021", 13), ("1/25/2021", 25), ("01/31/2021", 31)]
        text = "".join(f"{order.format(f'{date} 10:15 PM')}\n" % day for date, day in days)
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert list_names(records) == [("A", f"T{day}") for _date, day in days]
        assert [record.occurred_at for record in records] == [
            AT + (day - 5) * 24 * HOUR for _date, day in days
        ]
        assert rejected == {}


class TestEncodings:
    SCROBBLES = "Artist,Album,Track,Date\nBjörk,B,千本桜,2021-01-05 22:15\n"

    @pytest.mark.parametrize("encoding", ["cp1250", "cp1252"])
    def test_what_says_no_encoding_and_is_not_utf_8_is_refused(self, tmp_path, encoding):
        """T50"""
        text = self.SCROBBLES.replace("千本桜", "T").encode(encoding)
        with pytest.raises(WrongFile, match=r"has the byte 0xF6"):
            read_history(write(tmp_path / "l.csv", text))

    @pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
    @pytest.mark.parametrize("ending", ["csv", "csv.gz"])
    def test_utf_16_with_its_mark_is_read(self, tmp_path, mark, ending):
        encoding = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
        half = "A,B,\ud83d,2021-01-05 22:15\n".encode(encoding, "surrogatepass")
        last = "A,B,😀,2021-01-05 22:15".encode(encoding)
        text = mark + self.SCROBBLES.encode(encoding) + half + last
        records, rejected = read_history(write(tmp_path / f"l.{ending}", text))
        assert list_names(records) == [("Björk", "千本桜"), ("A", "😀")]
        assert rejected == {3: "the line is not UTF-8 text"}

    def test_utf_16_is_read_in_every_kind_of_file(self, tmp_path):
        entry = {
            "endTime": "2021-01-05 22:15",
            "artistName": "Sigur Rós",
            "trackName": "千本桜",
            "msPlayed": 60_000,
        }
        history = json.dumps([entry], ensure_ascii=False).encode("utf-16")
        records, _ = read_history(
            zip_members(tmp_path / "s.zip", {"a/StreamingHistory0.json": history})
        )
        assert list_names(records) == [("Sigur Rós", "千本桜")]
        xspf = (
            '<?xml version="1.0" encoding="UTF-16"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
            "<track><title>千本桜</title><creator>Sigur Rós</creator></track></trackList></playlist>"
        )
        m3u = "#EXTM3U\n#EXTINF:9,Sigur Rós - 千本桜\nx.mp3\n"
        for name, text in (("p.xspf", xspf), ("p.m3u", m3u)):
            records, rejected = read_history(write(tmp_path / name, text.encode("utf-16")))
            assert (list_names(records), rejected) == ([("Sigur Rós", "千本桜")], {})

    def test_old_playlists_are_not_utf_8(self, tmp_path):
        text = "#EXTM3U\r\n#EXTINF:123,Björk - Jóga\r\n/x/y.mp3\r\n"
        records, rejected = read_history(write(tmp_path / "l.m3u", text.encode("latin-1")))
        assert (list_names(records), rejected) == ([("Björk", "Jóga")], {})

    def test_what_a_mac_adds_to_a_zip_is_no_part(self, tmp_path):
        entry = {
            "endTime": "2021-01-05 22:15",
            "artistName": "A",
            "trackName": "T",
            "msPlayed": 60_000,
        }
        members = {
            "data/StreamingHistory0.json": json.dumps([entry]),
            "__MACOSX/data/._StreamingHistory0.json": "\0\1",
        }
        records, rejected = read_history(zip_members(tmp_path / "s.zip", members))
        assert (records[0].occurred_at, rejected) == (AT - 60, {})


class TestYouTubeMusic:
    TITLES = "Ode Tide Ebb Flow Ohm Rain Sun Moon Sea Cloud Ice".split()  # noqa: SIM905

    def entry(self, title: str, artist: str = "A - Topic") -> dict:
        return {
            "header": "YouTube Music",
            "title": title,
            "titleUrl": "https://music.youtube.com/watch?v=x",
            "subtitles": [{"name": artist}],
            "time": "2021-01-05T22:15:00.123Z",
        }

    @pytest.mark.parametrize(
        "phrase",
        [
            "Watched %s",
            "%s angesehen",
            "„%s“ angesehen",
            "Vous avez regardé %s",
            "Has visto %s",
            'Просмотрено видео "%s"',
            "%s izlendi",
            "「%s」を視聴しました",
            "%sを視聴しました",
            "%s 을(를) 시청했습니다.",
            "观看了 %s",
            "Đã xem %s",
            "Katsoit videon %s",
        ],
    )
    def test_titles_in_any_language(self, tmp_path, phrase):
        entries = [
            self.entry(phrase % title, f"Artist {n % 6} - Topic")
            for n, title in enumerate(self.TITLES)
        ]
        records, _ = read_history(write(tmp_path / "watch-history.json", json.dumps(entries)))
        assert [record.song.title for record in records] == self.TITLES
        assert records[0].song.artist == "Artist 0"

    def test_few_titles_that_begin_alike_keep_their_words(self, tmp_path):
        entries = [self.entry(f"Watched The {title}") for title in self.TITLES[:3]]
        records, _ = read_history(write(tmp_path / "watch-history.json", json.dumps(entries)))
        assert [record.song.title for record in records] == ["The Ode", "The Tide", "The Ebb"]

    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ('Watched "Heroes"', '"Heroes"'),
            ("Watched “Heroes”", "“Heroes”"),
            ('Watched "One" and "Two"', '"One" and "Two"'),
            ('Watched A "Song" (Official Video)', 'A "Song" (Official Video)'),
            ('Watched "Song" (Official Video)', '"Song" (Official Video)'),
            ("Watched Nie gehört", "Nie gehört"),
            ("„Lied“ angesehen", "Lied"),
            ("„Eins“ und „Zwei“ angesehen", "„Eins“ und „Zwei“"),
            ("「「歌」と夢」を視聴しました", "「歌」と夢"),
            ("「歌」と「夢」を視聴しました", "「歌」と「夢」"),
            ('Просмотрено видео "Песня"', "Песня"),
        ],
    )
    def test_quotes_of_the_sentence_go_and_those_of_the_title_stay(self, tmp_path, text, title):
        entries = [self.entry(text)]
        records, _ = read_history(write(tmp_path / "watch-history.json", json.dumps(entries)))
        assert [record.song.title for record in records] == [title]

    @pytest.mark.parametrize("phrase", ["Watched %s", 'Просмотрено видео "%s"', "„%s“ angesehen"])
    def test_quotes_of_a_title_among_many_stay(self, tmp_path, phrase):
        titles = [*self.TITLES, '"Heroes"']
        entries = [
            self.entry(phrase % title, f"Artist {n % 6} - Topic") for n, title in enumerate(titles)
        ]
        records, _ = read_history(write(tmp_path / "watch-history.json", json.dumps(entries)))
        assert [record.song.title for record in records] == titles

    def test_a_takeout_of_another_language(self, tmp_path):
        folder = "Takeout/YouTube y YouTube Music/historial"
        search = {"header": "YouTube", "title": "Has buscado x", "time": "2021-01-05T22:15:00Z"}
        members = {
            f"{folder}/historial-de-búsqueda.json": json.dumps([search]),
            f"{folder}/historial-de-reproducciones.json": json.dumps([self.entry("Has visto T")]),
        }
        records, _ = read_history(zip_members(tmp_path / "t.zip", members))
        assert list_names(records) == [("A", "T")]
        page = {f"{folder}/historial-de-reproducciones.html": "<html>"}
        with pytest.raises(WrongFile, match="format JSON"):
            read_history(zip_members(tmp_path / "u.zip", page))


class TestListsOfSongs:
    SPOTIFY_ID = "A" * 22

    @pytest.mark.parametrize(
        ("header", "row", "artist"),
        [
            (
                "Spotify URI,Track Name,Artist Name,Album Name,Added At",
                "spotify:track:%s,T,A,B,2021-01-05T22:15:00Z",
                "A",
            ),
            (
                "Spotify ID,Artist IDs,Track Name,Album Name,Artist Name(s),Added At",
                '%s,x,T,B,"A,Bo Berg",2021-01-05T22:15:00Z',
                "A, Bo Berg",
            ),
            (
                "Track URI,Track Name,Album Name,Artist Name(s),Added At",
                'spotify:track:%s,T,B,"10,000 Bees;A",2021-01-05T22:15:00Z',
                "10,000 Bees, A",
            ),
        ],
    )
    def test_exportify_of_every_age(self, tmp_path, header, row, artist):
        (like,), _ = read_history(
            write(tmp_path / "liked.csv", f"{header}\n{row % self.SPOTIFY_ID}\n")
        )
        assert (like.kind, like.song.artist, like.song.title) == (LIKE, artist, "T")
        assert (like.song.spotify_id, like.occurred_at) == (self.SPOTIFY_ID, AT)

    @pytest.mark.parametrize(
        "name",
        [
            "Meine Lieblingstitel",
            "Coups de cœur",
            "Titres likés",
            "Canciones que te gustan",
            "Músicas Curtidas",
            "Brani che ti piacciono",
            "Loved Tracks",
            "Любимые треки",
        ],
    )
    def test_favourites_by_their_name_in_other_languages(self, tmp_path, name):
        (like,), _ = read_history(
            write(tmp_path / f"{name}.csv", "title,artist,album,isrc\nT,A,B,\n")
        )
        assert isinstance(like, ListenRecord) and like.kind == LIKE

    def test_tunemymusic_without_kinds_is_a_playlist_of_the_file_s_name(self, tmp_path):
        (entry,), _ = read_history(
            write(tmp_path / "Rain.csv", "Track name,Artist name,Album,ISRC\nT,A,B,\n")
        )
        assert (entry.title, list_names([entry])) == ("Rain", [("A", "T")])

    def test_loved_songs_of_lastfm_without_a_header(self, tmp_path):
        (like,), _ = read_history(write(tmp_path / "nora_loved.csv", "A,T,05 Jan 2021 22:15\n"))
        assert (like.kind, like.occurred_at, list_names([like])) == (LIKE, AT, [("A", "T")])

    def test_apple_music_s_favorites(self, tmp_path):
        text = (
            "Favorite Type,Item Reference,Item Description,Last Modified,Preference\n"
            "SONG,1,A - T - Live,2021-01-05T22:15:00Z,LIKE\nSONG,2,A - U,,DISLIKE\n"
            "ARTIST,3,A,2021-01-05T22:15:00Z,LIKE\nSONG,4,Nameless,,LIKE\n"
        )
        records, rejected = read_history(write(tmp_path / "Apple Music - Favorites.csv", text))
        assert list_names(records) == [("A", "T - Live"), ("A", "U")]
        assert [record.kind for record in records] == [LIKE, DISLIKE]
        assert (records[0].occurred_at, list(rejected)) == (AT, [4, 5])

    def test_m3u_of_many_players(self, tmp_path):
        text = (
            '#EXTM3U\n#EXTINF:123 tvg-id="x, y" group="b",A - T\n/x/1.mp3\n#EXTINF:9,A – U\n/x/2.mp3\n'
            "#EXTART:A\n#EXTALB:B\n#EXTINF:100,V\n/x/3.mp3\n#EXTART:A\n#EXTINF:100,A - W - Live\n/x/4.mp3\n"
            "/music/A/B/CD1/03 - X.mp3\n/music/A/B/1-04 Y.mp3\n"
        )
        records, rejected = read_history(write(tmp_path / "l.m3u8", text))
        titles = ["T", "U", "V", "W - Live", "X", "Y"]
        assert (list_names(records), rejected) == ([("A", title) for title in titles], {})
        assert [record.song.album for record in records[-2:]] == ["B", "B"]

    @pytest.mark.parametrize(
        ("path", "names_read"),
        [
            ("/music/50 Bees/Get Rich/50 Bees - Club.mp3", ("50 Bees", "Club")),
            ("/music/50 Bees/Get Rich/05 - 50 Bees - Club.mp3", ("50 Bees", "Club")),
            ("/music/Bees/Get Rich/05 Bees - Club.mp3", ("Bees", "Club")),
            ("/music/50 Bees/Get Rich/05 Club.mp3", ("50 Bees", "Club")),
        ],
    )
    def test_a_number_of_the_artist_is_no_track_s(self, tmp_path, path, names_read):
        records, _ = read_history(write(tmp_path / "l.m3u8", f"#EXTM3U\n{path}\n"))
        assert list_names(records) == [names_read]

    def test_the_album_of_an_entry_is_not_that_of_the_next(self, tmp_path):
        text = (
            "#EXTM3U\n#EXTALB:B\n#EXTINF:100,A - T\n/x/1.mp3\n#EXTINF:100,A - U\n/x/2.mp3\n"
            "#EXTALB:C\n/x.mp3\n/music/A/D/03 - X.mp3\n"
        )
        records, rejected = read_history(write(tmp_path / "l.m3u8", text))
        assert [record.song.album for record in records] == ["B", "", "D"]
        assert list(rejected) == [8]

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("l.pls", "[playlist]\nFile1=/m/x.mp3\nTitle1=A - T\n", "Save it as M3U8"),
            ("l.wpl", '<?wpl version="1.0"?><smil></smil>', "Windows Media Player"),
            ("Apple Music Library Tracks.json", '[{"Track Play Count": 5}]', "Daily Tracks"),
        ],
    )
    def test_other_lists_are_named_with_the_way_that_works(self, tmp_path, name, content, says):
        with pytest.raises(WrongFile, match=says):
            read_history(write(tmp_path / name, content))


def test_songs_that_spotify_cannot_name_are_left_out(tmp_path):
    entry = {"endTime": "2021-01-05 22:15", "msPlayed": 60_000}
    text = json.dumps(
        [
            entry | {"artistName": "Unknown Artist", "trackName": "Unknown Track"},
            entry | {"artistName": "A", "trackName": "Unknown Track"},
        ]
    )
    records, left_out = read_history(write(tmp_path / "StreamingHistory_music_0.json", text))
    assert (list_names(records), left_out) == ([("A", "Unknown Track")], {1: "untitled"})
    assert records[0].kind == PLAY


SPOTIFY_PLAY = {
    "ts": "2021-01-05T22:18:20Z",
    "ms_played": 200_000,
    "master_metadata_track_name": "T",
    "master_metadata_album_artist_name": "A",
}
LISTEN = {"listened_at": AT, "track_metadata": {"artist_name": "A", "track_name": "T"}}
WATCHED = {
    "header": "YouTube Music",
    "title": "Watched T",
    "titleUrl": "https://music.youtube.com/watch?v=x",
    "subtitles": [{"name": "A - Topic"}],
    "time": "2021-01-05T22:15:00Z",
}
ROWS = {
    "Streaming_History_Audio_2021_0.json": [SPOTIFY_PLAY],
    "StreamingHistory_music_0.json": [
        {"endTime": "2021-01-05 22:18", "artistName": "A", "trackName": "T", "msPlayed": 180_000}
    ],
    "listens.json": [LISTEN],
    "watch-history.json": [WATCHED],
    "tracks.json": [{"artist": {"#text": "A"}, "album": {"#text": ""}, "name": "T", "date": {"uts": str(AT)}}],
    "plays.json": [{"artist": "A", "title": "T", "played_at": "2021-01-05T22:15:00Z"}],
}  # fmt: skip


class TestFirstEntries:
    @pytest.mark.parametrize("odd", [{}, {"ts": None}, None, 5, "x", []], ids=repr)
    @pytest.mark.parametrize(("name", "rows"), ROWS.items())
    def test_an_odd_first_entry_costs_itself(self, tmp_path, name, rows, odd):
        """It was the one that said what a JSON file is, so the whole file was refused."""
        records, rejected = read_history(write(tmp_path / name, json.dumps([odd, *rows])))
        assert list_names(records) == [("A", "T")]
        assert records[0].occurred_at == AT
        assert list(rejected) in ([1], [])

    def test_lines_may_begin_with_one_that_is_none(self, tmp_path):
        file = write(tmp_path / "listens.jsonl", "{broken\n" + json.dumps(LISTEN) + "\n")
        records, rejected = read_history(file)
        assert (list_names(records), list(rejected)) == ([("A", "T")], [1])

    def test_entries_without_what_a_history_needs_are_named(self, tmp_path):
        odd = {"ts": "2021-01-05T22:18:20Z", "episode_name": None}
        file = write(tmp_path / "Streaming_History_Audio_2021_0.json", json.dumps([odd] * 3))
        with pytest.raises(WrongFile, match="without a whole entry in its first part"):
            detect_history(open_file(file))


def test_windows_may_write_backslashes_between_the_folders_of_a_zip(tmp_path):
    members = {
        "MyData\\Streaming_History_Audio_2021_0.json": json.dumps([SPOTIFY_PLAY]),
        "__MACOSX\\MyData\\._Streaming_History_Audio_2021_0.json": "x",
    }
    records, rejected = read_history(zip_members(tmp_path / "my.zip", members))
    assert (list_names(records), rejected) == ([("A", "T")], {})
