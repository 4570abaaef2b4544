"""Files as people's own computers, spreadsheets and players leave them, each with what is right for it."""

import gzip
import io
import json
import unicodedata
from itertools import islice

import pytest

from catalog.imports.importers import detect_history, open_file
from catalog.imports.reading import encodings, json_files
from catalog.records import AUDIO_FEATURES, LIKE, WrongFile
from tests.catalog.files import list_names, outcomes, read_history, split, write, zip_members

# 2021-01-05 22:15 UTC
AT = 18_632 * 86_400 + 22 * 3600 + 15 * 60
HEADER = "Artist,Album,Track,Date\n"
ROW = "A,B,T,2021-01-05 22:15\n"
FOLDER = "/Users/me/Music/iTunes/iTunes Media/Music"


def refuse(path, says: str) -> None:
    with pytest.raises(WrongFile, match=says):
        detect_history(open_file(path))


class TestEncodings:
    ROWS = {
        "Cyrillic": "Кино,Группа крови,Звезда по имени Солнце\nСплин,Гранатовый альбом,Выхода нет\n",
        "Greek": "Χάρις Αλεξίου,Τα τραγούδια,Όλα σε θυμίζουν\n",
        "Hebrew": "אריק איינשטיין,אלבום,עוף גוזל\n",
        "Arabic": "فيروز,ألبوم,نسم علينا الهوى\n",
        "Japanese": "米津玄師,BOOTLEG,灰色と青\nヨルシカ,x,だから僕は音楽を辞めた\n",
        "Korean": "아이유,꽃갈피,너의 의미\n방탄소년단,화양연화,봄날\n",
        "Chinese": "周杰伦,叶惠美,晴天\n陈奕迅,认了吧,好久不见\n",
        "Taiwan": "周杰倫,葉惠美,晴天\n陳奕迅,認了吧,好久不見\n",
        "Western": "Björk,Début,Jóga\nBeyoncé,B,Déjà Vu\n",
        "Central": "Czesław Niemen,Album,Dziwny jest ten świat\nAnna,B,Ćma i żaba\n",
    }

    @pytest.mark.parametrize(
        ("rows", "codec", "title"),
        [
            ("Cyrillic", "cp1251", "Windows-1251"),
            ("Cyrillic", "koi8-r", "KOI8-R"),
            ("Cyrillic", "cp866", "DOS 866"),
            ("Greek", "cp1253", "Windows-1253"),
            ("Hebrew", "cp1255", "Windows-1255"),
            ("Arabic", "cp1256", "Windows-1256"),
            ("Japanese", "cp932", "Shift-JIS"),
            ("Japanese", "euc-jp", "EUC-JP"),
            ("Korean", "cp949", "Windows-949"),
            ("Chinese", "gb18030", "GB18030"),
            ("Taiwan", "big5", "Big5"),
            ("Western", "cp1252", "Windows-1252"),
            ("Western", "mac-roman", "Mac Roman"),
            ("Central", "cp1250", "Windows-1250"),
        ],
    )
    def test_a_text_that_is_no_utf_8_is_refused_by_the_name_of_what_it_is(
        self, tmp_path, rows, codec, title
    ):
        """Of those with letters of two bytes every row was rejected, and the import called itself done."""
        text = HEADER + self.ROWS[rows].replace("\n", ",2021-01-05 22:15\n")
        refuse(write(tmp_path / "l.csv", text.encode(codec)), f"looks like {title}.*save it as")

    @pytest.mark.parametrize("rows", ["Cyrillic", "Japanese"])
    def test_old_playlists_and_logs_of_other_scripts_are_refused_and_not_garbled(
        self, tmp_path, rows
    ):
        """They were read as Western letters: the catalog had songs called “Ãðóïïà êðîâè”."""
        codec = {"Cyrillic": "cp1251", "Japanese": "cp932"}[rows]
        artist, _album, title = self.ROWS[rows].split("\n")[1].split(",")
        for name, text in (
            ("l.m3u", f"#EXTM3U\n#EXTINF:200,{artist} - {title}\nx.mp3\n"),
            (".scrobbler.log", f"#AUDIOSCROBBLER/1.1\n{artist}\tB\t{title}\t1\t200\tL\t{AT}\t\n"),
        ):
            refuse(write(tmp_path / name, text.encode(codec)), "and looks like")

    @pytest.mark.parametrize("codec", ["cp1252", "mac-roman"])
    def test_old_western_playlists_are_read(self, tmp_path, codec):
        text = "#EXTM3U\n#EXTINF:200,Björk - Jóga\nx.mp3\n#EXTINF:200,Beyoncé - Déjà Vu\ny.mp3\n"
        records, _ = read_history(write(tmp_path / "l.m3u", text.encode(codec)))
        assert list_names(records) == [("Björk", "Jóga"), ("Beyoncé", "Déjà Vu")]

    @pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
    def test_utf_16_without_a_mark_is_read(self, tmp_path, codec):
        text = f"{HEADER}Björk,B,千本桜,2021-01-05 22:15\n"
        records, rejected = read_history(write(tmp_path / "l.csv", text.encode(codec)))
        assert (list_names(records), rejected) == ([("Björk", "千本桜")], {})

    def test_bytes_that_are_no_text_are_no_utf_16(self):
        assert encodings.find_utf16(b"\0" * 400) == encodings.find_utf16(b"SQLite format 3\0") == ""


