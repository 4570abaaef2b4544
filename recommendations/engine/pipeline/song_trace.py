"""Where one song falls out of a list: the steps of the pipeline, asked about one song."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from recommendations.engine.reranking.mmr import Candidates

LISTED, ARTIST_CAP, VARIETY, OUTRANKED = "listed", "artist_cap", "variety", "outranked"
CONTRACT = "contract"
NOT_PROPOSED, NO_SCORE, FORBIDDEN = "not_proposed", "no_score", "forbidden"


@dataclass(frozen=True)
class SongTrace:
    """The first step at which a song falls out of a listener's list.

    Attributes
    ----------
    step
        In the order of the pipeline: `forbidden` the caller or the history excludes it · `no_score` no component can
        score it · `not_proposed` no component proposes it to the ranker · `outranked` every song of the list scores
        higher · `contract` it would be on the list without the listener's contract · `artist_cap` it would be on the
        list without the cap on songs of an artist · `variety` it scores at least as high as the last song of the list,
        and gave way for variety · `listed` it is on the list.
    rank
        From 1, by score before variety, among the songs that may come; None without a score.
    score, last_score
        Its score and that of the last song of the list, on the scale of the candidates (see `Candidates.totals`);
        None where it is not among them.
    """

    step: str
    rank: int | None = None
    score: float | None = None
    last_score: float | None = None


def trace_candidate(
    candidates: Candidates,
    item_row: int,
    chosen: NDArray[np.int32],
    without_contract: NDArray[np.int32],
    without_cap: NDArray[np.int32],
) -> SongTrace | None:
    """Say what became of a song among the candidates of one listener; None where it is none of them.

    Parameters
    ----------
    chosen
        The positions that the list took, int32 (k,), -1 at the end.
    without_contract
        The songs of the list, had there been no contract, int32 (k,), -1 at the end; those that the list has where
        there is none.
    without_cap
        The same, had there been neither a contract nor a cap on songs of an artist.
    """
    matches = np.flatnonzero(candidates.item_rows[0] == item_row)
    if not len(matches):
        return None
    position = int(matches[0])
    last = int(chosen.max(initial=-1))
    totals = candidates.totals[0]
    rank, score = position + 1, float(totals[position])
    last_score = float(totals[last]) if last >= 0 else None
    if position in chosen:
        step = LISTED
    elif item_row in without_contract:
        step = CONTRACT
    elif item_row in without_cap:
        step = ARTIST_CAP
    else:
        step = OUTRANKED if position > last else VARIETY
    return SongTrace(step, rank, score, last_score)
