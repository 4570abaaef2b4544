"""A seed pack from public listening histories: generated parquet files of the true layout."""

import csv
import io
import tarfile
import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from recommendations.engine import load_pack
from recommendations.services.seeds import seed_builder
from recommendations.services.seeds.seed_steps import BuildOptions

pytestmark = pytest.mark.slow

START = datetime(2026, 10, 1, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        ("listened_at", pa.timestamp("us")),
        ("user_id", pa.int32()),
        ("artist_name", pa.string()),
        ("artist_credit_id", pa.int64()),
        ("release_name", pa.string()),
        ("release_mbid", pa.string()),
        ("recording_name", pa.string()),
        ("recording_mbid", pa.string()),
        ("artist_credit_mbids", pa.list_(pa.string())),
    ]
)


def mbid(name):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def listen(listener, song, artist, minutes, *, seconds=0):
    return {
        "listened_at": (START + timedelta(minutes=minutes, seconds=seconds)).replace(tzinfo=None),
        "user_id": listener,
        "artist_name": " & ".join(artist) if isinstance(artist, tuple) else artist,
        "recording_name": song,
        "recording_mbid": mbid(song) if song else None,
        "artist_credit_mbids": [
            mbid(a) for a in (artist if isinstance(artist, tuple) else (artist,))
        ],
    }


def write(path, listens):
    pq.write_table(pa.Table.from_pylist(listens, schema=SCHEMA), path)


def small_dump():
    """Twelve listeners play A then B within a session and C an hour later; eleven of them D right after C."""
    listens = []
    for listener in range(12):
        listens += [listen(listener, "A", "a", 0), listen(listener, "B", "b", 4)]
        listens += [listen(listener, "C", "c", 64)]
        if listener < 11:
            listens += [listen(listener, "D", "d", 68)]
    return listens


def read_pairs(pack):
    names = dict(zip(pack.prior.keys.tolist(), pack.labels.titles, strict=True))
    pairs = pack.prior.together.tocoo()
    keys = pack.prior.keys
    return {
        frozenset((names[keys[row]], names[keys[column]])): int(count)
        for row, column, count in zip(pairs.row, pairs.col, pairs.data, strict=True)
    }


@pytest.fixture
def dump(tmp_path):
    folder = tmp_path / "dump"
    folder.mkdir()
    return folder


def build(dump, tmp_path, *options):
    call_command("build_seed", str(dump), str(tmp_path / "pack"), *options)
    return load_pack(tmp_path / "pack")


def test_pairs_of_a_session_are_counted_once_a_listener(dump, tmp_path, capsys):
    write(dump / "1.parquet", [*small_dump(), *small_dump()[:2], listen(1, None, "x", 500)])
    pack = build(dump, tmp_path)
    assert read_pairs(pack) == {frozenset("AB"): 12, frozenset("CD"): 11}
    listeners = dict(zip(pack.labels.titles, pack.prior.n_listeners.tolist(), strict=True))
    assert listeners == {"A": 12, "B": 12, "C": 12, "D": 11}
    n_rows = 12 * 4 - 1 + 2 + 1
    assert f"from {n_rows - 1} of {n_rows} listens" in capsys.readouterr().out
    assert pack.about["licence"] == "CC0 1.0"
    assert pack.about["data_from"] == pack.about["data_until"] == "2026-10-01"
    assert not (tmp_path / "pack.work").exists()


def test_artists_are_counted_too_and_named_by_their_own_name(dump, tmp_path):
    duets = [listen(i, "E", ("a", "z"), 200) for i in range(12)]
    write(dump / "1.parquet", [*duets, *small_dump()])
    pack = build(dump, tmp_path)
    assert pack.artists is not None
    named = dict(zip(pack.artists.prior.keys.tolist(), pack.artists.names, strict=True))
    assert named[mbid("a")] == "a"
    rows = {name: row for row, name in enumerate(pack.artists.names)}
    assert pack.artists.prior.together[rows["c"], rows["d"]] == 11


