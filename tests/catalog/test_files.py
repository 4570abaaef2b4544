"""A folder of music comes in as songs, is followed as it changes, and nothing odd in it stops the rest."""

import os
import uuid

import pytest
from django.core.management import CommandError, call_command

from catalog.files import scan_jobs
from catalog.listening import interactions
from catalog.models import FolderScan, MusicFile, Song
from catalog.records import SongRecord
from catalog.songs.resolver import find_or_add_song
from tests.catalog.audio_files import (
    make_flac,
    make_id3,
    make_mp3,
    make_opus,
    make_png,
    make_wav,
    write,
)

pytestmark = pytest.mark.django_db

MBID = "3f8c1a52-7e1b-4a54-9f4e-0d6a3d1c2b4a"


def tags(title: str, artist: str = "Anna Bell", **more: str) -> dict[str, str]:
    return {"title": title, "artist": artist, **more}


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


def scan(folder) -> FolderScan:
    return scan_jobs.scan_now(scan_jobs.add_folder(str(folder)))


def problems() -> dict[str, str]:
    return dict(MusicFile.objects.exclude(problem="").values_list("path", "problem"))


def test_tags_of_four_kinds_of_files_become_songs(music):
    write(
        music / "a.flac",
        make_flac(
            {
                **tags("Harbour", album="Tides", tracknumber="3", discnumber="2", date="1998-05-01", bpm="121"),
                "genre": ["Folk; Pop", "Sea Shanty"], "isrc": "GB-AYE-98-00123", "musicbrainz_trackid": MBID,
                "albumartist": "Various Artists",
            },
            seconds=3,
        ),
    )  # fmt: skip
    write(
        music / "b.mp3",
        make_mp3({"TIT2": "Lantern", "TPE1": "Ben Moss", "TRCK": "1/9", "TCON": "Jazz"}, seconds=2),
    )
    write(music / "c.opus", make_opus(tags("Élan", "Ćiro")))
    write(music / "Cleo Dahl" / "Nights" / "04 - Quiet Room.wav", make_wav(1))
    finished = scan(music)
    assert (finished.n_files, finished.n_read, finished.n_added, finished.n_rejected) == (
        4,
        4,
        4,
        0,
    )
    harbour = Song.objects.get(title="Harbour")
    assert (harbour.artist.name, harbour.album.title, harbour.album.artist.name) == (
        "Anna Bell", "Tides", "Various Artists",
    )  # fmt: skip
    assert (harbour.track_number, harbour.disc_number, harbour.year, harbour.tempo) == (
        3,
        2,
        1998,
        121,
    )
    assert (harbour.mbid, harbour.isrc) == (uuid.UUID(MBID), "GBAYE9800123")
    assert {genre.name for genre in harbour.genres.all()} == {"Folk", "Pop", "Sea Shanty"}
    assert harbour.duration_ms == round(1000 * 32 * 4096 / 44100)
    lantern = Song.objects.get(title="Lantern")
    assert abs(lantern.duration_ms - 2000) < 1152 / 44.1 + 1
    assert Song.objects.get(title="Élan").artist.name == "Ćiro"
    quiet = Song.objects.get(title="Quiet Room")
    assert (quiet.artist.name, quiet.album.title, quiet.duration_ms) == (
        "Cleo Dahl",
        "Nights",
        1000,
    )
    assert set(Song.objects.values_list("has_audio", flat=True)) == {True}


def test_a_song_known_from_plays_is_the_file_s_song(music):
    song, _new = find_or_add_song(SongRecord(0, "Harbour", "Anna Bell"))
    write(
        music / "x.flac",
        make_flac(tags("harbour", album="Tides", genre="Folk", tracknumber="4"), seconds=1),
    )
    assert scan(music).n_added == 0
    song = Song.objects.get()
    assert (song.has_audio, song.album.title, song.track_number) == (True, "Tides", 4)
    assert [genre.name for genre in song.genres.all()] == ["Folk"]
    assert song.duration_ms == round(1000 * 11 * 4096 / 44100)


def test_a_second_scan_reads_only_what_changed(music):
    for name in ("one", "two", "three"):
        write(music / f"{name}.flac", make_flac(tags(name)))
    scan(music)
    assert scan(music).n_read == 0
    write(music / "two.flac", make_flac(tags("two, another"), seconds=3))
    again = scan(music)
    assert (again.n_files, again.n_read, again.n_added) == (3, 1, 1)
    assert not Song.objects.get(title="two").has_audio
    assert Song.objects.get(title="two, another").has_audio


