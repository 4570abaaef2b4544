"""Files as exporters of other countries, programs and years write them, each with what is right for it."""

import json

import pytest

from catalog.imports.reading.column_names import OF_A_PLAY, normalise_column_name
from catalog.records import LIKE, PLAY, SKIP, ListenRecord, PlaylistRecord, WrongFile
from tests.catalog.files import (
    list_names,
    read_history,
    spotify_entry,
    write,
    zip_members,
)

AT = 1_700_000_000
# 2021-01-05 22:15 UTC
EVENING = 1_609_884_900


class TestTables:
    @pytest.mark.parametrize(
        "header",
        [
            "Künstler,Album,Titel,Datum",
            "Interpret,Album,Titel,Zeitpunkt",
            "Artiste,Album,Titre,Date",
            "Artista,Álbum,Título,Fecha",
            "Artista,Album,Titolo,Data",
            "Artista,Álbum,Faixa,Data",
            "Artiest,Album,Titel,Datum",
            "Wykonawca,Album,Utwór,Data",
            "Исполнитель,Альбом,Название,Дата",
            "アーティスト,アルバム,曲名,日時",
            "艺术家,专辑,歌曲,时间",
            "아티스트,앨범,제목,날짜",
            "Sanatçı,Albüm,Şarkı,Tarih",
            "artistName,albumName,trackName,playedAt",
            "Artist,Release,Song,Date-time",
        ],
    )
    def test_columns_are_known_in_many_languages(self, tmp_path, header):
        (record,), _ = read_history(
            write(tmp_path / "l.csv", f"{header}\nA,B,T,2021-01-05 22:15\n")
        )
        assert (list_names([record]), record.song.album) == ([("A", "T")], "B")
        assert record.occurred_at == EVENING

    def test_no_name_means_two_columns(self):
        every = [name for names in OF_A_PLAY.values() for name in names]
        assert len(every) == len(set(every))
        assert all(normalise_column_name(name) == name for name in every)

    @pytest.mark.parametrize(
        "text",
        [
            "Tue Jan 05 2021 22:15:00 GMT+0000 (Coordinated Universal Time)",
            "Tue Jan 05 2021 23:15:00 GMT+0100 (CET)",
            "Tue Jan  5 22:15:00 2021",
            "Tue Jan 05 22:15:00 +0000 2021",
            "2021-01-05 23:15:00 +0100 CET",
            "05 janv. 2021 22:15",
            "5. Januar 2021 22:15",
            "5 de enero de 2021 22:15",
            "5 gen 2021, 22:15",
            "5 stycznia 2021 22:15",
            "5 янв 2021 22:15",
            "5 Ocak 2021 22:15",
            "2021年1月5日 22:15",
            "2021년 1월 5일 22:15",
            "2021/1/5 下午10:15:00",
            "2021. 1. 5. 오후 10:15:00",
        ],
    )
    def test_dates_of_other_languages_and_programs_are_moments(self, tmp_path, text):
        file = write(tmp_path / "l.csv", f'artist,album,track,date\nA,B,T,"{text}"\n')
        (record,), rejected = read_history(file)
        assert (record.occurred_at, rejected) == (EVENING, {})

    @pytest.mark.parametrize(
        ("text", "month"), [("5 Mär", 3), ("5 mai", 5), ("5 Okt", 10), ("5 déc.", 12)]
    )
    def test_every_month_has_its_names(self, tmp_path, text, month):
        file = write(tmp_path / "l.csv", f"artist,album,track,date\nA,B,T,{text} 2021 22:15\n")
        day, _ = read_history(
            write(tmp_path / "m.csv", f"artist,track,date\nA,T,2021-{month:02}-05 22:15\n")
        )
        assert read_history(file)[0][0].occurred_at == day[0].occurred_at

    def test_years_of_two_digits(self, tmp_path):
        rows = "A,B,T,13/1/21 22:15\nA,B,U,5/1/21 22:15\n"
        records, _ = read_history(write(tmp_path / "l.csv", f"artist,album,track,date\n{rows}"))
        assert [record.occurred_at for record in records] == [EVENING + 8 * 86_400, EVENING]

    @pytest.mark.parametrize(
        "text",
        [
            "artist,album,track,date\rA,B,T,2021-01-05 22:15\rA,B,U,2021-01-05 22:20\r",
            "artist,album,track,date\nA,B,T,2021-01-05 22:15,\nA,B,U,2021-01-05 22:20,,\n",
            "# Data export\n# of today,,\nArtist,Track,Album,Time\nA,T,B,1609884900\nA,U,,1609885200\n",
            '"Title","The Rack"\n"Show","<p>x</p>"\n\nDate-time,Artist,Song,Release\n'
            '2021-01-05T17:15:00-0500,A,"T",B\n2021-01-05T17:20:00-0500,A,U,B\n',
        ],
    )
    def test_odd_line_ends_and_cells_and_lines_above_the_header(self, tmp_path, text):
        records, _ = read_history(write(tmp_path / "l.csv", text))
        assert list_names(records) == [("A", "T"), ("A", "U")]
        assert [record.occurred_at - EVENING for record in records] == [0, 300]

    def test_a_table_that_says_how_long_a_song_was_heard(self, tmp_path):
        text = "endTime,artistName,trackName,msPlayed\n2021-01-05 22:15,A,T,9000\n"
        assert read_history(write(tmp_path / "s.csv", text))[0][0].played_ms == 9_000

    def test_tidal_says_milliseconds_and_other_products(self, tmp_path):
        """Its real column was not read, so that three seconds were a play."""
        text = (
            "artist_name,track_title,entry_date,stream_duration_ms,product_type,time_zone\n"
            "A,T,08/03/2022 19:01,270000.0,TRACK,America/Toronto\nA,U,9/3/2022 3:07,3000.0,TRACK,null\n"
            "A,X,08/03/2022 19:02,270000.0,ALBUM,America/Toronto\nA,V,08/03/2022 19:02,1.0,HIFI,Not/AZone\n"
        )
        records, rejected = read_history(write(tmp_path / "streaming.csv", text))
        assert [record.played_ms for record in records] == [270_000, 3_000, 1]
        assert [record.occurred_at for record in records] == [
            1_646_766_060 + 5 * 3600, 1_646_795_220, 1_646_766_120,
        ]  # fmt: skip
        assert rejected == {4: "not_music"}

    def test_a_spreadsheet_of_deezer_writes_dates_as_its_country_does(self, tmp_path):
        header = "Song Title;Artist;ISRC;Album Title;IP Address;Listening Time;Platform Name;Platform Model;Date\n"
        rows = "T;A;;Alb;x;200;web;;05/01/2021 22:15\nU;A;;Alb;x;200;web;;13/01/2021 22:15\n"
        records, rejected = read_history(write(tmp_path / "h.csv", header + rows))
        assert ([one.occurred_at for one in records], rejected) == (
            [EVENING, EVENING + 8 * 86_400],
            {},
        )