class TestLines:
    @pytest.mark.parametrize(
        "text",
        [
            f"{HEADER}{ROW}\ufeffC,B,U,2021-01-05 22:15\n",
            f"uts,artist,album,track\n{AT},A,B,T\n\ufeff{AT},C,B,U\n",
            f"{HEADER}{ROW}".replace("\n", "\r") + "C,B,U,2021-01-05 22:15\r\n",
            f"{HEADER}{ROW}C,B,U,2021-01-05 22:15\n".replace("\n", "\r\r\n"),
            f"sep=,\n{HEADER}{ROW}C,B,U,2021-01-05 22:15\n",
            f'\ufeff"sep=,"\r\n{HEADER}{ROW}C,B,U,2021-01-05 22:15\r\n',
            f"{HEADER}\u200eA,B,\u200bT\u200f,2021-01-05 22:15\nC,B,U,2021-01-05 22:15\n",
        ],
    )
    def test_marks_line_ends_and_excels_first_line_cost_nothing(self, tmp_path, text):
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names(records), rejected) == ([("A", "T"), ("C", "U")], {})

    @pytest.mark.parametrize(
        "text",
        [
            '"artist","album","track","date"\n"1","A","B","T","2021-01-05 22:15"\n"2","C","B","U","2021-01-05 22:15"\n',
            f",{HEADER}0,{ROW}1,C,B,U,2021-01-05 22:15\n",
        ],
    )
    def test_tables_with_numbered_rows(self, tmp_path, text):
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names(records), rejected) == ([("A", "T"), ("C", "U")], {})

    def test_quotes_behind_a_backslash(self, tmp_path):
        """The backslashes became part of the title."""
        text = f'{HEADER}A,B,"Say \\"Hi, you\\"",2021-01-05 22:15\n{ROW}'
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names(records), rejected) == ([("A", 'Say "Hi, you"'), ("A", "T")], {})

    def test_a_header_alone_is_refused(self, tmp_path):
        refuse(write(tmp_path / "l.csv", HEADER), "no row below them")

    def test_a_nul_near_the_beginning_costs_its_row(self, tmp_path):
        text = f"{HEADER}A,B,T\0,2021-01-05 22:15\n{ROW}"
        records, rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names(records), list(rejected)) == ([("A", "T")], [2])

    def test_excels_first_line_above_the_table_of_a_service(self, tmp_path):
        header = "Song Title;Artist;ISRC;Album Title;IP Address;Listening Time;Platform Name;Platform Model;Date\n"
        text = f"sep=;\n{header}T;A;;B;x;200;web;;2021-01-05 22:15:00\n"
        file = write(tmp_path / "l.csv", text)
        assert detect_history(open_file(file)).name == "deezer"
        assert list_names(read_history(file)[0]) == [("A", "T")]

    def test_names_are_stored_as_they_are_meant(self, tmp_path):
        text = f"{HEADER}Simon &amp; Garfunkel,B,Rock &#39;n&#39; Roll,2021-01-05 22:15\n"
        records, _ = read_history(write(tmp_path / "l.csv", text))
        assert list_names(records) == [("Simon & Garfunkel", "Rock 'n' Roll")]
        decomposed = unicodedata.normalize("NFD", f"{HEADER}Björk,B,Jóga,2021-01-05 22:15\n")
        assert list_names(read_history(write(tmp_path / "m.csv", decomposed))[0]) == [
            ("Björk", "Jóga")
        ]


