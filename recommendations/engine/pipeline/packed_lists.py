"""Lists of many listeners as arrays, and how each of them is written down in compact JSON types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
import orjson
from numpy.typing import NDArray

from recommendations.engine.core.arrays import NO_SONG
from recommendations.engine.core.config import SEGMENTS
from recommendations.engine.core.idmap import IdMap
from recommendations.engine.pipeline.results import THOUSAND, ZERO, RecommendedList
from recommendations.engine.ranking.ensemble import MILLION
from recommendations.engine.ranking.explanations import EvidenceArrays, FeatureArrays
from recommendations.engine.reranking.list_contract import TermReport
from recommendations.engine.reranking.mmr import Candidates


@dataclass(frozen=True)
class RecommendedBlock:
    """Lists of several listeners as arrays.

    Attributes
    ----------
    positions : int (n,)
        Which rows of the batch these are.
    item_rows : int32 (n, k)
        -1 where a list ends early.
    contributions : int32 (n, k, n_components)
        In millionths of the score.
    segments : int8 (n,)
    weights : float64 (n, n_components)
    notes : int32 (n, k, 2)
        Kind and count of popularity.
    margin_ratios : float32 (n, k)
        What the song named first adds, in distances from the recommended song to the next one of the ranking.
    flip_threshold
        Reaches from here on are decisive.
    contract, candidates
        Of a block of one listener: how the list keeps its contract, and what it was chosen from, where asked for.
    """

    positions: NDArray[np.intp]
    names: tuple[str, ...]
    items: IdMap
    item_rows: NDArray[np.int32]
    contributions: NDArray[np.int32]
    segments: NDArray[np.int8]
    weights: NDArray[np.float64]
    evidence: EvidenceArrays
    features: FeatureArrays
    notes: NDArray[np.int32]
    margin_ratios: NDArray[np.float32]
    flip_threshold: float
    contract: tuple[TermReport, ...] = ()
    candidates: Candidates | None = None

    @property
    def scores(self) -> NDArray[np.float64]:
        """float64 (n, k), 0 where a list ends early."""
        totals: NDArray[np.float64] = self.contributions.sum(axis=2) / MILLION
        return totals

    def pack(self, row: int) -> dict[str, Any]:
        """Return one listener's list as JSON types: flat columns, amounts in whole millionths.

        A column holds equally many values for each song; nested lists would take ten times as long.
        """
        n = int(self._lengths[row])
        columns = self._columns(np.array([row]), n)
        return (
            {"segment": self.segment(row), "components": list(self.names)}
            | {
                name: [_convert_column(column) for column in group]
                if isinstance(group, tuple)
                else _convert_column(group)
                for name, group in columns.items()
            }
            | {"rows": self.item_rows[row, :n].tolist()}
            | ({"contract": [one.to_list() for one in self.contract]} if self.contract else {})
        )

    def list_candidates(self, row: int) -> tuple[tuple[int | str, float], ...]:
        """Return the ids and scores of what one listener's list was chosen from; nothing where they were not kept."""
        if self.candidates is None:
            return ()
        item_rows, totals = self.candidates.item_rows[row], self.candidates.totals[row]
        is_song = item_rows != NO_SONG
        ids = self.items.ids[item_rows[is_song]].tolist()
        return tuple(zip(ids, totals[is_song].tolist(), strict=True))

    def pack_json(self, row: int) -> str:
        """Return what `packed` gives, but the rows, as JSON; the first call writes all lists of the block at once."""
        return self._json[row]

    @cached_property
    def _json(self) -> list[str]:
        lines = [""] * len(self.positions)
        names = orjson.dumps(self.names).decode()
        for n in np.unique(self._lengths):
            rows = np.flatnonzero(self._lengths == n)
            groups = self._columns(rows, int(n))
            template = f'{{{{"segment":"{{}}","components":{names}'
            cells: list[list[str]] = [[SEGMENTS[segment] for segment in self.segments[rows]]]
            for name, group in groups.items():
                columns = group if isinstance(group, tuple) else (group,)
                placeholders = ",".join(
                    "[{}]" if column.ndim == 2 else '"{}"' for column in columns
                )
                template += f',"{name}":' + (
                    f"[{placeholders}]" if isinstance(group, tuple) else placeholders
                )
                cells.extend(_encode_rows(column) for column in columns)
            template += "}}"
            for row, *values in zip(rows, *cells, strict=True):
                lines[row] = template.format(*values)
        return lines

    def _columns(
        self, rows: NDArray[np.intp], n: int
    ) -> dict[str, NDArray[Any] | tuple[NDArray[Any], ...]]:
        """Return the first n songs of these lists as columns of whole numbers and ids, and letters: a row a list."""

        def cut(column: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(column[rows, :n].reshape(len(rows), -1))

        evidence, features = self.evidence, self.features
        item_rows = self.item_rows[rows, :n]
        return {
            "weights": _round_to_whole(self.weights[rows], MILLION),
            "ids": self.items.ids[item_rows],
            "contributions": cut(self.contributions),
            "because": (
                self.items.ids[cut(evidence.item_rows)],
                _round_to_whole(cut(evidence.amounts), MILLION),
                _encode_letters(cut(evidence.components)),
            ),
            "features": (
                _encode_letters(cut(features.which)),
                _round_to_whole(cut(features.values), THOUSAND),
            ),
            "sound": _round_to_whole(features.means[rows], THOUSAND),
            "popularity": cut(self.notes),
            "decisive": _encode_letters(
                (cut(self.margin_ratios) >= self.flip_threshold).astype(np.int8)
            ),
        }

    def segment(self, row: int) -> str:
        """Return one of `SEGMENTS`."""
        return SEGMENTS[self.segments[row]]

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        lengths: NDArray[np.int64] = (self.item_rows != NO_SONG).sum(axis=1)
        return lengths


def _round_to_whole(values: NDArray[Any], scale: int) -> NDArray[np.int64]:
    return np.rint(values.astype(np.float64) * scale).astype(np.int64)


def _encode_letters(numbers: NDArray[np.int8]) -> NDArray[np.str_]:
    """Write numbers from -1 to 43 as one letter each, (n, m) as n texts."""
    n, width = numbers.shape
    letters = (numbers + ZERO).astype(np.uint8).tobytes().decode("ascii")
    return np.array([letters[row * width : (row + 1) * width] for row in range(n)])


def _convert_column(column: NDArray[Any]) -> Any:
    return column[0].tolist() if column.ndim == 2 else str(column[0])


def _encode_rows(column: NDArray[Any]) -> list[str]:
    """Return each row of a column as JSON without its brackets or quotation marks."""
    if column.ndim == 1:
        return list(column.tolist())
    if column.dtype.kind == "U":
        return [orjson.dumps(row).decode()[1:-1] for row in column.tolist()]
    encoded = orjson.dumps(np.ascontiguousarray(column), option=orjson.OPT_SERIALIZE_NUMPY)
    return encoded.decode()[2:-2].split("],[")


class RecommendedBatch(Sequence[RecommendedList]):
    """Lists of many listeners, in the order they were asked for; each becomes objects when it is read.

    Attributes
    ----------
    item_rows : int32 (n, k), -1 where a list ends early
    scores : float64 (n, k)
    cited_rows : int32 (n, k), the song of the history that is named first as the reason, -1 for none
    margin_ratios : float32 (n, k), how much that song adds, see `RecommendedBlock`
    """

    def __init__(self, blocks: Sequence[RecommendedBlock], n: int, k: int) -> None:
        self._blocks = blocks
        self._block_numbers = np.zeros(n, dtype=np.intp)
        self._row = np.zeros(n, dtype=np.intp)
        self.item_rows = np.full((n, k), NO_SONG, dtype=np.int32)
        self.cited_rows = np.full((n, k), NO_SONG, dtype=np.int32)
        self.margin_ratios = np.zeros((n, k), dtype=np.float32)
        self.scores = np.zeros((n, k))
        for number, block in enumerate(blocks):
            self._block_numbers[block.positions] = number
            self._row[block.positions] = np.arange(len(block.positions))
            self.item_rows[block.positions, : block.item_rows.shape[1]] = block.item_rows
            self.cited_rows[block.positions, : block.item_rows.shape[1]] = block.evidence.item_rows[
                :, :, 0
            ]
            self.margin_ratios[block.positions, : block.item_rows.shape[1]] = block.margin_ratios
            self.scores[block.positions, : block.item_rows.shape[1]] = block.scores

    def __len__(self) -> int:
        return len(self._block_numbers)

    def pack(self, index: int) -> dict[str, Any]:
        """Return one list as compact JSON types, for storing; `RecommendedList.from_dict` reads it.

        About ten times as fast as making the objects.
        """
        packed: dict[str, Any] = self._blocks[self._block_numbers[index]].pack(
            int(self._row[index])
        )
        return packed

    def pack_json(self, index: int) -> str:
        """Return what `packed` gives as JSON."""
        return str(self._blocks[self._block_numbers[index]].pack_json(int(self._row[index])))

    def segment(self, index: int) -> str:
        """Return how a listener was treated, one of `SEGMENTS`."""
        return str(self._blocks[self._block_numbers[index]].segment(int(self._row[index])))

    @overload
    def __getitem__(self, index: int) -> RecommendedList: ...
    @overload
    def __getitem__(self, index: slice) -> list[RecommendedList]: ...
    def __getitem__(self, index: int | slice) -> RecommendedList | list[RecommendedList]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"There are {len(self)} lists, not one at {index}.")
        unpacked = RecommendedList.from_dict(self.pack(index))
        block = self._blocks[self._block_numbers[index]]
        return replace(unpacked, candidates=block.list_candidates(int(self._row[index])))