def test_what_ten_listeners_do_not_share_is_not_in_the_pack(dump, tmp_path):
    rare = [
        listen(i, song, song.lower(), 300 + 4 * n) for i in range(9) for n, song in enumerate("XY")
    ]
    write(dump / "1.parquet", [*small_dump(), *rare])
    pack = build(dump, tmp_path)
    assert set(pack.labels.titles) == {"A", "B", "C", "D"}
    assert pack.prior.fewest() >= 10


def test_skipped_songs_and_songs_of_one_artist_make_no_pair(dump, tmp_path):
    listens = []
    for listener in range(12):
        listens += [listen(listener, "Skipped", "s", 0), listen(listener, "A", "a", 0, seconds=29)]
        listens += [listen(listener, "A2", "a", 4), listen(listener, "B", "b", 8)]
    write(dump / "1.parquet", listens)
    assert read_pairs(build(dump, tmp_path)) == {
        frozenset(("A", "B")): 12,
        frozenset(("A2", "B")): 12,
    }


def test_a_tar_file_gives_what_its_parquet_files_give(dump, tmp_path):
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(small_dump(), schema=SCHEMA), buffer)
    with tarfile.open(dump / "listenbrainz-listens-dump-spark-incremental.tar", "w") as archive:
        member = tarfile.TarInfo("listens/0.parquet")
        member.size = len(buffer.getvalue())
        archive.addfile(member, io.BytesIO(buffer.getvalue()))
    assert read_pairs(build(dump, tmp_path)) == {frozenset("AB"): 12, frozenset("CD"): 11}


def test_redirected_recordings_are_one_and_former_ids_are_followed(dump, tmp_path):
    former = [{**row, "recording_mbid": mbid("old A")} if row["recording_name"] == "A" and row["user_id"] < 6 else row
              for row in small_dump()]  # fmt: skip
    write(dump / "1.parquet", former)
    table = f"recording_mbid,canonical_recording_mbid,canonical_release_mbid\n{mbid('old A')},{mbid('A')},\n"
    with pa.output_stream(
        str(dump / "canonical_recording_redirect.csv.zst"), compression="zstd"
    ) as out:
        out.write(table.encode())
    pack = build(dump, tmp_path)
    assert read_pairs(pack)[frozenset("AB")] == 12
    assert pack.redirects == {mbid("old A"): mbid("A")}
    prior = pack.over(np.array([mbid("old A"), mbid("B")]))
    assert prior.together[0, 1] == 12


def test_a_stopped_build_goes_on_and_gives_the_same_pack(dump, tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    for number in range(3):
        listens = [
            listen(int(i), f"S{rng.integers(40)}", f"a{rng.integers(9)}", int(t))
            for i in range(40) for t in rng.integers(0, 40, 30) + 1000 * number
        ]  # fmt: skip
        write(dump / f"{number}.parquet", listens)
    options = BuildOptions()
    seed_builder.build_pack(dump, tmp_path / "whole", tmp_path / "work", options)
    whole = load_pack(tmp_path / "whole")
    finished = []

    def stop_twice(stage, done, total):
        finished.append((stage, done))
        if (stage, done) in {("read", 2), ("pair", 5)} and finished.count((stage, done)) == 1:
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            seed_builder.build_pack(dump, tmp_path / "cut", tmp_path / "work", options, stop_twice)
        assert not (tmp_path / "cut").exists()
    n_read = len(list((tmp_path / "work").glob("listens-*")))
    assert n_read == 3
    seed_builder.build_pack(dump, tmp_path / "cut", tmp_path / "work", options, stop_twice)
    cut = load_pack(tmp_path / "cut")
    assert cut.prior.keys.tolist() == whole.prior.keys.tolist()
    assert (cut.prior.together != whole.prior.together).nnz == 0
    assert whole.prior.together.nnz > 0


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.parquet", b"no parquet", "x.parquet can't be read as parquet"),
        ("x.tar", b"no tar", "x.tar can't be read as a tar file"),
        ("x.tar.xz", b"", "x.tar.xz is compressed; unpack it first"),
        ("x.txt", b"", "There is no parquet file"),
    ],
)
def test_a_file_that_is_no_dump_is_named(dump, tmp_path, name, content, sentence):
    (dump / name).write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        build(dump, tmp_path)
    assert not (tmp_path / "pack").exists()


