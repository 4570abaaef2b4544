"""Tests that may be looked at after every observation and stopped at any time, by e-values.

An e-value is the wealth of somebody who bets against a hypothesis at fair odds. Under the hypothesis it exceeds
1 / alpha at any time with probability at most alpha (Ville, 1939), so looking again and again costs nothing
(Ramdas, Grünwald, Vovk and Shafer, 2023: "Game-theoretic statistics and safe anytime-valid inference").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

ALPHA = 0.05

PRIOR = 3.0
"""Both parameters of the Beta mixture: its weight is on win shares from 0.3 to 0.7."""

MOST_DRAFTS = 2000
"""`count_drafts_needed` looks no further."""

BETS = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Shares of the largest allowed bet that `compute_mean_e_values` mixes evenly."""

# --- Which of two wins more often -------------------------------------------------------------------------------------


def compute_win_e_values(wins: ArrayLike, losses: ArrayLike) -> NDArray[np.float64]:
    """Return the e-values against "wins and losses are equally likely", two-sided.

    The mixture martingale of Robbins (1970): the likelihood ratio of a coin with an unknown share, drawn from
    Beta(`PRIOR`, `PRIOR`), to a fair coin. It needs each win to have the chance 1/2 given all before it, and no
    independence beyond that.

    Parameters
    ----------
    wins, losses
        Counts so far, of one shape.
    """
    won, lost = np.asarray(wins, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    log_mixture = special.betaln(PRIOR + won, PRIOR + lost) - special.betaln(PRIOR, PRIOR)
    return np.exp(np.minimum(log_mixture + (won + lost) * math.log(2), 700.0))


def compute_win_interval(wins: int, losses: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Return the shares of wins that are not refuted: a confidence sequence, valid at any time.

    It holds every share p whose e-value stays below 1 / alpha; (0, 1) before the first draft.
    """
    share = np.linspace(0, 1, 2001)[1:-1]
    log_mixture = special.betaln(PRIOR + wins, PRIOR + losses) - special.betaln(PRIOR, PRIOR)
    log_e = log_mixture - wins * np.log(share) - losses * np.log1p(-share)
    kept = share[log_e < -math.log(alpha)]
    low = 0.0 if kept[0] == share[0] else float(kept[0])
    return low, 1.0 if kept[-1] == share[-1] else float(kept[-1])


def count_drafts_needed(
    win_share: float, *, power: float = 0.8, alpha: float = ALPHA
) -> int | None:
    """Return after how many decided drafts the better version is found with `power`; None above `MOST_DRAFTS`.

    Exact, by the distribution over the number of wins of all sequences that were not decided yet; it counts only
    decisions for the better one. Costs `MOST_DRAFTS` squared additions at most.

    Parameters
    ----------
    win_share
        The chance of the better version to win a decided draft, above 0.5 and below 1.
    """
    if not 0.5 < win_share < 1:
        raise ValueError(f"The better version wins more than half, below all, not {win_share}.")
    undecided = np.ones(1)
    counts = 0.0
    for n in range(1, MOST_DRAFTS + 1):
        won = np.concatenate([[0.0], undecided * win_share])
        lost = np.concatenate([undecided * (1 - win_share), [0.0]])
        undecided = won + lost
        wins = np.arange(n + 1)
        is_decided = compute_win_e_values(wins, n - wins) >= 1 / alpha
        counts += float(undecided[is_decided & (2 * wins > n)].sum())
        if counts >= power:
            return n
        undecided[is_decided] = 0.0
    return None


# --- Whether a mean is above a bound ----------------------------------------------------------------------------------


def compute_mean_e_values(values: ArrayLike, bounds: ArrayLike) -> NDArray[np.float64]:
    """Return the e-value after each of some values against "each is expected to be at most its bound".

    Betting on means of bounded values (Waudby-Smith and Ramdas, 2024): the wealth of several fixed bets, mixed. It
    needs each value's expectation given all before it to be at most its bound, and no independence beyond that.

    Parameters
    ----------
    values
        (..., n), each from 0 to 1, in the order in which they came.
    bounds
        One for all or (..., n), above 0 and below 1.

    Returns
    -------
    float64 (..., n)
    """
    limits = np.asarray(bounds, dtype=np.float64)
    if not ((limits > 0) & (limits < 1)).all():
        raise ValueError("Bounds are above 0 and below 1.")
    gains = np.asarray(values, dtype=np.float64) / limits - 1
    wealth = [np.cumsum(np.log1p(bet * gains), axis=-1) for bet in BETS]
    return np.exp(np.minimum(special.logsumexp(wealth, axis=0) - math.log(len(BETS)), 700.0))


@dataclass(frozen=True)
class Standing:
    """How the comparison of two versions stands after the drafts that were decided so far.

    `e_values` is the path, one value a draft, and `n_second_by_draft` the second one's wins so far; `decided_at` is
    the number of drafts after which it first reached 1 / alpha (None: not yet), and `winner` the one that was ahead
    then: 0 the first, 1 the second.
    """

    n_first: int
    n_second: int
    e_values: NDArray[np.float64]
    n_second_by_draft: NDArray[np.int64]
    low: float
    high: float
    decided_at: int | None
    winner: int | None

    @property
    def n_decided(self) -> int:
        return self.n_first + self.n_second

    @property
    def e_value(self) -> float:
        return float(self.e_values[-1]) if len(self.e_values) else 1.0

    @property
    def share_of_second(self) -> float:
        """The second version's share of the decided drafts; NaN without any."""
        return self.n_second / self.n_decided if self.n_decided else math.nan


def judge_winners(winners: ArrayLike, alpha: float = ALPHA) -> Standing:
    """Return how two versions compare, from the winner of each decided draft in order (0 first, 1 second).

    A decision stays: what comes after it can't take it back.
    """
    second = np.asarray(winners, dtype=np.int64)
    n_second = np.cumsum(second)
    n_first = np.arange(1, len(second) + 1) - n_second
    e_values = compute_win_e_values(n_second, n_first)
    reached = np.flatnonzero(e_values >= 1 / alpha)
    decided_at = winner = None
    if len(reached):
        decided_at = int(reached[0]) + 1
        winner = int(n_second[reached[0]] > n_first[reached[0]])
    first_total, second_total = int((second == 0).sum()), int(second.sum())
    low, high = compute_win_interval(second_total, first_total, alpha)
    return Standing(first_total, second_total, e_values, n_second, low, high, decided_at, winner)
