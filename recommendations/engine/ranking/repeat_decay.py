"""How fast listeners lose interest in songs, learned from which ones they came back to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.ndcg import compute_ndcg
from recommendations.engine.ranking.repeats import DECAY, SESSION_GAP, Repeats

DECAYS = (DECAY, 0.5, 0.25, 0.0)
"""What is compared, the usual one first: it stays where others are no better."""
LEAST_BEFORE = 100
"""Plays that must lie before a session from which the decay is learned."""
N_SESSIONS = 12
K = 10


def fit_decay(plays: Repeats) -> float:
    """Return the decay by which the songs of the last sessions were found best; the usual one for few plays.

    Cost: 48 activations, each linear in the plays.
    """
    sessions = list_sessions(plays)[-N_SESSIONS:]
    if not sessions:
        return DECAY
    means = [
        np.mean([_measure(plays, start, end, decay) for start, end in sessions]) for decay in DECAYS
    ]
    return DECAYS[int(np.argmax(means))]


def list_sessions(plays: Repeats) -> list[tuple[int, int]]:
    """Return (first play, behind the last one) of each session that has enough plays before it."""
    starts = np.flatnonzero(np.diff(plays.moments, prepend=-np.inf) > SESSION_GAP)
    ends = np.append(starts[1:], len(plays))
    enough = starts >= LEAST_BEFORE
    return list(zip(starts[enough].tolist(), ends[enough].tolist(), strict=True))


def _measure(plays: Repeats, start: int, end: int, decay: float) -> float:
    activations = plays.activations(float(plays.moments[start]), decay=decay)
    return compute_session_ndcg(activations, np.unique(plays.songs[start:end]))


def compute_session_ndcg(scores: NDArray[np.float64], wanted: NDArray[np.int64]) -> float:
    """Return NDCG@10 of one session: binary relevance, the ideal over min(10, songs that are wanted)."""
    best = np.argsort(-scores, kind="stable")[:K]
    hits = np.isin(best, wanted) & np.isfinite(scores[best])
    return float(compute_ndcg(hits[None], np.array([len(wanted)]), K)[0])
