"""A seed pack from public listening histories: generated parquet files of the true layout."""

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
from recommendations.services.data import seed_builder

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
    options = seed_builder.BuildOptions()
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
