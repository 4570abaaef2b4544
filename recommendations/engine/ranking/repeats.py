"""Songs a listener plays again, in the order in which they are on their mind: the activation of ACT-R.

The other half of the engine finds songs that are new to a listener. Most of what people hear they have heard
before, and that is counting: how often, how long ago, and together with what.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

DECAY = 0.86
"""Usual power of forgetting; measured on a long real history, 0.5 in Anderson and Schooler's paper."""
SESSION_GAP = 1_800
"""Seconds of silence that end a session."""
YOUNGEST = 60.0
"""Seconds; a play a moment ago is no infinite activation."""
HOUR = 3_600.0
DAY = 86_400.0
SMOOTHING = 2.0
"""Sessions added to a cue's, so that one session together is no certainty."""
LEAST_PLAYS = 3
"""A song played less often was not loved."""
LONG_AGO = 14 * DAY
ON_THE_MIND = 0.1
"""Part of the known songs that are on a listener's mind, at least `LEAST_ON_THE_MIND`."""
LEAST_ON_THE_MIND = 20
RECENT_PLAYS = 1_000
"""Newest plays from which the repeat rate is estimated: habits change."""


@dataclass(frozen=True)
class Repeats:
    """One listener's plays, oldest first.

    Attributes
    ----------
    song_ids : int64 (n_songs,)
        Ascending.
    songs : int64 (n,)
        Place in `song_ids` of each play.
    moments : float64 (n,)
        Unix seconds, ascending.
    """

    song_ids: NDArray[np.int64]
    songs: NDArray[np.int64]
    moments: NDArray[np.float64]

    @classmethod
    def build(cls, song_ids: ArrayLike, moments: ArrayLike) -> Self:
        """Order the plays; those of unknown time (below 0) are left out. Cost: sorting n plays."""
        ids, times = np.asarray(song_ids, dtype=np.int64), np.asarray(moments, dtype=np.float64)
        if ids.shape != times.shape or ids.ndim != 1:
            raise ValueError(f"There are {ids.size} songs for {times.size} moments.")
        is_known = times >= 0
        ids, times = ids[is_known], times[is_known]
        order = np.argsort(times, kind="stable")
        distinct, numbers = np.unique(ids[order], return_inverse=True)
        return cls(distinct, numbers.astype(np.int64), times[order])

    def __len__(self) -> int:
        return len(self.songs)

    def until(self, moment: float) -> Repeats:
        """Return the plays before a moment, over the same songs."""
        n = int(np.searchsorted(self.moments, moment))
        return Repeats(self.song_ids, self.songs[:n], self.moments[:n])

    @cached_property
    def sessions(self) -> NDArray[np.int64]:
        """Number of each play's session, from 0: half an hour of silence ends one, int64 (n,)."""
        return np.cumsum(np.diff(self.moments, prepend=self.moments[:1]) > SESSION_GAP)

    @cached_property
    def n_plays(self) -> NDArray[np.int64]:
        """Plays of each song, (n_songs,)."""
        return np.bincount(self.songs, minlength=len(self.song_ids))

    @cached_property
    def last(self) -> NDArray[np.float64]:
        """When each song was played last, (n_songs,); -inf where it was not."""
        last = np.full(len(self.song_ids), -np.inf)
        last[self.songs] = self.moments  # ascending, so the last one stays
        return last

    def activations(
        self, now: float, cues: ArrayLike = (), decay: float = DECAY
    ) -> NDArray[np.float64]:
        """Return the activation of each song, (n_songs,); -inf for a song not played before `now`.

        Base level plus spreading: ln sum age^-d, the logarithm of the odds that a song is needed again
        (Anderson and Schooler, 1991; d for music: Reiter-Haas et al., "Predicting music relistening behavior using
        the ACT-R framework", 2021), plus for each cue ln(P(song | cue) / P(song)), its associative strength, where
        that is above 0. Probabilities are shares of the listener's own sessions.

        Parameters
        ----------
        cues
            Ids of the songs that the session began with.
        decay
            d; at 0 the base level is how often a song was played.
        """
        past = self.until(now)
        ages = np.maximum(now - past.moments, YOUNGEST) / HOUR
        weights = np.bincount(past.songs, weights=ages**-decay, minlength=len(self.song_ids))
        with np.errstate(divide="ignore"):
            base = np.log(weights)
        return base + past._spread(np.intersect1d(np.asarray(cues, dtype=np.int64), self.song_ids))

    def _spread(self, cues: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean associative strength of the songs with the cues, (n_songs,). Cost: the plays, once a cue."""
        strength = np.zeros(len(self.song_ids))
        if not len(cues) or not len(self):
            return strength
        pairs = np.unique(self.sessions * len(self.song_ids) + self.songs)
        sessions, songs = pairs // len(self.song_ids), pairs % len(self.song_ids)
        n_sessions = sessions[-1] + 1
        share = np.bincount(songs, minlength=len(self.song_ids)) / n_sessions
        for cue in np.searchsorted(self.song_ids, cues):
            has_cue = np.zeros(n_sessions, dtype=bool)
            has_cue[sessions[songs == cue]] = True
            together = np.bincount(songs[has_cue[sessions]], minlength=len(self.song_ids))
            # a cue heard in few sessions says little: SMOOTHING sessions of the usual kind are added to it
            chance = (together + SMOOTHING * share) / (has_cue.sum() + SMOOTHING)
            with np.errstate(divide="ignore", invalid="ignore"):
                strength += np.maximum(
                    np.nan_to_num(np.log(chance / share), nan=0.0, neginf=0.0), 0
                )
        return strength / len(cues)

    def repeat_rate(self) -> float:
        """Return the share of the last plays that were of songs played before, 0 to 1; 0 without plays."""
        if not len(self):
            return 0.0
        is_first = np.zeros(len(self), dtype=bool)
        is_first[np.unique(self.songs, return_index=True)[1]] = True
        return float(1 - is_first[-RECENT_PLAYS:].mean())

    def next_songs(self, now: float, n: int, decay: float = DECAY) -> NDArray[np.int64]:
        """Return ids of the n songs of highest activation, without those of the session that goes on."""
        is_going_on = len(self) > 0 and now - self.moments[-1] <= SESSION_GAP
        session = self.songs[self.sessions == self.sessions[-1]] if is_going_on else self.songs[:0]
        activations = self.activations(now, self.song_ids[np.unique(session)], decay)
        activations[session] = -np.inf
        return self._best(activations, n)

    def rediscoveries(self, now: float, n: int) -> NDArray[np.int64]:
        """Return ids of songs that were on the listener's mind and are no longer, most loved first.

        A song is on the mind while its activation is among the highest tenth of the known songs (at least 20).
        Here are those that were above that threshold a day after they were last played, are below it now, were
        played at least three times, and not for two weeks.
        """
        current = self.activations(now)
        n_on_mind = max(int(ON_THE_MIND * len(self.song_ids)), LEAST_ON_THE_MIND)
        # of a few songs none can fall out of sight, so time alone decides
        is_small = len(self.song_ids) <= n_on_mind
        threshold = np.inf if is_small else np.partition(current, -n_on_mind)[-n_on_mind]
        ages = np.maximum(self.last[self.songs] + DAY - self.moments, YOUNGEST) / HOUR
        at_best = np.log(
            np.bincount(self.songs, weights=ages**-DECAY, minlength=len(self.song_ids))
        )
        is_lost = (current < threshold) & (self.last <= now - LONG_AGO)
        was_loved = (self.n_plays >= LEAST_PLAYS) & (is_small | (at_best >= threshold))
        return self._best(np.where(is_lost & was_loved, at_best, -np.inf), n)

    def _best(self, values: NDArray[np.float64], n: int) -> NDArray[np.int64]:
        order = np.lexsort((self.song_ids, -values))[: max(n, 0)]
        return self.song_ids[order[np.isfinite(values[order])]]


def mix_heads(n: int, n_familiar: int, n_new: int, familiarity: float) -> NDArray[np.bool_]:
    """Return which places of a queue are for familiar songs, bool (at most n,), evenly spread.

    Where one kind runs out, the other one fills the places.
    """
    if not 0 <= familiarity <= 1:
        raise ValueError(f"familiarity must be from 0 to 1, not {familiarity}.")
    is_familiar: list[bool] = []
    left = {True: n_familiar, False: n_new}
    for position in range(n):
        wanted = int((position + 1) * familiarity + 0.5) > int(position * familiarity + 0.5)
        kind = wanted if left[wanted] else not wanted
        if not left[kind]:
            break
        left[kind] -= 1
        is_familiar.append(kind)
    return np.array(is_familiar, dtype=bool)