def test_a_dump_without_a_column_or_with_other_ids_is_told(dump, tmp_path):
    table = pa.Table.from_pylist(small_dump(), schema=SCHEMA)
    pq.write_table(table.drop_columns(["user_id"]), dump / "1.parquet")
    with pytest.raises(CommandError, match=r"1\.parquet has no column user_id"):
        build(dump, tmp_path)
    odd = [
        {**row, "recording_mbid": bad}
        for row, bad in zip(small_dump(), ["", "é" * 18, "-" * 36, "x" * 36] * 12, strict=False)
    ]
    write(dump / "1.parquet", odd)
    with pytest.raises(CommandError, match="No recording was heard by 10 listeners"):
        build(dump, tmp_path)


@pytest.mark.parametrize("asked", [0, 9])
def test_the_floor_of_ten_listeners_holds_here_too(dump, tmp_path, asked):
    write(dump / "1.parquet", small_dump())
    with pytest.raises(
        CommandError, match=f"At least 10 listeners must share a pair.*{asked} were asked"
    ):
        build(dump, tmp_path, "--fewest-listeners", str(asked))


# --- Albums -----------------------------------------------------------------------------------------------------------

RECORDINGS = "canonical_musicbrainz_data.csv"
RELEASES = "canonical_release_redirect.csv"


def make_tables(*, extra=0):
    """Songs A and B are on "First, \"Live\"" and C on "Second"; D is in no table. More rows are of other songs."""
    recordings = io.StringIO()
    rows = csv.writer(recordings)
    rows.writerow(
        ["id", "artist_credit_id", "artist_mbids", "artist_credit_name", "release_mbid", "release_name",
         "recording_mbid", "recording_name", "combined_lookup", "score", "year"]
    )  # fmt: skip
    on = [("A", 'First, "Live"'), ("B", 'First, "Live"'), ("C", "Second")]
    on += [(f"other {n}", f"Album\n{n}") for n in range(extra)]
    for number, (song, album) in enumerate(on):
        rows.writerow(
            [number, 1, f"{{{mbid('a')},{mbid('z')}}}", "a", mbid(f"release of {album}"), album,
             mbid(song).upper(), song, "asong", 9, ""]
        )  # fmt: skip
    releases = io.StringIO()
    rows = csv.writer(releases)
    rows.writerow(["release_mbid", "canonical_release_mbid", "release_group_mbid"])
    first, second = mbid('release of First, "Live"'), mbid("release of Second")
    # the first is named as another release's canonical one only
    rows.writerow([mbid("other edition"), first, mbid("group of First")])
    rows.writerow([second, mbid("canonical second"), mbid("group of Second")])
    return recordings.getvalue(), releases.getvalue()


def write_table(path, text):
    compression = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    with pa.output_stream(str(path), compression=compression) as out:
        out.write(text.encode())


def read_album_labels(pack):
    labels = pack.labels
    return dict(
        zip(labels.titles, zip(labels.album_titles, labels.album_keys, strict=True), strict=True)
    )


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_songs_have_the_album_and_release_group_of_the_canonical_tables(
    dump, tmp_path, suffix, capsys
):
    write(dump / "1.parquet", small_dump())
    recordings, releases = make_tables(extra=2000)
    write_table(dump / f"{RECORDINGS}{suffix}", recordings)
    write_table(dump / f"{RELEASES}{suffix}", releases)
    assert read_album_labels(build(dump, tmp_path)) == {
        "A": ('First, "Live"', mbid("group of First")),
        "B": ('First, "Live"', mbid("group of First")),
        "C": ("Second", mbid("group of Second")),
        "D": ("", ""),
    }
    output = capsys.readouterr().out
    assert "Reading albums: 10 of 10" in output
    assert "The album of 3 songs is named." in output