class TestJson:
    def track(self, name: str, uts: int | None = AT, **more) -> dict:
        date = {"date": {"uts": str(uts), "#text": "14 Nov 2023, 22:13"}} if uts else {}
        return (
            {"artist": {"mbid": "", "#text": "A"}, "album": {"#text": "B"}, "name": name}
            | date
            | more
        )

    @pytest.mark.parametrize(
        "layout", ["[%s]", '{"recenttracks": {"track": %s}}', '[{"track": %s}]']
    )
    def test_one_scrobble_of_lastfm_is_no_list(self, tmp_path, layout):
        """The last page of an export has one where it holds one track; it was lost without a word."""
        file = write(tmp_path / "r.json", layout % json.dumps(self.track("T")))
        (play,), rejected = read_history(file)
        assert (play.occurred_at, play.kind, rejected) == (AT, PLAY, {})

    def test_lastfm_says_the_time_in_words_alone(self, tmp_path):
        text = json.dumps([{"track": [self.track("T", date={"#text": "14 Nov 2023, 22:13"})]}])
        assert read_history(write(tmp_path / "r.json", text))[0][0].occurred_at == AT - 20

    @pytest.mark.parametrize(
        "entry",
        [
            {"name": "T", "artist": "A", "album": "B", "date": "2021-01-05T22:15:00Z"},
            {"track": "T", "artist": "A", "uts": "1609884900"},
            {"songTitle": "T", "artistName": "A", "playedAt": 1_609_884_900_000},
            {"title": "T", "artist": "A", "timestamp": 1_609_884_900.5},
        ],
    )
    @pytest.mark.parametrize("layout", ["[%s, 7]", "%s\n7\n"])
    def test_a_plain_list_of_plays_says_what_its_keys_are(self, tmp_path, entry, layout):
        records, rejected = read_history(write(tmp_path / "x.json", layout % json.dumps(entry)))
        assert (list_names(records), records[0].occurred_at) == ([("A", "T")], EVENING)
        assert list(rejected) == [2]

    @pytest.mark.parametrize(
        "layout",
        [
            '{"payload": {"count": 1, "listens": [%s]}}',
            '{"listen_type": "import", "payload": [%s]}',
        ],
    )
    def test_listens_as_the_api_answers_and_takes_them(self, tmp_path, layout):
        listen = {"listened_at": AT, "track_metadata": {"artist_name": "A", "track_name": "T"}}
        records, _ = read_history(write(tmp_path / "l.json", layout % json.dumps(listen)))
        assert list_names(records) == [("A", "T")]

    def test_a_heart_may_be_a_float(self, tmp_path):
        heart = {
            "recording_msid": "x",
            "score": 1.0,
            "track_metadata": {"artist_name": "A", "track_name": "T"},
        }
        assert (
            read_history(write(tmp_path / "feedback.jsonl", json.dumps(heart)))[0][0].kind == LIKE
        )

    def test_artists_that_maloja_was_told_with_bullets(self, tmp_path):
        scrobble = {
            "time": AT,
            "track": {"artists": ["Cy", "Bo • Cy"], "title": "T", "album": {"name": "B"}},
        }
        (play,), _ = read_history(write(tmp_path / "m.json", json.dumps({"scrobbles": [scrobble]})))
        assert (play.song.artist, play.song.album) == ("Bo, Cy", "B")

    def test_a_zip_with_both_exports_of_spotify(self, tmp_path):
        song = {"artist": "A", "album": "B", "track": "L", "uri": ""}
        members = {
            "Streaming_History_Audio_2021.json": json.dumps([spotify_entry("T")]),
            "StreamingHistory0.json": json.dumps(
                [{"endTime": "2021-03-04 10:05", "artistName": "Lola Berg"}]
            ),
            "YourLibrary.json": json.dumps({"tracks": [song], "bannedTracks": []}),
            "Playlist1.json": json.dumps(
                {"playlists": [{"name": "P", "tracks": [{"trackName": "Q", "artistName": "A"}]}]}
            ),
        }
        records, rejected = read_history(zip_members(tmp_path / "s.zip", members))
        kinds = [
            (one.song.title, one.kind if isinstance(one, ListenRecord) else one.title)
            for one in records
            if one.song
        ]
        assert (sorted(kinds, key=str), rejected) == ([("L", LIKE), ("Q", "P"), ("T", PLAY)], {})


