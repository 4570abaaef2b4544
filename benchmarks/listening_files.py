"""Reads the files of `benchmarks.quality`: listening as .npz or CSV, what is known of the items as CSV."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, load_npz

from recommendations.engine import (
    AUDIO_FEATURES,
    PRESETS,
    IdMap,
    Interactions,
    ItemFeatures,
    NotEnoughData,
)

HEADERS = {"item", "item_id", "song", "song_id", "artist_id"}
GENRE_COLUMNS = {"genre", "genres", "tag", "tags"}
MOST_UNIQUE = 0.5
"""A text column with more different values than this share of the items (titles, say) is no category."""


class BadFile(ValueError):
    """A file cannot be used; the message says which line and why."""


def listening_parser(
    description: str | None, *, needs_features: bool = False
) -> argparse.ArgumentParser:
    """Return a parser with the files, preset and seed that these benchmarks have in common."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--item-features", type=Path, required=needs_features)
    parser.add_argument("--preset", choices=sorted(PRESETS), default="tuned")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def refused_in_a_sentence(program: str, work: Callable[[], int]) -> int:
    """Return what the work returns, or 1 after one sentence about the file that cannot be used."""
    try:
        return work()
    except (BadFile, NotEnoughData, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1


@dataclass(frozen=True)
class Listening:
    """Both parts over the same listeners and items.

    Attributes
    ----------
    train, test : float32 csr (n_listeners, n_items)
    features : ItemFeatures or None
    order : float32 csr (n_listeners, n_items) or None
        Place of each song of `train` in its listener's order, from 1.
    is_heard_in_order
        Whether that is the order in which they were heard, and not that of a playlist.
    """

    train: csr_matrix
    test: csr_matrix
    features: ItemFeatures | None
    order: csr_matrix | None = None
    is_heard_in_order: bool = False

    @property
    def interactions(self) -> Interactions:
        """The events of `train`, in their order where it is known."""
        times = self.order if self.is_heard_in_order else None
        return Interactions.from_matrix(self.train, self.order, times)


def read_listening(train: Path, test: Path, item_features: Path | None = None) -> Listening:
    """Read the files; both of them .npz or both of them CSV.

    Raises
    ------
    BadFile
    """
    if {train.suffix, test.suffix} == {".npz"}:
        training, held_out = _matrix(train), _matrix(test)
        if training.shape != held_out.shape:
            raise BadFile(
                f"{train} is {training.shape} and {test} is {held_out.shape}; they must be alike."
            )
        items = IdMap(np.arange(training.shape[1]))
        times, positions = (
            train.with_name(f"{train.stem}_{name}.npz") for name in ("times", "order")
        )
        order = next((_matrix(path) for path in (times, positions) if path.exists()), None)
        return Listening(
            training,
            held_out,
            _features(item_features, items, numbered=True),
            order,
            times.exists(),
        )
    if ".npz" in {train.suffix, test.suffix}:
        raise BadFile("Give train and test both as .npz or both as CSV.")
    rows = [_pairs(path) for path in (train, test)]
    extra = [row[0] for row in _table(item_features)[1]] if item_features else []
    listeners = IdMap(sorted({row[0] for pairs in rows for row in pairs}))
    items = IdMap(sorted({row[1] for pairs in rows for row in pairs} | set(extra)))
    training, held_out = (_from_pairs(pairs, listeners, items) for pairs in rows)
    return Listening(training, held_out, _features(item_features, items, numbered=False))


def _matrix(path: Path) -> csr_matrix:
    try:
        return csr_matrix(load_npz(path), dtype=np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise BadFile(f"{path} is no scipy .npz matrix: {error}.") from error


def _pairs(path: Path) -> list[tuple[str, str, float]]:
    pairs = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        for line, row in enumerate(csv.reader(file), 1):
            if not row or (line == 1 and len(row) > 1 and row[1].strip().lower() in HEADERS):
                continue
            if len(row) not in (2, 3):
                raise BadFile(
                    f"{path}, line {line}: expected listener,item[,value], found {len(row)} columns."
                )
            pairs.append((row[0], row[1], _number(row[2], path, line) if len(row) == 3 else 1.0))
    return pairs


def _number(text: str, path: Path, line: int) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise BadFile(f"{path}, line {line}: {text!r} is no number.") from error
    if not np.isfinite(value):
        raise BadFile(f"{path}, line {line}: {text!r} is no finite number.")
    return value


def _from_pairs(
    pairs: Sequence[tuple[str, str, float]], listeners: IdMap, items: IdMap
) -> csr_matrix:
    shape = (len(listeners), len(items))
    if not pairs:
        none = np.zeros(0, dtype=np.int32)
        return csr_matrix((np.zeros(0, dtype=np.float32), (none, none)), shape=shape)
    listener_ids, item_ids, values = zip(*pairs, strict=True)
    matrix_rows = listeners.rows(np.array(listener_ids)), items.rows(np.array(item_ids))
    return csr_matrix((np.array(values, dtype=np.float32), matrix_rows), shape=shape)


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows or len(rows[0]) < 2:
        raise BadFile(f"{path} needs a header: the item, then at least one feature.")
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]):
            raise BadFile(
                f"{path}, line {line}: {len(row)} columns, the header has {len(rows[0])}."
            )
    return [name.strip().lower() for name in rows[0]], rows[1:]


