"""The quality benchmark reads anybody's files and says what it measured."""

import json
import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix, save_npz

from benchmarks import families, prepare, quality, reasons
from benchmarks.listening_files import BadFile, Listening, read_listening, refused_in_a_sentence
from benchmarks.softmax_mf import SoftmaxMF
from tests.engine.worlds import checkerboard


@pytest.fixture
def files(tmp_path):
    whole = checkerboard(30)
    rng = np.random.default_rng(0)
    hidden = csr_matrix((whole.toarray() > 0) & (rng.random(whole.shape) < 0.2), dtype=np.float32)
    train = csr_matrix(whole - hidden)
    train.eliminate_zeros()
    save_npz(tmp_path / "train.npz", train)
    save_npz(tmp_path / "test.npz", hidden)
    return tmp_path


def test_it_compares_the_preset_with_components_and_peer(files, monkeypatch, capsys):
    # in this process: a process for each system is what takes the time
    monkeypatch.setattr(quality, "run_alone", quality.run)
    monkeypatch.setattr(quality, "COMPONENTS", ("item_knn", "content", "popularity"))
    arguments = [
        "--train",
        files / "train.npz",
        "--test",
        files / "test.npz",
        "--preset",
        "classic",
    ]
    monkeypatch.setattr(
        sys, "argv", ["quality", *map(str, arguments), "--json", str(files / "out.json")]
    )
    assert quality.main() == 0
    result = json.loads((files / "out.json").read_text())
    assert {"preset", "seed", "systems", "best_component", "ratio", "difference_interval"} == set(
        result
    )
    kinds = [(system["name"], system["kind"]) for system in result["systems"]]
    assert kinds[0] == ("classic", "preset") and kinds[-1] == ("implicit_als_defaults", "peer")
    measured = ("ndcg@10", "recall@20", "precision@10", "coverage@10", "fit_seconds", "peak_mb")
    assert all(np.isfinite(system[name]) for system in result["systems"] for name in measured)
    assert "times the NDCG@10" in capsys.readouterr().out


def test_whether_reasons_are_true_is_counted_in_a_table(tmp_path, monkeypatch, capsys):
    save_npz(tmp_path / "train.npz", csr_matrix(checkerboard(120), dtype=np.float32))
    arguments = ["--preset", "classic", "--cases", "30", "--draws", "2", "--any-song", "5"]
    monkeypatch.setattr(
        sys, "argv", ["reasons", "--train", str(tmp_path / "train.npz"), *arguments]
    )
    assert refused_in_a_sentence("reasons", reasons.main) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "classic, 2 draws of 30 recommended songs"
    assert len(lines) == len(reasons.WORDS) + 1
    assert lines[0].startswith("score falls without the named song")
    assert lines[-1].endswith("(5 songs tried)")


def test_a_file_that_is_not_there_is_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reasons", "--train", "/nowhere/train.npz"])
    assert refused_in_a_sentence("reasons", reasons.main) == 1
    assert capsys.readouterr().err == (
        "reasons: /nowhere/train.npz is no scipy .npz matrix: [Errno 2] No such file or directory: "
        "'/nowhere/train.npz'.\n"
    )


def test_csv_files_with_features_become_matrices(tmp_path):
    (tmp_path / "train.csv").write_text("listener,item,value\nann,x,3\nann,y,1\nbob,y,2\n")
    (tmp_path / "test.csv").write_text("bob,x\n")
    (tmp_path / "items.csv").write_text(
        "item,title,artist,energy,genre,year\nx,One,A,0.5,rock|pop,1999\ny,Two,A,,rock,\nz,Three,B,0.1,,2001\n"
    )
    data = read_listening(tmp_path / "train.csv", tmp_path / "test.csv", tmp_path / "items.csv")
    assert data.train.toarray().tolist() == [[3, 1, 0], [0, 2, 0]]
    assert data.test.toarray().tolist() == [[0, 0, 0], [1, 0, 0]]
    assert data.features.artist[0] == data.features.artist[1] != data.features.artist[2]
    assert np.isnan(data.features.audio[1]).all() and np.isnan(data.features.year[1])
    assert data.features.genres.toarray().sum(axis=1).tolist() == [2, 1, 0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ann,x,many", "'many' is no number"),
        ("ann", "expected listener,item"),
        ("ann,x,nan", "finite"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    (tmp_path / "train.csv").write_text(f"ann,y,1\n{line}\n")
    with pytest.raises(BadFile, match=f"line 2: .*{message}"):
        read_listening(tmp_path / "train.csv", tmp_path / "train.csv")


def test_mixed_kinds_of_files_are_refused(files):
    with pytest.raises(BadFile, match="both as"):
        read_listening(files / "train.npz", files / "test.csv")


def test_listens_are_made_into_its_files(tmp_path):
    (tmp_path / "songs.csv").write_text("song_id,title,artist,energy\na,One,Ann,0.5\nb,Two,Ann,\n")
    listens = [f"{listener},{song}" for listener in ("x", "y") for song in "ab"]
    (tmp_path / "listens.csv").write_text("\n".join(["listener,song_id", *listens]))
    sentence = prepare.prepare(
        tmp_path / "listens.csv", tmp_path / "out", tmp_path / "songs.csv", "csv", 0
    )
    assert "2 listeners x 2 items, 2 pairs to learn from and 2 to find again" in sentence
    out = tmp_path / "out"
    data = read_listening(out / "train.npz", out / "test.npz", out / "items.csv")
    assert ((data.train + data.test).toarray() == 1).all()
    assert data.features.artist.tolist() == [0, 0]
    assert np.isnan(data.features.audio[1]).all()


def test_a_random_test_part_is_the_same_with_the_order_kept(tmp_path):
    listens = [f"{listener},{song}" for listener in ("x", "y") for song in "hgfedcba"]
    (tmp_path / "listens.csv").write_text("\n".join(["listener,song_id", *listens]))
    for out, is_ordered in (("plain", False), ("ordered", True)):
        prepare.prepare(
            tmp_path / "listens.csv", tmp_path / out, None, "csv", 0, is_ordered, "random"
        )
    plain, ordered = (
        read_listening(tmp_path / out / "train.npz", tmp_path / out / "test.npz")
        for out in ("plain", "ordered")
    )
    np.testing.assert_array_equal(plain.train.toarray(), ordered.train.toarray())
    np.testing.assert_array_equal(plain.test.toarray(), ordered.test.toarray())
    assert plain.order is None
    # the songs are numbered a to h and were heard h to a: the places of what is left fall with the number
    for row in range(2):
        order = ordered.order[row]
        n_left = ordered.train[row].nnz
        assert order.data[np.argsort(order.indices)].tolist() == list(range(n_left, 0, -1))


def test_every_family_finds_the_withheld_songs_of_a_checkerboard(monkeypatch):
    heard = checkerboard(20)
    withheld = csr_matrix(np.eye(20, dtype=np.float32))
    quick = {name: families.FAMILIES[name] for name in ("popularity", "item kNN")}
    monkeypatch.setattr(
        families,
        "FAMILIES",
        quick
        | {"softmax MF": lambda listens, seed: SoftmaxMF(8, 60, seed=seed).fit(listens).score},
    )
    results = {one.name: one for one in families.measure(Listening(heard, withheld, None), 0)}
    assert results["softmax MF"].ndcg == results["item kNN"].ndcg == pytest.approx(1.0)
    assert results["popularity"].ndcg < 0.6