def test_a_song_under_a_former_id_has_the_album_of_its_present_one(dump, tmp_path):
    write(dump / "1.parquet", [
        {**row, "recording_mbid": mbid("old A")} if row["recording_name"] == "A" else row
        for row in small_dump()
    ])  # fmt: skip
    (dump / "canonical_recording_redirect.csv").write_text(
        f"recording_mbid,canonical_recording_mbid,canonical_release_mbid\n{mbid('old A')},{mbid('A')},\n"
    )
    (dump / RECORDINGS).write_text(make_tables()[0])
    assert read_album_labels(build(dump, tmp_path))["A"] == ('First, "Live"', "")


def test_a_pack_without_the_tables_has_no_albums_and_is_as_before(dump, tmp_path, capsys):
    write(dump / "1.parquet", small_dump())
    (dump / RELEASES).write_text(make_tables()[1])
    pack = build(dump, tmp_path)
    assert pack.labels.album_titles == () and pack.labels.album_keys == ()
    assert not list((tmp_path / "pack").glob("album*"))
    assert "album" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "column"),
    [
        (RECORDINGS, "release_name"),
        (RECORDINGS, "recording_mbid"),
        (RELEASES, "release_group_mbid"),
    ],
)
def test_a_table_without_a_column_is_refused_before_anything_is_read(
    dump, tmp_path, name, column, capsys
):
    write(dump / "1.parquet", small_dump())
    for each, text in zip((RECORDINGS, RELEASES), make_tables(), strict=True):
        (dump / each).write_text(text.replace(column, "x", 1) if each == name else text)
    with pytest.raises(CommandError, match=rf"^{name} has no column {column}\.$"):
        build(dump, tmp_path)
    assert "Reading" not in capsys.readouterr().out


def damage_table(path, how, text):
    write_table(path, text)
    whole = path.read_bytes()
    if how == "cut off":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "no such compression":
        path.write_bytes(text.encode())
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "a row too short":
        path.write_text(text + "1,2\n")
    else:
        path.write_bytes(text.encode().replace(b"Second", b"Se\xffcond"))


@pytest.mark.parametrize(
    ("suffix", "how"),
    [(".gz", "cut off"), (".zst", "cut off"), (".zst", "no such compression"), ("", "empty"), ("", "a row too short"),
     ("", "not UTF-8")],
)  # fmt: skip
def test_a_damaged_table_is_refused_in_one_sentence_that_names_it(dump, tmp_path, suffix, how):
    write(dump / "1.parquet", small_dump())
    path = dump / f"{RECORDINGS}{suffix}"
    damage_table(path, how, make_tables(extra=20_000)[0])
    with pytest.raises(
        CommandError, match=f"^{path.name} (can't be read as a table|has no column)"
    ) as refused:
        build(dump, tmp_path)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "pack").exists()


def test_a_better_table_is_read_without_all_the_steps_before(dump, tmp_path):
    """A damaged table is put right, and the second call goes on at the albums."""
    write(dump / "1.parquet", small_dump())
    (dump / RECORDINGS).write_text(make_tables()[0] + "1,2\n")
    with pytest.raises(CommandError, match="can't be read as a table"):
        build(dump, tmp_path)
    finished = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "pack.work").iterdir()}
    assert "listens-0" in finished
    (dump / RECORDINGS).write_text(make_tables()[0])
    stages = []
    seed_builder.build_pack(
        dump, tmp_path / "pack", tmp_path / "pack.work",
        on_progress=lambda stage, done, total: stages.append((stage, *(
            path.stat().st_mtime_ns for path in (tmp_path / "pack.work").glob("listens-0")
        ))),
    )  # fmt: skip
    assert {mark for stage, mark in stages if stage == "album"} == {finished["listens-0"]}
    assert read_album_labels(load_pack(tmp_path / "pack"))["C"][0] == "Second"