class TestTables:
    @pytest.mark.parametrize(
        "header",
        [
            "Interpret;Albumtitel;Titelname;Abgespielt am",
            "Künstlername;Albumname;Songtitel;Endzeit",
            "Artiste;Album;Titre de la piste;Date d'écoute",
            "Nom de l'artiste;Album;Nom du titre;Heure de fin",
            "Nombre del artista;Álbum;Nombre de la canción;Hora",
            "Artista;Álbum;Nome da faixa;Data e hora",
            "Nome do artista;Álbum;Nome da música;Hora",
            "Artista;Album;Nome del brano;Ora",
        ],
    )
    def test_columns_are_named_in_many_words(self, tmp_path, header):
        (record,), _ = read_history(
            write(tmp_path / "l.csv", f"{header}\nA;B;T;2021-01-05 22:15\n")
        )
        assert (list_names([record]), record.song.album) == ([("A", "T")], "B")
        assert record.occurred_at == AT

    @pytest.mark.parametrize(
        "text",
        [
            "Date,Time,Artist,Track\n2021-01-05,22:15:00,A,T\n",
            "Datum;Uhrzeit;Interpret;Titel\n05.01.2021;22:15;A;T\n",
            "time,date,artist,track\n10:15 PM,2021-01-05,A,T\n",
            f"artist,track,timestamp\nA,T,{AT * 10**9}\n",
        ],
    )
    def test_a_day_and_a_clock_in_two_columns_and_billionths(self, tmp_path, text):
        (record,), rejected = read_history(write(tmp_path / "l.csv", text))
        assert (list_names([record]), record.occurred_at, rejected) == ([("A", "T")], AT, {})

    @pytest.mark.parametrize(
        "text",
        [
            "2021-01-05T23:15:00+01:00[Europe/Berlin]",
            "2021-01-05 22:15:00,123",
            "5-Jan-21 22:15",
            "5.1.21 22:15",
            "05.01.2021 22:15 Uhr",
            "Dienstag, 5. Januar 2021 um 22:15:00",
            "mardi 5 janvier 2021 à 22:15",
            "5 janvier 2021 à 22h15",
            "mar, 5 ene 2021 22:15",
            "terça-feira, 5 de janeiro de 2021 22:15",
            "5 gennaio 2021 alle 22:15",
            "5. tammikuuta 2021 klo 22.15",
            "5 Jan 2021, 23:15:00 CET",
            "Tue Jan  5 23:15:00 CET 2021",
            "5 Jan 2021, 14:15:00 PST",
            "2021/01/06 07:15:00 JST",
            "2021年1月5日 22時15分00秒",
            "05/Jan/2021:22:15:00 +0000",
            "5º enero 2021 22:15",
        ],
    )
    def test_dates_in_the_words_of_many_programs(self, tmp_path, text):
        (record,), rejected = read_history(write(tmp_path / "l.csv", f'{HEADER}A,B,T,"{text}"\n'))
        assert (record.occurred_at, rejected) == (AT, {})

    @pytest.mark.parametrize(
        "text", ["1,60988E+09", "44201.927", "5 Jan 2021, 22:15 IST", "5 Jan 2021, 22:15 CST"]
    )
    def test_dates_that_mean_several_moments_cost_their_row(self, tmp_path, text):
        records, rejected = read_history(
            write(tmp_path / "l.csv", f'{HEADER}{ROW}A,B,U,"{text}"\n')
        )
        assert (list_names(records), list(rejected)) == ([("A", "T")], [3])

    @pytest.mark.parametrize(
        "header",
        [
            '"Track-URI","Track-Name","Künstler-URI(s)","Künstlername(n)","Album-URI","Album-Name","ISRC","Hinzugefügt"',
            '"URI du titre","Nom du titre","URI(s) de l\'artiste","Nom(s) de l\'artiste","x","Album","y","Ajouté le"',
            '"トラックURI","トラック名","アーティストURI","アーティスト名","アルバムURI","アルバム名","ISRC","追加日時"',
        ],
    )
    def test_exportify_writes_its_header_in_the_language_of_its_page(self, tmp_path, header):
        ids = (f"spotify:{kind}:{'x' * 22}" for kind in ("track", "artist", "album"))
        row = '"{}","T","{}","A;C","{}","B","GBUM71029604","2021-01-05T22:15:00Z"'.format(*ids)
        (like,), _ = read_history(write(tmp_path / "liked.csv", f"{header}\n{row}\n"))
        assert (list_names([like]), like.kind, like.occurred_at) == ([("A, C", "T")], LIKE, AT)
        assert (like.song.album, like.song.isrc) == ("B", "GBUM71029604")
        assert like.song.spotify_id == "x" * 22

    @pytest.mark.parametrize("artist", ["Artist", "Künstler", "Artiste", "アーティスト"])
    def test_a_playlist_of_itunes_as_text(self, tmp_path, artist):
        between = "\t".join(f"c{n}" for n in range(25))
        text = f"Name\t{artist}\tComposer\tAlbum\tTime\t{between}\rT\tA\t\tB\t225\t{between}\r"
        (entry,), _ = read_history(write(tmp_path / "Rain.txt", text.encode("utf-16")))
        assert (entry.title, list_names([entry]), entry.song.album) == ("Rain", [("A", "T")], "B")


