"""A song's sound is served to listeners, whole or in parts, from files and through music servers."""

import re

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections

from catalog.models import MusicFile, Song
from catalog.playback import server_stream
from catalog.playback.byte_ranges import ByteRange, Unsatisfiable, parse_range
from tests.catalog.audio_files import make_wav
from tests.playback.stand_in_server import connect

SIZE = 1000


_answers: list = []


@pytest.fixture(autouse=True)
def _answers_are_closed(db):
    yield
    while _answers:
        close(_answers.pop())


def close(answer) -> None:
    """Close an answer as the browser's leaving does; the test's own connection to the database stays open."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)


def audio(client, song, **headers):
    """Ask for a song's sound as a browser does, which closes the answer in the end."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    _answers.append(client.get(f"/songs/{song.pk}/audio/", headers=named))
    return _answers[-1]


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-", ByteRange(0, SIZE - 1)),
        ("bytes=0-0", ByteRange(0, 0)),
        ("bytes=990-2000", ByteRange(990, SIZE - 1)),
        ("bytes=-10", ByteRange(SIZE - 10, SIZE - 1)),
        ("bytes=-5000", ByteRange(0, SIZE - 1)),
        ("Bytes = 5 - 6", ByteRange(5, 6)),
        ("bytes=5-" + "9" * 400, ByteRange(5, SIZE - 1)),
        ("bytes=6-5", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_ranges_are_read_as_the_standard_says(header, expected):
    assert parse_range(header, SIZE) == expected


@pytest.mark.parametrize(
    "header", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=" + "9" * 400 + "-"]
)
def test_a_range_behind_the_end_can_t_be_satisfied(header):
    with pytest.raises(Unsatisfiable):
        parse_range(header, SIZE)


class TestFile:
    def test_a_listener_gets_the_whole_song(self, listener, ferry, music):
        answer = audio(listener, ferry)
        data = (music / "ferry.flac").read_bytes()
        assert (answer.status_code, answer["Content-Type"], body(answer)) == (
            200,
            "audio/flac",
            data,
        )
        assert (answer["Content-Length"], answer["Accept-Ranges"]) == (str(len(data)), "bytes")

    def test_a_part_is_that_part(self, listener, ferry, music):
        data = (music / "ferry.flac").read_bytes()
        answer = audio(listener, ferry, range="bytes=100-299")
        assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes 100-299/{len(data)}")
        assert answer["Content-Length"] == "200"
        assert body(answer) == data[100:300]

    def test_a_part_behind_the_end_is_416(self, listener, ferry, music):
        size = (music / "ferry.flac").stat().st_size
        answer = audio(listener, ferry, range=f"bytes={size}-")
        assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{size}")

    def test_a_part_of_another_version_is_the_whole(self, listener, ferry):
        first = audio(listener, ferry, range="bytes=0-9")
        assert audio(listener, ferry, range="bytes=5-9", if_range=first["ETag"]).status_code == 206
        assert (
            audio(listener, ferry, range="bytes=5-9", if_range=first["Last-Modified"]).status_code
            == 206
        )
        assert audio(listener, ferry, range="bytes=5-9", if_range='"another"').status_code == 200

    def test_what_the_browser_has_is_not_sent_again(self, listener, ferry):
        assert (
            audio(listener, ferry, if_none_match=audio(listener, ferry)["ETag"]).status_code == 304
        )

    def test_a_head_has_no_body(self, listener, ferry):
        answer = listener.head(f"/songs/{ferry.pk}/audio/")
        assert (answer.status_code, body(answer)) == (200, b"")

    def test_visitors_get_nothing(self, client, ferry):
        assert audio(client, ferry).status_code == 302

    def test_a_song_without_audio_is_not_found(self, listener, ferry):
        MusicFile.objects.all().delete()
        assert audio(listener, ferry).status_code == 404

    def test_a_file_that_is_gone_is_not_found(self, listener, ferry, music):
        (music / "ferry.flac").unlink()
        assert audio(listener, ferry).status_code == 404

    def test_no_path_leaves(self, listener, ferry, music):
        for path in (
            f"/songs/{ferry.pk}/",
            "/browse/",
            f"/artists/{ferry.artist_id}/",
            f"/api/v1/songs/{ferry.key}/",
        ):
            answer = listener.get(path)
            assert answer.status_code == 200, path
            text = answer.content.decode()
            assert str(music) not in text and "ferry.flac" not in text, path
        headers = str(dict(audio(listener, ferry).items()))
        assert "ferry" not in headers and str(music) not in headers


class TestServer:
    @pytest.fixture
    def song(self, db, stand_in):
        from catalog.records import SongRecord
        from catalog.songs.resolver import find_or_add_song

        song, _new = find_or_add_song(SongRecord(0, "Lantern", "Ben Moss"))
        stand_in.song = make_wav(3)
        connect(stand_in, song)
        return song

    def test_it_is_handed_through(self, listener, song, stand_in):
        answer = audio(listener, song)
        assert (answer.status_code, body(answer)) == (200, stand_in.song)
        assert answer["Content-Type"] == "audio/wav"

    def test_a_part_is_asked_of_the_server(self, listener, song, stand_in):
        answer = audio(listener, song, range="bytes=100-299")
        assert (answer.status_code, answer["Content-Length"]) == (206, "200")
        assert (answer["Content-Range"], body(answer)) == (
            f"bytes 100-299/{len(stand_in.song)}", stand_in.song[100:300],
        )  # fmt: skip

    def test_one_answer_holds_a_piece_at_most(self, listener, song, stand_in, monkeypatch):
        monkeypatch.setattr(server_stream, "PIECE_BYTES", 1000)
        answer = audio(listener, song, range="bytes=500-")
        assert answer["Content-Range"] == f"bytes 500-1499/{len(stand_in.song)}"
        assert body(answer) == stand_in.song[500:1500]

    def test_a_part_behind_the_end_is_416(self, listener, song, stand_in):
        assert audio(listener, song, range=f"bytes={len(stand_in.song)}-").status_code == 416

    def test_a_server_without_ranges_sends_the_whole(self, listener, song, stand_in):
        stand_in.knows_ranges = False
        answer = audio(listener, song, range="bytes=100-299")
        assert (answer.status_code, body(answer)) == (200, stand_in.song)

    def test_a_server_that_breaks_off_ends_the_answer(self, listener, song, stand_in):
        stand_in.song, stand_in.breaks_after = make_wav(30), 64 * 1024
        assert len(body(audio(listener, song))) <= 64 * 1024

    def test_a_server_that_is_away_is_not_found_and_blocks_nothing(self, listener, song, stand_in):
        from catalog.models import MusicServer

        MusicServer.objects.update(address="http://127.0.0.1:9")
        for _ in range(5):
            assert audio(listener, song).status_code == 404

    def test_leaving_closes_the_connection_to_the_server(self, listener, song, stand_in):
        stand_in.song = make_wav(2) + bytes(64 * 2**20)
        answer = audio(listener, song)
        next(iter(answer.streaming_content))
        close(answer)
        assert stand_in.broke_off.wait(10)

    def test_too_many_at_once_are_told_to_come_back(self, listener, song, monkeypatch):
        monkeypatch.setattr(server_stream, "WAIT_SECONDS", 0.01)
        n = 2
        held = [audio(listener, song) for _ in range(n)]
        assert (busy := audio(listener, song)).status_code == 503
        assert busy["Retry-After"]
        for one in held:
            close(one)
        assert audio(listener, song).status_code == 200

    def test_no_credential_leaves(self, listener, song, stand_in):
        texts = [listener.get(path).content.decode() for path in (f"/songs/{song.pk}/", "/browse/")]
        texts.append(str(dict(audio(listener, song).items())))
        assert stand_in.requests
        secrets = ("a secret of the server", stand_in.address, "tr-1", "u=anna")
        assert [secret for secret in secrets for text in texts if secret in text] == []

    def test_a_file_of_ours_is_preferred(self, listener, ferry, stand_in):
        connect(stand_in, ferry)
        audio(listener, ferry)
        assert stand_in.requests == []


def test_play_buttons_are_links_that_work_without_script(listener, ferry):
    page = listener.get(f"/songs/{ferry.pk}/").content.decode()
    (address,) = re.findall(rf'href="([^"]+)" data-play="{ferry.pk}"', page)
    assert audio(listener, ferry).status_code == 200 and address == f"/songs/{ferry.pk}/audio/"
    assert Song.objects.filter(has_audio=True).count() == 2


def test_visitors_see_no_play_button(client, ferry):
    assert "data-play=" not in client.get("/browse/").content.decode()
