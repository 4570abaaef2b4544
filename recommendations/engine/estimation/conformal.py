"""Intervals around predictions that hold the truth as often as they say, by group (Mondrian conformal prediction).

A group's interval is as wide as the score that the wanted share of its known songs stays below, each of them predicted
without itself (Vovk et al., 2005; cross-conformal: Vovk, 2015). Groups are a source of values and a genre; one with few
songs takes what holds for its source, or for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.9
FEWEST = 100
"""Scores from which a group has a width of its own: its coverage then varies by about 3 points by chance."""
ANY = -1
"""All sources, or all genres."""
Group = tuple[int, int]


@dataclass(frozen=True)
class Widths:
    """How many times its difficulty a prediction may be off, by source and genre; for one feature.

    Attributes
    ----------
    by_group
        (source, genre) -> width; `ANY` means all. (ANY, ANY) is always there.
    """

    by_group: Mapping[Group, float]

    def look_up(self, sources: NDArray[np.int32], genres: NDArray[np.int32]) -> NDArray[np.float64]:
        """Return the width for each pair of a source and a genre, (n,)."""
        pairs, pair_of_song = np.unique(np.stack([sources, genres]), axis=1, return_inverse=True)
        widths = [self._find(int(source), int(genre)) for source, genre in pairs.T]
        return np.array(widths, dtype=np.float64)[pair_of_song.ravel()]

    def _find(self, source: int, genre: int) -> float:
        groups = ((source, genre), (source, ANY), (ANY, ANY))
        return next(self.by_group[group] for group in groups if group in self.by_group)


def compute_widths(
    scores: NDArray[np.float64], sources: NDArray[np.int32], genres: NDArray[np.int32]
) -> Widths:
    """Compute the width of each group that has enough scores.

    Parameters
    ----------
    scores
        How far predictions of known values were off, in their difficulty, (n,), n above 0.
    sources, genres
        int32 (n,).
    """
    by_group = {(ANY, ANY): find_quantile(scores)}
    for source in np.unique(sources):
        of_source = sources == source
        if of_source.sum() >= FEWEST:
            by_group[int(source), ANY] = find_quantile(scores[of_source])
        for genre in np.unique(genres[of_source]):
            group = of_source & (genres == genre)
            if group.sum() >= FEWEST:
                by_group[int(source), int(genre)] = find_quantile(scores[group])
    return Widths(by_group)


def find_quantile(scores: NDArray[np.float64], level: float = LEVEL) -> float:
    """Return what a new score of the same kind stays at or below with probability `level` or more.

    It is the ceil((n + 1) * level)-th smallest of n scores, (n,) of at least one; the largest where there are too
    few. Costs a partial sort of n.
    """
    rank = min(ceil((len(scores) + 1) * level), len(scores)) - 1
    return float(np.partition(scores, rank)[rank])
