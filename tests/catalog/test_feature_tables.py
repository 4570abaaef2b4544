"""Features from AcousticBrainz' tables, by MusicBrainz id."""

import gzip
import re
import uuid
import zlib
from statistics import median

import pytest
from django.core.management import CommandError, call_command

from catalog.analysis.feature_tables import TableRefused, import_features
from catalog.models import Artist, Song, SongAlias

pytestmark = pytest.mark.django_db
RHYTHM = (
    "mbid,submission_offset,bpm,bpm_histogram_first_peak_bpm_mean,bpm_histogram_first_peak_bpm_median,"
    "bpm_histogram_second_peak_bpm_mean,bpm_histogram_second_peak_bpm_median,danceability,onset_rate\n"
)
LOW_LEVEL = "mbid,submission_offset,average_loudness,dynamic_complexity,mfcc_zero_mean\n"
ONE, TWO, OTHER = (uuid.UUID(int=number) for number in (1, 2, 99))


@pytest.fixture
def songs() -> list[Song]:
    artist = Artist.objects.create(name="The Lanterns")
    created = [
        Song.objects.create(key=f"s{mbid.int}", title=f"Tune {mbid.int}", artist=artist, mbid=mbid)
        for mbid in (ONE, TWO)
    ]
    SongAlias.objects.create(song=created[1], kind="mbid", value=str(OTHER))
    return created


def rhythm(mbid, bpm, offset=0) -> str:
    return f"{mbid},{offset},{bpm},120,120,90,90,1.4,3.2\n"


def test_the_rhythm_table_gives_tempo_and_not_essentias_danceability(songs):
    rows = [rhythm(ONE, 121.5), rhythm(uuid.UUID(int=7), 99), rhythm(TWO, 80)]
    report = import_features([RHYTHM, *rows])
    assert (report.n_rows, report.n_known, report.n_songs, report.n_rejected) == (3, 2, 2, 0)
    song = Song.objects.get(mbid=ONE)
    assert (song.tempo, song.danceability) == (121.5, None)
    assert song.features_source == "acousticbrainz"


def test_several_submissions_give_the_median_and_other_ids_count(songs):
    bpm = [60, 119, 121]
    rows = [rhythm(ONE, one, i) for i, one in enumerate(bpm)] + [rhythm(OTHER, 77)]
    assert import_features([RHYTHM, *rows]).n_songs == 2
    assert [song.tempo for song in Song.objects.order_by("pk")] == [median(bpm), 77]


def test_known_values_stay(songs):
    songs[0].learn_features({"tempo": 100.0, "energy": 0.5}, "vibenet")
    songs[0].save()
    table = f"mbid,tempo,valence\n{ONE},90,0.25\n"
    assert import_features(table.splitlines(), "my own").n_songs == 1
    song = Song.objects.get(mbid=ONE)
    assert (song.tempo, song.energy, song.valence) == (100.0, 0.5, 0.25)
    assert [song.get_source(name) for name in ("tempo", "energy", "valence")] == [
        "vibenet",
        "vibenet",
        "my own",
    ]
    assert import_features(table.splitlines(), "my own").n_songs == 0


def test_high_level_probabilities_are_read_by_their_names(songs):
    header = (
        "mbid,highlevel.danceability.all.danceable,highlevel.mood_acoustic.all.acoustic,"
        "highlevel.voice_instrumental.all.instrumental,highlevel.mood_happy.all.happy\n"
    )
    import_features([header, f"{ONE},0.75,0.5,0.125,0.9\n"])
    song = Song.objects.get(mbid=ONE)
    assert (song.danceability, song.acousticness, song.instrumentalness) == (0.75, 0.5, 0.125)
    assert song.valence is None  # a probability of "happy" is no valence


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ([], "names no column mbid"),
        (["title,bpm\n"], "names no column mbid"),
        ([LOW_LEVEL], "There are: mbid, submission_offset, average_loudness"),
    ],
)
def test_another_table_is_refused_with_a_sentence(table, sentence):
    with pytest.raises(TableRefused, match=sentence):
        import_features(table)


def test_bad_rows_are_named_and_cost_no_other_row(songs):
    rows = [
        "not an id,0,1,1,1,1,1,1,1\n",
        rhythm(ONE, "fast"),
        rhythm(ONE, -3),
        "\n",
        "x" * 200_000 + "\n",
    ]
    rows += [f"{TWO}\n", rhythm(TWO, 88)]
    report = import_features([RHYTHM, *rows])
    assert (report.n_rows, report.n_songs, report.n_rejected) == (6, 1, 4)
    assert report.problems[0] == "line 2: there is no MusicBrainz id in it"
    assert "line 3" in report.problems[1]
    assert Song.objects.get(mbid=TWO).tempo == 88
    assert Song.objects.get(mbid=ONE).tempo is None


def test_the_command_reads_gzip_and_says_what_came_in(songs, tmp_path, capsys):
    table = tmp_path / "rhythm.csv.gz"
    table.write_bytes(gzip.compress((RHYTHM + rhythm(ONE, 120)).encode()))
    call_command("import_features", str(table))
    assert "1 row read, 1 of songs that lacked something; 1 song got" in capsys.readouterr().out
    (tmp_path / "broken.csv.gz").write_bytes(table.read_bytes()[:30])
    for name, sentence in (("broken.csv.gz", "ends too early"), ("none.csv", "No such file")):
        with pytest.raises(CommandError, match=sentence):
            call_command("import_features", str(tmp_path / name))
    (tmp_path / "plain.csv.gz").write_text("mbid,bpm\n")
    with pytest.raises(CommandError, match="no gzip file"):
        call_command("import_features", str(tmp_path / "plain.csv.gz"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("damaged.csv.gz", "it can't be unpacked. Download it again."),
        ("sum.csv.gz", "it is no gzip file, or it is damaged. Download it again."),
        ("quote.csv", "can't be read as CSV .* a quote may be open. Export the table again."),
    ],
)
def test_a_damaged_table_is_refused_as_a_whole_with_what_to_do(songs, tmp_path, name, sentence):
    rows = [rhythm(ONE, 120), *(rhythm(uuid.UUID(int=n), n) for n in range(3, 3_000))]
    packing = zlib.compressobj(wbits=31)
    packed = packing.compress("".join([RHYTHM, *rows]).encode())
    contents = {
        # a block of a kind that deflate does not have
        "damaged.csv.gz": packed + packing.flush(zlib.Z_SYNC_FLUSH) + b"\x07" * 64,
        "quote.csv": "".join([RHYTHM, *rows[:5], '"', *rows]).encode(),
        "sum.csv.gz": gzip.compress("".join([RHYTHM, *rows]).encode())[:-8] + bytes(8),
    }
    (tmp_path / name).write_bytes(contents[name])
    with pytest.raises(CommandError, match=rf"{re.escape(name)}.* {sentence}"):
        call_command("import_features", str(tmp_path / name))
    assert Song.objects.get(mbid=ONE).tempo is None
