"""Listens as people have them, made into the files that `benchmarks/quality.py` compares systems on.

    python benchmarks/prepare.py LISTENS OUT [--songs SONGS] [--format csv|hetrec] [--seed N]
    python benchmarks/prepare.py LISTENS OUT --ordered [--split newest|random]
    python benchmarks/prepare.py world OUT [--seed N]

LISTENS and SONGS are what `import_listens` and `import_songs` read; `world` is the synthetic world of 10,000 listeners
and 5,000 songs. OUT becomes a folder with train.npz and test.npz (a random 20 % of each listener's songs is the test
part) and items.csv: artist, genres, year and audio features where they are known. With --ordered the rows of LISTENS
are in the order of listening, and train_times.npz has the order of what is left to learn from; then the last 20 %
(rounded down) of each listener's songs are held out, and the test part is that of 20,000 of them. With --split random
the order is that of a playlist (train_order.npz), and the songs are taken at random. The synthetic world is split at
random, its order kept.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, save_npz

from catalog.imports.importers import get_importer, open_file
from catalog.records import AUDIO_FEATURES, ListenRecord, SongRecord, WrongFile
from recommendations.engine import Interactions
from recommendations.engine.core.arrays import list_entry_rows
from recommendations.engine.core.ordered import count_steps_back, keep_entries
from recommendations.engine.core.weighting import Weighting
from recommendations.engine.evaluation import split_randomly
from recommendations.engine.synthetic.world import World

TEST_SHARE = 0.2
MOST_TESTED = 20_000
ORDER_FILES = {"newest": "train_times.npz", "random": "train_order.npz"}
"""Of the order by the split: that of listening, or that of a playlist."""
COLUMNS = ("item", "artist", "genres", "year", *AUDIO_FEATURES)


def main() -> int:
    options = _options()
    try:
        print(
            prepare(
                options.listens,
                options.out,
                options.songs,
                options.format,
                options.seed,
                options.ordered,
                options.split,
            )
        )
    except (WrongFile, OSError) as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("listens", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--songs", type=Path)
    parser.add_argument("--format", choices=("csv", "hetrec"), default="csv")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ordered", action="store_true")
    parser.add_argument("--split", choices=("newest", "random"), default="newest")
    return parser.parse_args()


def prepare(
    listens: Path,
    out: Path,
    songs: Path | None,
    form: str,
    seed: int,
    is_ordered: bool = False,
    split: str = "newest",
) -> str:
    """Write the files and say in one sentence what they hold.

    Raises
    ------
    WrongFile
    """
    if str(listens) == "world":
        return _write_files(out, *_world(seed), seed)
    songs_by_key = {} if songs is None else {song.key: song for song in _songs(songs)}
    keys: list[str] = []
    listeners: list[str] = []
    plays: list[int] = []
    for record in _records(listens, "listens", form):
        if isinstance(record, ListenRecord):
            if record.song is not None:
                songs_by_key.setdefault(_key(record), record.song)
            keys.append(_key(record))
            listeners.append(record.listener)
            plays.append(record.plays)
    if not keys:
        raise WrongFile(f"{listens.name} holds no listens.")
    order = np.arange(len(keys)) if is_ordered else None
    interactions = Interactions.from_ids(
        np.array(listeners), np.array(keys), plays=np.array(plays), positions=order
    )
    items = _items(interactions.items.ids, songs_by_key)
    return _write_files(out, interactions, items, seed, split)


def _world(seed: int) -> tuple[Interactions, Iterable[Sequence[object]]]:
    world = World(seed=seed)
    songs = world.songs
    rows = (
        [
            number,
            f"artist {songs.artist[number]}",
            "|".join(f"genre {genre}" for genre in songs.genres[number].indices),
            songs.year[number],
            *songs.audio[number],
        ]
        for number in range(world.n_songs)
    )
    return world.to_interactions(), rows


def _write_files(
    out: Path,
    interactions: Interactions,
    items: Iterable[Sequence[object]],
    seed: int,
    split: str = "random",
) -> str:
    out.mkdir(parents=True, exist_ok=True)
    counts = interactions.to_matrix(Weighting())
    steps = count_steps_back(counts)
    if steps is None or split == "random":
        train, test = _parts(interactions, seed)
        if steps is not None:
            train = keep_entries(counts, ~_is_in(test, counts))
    else:
        train, test = _newest_apart(counts, steps, seed)
    train_steps = count_steps_back(train)
    for name in ORDER_FILES.values():
        (out / name).unlink(missing_ok=True)
    if train_steps is not None:
        save_npz(out / ORDER_FILES[split], _order(train, train_steps))
    save_npz(out / "train.npz", train)
    save_npz(out / "test.npz", test)
    with (out / "items.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(items)
    return (
        f"{out}: {train.shape[0]:,} listeners x {train.shape[1]:,} items, {train.nnz:,} pairs to learn from "
        f"and {test.nnz:,} to find again."
    )


def _records(path: Path, content: str, form: str) -> Iterator[ListenRecord | SongRecord]:
    for record in get_importer(content, form).read(open_file(path), {}):
        if isinstance(record, ListenRecord | SongRecord):
            yield record


def _songs(path: Path) -> Iterable[SongRecord]:
    return (record for record in _records(path, "songs", "csv") if isinstance(record, SongRecord))


def _key(record: ListenRecord) -> str:
    if record.song is None:
        return record.song_key
    return record.song.key or f"{record.song.artist} / {record.song.title}"


def _parts(interactions: Interactions, seed: int) -> tuple[csr_matrix, csr_matrix]:
    """Number of plays of each pair, apart for training and test."""
    split = split_randomly(interactions, seed=seed)
    counts = interactions.to_matrix(Weighting())
    test = split.test.astype(np.float32).multiply(counts).tocsr()
    train = (counts - test).tocsr()
    train.eliminate_zeros()
    return train, test


def _is_in(test: csr_matrix, counts: csr_matrix) -> NDArray[np.bool_]:
    """Return which stored entries of `counts` the test part holds, bool (nnz,)."""
    rows = list_entry_rows(counts)
    is_held_out: NDArray[np.bool_] = np.asarray(test[rows, counts.indices]).ravel() != 0
    return is_held_out


def _newest_apart(
    counts: csr_matrix, steps: NDArray[np.int32], seed: int
) -> tuple[csr_matrix, csr_matrix]:
    """Hold out the last songs of each listener; the test part is that of `MOST_TESTED` listeners at most."""
    n_held_out = np.floor(TEST_SHARE * np.diff(counts.indptr)).astype(int)
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    is_held_out = steps < n_held_out[rows]
    able = np.flatnonzero(n_held_out)
    drawn = np.random.default_rng(seed).permutation(able)[:MOST_TESTED]
    return keep_entries(counts, ~is_held_out), keep_entries(
        counts, is_held_out & np.isin(rows, drawn)
    )


def _order(train: csr_matrix, steps: NDArray[np.int32]) -> csr_matrix:
    """Return each entry's place in its listener's order, from 1."""
    lengths = np.diff(train.indptr)
    positions = np.repeat(lengths, lengths) - steps
    return csr_matrix(
        (positions.astype(np.float32), train.indices, train.indptr), shape=train.shape
    )


def _items(ids: Iterable[str], songs_by_key: dict[str, SongRecord]) -> Iterator[Sequence[object]]:
    for number, key in enumerate(ids):
        song = songs_by_key.get(str(key))
        if song is not None:
            values = ["" if value is None else value for value in song.features]
            # an artist that is the item itself says nothing
            artist = "" if song.artist == song.title else song.artist
            yield [number, artist, "|".join(song.genres), song.year or "", *values]


if __name__ == "__main__":
    sys.exit(main())
