"""Database ids to matrix rows and back."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

UNKNOWN = -1
"""The row of an id that the map does not hold."""

SPARSEST = 4
"""A table of all numbers between the ids is kept if it is at most so many times as long as the ids."""


class IdMap:
    """A fixed order of distinct ids; the place of an id in it is its row.

    Parameters
    ----------
    ids
        Distinct ids, integers or strings, in row order.

    Raises
    ------
    ValueError
        An id occurs twice.
    TypeError
        The ids are neither integers nor strings.
    """

    def __init__(self, ids: ArrayLike) -> None:
        self.ids: NDArray[Any] = convert_ids(ids)
        in_order = self.ids[self._order]
        twice = in_order[1:] == in_order[:-1]
        if twice.any():
            raise ValueError(
                f"The id {in_order[1:][twice][0]!s} occurs twice; ids must be distinct."
            )

    @classmethod
    def from_values(cls, ids: ArrayLike) -> IdMap:
        """Map the distinct values of `ids`, in ascending order."""
        return cls(np.unique(convert_ids(ids)))

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(self.ids, kind="stable")

    @cached_property
    def _sorted(self) -> NDArray[Any]:
        return self.ids[self._order]

    @cached_property
    def _table(self) -> NDArray[np.int32] | None:
        """The row of each number from the smallest id on, and UNKNOWN at the end; None for scattered ids."""
        if self.ids.dtype.kind != "i" or len(self) == 0:
            return None
        span = int(self._sorted[-1]) - int(self._sorted[0]) + 1
        if span > SPARSEST * len(self):
            return None
        table = np.full(span + 1, UNKNOWN, dtype=np.int32)
        table[self.ids - self._sorted[0]] = np.arange(len(self), dtype=np.int32)
        return table

    def __len__(self) -> int:
        return len(self.ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and np.array_equal(self.ids, other.ids)

    def __hash__(self) -> int:
        return hash((len(self), str(self.ids[:1])))

    def __repr__(self) -> str:
        return f"IdMap({len(self)} ids)"

    def rows(self, ids: ArrayLike) -> NDArray[np.int32]:
        """Return the row of each id, `UNKNOWN` (-1) where the map does not hold it.

        n steps where the ids lie close together, as a database gives them out, else n log n_ids.
        """
        wanted = convert_ids(ids)
        if len(self) == 0 or len(wanted) == 0 or wanted.dtype.kind != self.ids.dtype.kind:
            return np.full(len(wanted), UNKNOWN, dtype=np.int32)
        if self._table is not None:
            position = (wanted - self._sorted[0]).clip(-1, len(self._table) - 1)
            direct: NDArray[np.int32] = self._table[position]
            return direct
        position = np.searchsorted(self._sorted, wanted).clip(max=len(self) - 1)
        rows: NDArray[np.int32] = self._order[position].astype(np.int32)
        rows[self._sorted[position] != wanted] = UNKNOWN
        return rows

    def row(self, id_: int | str) -> int:
        """Return the row of one id, -1 when it is unknown."""
        return int(self.rows([id_])[0])


def convert_ids(ids: ArrayLike | Iterable[Any]) -> NDArray[Any]:
    """Return ids as an int64 or unicode array; never an object array, which only pickle could save."""
    array = np.asarray(
        ids
        if hasattr(ids, "__len__") or hasattr(ids, "__array__")
        else list(cast(Iterable[Any], ids))
    )
    if array.size == 0:
        return np.zeros(0, dtype=array.dtype if array.dtype.kind == "U" else np.int64)
    if array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False).ravel()
    if array.dtype.kind == "U":
        return array.ravel()
    if array.dtype.kind in "OT" and all(isinstance(value, str) for value in array.ravel()):
        return array.ravel().astype("U")
    raise TypeError(f"Ids must be whole numbers or strings, not {array.dtype}.")
