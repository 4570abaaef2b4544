"""Files as exporters and spreadsheets write them, each with what is right for it."""

import json

import pytest

from catalog.records import LIKE, PLAY, LeftOut, NearMiss, PlaylistRecord, WrongFile
from tests.catalog.files import list_names, read_history, spotify_entry, write, zip_members

# 2021-01-05 22:15 UTC
EVENING = 1_609_884_900
ONE = [("Mara Bug", "Ode")]


@pytest.mark.parametrize(
    "written",
    [
        "5 янв. 2021 г., 22:15:00",
        "5 січ. 2021 р., 22:15",
        "2021. jan. 5. 22:15",
        "5. ledna 2021 22:15",
        "5 Ιανουαρίου 2021 22:15",
        "5. jän. 2021 22:15",
    ],
)
def test_months_of_more_languages_are_read(tmp_path, written):
    file = write(tmp_path / "l.csv", f'Artist,Title,Date\nMara Bug,Ode,"{written}"\n')
    (record,), rejected = read_history(file)
    assert (record.occurred_at, rejected) == (EVENING, {})


def test_a_norwegian_table_is_read(tmp_path):
    file = write(tmp_path / "l.csv", "Artist,Tittel,Dato\nMara Bug,Ode,5. des. 2021 22:15\n")
    (record,), _ = read_history(file)
    assert record.occurred_at == EVENING + (30 + 304) * 86_400  # 5 January to 5 December


class TestTablesWithoutHeader:
    def test_the_sheet_that_ifttt_fills_from_spotify(self, tmp_path):
        address = "https://open.spotify.com/track/1234567890abcdefghijAB"
        row = f'"January 05, 2021 at 10:15PM",Ode,Mara Bug,1234567890abcdefghijAB,{address}\n'
        records, _ = read_history(write(tmp_path / "l.csv", 2 * row))
        assert list_names(records) == 2 * ONE
        assert records[0].occurred_at == EVENING

    def test_universal_scrobbler_puts_the_album_s_artist_and_the_length_last(self, tmp_path):
        row = '"Mara Bug","Ode","Low","2021-01-05 22:15:00","Mara Bug","240"\n'
        (record,), _ = read_history(write(tmp_path / "l.csv", row))
        assert (record.song.album, list_names([record])) == ("Low", ONE)


class TestTablesOfServices:
    def test_amazon_says_how_long_in_seconds(self, tmp_path):
        file = write(
            tmp_path / "listening.csv",
            "timestamp,asin,productName,artistName,albumName,consumptionDurationInSeconds\n"
            "2021-01-05T22:15:00Z,B001,Ode,Mara Bug,Low,180\n",
        )
        (record,), _ = read_history(file)
        assert (list_names([record]), record.played_ms) == (ONE, 180 * 1000)

    def test_spotify_s_own_keys_may_head_a_table(self, tmp_path):
        entry = spotify_entry("Ode", master_metadata_album_artist_name="Mara Bug")
        keys = [key for key, value in entry.items() if isinstance(value, str | int)]
        row = ",".join(str(entry[key]) for key in keys)
        (record,), _ = read_history(write(tmp_path / "l.csv", f"{','.join(keys)}\n{row}\n"))
        assert (list_names([record]), record.played_ms) == (ONE, 240_000)

    def test_films_and_episodes_of_plex_are_left_out(self, tmp_path):
        file = write(
            tmp_path / "h.csv",
            "date,started,user,title,parent_title,grandparent_title,media_type\n"
            "2021-01-05,22:15,ana,Ode,Low,Mara Bug,track\n"
            "2021-01-05,22:19,ana,Pilot,Season 1,Show,episode\n",
        )
        records, left_out = read_history(file)
        assert (list_names(records), records[0].occurred_at) == (ONE, EVENING)
        assert left_out == {3: str(LeftOut.NOT_MUSIC)}

    def test_a_table_of_several_users_is_refused(self, tmp_path):
        file = write(
            tmp_path / "h.csv",
            "date,user,title,artist\n2021-01-05 22:15,ana,Ode,Mara Bug\n2021-01-05 22:19,bo,Ode,Bo\n",
        )
        with pytest.raises(NearMiss, match="history of 2 users"):
            read_history(file)

    def test_a_list_of_media_in_json_gives_its_songs(self, tmp_path):
        plays = [
            {"artist": "Mara Bug", "title": "Ode", "time": EVENING, "mediaType": kind}
            for kind in ("track", "movie")
        ]
        records, left_out = read_history(write(tmp_path / "h.json", json.dumps(plays)))
        assert (list_names(records), left_out) == (ONE, {2: str(LeftOut.NOT_MUSIC)})


def test_a_file_of_the_listener_s_own_in_a_playlist_of_spotify_is_named_by_its_address(tmp_path):
    track = {"localTrack": {"uri": "spotify:local:Ilo+Bug:Low:Tide+%26+Ebb:241"}}
    playlists = {"playlists": [{"name": "Mix", "items": [track]}]}
    records, rejected = read_history(write(tmp_path / "Playlist1.json", json.dumps(playlists)))
    songs = [one.song for one in records if isinstance(one, PlaylistRecord) and one.song]
    assert [(song.artist, song.title, song.album) for song in songs] == [
        ("Ilo Bug", "Tide & Ebb", "Low")
    ]
    assert not rejected