class TestNumbers:
    SONGS = "title;artist;danceability;tempo;duration_ms\n"

    def read_songs(self, tmp_path, text: str) -> tuple[list, dict[int, str]]:
        return split(outcomes(write(tmp_path / "s.csv", text), "songs", "csv"))

    def test_spreadsheets_of_many_countries_write_decimal_commas(self, tmp_path):
        text = f"sep=;\n{self.SONGS}10,000;A;0,523;120,523;200000\n"
        (song,), rejected = self.read_songs(tmp_path, text)
        features = dict(zip(AUDIO_FEATURES, song.features, strict=True))
        assert (features["danceability"], features["tempo"]) == (0.523, 120.523)
        assert (song.title, song.duration_ms, rejected) == ("10,000", 200_000, {})

    @pytest.mark.parametrize(("cell", "reason"), [("0,5", ""), ("120,523", "in two ways")])
    def test_a_comma_that_may_be_a_thousand_s_costs_its_row(self, tmp_path, cell, reason):
        text = f'title,artist,tempo\nT,A,"{cell}"\n'
        songs, rejected = self.read_songs(tmp_path, text)
        assert len(songs) == (not reason) and reason in rejected.get(2, "")

    @pytest.mark.parametrize("plays", ["1.523", "1,523", "2.5"])
    def test_a_count_with_a_sign_in_it_is_no_count(self, tmp_path, plays):
        """1.523 plays, as Germans write 1,523, were one play."""
        text = f'user_id,artist,title,plays\nu,A,T,"{plays}"\nu,A,U,15.0\n'
        records, rejected = split(outcomes(write(tmp_path / "l.csv", text), "listens", "csv"))
        assert ([record.plays for record in records], list(rejected)) == ([15], [2])


class TestPlaylists:
    def m3u(self, tmp_path, *entries: tuple[str, str]) -> list[tuple[str, str]]:
        lines = "\r".join(f"#EXTINF:200,{named}\r{path}" for named, path in entries)
        return list_names(read_history(write(tmp_path / "l.m3u8", f"#EXTM3U\r{lines}\r"))[0])

    def test_itunes_writes_the_title_first(self, tmp_path):
        """Its playlists brought songs whose artist was the title."""
        assert self.m3u(
            tmp_path,
            ("Ode - Bo Berg", f"{FOLDER}/Bo Berg/Alb/1-02 Ode.m4a"),
            ("Tide - Live - Ana Lima", f"{FOLDER}/Ana Lima/Alb/03 Tide - Live.m4a"),
            ("Ebb - Cy", f"{FOLDER}/Compilations/Hits/02 Ebb.m4a"),
        ) == [("Bo Berg", "Ode"), ("Ana Lima", "Tide - Live"), ("Cy", "Ebb")]

    def test_what_other_players_write_stays(self, tmp_path):
        assert self.m3u(
            tmp_path,
            ("Bo Berg - Ode", "/music/Bo Berg/Alb/02 Ode.flac"),
            ("Di - Di", "/music/Di/Di/01 Di.flac"),
            ("Ode - Bo Berg", "/music/x.flac"),
        ) == [("Bo Berg", "Ode"), ("Di", "Di"), ("Ode", "Bo Berg")]