def _features(path: Path | None, items: IdMap, *, numbered: bool) -> ItemFeatures | None:
    if path is None:
        return None
    names, rows = _table(path)
    ids = (
        np.array([int(row[0]) for row in rows]) if numbered else np.array([row[0] for row in rows])
    )
    item_rows = items.rows(ids)
    catalogued = np.flatnonzero(item_rows >= 0)
    columns = {
        name: [rows[row][column] for row in catalogued]
        for column, name in enumerate(names)
        if column > 0
    }
    item_rows = item_rows[catalogued]
    artist = columns.pop("artist", None)
    audio = [
        _numbers(columns.pop(name), item_rows, len(items)) if name in columns else None
        for name in AUDIO_FEATURES
    ]
    year = columns.pop("year", None)
    unknown = np.full(len(items), np.nan, dtype=np.float32)
    return ItemFeatures.build(
        audio=np.column_stack([unknown if column is None else column for column in audio]),
        artist=None if artist is None else _categories(artist, item_rows, len(items)),
        year=None if year is None else _numbers(year, item_rows, len(items)),
        genres=_genres(columns, item_rows, len(items)),
    )


def _numbers(texts: Sequence[str], item_rows: NDArray[Any], n_items: int) -> NDArray[np.float32]:
    values = np.full(n_items, np.nan, dtype=np.float32)
    values[item_rows] = [float(text) if text.strip() else np.nan for text in texts]
    return values


def _categories(texts: Sequence[str], item_rows: NDArray[Any], n_items: int) -> NDArray[np.int32]:
    values = np.full(n_items, -1, dtype=np.int32)
    numbers = {
        text: number for number, text in enumerate(sorted({text for text in texts if text.strip()}))
    }
    values[item_rows] = [numbers.get(text, -1) for text in texts]
    return values


def _genres(
    columns: dict[str, list[str]], item_rows: NDArray[Any], n_items: int
) -> csr_matrix | None:
    """Text columns that sort the items into groups; a cell may hold several, divided by | or ;."""
    pairs = []
    for name, texts in columns.items():
        cells = [
            [value.strip() for value in text.replace(";", "|").split("|") if value.strip()]
            for text in texts
        ]
        values = {value for cell in cells for value in cell}
        is_text = any(not _is_number(value) for value in values)
        if is_text and (name in GENRE_COLUMNS or len(values) <= MOST_UNIQUE * len(texts)):
            pairs += [
                (item_row, f"{name}={value}")
                for item_row, cell in zip(item_rows, cells, strict=True)
                for value in cell
            ]
    if not pairs:
        return None
    numbers = {value: number for number, value in enumerate(sorted({value for _, value in pairs}))}
    rows, columns_of_values = zip(
        *((item_row, numbers[value]) for item_row, value in pairs), strict=True
    )
    matrix = csr_matrix(
        (np.ones(len(rows), dtype=bool), (rows, columns_of_values)), shape=(n_items, len(numbers))
    )
    return matrix


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