class TestLogsAndPlaylists:
    def test_a_log_with_tags_and_ratings_missing_and_old_letters(self, tmp_path):
        text = (
            f"#AUDIOSCROBBLER/1.1\n#TZ/UTC\nBjörk\tX\tJóga\t1\t201\tL\t{AT}\t\n<Untagged>\t\tx.mp3\t0\t180\tL\t{AT}\t\n"
            f"A\tX\tT\t2\t119\t\t{AT}\t\nA\tX\tU\t2\t119\tS\t{AT}\t\n"
        )
        records, rejected = read_history(write(tmp_path / ".scrobbler.log", text.encode("latin-1")))
        assert list_names(records) == [("Björk", "Jóga"), ("A", "T"), ("A", "U")]
        assert [record.kind for record in records] == [PLAY, PLAY, SKIP]
        assert rejected == {4: "untitled"}

    def test_jellyfin_did_not_know_the_artist_or_the_album(self, tmp_path):
        line = "2024-05-01 10:00:00.1234567\tu\ti\tAudio\t%s\tDirectPlay\tF\tP\t200\n"
        text = line % "A - T (Not Known)" + line % "Not Known - T (Alb)"
        (play,), rejected = read_history(write(tmp_path / "j.tsv", text))
        assert (list_names([play]), play.song.album, rejected) == (
            [("A", "T")],
            "",
            {2: "untitled"},
        )

    def test_a_song_of_youtube_without_an_artist_and_other_words_for_watched(self, tmp_path):
        entry = {"header": "YouTube Music", "time": "2024-05-01T10:00:00.123Z"}
        entries = [
            entry | {"title": "Watched T", "subtitles": [{"name": "Release - Topic"}]},
            entry | {"title": "Listened to T", "subtitles": [{"name": "A - Topic"}]},
            entry | {"title": "Переглянуто U", "subtitles": [{"name": "A - Topic"}]},
        ]
        records, rejected = read_history(write(tmp_path / "w.json", json.dumps(entries)))
        assert (list_names(records), rejected) == ([("A", "T"), ("A", "U")], {1: "untitled"})

    @pytest.mark.parametrize(
        ("name", "text", "is_like"),
        [
            ("pl.csv", "Track ID,Track Name,Artist Name(s)\nx,T,A\n", False),
            ("pl.csv", "Track URI,Track Name,Artist Name,Added At\nx,T,A,D\n", False),
            ("liked_songs.csv", "Spotify URI,Track Name,Artist Name(s)\nx,T,A\n", True),
            ("mix.csv", "Track name,Artist name,Album,Playlist name\nT,A,B,Mix\n", False),
            (
                "mix.csv",
                "Track name,Artist name,Album,Playlist name,Type\nT,A,B,Preferiti,track\n",
                True,
            ),
            ("Rain.csv", "title;artist;album\nT;A;B\n", False),
            ("お気に入り.csv", "曲名,アーティスト\nT,A\n", True),
            ("favourites.csv", "Artist,Title\nA,T\n", True),
            ("my likes.tsv", "Track\tArtist\tAlbum\tURL\nT\tA\tB\tx\n", True),
            ("library.csv", "Song URL,Song Title,Album Title,Artist Names\nx,T,B,A\n", True),
            (
                "library.csv",
                "Song URL,Song Title,Album Title,Artist Name 1,Artist Name 2\nx,T,B,A,\n",
                True,
            ),
        ],
    )
    def test_likes_and_playlists_of_many_movers(self, tmp_path, name, text, is_like):
        records, rejected = read_history(write(tmp_path / name, text))
        assert (list_names(records), rejected) == ([("A", "T")], {})
        assert isinstance(records[0], ListenRecord) is is_like

    @pytest.mark.parametrize("name", ["endsong_0 (1).json", "StreamingHistory0(2).json"])
    def test_files_that_a_browser_numbered(self, tmp_path, name):
        entries = {
            "e": spotify_entry("T"),
            "S": {
                "endTime": "2021-01-05 22:15",
                "artistName": "A",
                "trackName": "T",
                "msPlayed": 9,
            },
        }
        file = zip_members(tmp_path / "s.zip", {name: json.dumps([entries[name[0]]])})
        assert [record.song.title for record in read_history(file)[0]] == ["T"]

    def test_ids_of_videos_are_no_songs(self, tmp_path):
        text = "Video ID,Playlist Video Creation Timestamp\nabcdefghijk,2022-07-04T12:00:00+00:00\n"
        with pytest.raises(WrongFile, match="names videos and no songs"):
            read_history(write(tmp_path / "p.csv", text))

    def test_playlists_with_old_line_ends_encoded_paths_and_no_name_space(self, tmp_path):
        m3u = "#EXTM3U\r#EXTINF:1,A - T\rx.mp3\r/m/B%20C/Alb/01%20-%20U.flac\r"
        records, _ = read_history(write(tmp_path / "x.m3u", m3u))
        assert list_names(records) == [("A", "T"), ("B C", "U")]
        track = "<track><title>T</title><creator>A</creator></track>"
        xspf = f'<playlist version="1"><trackList>{track}</trackList></playlist>'
        (entry,), _ = read_history(write(tmp_path / "x.xspf", xspf))
        assert isinstance(entry, PlaylistRecord) and list_names([entry]) == [("A", "T")]
        prefixed = xspf.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
        prefixed = prefixed.replace('version="1"', 'xmlns:x="http://xspf.org/ns/0/"')
        assert list_names(read_history(write(tmp_path / "y.xspf", prefixed))[0]) == [("A", "T")]