@pytest.mark.parametrize("moment", ["2021-01-05T22:15:00Z", {"$numberLong": "1609884900000"}])
def test_moments_as_mongodb_exports_them_are_read(tmp_path, moment):
    play = {"artistName": "Mara Bug", "trackName": "Ode", "playedAt": {"$date": moment}}
    (record,), _ = read_history(write(tmp_path / "plays.json", json.dumps(play) + "\n"))
    assert (list_names([record]), record.occurred_at) == (ONE, EVENING)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\x89PNG\r\n\x1a\n1", "is a picture or music"),
        (b"ID3\x04\x00", "is a picture or music"),
        (b"{\\rtf1\\ansi Mara Bug - Ode}", "document of a word processor"),
    ],
)
def test_a_file_that_is_no_text_is_named_for_what_it_is(tmp_path, content, sentence):
    with pytest.raises(WrongFile, match=sentence):
        read_history(write(tmp_path / "l.dat", content))


class TestZipOfSeveralFiles:
    LIST = (
        "Track URI,Track Name,Album Name,Artist Name(s),Added At\n"
        "spotify:track:1234567890abcdefghijAB,{title},Low,Mara Bug,2021-01-05T22:15:00Z\n"
    )

    def test_exportify_s_export_of_all_playlists_is_read_list_by_list(self, tmp_path):
        lists = {"liked_songs.csv": "Ode", "mix.csv": "Tide"}
        file = zip_members(
            tmp_path / "spotify_playlists.zip",
            {name: self.LIST.format(title=title) for name, title in lists.items()},
        )
        (like, entry), rejected = read_history(file)
        assert (like.kind, like.song.title, rejected) == (LIKE, "Ode", {})
        assert (entry.title, entry.song.title) == ("mix", "Tide")
        assert like.line < entry.line

    def test_what_is_known_goes_in_and_the_rest_is_named(self, tmp_path):
        table = "artist,track,date\nMara Bug,Ode,2021-01-05 22:15\n"
        counts = "artist,track,plays\nMara Bug,Ode,1523\n"
        file = zip_members(
            tmp_path / "all.zip",
            {
                "2021.csv": table,
                "friends.json": '[{"name": "Bo"}]',
                "top.csv": counts,
                "readme.txt": "Hello",
                "__MACOSX/._2021.csv": "junk",
            },
        )
        records, rejected = read_history(file)
        assert list_names(records) == ONE
        assert [reason.split(" ")[0] for reason in rejected.values()] == ["friends.json", "top.csv"]

    def test_apple_s_plays_count_once(self, tmp_path):
        """Daily tracks and the last play of each song tell of the same plays."""
        daily = (
            "Country,Track Identifier,Media type,Date Played,Hours,Play Duration Milliseconds,End Reason Type,"
            "Source Type,Play Count,Skip Count,Ignore For Recommendations,Track Reference,Track Description\n"
            "Germany,123,AUDIO,20210105,22,200000,NATURAL_END_OF_TRACK,IPHONE,1,0,,123,Mara Bug - Ode\n"
        )
        last = "Track Name,Last Played Date,Is User Initiated\nMara Bug - Ode,1609884900000,true\n"
        folder = "Apple_Media_Services/Apple Music Activity/Apple Music - "
        file = zip_members(
            tmp_path / "apple.zip",
            {
                f"{folder}Play History Daily Tracks.csv": daily,
                f"{folder}Track Play History.csv": last,
            },
        )
        records, _ = read_history(file)
        assert list_names(records) == ONE

    def test_a_zip_of_unknown_files_is_refused_as_before(self, tmp_path):
        file = zip_members(tmp_path / "x.zip", {"a.csv": "x,y\n1,2\n", "b.csv": "x,y\n1,2\n"})
        with pytest.raises(WrongFile, match="zip of tables"):
            read_history(file)


class TestTakeout:
    ENTRY = {
        "header": "YouTube Music",
        "title": "Watched Ode",
        "titleUrl": "https://music.youtube.com/watch?v=abc",
        "subtitles": [{"name": "Mara Bug - Topic"}],
        "time": "2021-01-05T22:15:00Z",
    }
    FOLDER = "Takeout/YouTube and YouTube Music"

    def test_the_library_beside_the_history_gives_likes(self, tmp_path):
        file = zip_members(
            tmp_path / "takeout.zip",
            {
                f"{self.FOLDER}/history/watch-history.json": json.dumps([self.ENTRY]),
                f"{self.FOLDER}/music (library and uploads)/music library songs.csv": (
                    "Video ID,Song Title,Album Title,Artist Name 1\nabc,Tide,Low,Mara Bug\n"
                ),
                f"{self.FOLDER}/playlists/playlists.csv": "Playlist ID,Title\nx,Mix\n",
            },
        )
        records, _ = read_history(file)
        assert list_names(records) == [*ONE, ("Mara Bug", "Tide")]
        assert [record.kind for record in records] == [PLAY, LIKE]

    def test_a_search_is_no_deleted_video(self, tmp_path):
        search = self.ENTRY | {"titleUrl": "https://music.youtube.com/search?q=ode"}
        file = write(tmp_path / "MyActivity.json", json.dumps([self.ENTRY, search]))
        records, left_out = read_history(file)
        assert (list_names(records), left_out) == (ONE, {2: str(LeftOut.NOT_MUSIC)})

    @pytest.mark.parametrize(
        "title", ["Zhlédnuto: Ode", "Đã xem Ode", "Ați vizionat Ode", "Ode देखा गया"]
    )
    def test_watched_is_known_in_more_languages(self, tmp_path, title):
        entry = self.ENTRY | {"title": title}
        records, _ = read_history(write(tmp_path / "h.json", json.dumps([entry])))
        assert list_names(records) == ONE