def test_a_vanished_file_takes_its_song_from_the_lists_and_brings_it_back(music):
    path = write(music / "a.flac", make_flac(tags("Ferry")))
    write(music / "b.flac", make_flac(tags("Harbour")))
    write(music / "copy" / "b.flac", make_flac(tags("Harbour")))
    scan(music)
    path.unlink()
    (music / "b.flac").unlink()
    assert scan(music).n_vanished == 2
    ferry, harbour = Song.objects.get(title="Ferry"), Song.objects.get(title="Harbour")
    assert (ferry.is_available, ferry.has_audio) == (False, False)
    assert (harbour.is_available, harbour.has_audio) == (True, True)  # its copy is there
    write(path, make_flac(tags("Ferry")))
    scan(music)
    ferry.refresh_from_db()
    assert (ferry.is_available, ferry.has_audio) == (True, True)


def test_what_an_operator_withdrew_does_not_come_back_with_its_file(music):
    path = write(music / "a.flac", make_flac(tags("Ferry")))
    scan(music)
    Song.objects.update(is_available=False)
    path.unlink()
    write(music / "b.flac", make_flac(tags("Else")))
    scan(music)
    write(path, make_flac(tags("Ferry")))
    scan(music)
    assert not Song.objects.get(title="Ferry").is_available


def test_the_history_of_a_vanished_song_stays(music, django_user_model):
    anna = django_user_model.objects.create_user("anna")
    write(music / "a.flac", make_flac(tags("Ferry")))
    path = write(music / "b.flac", make_flac(tags("Harbour")))
    scan(music)
    song = Song.objects.get(title="Harbour")
    interactions.like_song(anna, song, source="site")
    path.unlink()
    scan(music)
    assert interactions.get_opinion(anna, song) is not None


def test_an_empty_folder_where_music_was_takes_nothing_away(music):
    path = write(music / "a.flac", make_flac(tags("Ferry")))
    scan(music)
    path.unlink()  # as when the disk is not connected
    with pytest.raises(scan_jobs.ScanFailed, match="is its disk connected"):
        scan(music)
    assert Song.objects.get().is_available and Song.objects.get().has_audio


def test_odd_files_are_rejected_with_a_reason_and_the_rest_goes_in(music):
    write(music / "good.flac", make_flac(tags("Ferry")))
    write(music / "empty.mp3", b"")
    write(music / "text.mp3", b"This is a letter and no music at all. " * 400)
    write(music / "broken.flac", make_flac(tags("Half"))[:30])
    write(music / "nameless.wav", make_wav(0.2))
    huge = b"ID3\x04\x00\x00" + bytes([0x7F] * 4)
    write(music / "huge.mp3", huge + make_mp3()[10:])
    write(music / "random.ogg", bytes(range(256)) * 64)
    write(music / "notes.txt", b"not looked at")
    (music / "loop").symlink_to(music, target_is_directory=True)
    (music / "nowhere.mp3").symlink_to(music / "gone.mp3")
    os.mkfifo(music / "pipe.mp3")
    odd = os.fsencode(music) + b"/na\xefve.flac"
    with open(odd, "wb") as file:  # noqa: PTH123 - a name that no text is
        file.write(make_flac(tags("Naive")))
    finished = scan(music)
    assert set(Song.objects.values_list("title", flat=True)) == {"Ferry"}
    reasons = problems()
    assert set(reasons) == {
        "empty.mp3", "text.mp3", "broken.flac", "nameless.wav", "huge.mp3", "random.ogg", "nowhere.mp3", "pipe.mp3",
        "na\\xefve.flac",
    }  # fmt: skip
    assert reasons["empty.mp3"] == "it is empty"
    assert "255 MB" in reasons["huge.mp3"]
    assert "UTF-8" in reasons["na\\xefve.flac"]
    assert finished.n_rejected == len(reasons)
    assert scan(music).n_read == 0  # nor are they read again


def test_tags_in_wrong_encodings_and_with_control_signs_are_stored_readable(music):
    raw = (
        b"TIT2" + (9).to_bytes(4, "big") + b"\0\0" + b"\x03Caf\xe9\x00\x01x\x00"
    )  # says UTF-8, is Latin-1
    data = b"ID3\x04\x00\x00"
    body = raw + make_id3({"TPE1": "Ben\x00Moss"})[10:]
    write(
        music / "a.mp3",
        data + bytes((len(body) >> s) & 0x7F for s in (21, 14, 7, 0)) + body + make_mp3({})[10:],
    )
    scan(music)
    song = Song.objects.select_related("artist").get()
    assert song.title.startswith("Caf") and song.artist.name.startswith("Ben")
    assert "\x00" not in song.title + song.artist.name


def test_a_file_that_vanishes_while_it_is_read_stops_nothing(music, monkeypatch):
    for name in ("a", "b", "c"):
        write(music / f"{name}.flac", make_flac(tags(name)))
    read = scan_jobs.read_file

    def read_late(root, path):
        (root / "b.flac").unlink(missing_ok=True)
        return read(root, path)

    monkeypatch.setattr(scan_jobs, "read_file", read_late)
    scan(music)
    assert set(Song.objects.values_list("title", flat=True)) == {"a", "c"}


