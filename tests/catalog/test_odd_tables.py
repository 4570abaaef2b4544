"""Scrobbles that say which songs are loved, headers of more languages, zips with notes, files of nothing."""

import json

import pytest

from catalog.records import LIKE, PLAY, WrongFile
from tests.catalog.files import read_history, write, zip_members

# 2022-12-31 10:00 UTC
MORNING = 1_672_480_800
HOUR = 3600


def list_facts(path) -> list[tuple[int, str]]:
    records, rejected = read_history(path)
    assert rejected == {}
    return [(record.kind, record.song.title) for record in records]


@pytest.mark.parametrize(
    ("header", "yes", "no"),
    [
        ("artist,album,track,date,loved", "true", "false"),
        ("artist,album,track,date,Loved", "1", "0"),
        ("Artist,Album,Track,Played At,Is Favourite", "yes", ""),
        ("Künstler,Album,Titel,Datum,Geliebt", "ja", "nein"),
        ("artistName,albumName,trackName,playedAt,isLoved", "❤", "-"),
    ],
)
@pytest.mark.parametrize("name", ["scrobbles.csv", "scrobbles-with-loved.csv"])
def test_a_column_of_loved_songs_gives_likes_beside_the_plays(tmp_path, header, yes, no, name):
    text = f"{header}\nA,B,T,2022-12-31 10:00,{yes}\nA,B,U,2022-12-31 10:05,{no}\n"
    facts = list_facts(write(tmp_path / name, text))
    assert facts == [(PLAY, "T"), (LIKE, "T"), (PLAY, "U")]


def test_a_list_of_loved_songs_stays_one(tmp_path):
    text = "artist,track,date\nA,T,2022-12-31 10:00\n"
    assert list_facts(write(tmp_path / "loved-tracks.csv", text)) == [(LIKE, "T")]


def lastfm(**changes) -> dict:
    at = {"uts": str(MORNING), "#text": "31 Dec 2022, 10:00"}
    return {
        "artist": {"name": "A", "url": "u"},
        "name": "T",
        "album": {"#text": "B"},
        "date": at,
    } | changes


@pytest.mark.parametrize(
    "document",
    [
        {"recenttracks": {"track": [lastfm(loved="1"), lastfm(name="U", loved="0")]}},
        [
            {"artist": "A", "title": "T", "timestamp": MORNING, "loved": True},
            {"artist": "A", "title": "U", "timestamp": MORNING, "loved": False},
        ],
    ],
)
def test_lists_say_which_songs_are_loved(tmp_path, document):
    facts = list_facts(write(tmp_path / "l.json", json.dumps(document)))
    assert facts == [(PLAY, "T"), (LIKE, "T"), (PLAY, "U")]


@pytest.mark.parametrize(
    ("header", "date"),
    [
        ("Interpret,Skladba,Čas", "31.12.2022 10:00"),
        ("Előadó,Cím,Időpont", "2022. 12. 31. 10:00"),
        ("Esittäjä,Kappale,Päivämäärä", "31.12.2022 10.00"),
        ("Виконавець,Пісня,Дата", "31.12.2022 10:00"),
        ("Καλλιτέχνης,Τραγούδι,Ημερομηνία", "31/12/2022 10:00"),
        ("Artist,Piesă,Data", "31.12.2022 10:00"),
        ("Izvođač,Pjesma,Vrijeme", "31.12.2022. 10:00"),
        ("Изпълнител,Песен,Дата", "31.12.2022 10:00"),
        ("Artis,Judul,Tanggal", "2022-12-31 10:00"),
        ("هنرمند,آهنگ,تاریخ", "2022-12-31 10:00"),
        ("אמן,שם השיר,תאריך", "31.12.2022 10:00"),
        ("कलाकार,गाना,दिनांक", "2022-12-31 10:00"),
        ("ศิลปิน,เพลง,วันที่", "2022-12-31 10:00"),
        ("歌手,歌名,播放時間", "2022-12-31 上午 10:00"),
    ],
)
def test_columns_in_more_languages(tmp_path, header, date):
    (record,), rejected = read_history(write(tmp_path / "l.csv", f"{header}\nA,T,{date}\n"))
    assert (record.song.artist, record.song.title, record.occurred_at) == ("A", "T", MORNING)
    assert rejected == {}


@pytest.mark.parametrize("outer", ["data", "response", "payload"])
def test_a_list_may_be_two_objects_deep(tmp_path, outer):
    play = {"artist": "A", "track": "T", "time": MORNING}
    assert list_facts(write(tmp_path / "l.json", json.dumps({outer: {"items": [play]}}))) == [
        (PLAY, "T")
    ]


@pytest.mark.parametrize("beside", ["README.txt", "readme", "About this export.html", "cover.jpg"])
def test_what_tells_about_a_table_in_a_zip_is_no_second_one(tmp_path, beside):
    table = "artist,track,date\nA,T,2022-12-31 10:00\n"
    archive = zip_members(tmp_path / "l.zip", {"x/scrobbles.csv": table, f"x/{beside}": "hello"})
    assert list_facts(archive) == [(PLAY, "T")]


def test_a_playlist_may_be_called_as_a_note_is(tmp_path):
    text = "#EXTM3U\n#EXTINF:200,A - T\nx.mp3\n"
    archive = zip_members(tmp_path / "l.zip", {"About You.m3u8": text})
    records, _ = read_history(archive)
    assert [one.title for one in records if one.song] == ["About You"]


@pytest.mark.parametrize(
    ("zone", "hours"), [("GMT+2", -2), ("UTC+10", -10), ("UTC-03:30", 3.5), ("GMT-3", 3)]
)
def test_hours_alone_are_a_zone(tmp_path, zone, hours):
    text = f"artist,track,date\nA,T,2022-12-31 10:00 {zone}\n"
    (record,), _ = read_history(write(tmp_path / "l.csv", text))
    assert record.occurred_at == MORNING + hours * HOUR


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("l.json", "[]", "holds no rows"),
        ("l.csv", "\ufeff \n\n", "holds no rows"),
        ("l.csv", "artist,track,plays,last played\nA,T,0,\n", "is a list of play counts"),
    ],
)
def test_files_without_plays_are_named(tmp_path, name, content, says):
    with pytest.raises(WrongFile, match=says):
        read_history(write(tmp_path / name, content))


@pytest.mark.parametrize("time", ["45292.5", "45292.5243055556", '"45292,5"'])
def test_days_numbered_by_a_spreadsheet_are_refused_with_what_to_do(tmp_path, time):
    text = f"artist,album,track,date\nAna,Low,Tide,{time}\nAna,Low,Sun,{time}\n"
    with pytest.raises(WrongFile, match="spreadsheet's number of a day; save its column as 2026"):
        read_history(write(tmp_path / "history.csv", text))