class TestPaths:
    @pytest.mark.parametrize(
        ("path", "song"),
        [
            ("/music/Ana Lima - Tide (2004)/01 Ode.flac", ("Ana Lima", "Tide", "Ode")),
            ("Ana Lima - Tide/01 - Ode.flac", ("Ana Lima", "Tide", "Ode")),
            ("C:\\Music\\Ana Lima\\2004 - Tide\\01 - Ode.mp3", ("Ana Lima", "Tide", "Ode")),
            ("\\\\nas\\music\\Ana Lima\\Tide\\01 Ode.flac", ("Ana Lima", "Tide", "Ode")),
            ("/mnt/disk/Ana Lima/Tide/01 Ode.mp3", ("Ana Lima", "Tide", "Ode")),
            ("/Ana Lima/Tide/02 Ode - Live.m4a", ("Ana Lima", "Tide", "Ode - Live")),
            ("Ana Lima/Tide - Live/01 Ode.flac", ("Ana Lima", "Tide - Live", "Ode")),
            ("x/Ana Lima - Tide - 01 - Ode.mp3", ("Ana Lima", "Tide", "Ode")),
            ("Music/Rock/Ana Lima - Ode.mp3", ("Ana Lima", "", "Ode")),
        ],
    )
    def test_a_path_names_the_song(self, tmp_path, path, song):
        (entry,), _ = read_history(write(tmp_path / "l.m3u8", f"#EXTM3U\n{path}\n"))
        assert (entry.song.artist, entry.song.album, entry.song.title) == song

    @pytest.mark.parametrize(
        "path", ["/music/Tide/01 Ode.flac", "/home/nora/01 Ode.mp3", "Compilations/Hits/02 Ode.m4a"]
    )
    def test_a_folder_of_many_artists_is_no_artist(self, tmp_path, path):
        """They were songs by “music”, “home” and “Compilations”."""
        records, rejected = read_history(write(tmp_path / "l.m3u8", f"#EXTM3U\n{path}\n"))
        assert (records, list(rejected)) == ([], [2])


class TestJson:
    PLAY = {"artist": "A", "title": "T", "date": "2021-01-05T22:15:00Z"}

    def test_documents_one_behind_the_other_are_all_read(self, tmp_path):
        """Files of pages put together gave the first page, and the others were lost without a word."""
        track = {"name": "T", "artist": {"#text": "A"}, "album": {"#text": ""}}
        page = {"recenttracks": {"track": [track | {"date": {"uts": str(AT)}}]}}
        for text in (f"[{json.dumps(self.PLAY)}]\n" * 2, f"{json.dumps(page)}\n" * 2):
            records, rejected = read_history(write(tmp_path / "l.json", text))
            assert (list_names(records), rejected) == ([("A", "T")] * 2, {})

    @pytest.mark.parametrize(
        "text", ['{"playlists": [\u2028]}', "[\x0b]", '{"tracks": [[], \xa0]}']
    )
    def test_a_blank_that_is_none_in_json_ends_the_file(self, text):
        """It was met again and again: a file of twenty bytes kept its worker for ever."""
        paths = [("playlists", "*", "name"), ("*",), ("tracks", "*", "track")]
        values = json_files.read_values(io.BytesIO(text.encode()), paths)
        with pytest.raises(json_files.BrokenJson):
            list(islice(values, 10))

    @pytest.mark.parametrize(
        "document",
        [
            [{"artist": {"name": "A"}, "track": {"name": "T"}, "played_at": AT}],
            {"items": [{"track": {"name": "T", "artists": [{"name": "A"}]}, "played_at": AT}]},
            [{"data": {"artists": ["A"], "track": "T", "playDate": "2021-01-05T22:15:00Z"}}],
            {"history": [PLAY]},
        ],
    )
    def test_lists_whose_names_are_objects(self, tmp_path, document):
        (play,), _ = read_history(write(tmp_path / "l.json", json.dumps(document)))
        assert (list_names([play]), play.occurred_at) == ([("A", "T")], AT)