def test_pictures_are_found_in_files_and_beside_them(music):
    write(music / "in" / "a.flac", make_flac(tags("In"), picture=make_png()))
    write(music / "in" / "b.mp3", make_mp3({"TIT2": "In too", "TPE1": "X"}, picture=make_png()))
    write(music / "beside" / "c.flac", make_flac(tags("Beside")))
    write(music / "beside" / "Cover.JPG", make_png())
    write(music / "none" / "d.flac", make_flac(tags("None")))
    scan(music)
    tag = dict(Song.objects.values_list("title", "cover_tag"))
    assert tag["In"] == tag["In too"] != tag["Beside"]  # one picture, one name
    assert all(tag[title] for title in ("In", "Beside")) and not tag["None"]
    write(music / "beside" / "Cover.JPG", make_png(colour=(1, 2, 3), width=9))
    scan(music)
    assert Song.objects.get(title="Beside").cover_tag not in ("", tag["Beside"])


def test_a_scan_works_in_turns_and_goes_on_where_it_was(music, monkeypatch):
    monkeypatch.setattr(scan_jobs, "FILES_TOGETHER", 2)
    for i in range(5):
        write(music / f"{i}.flac", make_flac(tags(f"Song {i}")))
    asked = scan_jobs.request_scan(scan_jobs.add_folder(str(music)))
    first = scan_jobs.run_scan(asked.pk, max_seconds=0)
    assert (first.status, first.n_read) == (FolderScan.Status.QUEUED, 2)
    scan_jobs.run_scan(asked.pk, max_seconds=0)
    scan_jobs.run_scan(asked.pk, max_seconds=0)
    last = scan_jobs.run_scan(asked.pk)
    assert (last.status, last.n_read, Song.objects.count()) == (FolderScan.Status.SUCCEEDED, 5, 5)


def test_a_stopped_scan_writes_nothing_more(music, monkeypatch):
    monkeypatch.setattr(scan_jobs, "FILES_TOGETHER", 1)
    for i in range(3):
        write(music / f"{i}.flac", make_flac(tags(f"Song {i}")))
    asked = scan_jobs.request_scan(scan_jobs.add_folder(str(music)))
    scan_jobs.run_scan(asked.pk, on_progress=lambda running: scan_jobs.cancel_scan(running))
    asked.refresh_from_db()
    assert (asked.status, Song.objects.count()) == (FolderScan.Status.CANCELLED, 1)


def test_removing_a_folder_withdraws_only_what_nothing_else_holds(music, tmp_path):
    other = tmp_path / "other"
    write(music / "a.flac", make_flac(tags("Ferry")))
    write(music / "b.flac", make_flac(tags("Harbour")))
    write(other / "b.flac", make_flac(tags("Harbour")))
    scan(music)
    scan(other)
    scan_jobs.remove_folder(scan_jobs.add_folder(str(music)))
    assert dict(Song.objects.values_list("title", "is_available")) == {
        "Ferry": False,
        "Harbour": True,
    }


def test_the_command_says_what_became_of_the_files(music, capsys):
    write(music / "a.flac", make_flac(tags("Ferry")))
    write(music / "bad.mp3", b"no")
    call_command("scan_music", str(music))
    output = capsys.readouterr().out
    assert "2 files, 2 read, 1 new songs, 0 vanished, 1 rejected." in output
    assert "bad.mp3: it " in output
    with pytest.raises(CommandError, match="can't be read"):
        call_command("scan_music", str(music / "nowhere"))


def test_folders_are_scanned_when_their_schedule_says(music):
    folder = scan_jobs.add_folder(str(music))
    write(music / "a.flac", make_flac(tags("Ferry")))
    (due,) = scan_jobs.request_due_scans()
    scan_jobs.run_scan(due.pk)
    assert scan_jobs.request_due_scans() == []
    folder.scan_every_hours = 0
    folder.save()
    FolderScan.objects.all().delete()
    assert scan_jobs.request_due_scans() == []


def test_an_operator_adds_a_folder_on_the_dashboard_and_a_wrong_one_is_refused(music, admin_client):
    answer = admin_client.post(
        "/admin/catalog/musicfolder/add/", {"path": str(music / "no"), "scan_every_hours": 24}
    )
    assert "can&#x27;t be read" in answer.content.decode()
    admin_client.post(
        "/admin/catalog/musicfolder/add/", {"path": str(music), "scan_every_hours": 24}
    )
    assert FolderScan.objects.get().status == FolderScan.Status.QUEUED
