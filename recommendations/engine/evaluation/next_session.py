"""What somebody plays next, repeats included: how well activation finds it, beside plain counts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.ranking.repeat_decay import (
    compute_session_ndcg,
    fit_decay,
    list_sessions,
)
from recommendations.engine.ranking.repeats import DAY, Repeats

N_CUES = 3
MOST_SESSIONS = 50
"""Of one listener, the last ones."""
RECENT_DAYS = 14
SYSTEMS = (
    "activation",
    "activation, session begun",
    "activation, usual decay",
    "top of 14 days",
    "all-time top",
)


def measure_next_sessions(listeners: Iterable[Repeats]) -> dict[str, NDArray[np.float64]]:
    """Return NDCG@10 of the songs of each listener's last sessions by every system of `SYSTEMS`.

    Each session is predicted from what was played before it; the decay is fitted to what lies before the first of
    them. “Session begun” is given the session's first three songs. No system has to find these, so that all have the
    same task; sessions without a fourth song are left out.

    Returns
    -------
    dict
        System -> (n_listeners,), each the mean over the listener's sessions. Listeners with fewer than 100 plays
        before every session are not in it.
    """
    values: dict[str, list[float]] = {name: [] for name in SYSTEMS}
    for plays in listeners:
        sessions = list_sessions(plays)[-MOST_SESSIONS:]
        if not sessions:
            continue
        decay = fit_decay(plays.until(float(plays.moments[sessions[0][0]])))
        measured = [_measure_session(plays, start, end, decay) for start, end in sessions]
        rows = [row for row in measured if row is not None]
        if rows:
            for name, mean in zip(SYSTEMS, np.mean(rows, axis=0), strict=True):
                values[name].append(float(mean))
    return {name: np.array(column) for name, column in values.items()}


def _measure_session(
    plays: Repeats, start: int, end: int, decay: float
) -> NDArray[np.float64] | None:
    now, n_songs = float(plays.moments[start]), len(plays.song_ids)
    session = plays.songs[start:end]
    cues = session[np.sort(np.unique(session, return_index=True)[1])][:N_CUES]
    wanted = np.setdiff1d(session, cues)
    if not len(wanted):
        return None
    first_recent = int(np.searchsorted(plays.moments, now - RECENT_DAYS * DAY))
    n_plays = np.bincount(plays.songs[:start], minlength=n_songs).astype(float)
    n_recent = np.bincount(plays.songs[first_recent:start], minlength=n_songs).astype(float)
    scores = np.stack(
        [
            plays.activations(now, decay=decay),
            plays.activations(now, plays.song_ids[cues], decay),
            plays.activations(now),
            np.where(n_recent > 0, n_recent, -np.inf),
            np.where(n_plays > 0, n_plays, -np.inf),
        ]
    )
    scores[:, cues] = -np.inf
    return np.array([compute_session_ndcg(row, wanted) for row in scores])