class TestPacked:
    @pytest.mark.parametrize(
        "members", [{}, {"__MACOSX/._l.csv": "\0\5"}, {".DS_Store": "\0"}, {"a/": ""}]
    )
    def test_a_zip_of_one_table_is_that_table(self, tmp_path, members):
        file = zip_members(tmp_path / "l.zip", {"a/l.csv": HEADER + ROW} | members)
        assert list_names(read_history(file)[0]) == [("A", "T")]

    def test_a_playlist_in_a_zip_is_called_as_its_file(self, tmp_path):
        (entry,), _ = read_history(
            zip_members(tmp_path / "x.zip", {"Rain.m3u8": "/m/A/B/01 T.mp3\n"})
        )
        assert (entry.title, list_names([entry])) == ("Rain", [("A", "T")])

    @pytest.mark.parametrize(
        ("name", "content", "says"),
        [
            ("a.bin", b"a.csv" + b"\0" * 252 + b"ustar\0", "is a tar archive"),
            ("a.bin.gz", b"a.csv" + b"\0" * 252 + b"ustar\0", "is a tar archive"),
            ("a.gz", b"PK\3\4" + b"\0" * 90, "archive within an archive"),
            ("a.bin", b"7z\xbc\xaf\x27\x1c\0\4", "7z or RAR"),
            ("a.bin", b"Rar!\x1a\7\1\0", "7z or RAR"),
            ("a.bin", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 90, "old Excel workbook"),
            ("a.xml", b'<?xml version="1.0"?><PlaybackStatistics/>', "foobar2000"),
            ("a.txt", b"Bo - Ode\nAna - Tide\n", "which is the artist"),
        ],
    )
    def test_what_is_no_list_is_named(self, tmp_path, name, content, says):
        refuse(write(tmp_path / name, content), says)

    @pytest.mark.parametrize(
        ("members", "says"),
        [
            ({"inner.zip": b"PK\3\4"}, "holds another zip"),
            ({"mimetype": "application/vnd.oasis", "content.xml": "<x/>"}, "LibreOffice"),
            ({"Index/Document.iwa": "x"}, "Apple's Numbers"),
            ({"a.csv": HEADER, "b.csv": HEADER}, "one by one"),
        ],
    )
    def test_what_is_in_a_zip_is_named(self, tmp_path, members, says):
        refuse(zip_members(tmp_path / "a.zip", members), says)

    def test_an_empty_and_a_damaged_table_in_a_zip_are_refused(self, tmp_path):
        with pytest.raises(WrongFile, match=r"is empty"):
            open_file(zip_members(tmp_path / "a.zip", {"l.csv": ""}))
        file = zip_members(tmp_path / "b.zip", {"l.csv": HEADER + ROW * 900})
        data = bytearray(file.read_bytes())
        data[60] ^= 255
        with pytest.raises(WrongFile, match="damaged"):
            open_file(write(file, bytes(data)))


class TestTautulli:
    PLAY = {
        "date": AT,
        "started": AT,
        "stopped": AT + 300,
        "duration": 200,
        "user": "nora",
        "media_type": "track",
        "title": "T",
        "parent_title": "B",
        "grandparent_title": "A",
        "original_title": "",
    }

    @pytest.mark.parametrize(
        "layout", ['{"response": {"data": {"data": %s}}}', '{"data": %s}', "%s"]
    )
    def test_songs_that_plex_played(self, tmp_path, layout):
        plays = [
            self.PLAY,
            self.PLAY | {"original_title": "C", "title": "U"},
            self.PLAY | {"media_type": "movie"},
        ]
        file = write(tmp_path / "h.json", layout % json.dumps(plays))
        records, rejected = read_history(file)
        assert (list_names(records), rejected) == ([("A", "T"), ("C", "U")], {3: "not_music"})
        assert (records[0].occurred_at, records[0].played_ms, records[0].song.album) == (
            AT,
            200_000,
            "B",
        )

    def test_two_users_are_refused(self, tmp_path):
        plays = [self.PLAY, self.PLAY | {"user": "bob"}]
        refuse(write(tmp_path / "h.json", json.dumps(plays)), "history of 2 users")


def test_gz_of_a_zip_is_not_unpacked_twice(tmp_path):
    file = zip_members(tmp_path / "l.zip", {"l.csv": HEADER + ROW})
    refuse(write(tmp_path / "l.bin", gzip.compress(file.read_bytes())), "archive")
