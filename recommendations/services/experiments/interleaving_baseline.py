"""What came of ordinary lists before an interleaving, and how long one takes by that."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

import numpy as np
from django.utils import timezone

from recommendations.engine import (
    count_drafts_needed,
)
from recommendations.models import Impression
from recommendations.services.experiments.responses import (
    WINDOW,
    Response,
    ShownDay,
    read_responses,
)

BASELINE_DAYS = 28

MOST_BASELINE_LISTS = 5000
"""The newest lists of the 28 days before; a few million rows of interactions at most."""

FEWEST_BASELINE_DRAFTS = 20

WIN_SHARES = (0.6, 0.7, 0.8)
"""How often the better version may win a decided draft; the power estimate says what each needs."""

N_TOSSES = 20

Counts = Mapping[int, tuple[int, int]]
"""By listener: how often something happened, and of how many."""


@dataclass(frozen=True)
class Baseline:
    """What listeners did with ordinary lists: counts of skips and of days with something unwanted, by listener.

    Both are None where fewer than `FEWEST_BASELINE_DRAFTS` listener-days were seen.
    """

    n_drafts: int
    n_listeners: int
    n_plays: int
    decided_share: float
    skips: Counts | None
    unwanted: Counts | None


def read_baseline(until: datetime) -> Baseline:
    """Return what came of the personal lists of the 28 days before, taken as drafts of a day; five queries."""
    since = until - timedelta(days=BASELINE_DAYS)
    days: dict[tuple[int, date], tuple[datetime, list[int]]] = {}
    lists = Impression.objects.filter(
        shown_at__gte=since,
        shown_at__lt=until,
        step__in=("precomputed", "live"),
        listener__personalised=True,
    ).order_by("-shown_at")
    columns = ("listener_id", "shown_at", "song_ids")
    newest = list(lists.values_list(*columns)[:MOST_BASELINE_LISTS])
    for listener_id, moment, song_ids in reversed(newest):
        _first, songs = days.setdefault((listener_id, timezone.localdate(moment)), (moment, []))
        songs += [song_id for song_id in song_ids if song_id not in songs]
    shown = [
        ShownDay(listener_id, moment, moment + WINDOW, songs)
        for (listener_id, _day), (moment, songs) in days.items()
    ]
    responses = read_responses(shown)
    is_enough = len(shown) >= FEWEST_BASELINE_DRAFTS
    return Baseline(
        n_drafts=len(shown),
        n_listeners=len({day.listener_id for day in shown}),
        n_plays=sum(one.n_heard for one in responses),
        decided_share=_estimate_decided(shown, responses),
        skips=_count_by_listener(
            (day.listener_id, one.n_skipped, one.n_heard + one.n_skipped)
            for day, one in zip(shown, responses, strict=True)
        )
        if is_enough
        else None,
        unwanted=_count_by_listener(
            (day.listener_id, int(bool(one.unwanted)), 1)
            for day, one in zip(shown, responses, strict=True)
        )
        if is_enough
        else None,
    )


def _count_by_listener(rows: Iterable[tuple[int, int, int]]) -> Counts:
    counts: dict[int, tuple[int, int]] = {}
    for listener_id, n, n_of in rows:
        before = counts.get(listener_id, (0, 0))
        counts[listener_id] = (before[0] + n, before[1] + n_of)
    return counts


def _estimate_decided(shown: Sequence[ShownDay], responses: Sequence[Response]) -> float:
    """Return the share of days that would not have been ties, had coins given the songs to two teams."""
    if not shown:
        return 0.0
    rng = np.random.default_rng(0)
    n_decided = 0.0
    for day, response in zip(shown, responses, strict=True):
        if response.counted:
            is_wanted = np.array([song_id in response.counted for song_id in day.song_ids])
            coins = rng.choice([-1, 1], (N_TOSSES, (len(is_wanted) + 1) // 2))
            teams = np.stack([coins, -coins], axis=-1).reshape(N_TOSSES, -1)[:, : len(is_wanted)]
            n_decided += float(((teams * is_wanted).sum(axis=1) != 0).mean())
    return n_decided / len(shown)


@dataclass(frozen=True)
class Need:
    """What it takes to find a version that wins `win_share` of the decided drafts, in four of five cases.

    `n_listener_days`, `n_plays` and `n_days` are None where too little was shown to say.
    """

    win_share: float
    n_drafts: int | None
    n_listener_days: int | None
    n_plays: int | None
    n_days: int | None


@dataclass(frozen=True)
class InterleavingPower:
    """What an interleaving needs, from what the last four weeks were like."""

    n_listeners: int
    n_drafts: int
    decided_share: float
    needs: list[Need]


@cache
def _count_needed(win_share: float) -> int | None:
    return count_drafts_needed(win_share)


def estimate_needs() -> InterleavingPower:
    """Return how many drafts, listener-days, plays and days it takes to find differences of several sizes."""
    before = read_baseline(timezone.now())
    needs = [_estimate_need(share, before) for share in WIN_SHARES]
    return InterleavingPower(before.n_listeners, before.n_drafts, before.decided_share, needs)


def _estimate_need(win_share: float, before: Baseline) -> Need:
    n_drafts = _count_needed(win_share)
    if n_drafts is None or not before.decided_share:
        return Need(win_share, n_drafts, None, None, None)
    n_listener_days = n_drafts / before.decided_share
    per_day = before.n_drafts / BASELINE_DAYS
    return Need(
        win_share,
        n_drafts,
        round(n_listener_days),
        round(n_listener_days * before.n_plays / before.n_drafts),
        round(n_listener_days / per_day),
    )
