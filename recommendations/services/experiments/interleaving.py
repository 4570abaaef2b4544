"""Interleaving: everybody's personal lists take turns between two versions, and each day of a listener is one vote.

The unit is a draft: what one listener was shown on one local day. When its window is over, the songs of each team that
were wanted are counted, once; the team with more wins the draft, and ties are dropped. The winners in order are tested
by an e-process (`judge_winners`), which may be looked at any time.

One vote a listener and day, and not one a list or play: the coins of a day are tossed anew, so each vote has the
chance 1/2 under "no difference" given everything before it, however a listener's days hang together; nobody who
listens all day outvotes the others; and the votes of all listeners add up, where e-values a listener (Vovk and Wang,
2021) would need each of five listeners to decide alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from recommendations import telemetry
from recommendations.engine import (
    ALPHA,
    FIRST,
    SECOND,
    Standing,
    compute_mean_e_values,
    count_drafts_needed,
    judge_winners,
)
from recommendations.models import Arm, Experiment, Impression, InterleavedDraft
from recommendations.services.experiments import lifecycle
from recommendations.services.experiments.responses import Response, ShownDay, read_responses

WINDOW = timedelta(hours=24)
"""What a listener does within it with the songs of a draft counts."""

CLOSED_TOGETHER = 500

BASELINE_DAYS = 28
MOST_BASELINE_LISTS = 5000
"""The newest lists of the 28 days before; a few million rows of interactions at most."""
FEWEST_BASELINE_DRAFTS = 20

MARGIN = 0.1
"""So far above its own usual share a listener may be before it counts as harm."""
GUARDRAIL_ALPHA = ALPHA / 2
"""There are two guardrails; together they stop at most one harmless experiment in twenty."""
PRIOR_PLAYS, PRIOR_DRAFTS = 20, 10
"""A listener's own usual share is mixed with everybody's, as if so much of it had been seen before."""

WIN_SHARES = (0.6, 0.7, 0.8)
"""How often the better version may win a decided draft; the power estimate says what each needs."""

N_TOSSES = 20


# --- What was shown ---------------------------------------------------------------------------------------------------


def record_draft(
    listener: Any, experiment_id: int, day: date, teams: Mapping[int, int], song_ids: Sequence[int]
) -> None:
    """Add the shown songs of an interleaved list to the listener's draft of that day.

    A song keeps the team under which it was shown first. Nothing is recorded once the experiment is over or the draft
    is closed, or of songs that were not on the list.
    """
    shown = {str(pk): teams[pk] for pk in song_ids if pk in teams}
    running = Experiment.objects.filter(pk=experiment_id, state=Experiment.State.RUNNING)
    if not shown or not listener.personalised or not running.exists():
        return
    with transaction.atomic():
        draft, is_new = InterleavedDraft.objects.select_for_update().get_or_create(
            experiment_id=experiment_id,
            listener=listener,
            day=day,
            defaults={"teams": shown, "shown_at": timezone.now()},
        )
        if not is_new and draft.closed_at is None and not shown.keys() <= draft.teams.keys():
            draft.teams = shown | draft.teams
            draft.save(update_fields=["teams"])
    if is_new:
        telemetry.count_event("draft")


def close_drafts() -> int:
    """Count what came of each draft whose window is over; return how many were closed, of all experiments."""
    n_closed = 0
    while drafts := _list_due():
        responses = read_responses([_read_shown(draft) for draft in drafts])
        now = timezone.now()
        for draft, response in zip(drafts, responses, strict=True):
            _close(draft, response, now)
        InterleavedDraft.objects.bulk_update(
            drafts, ["closed_at", "n_first", "n_second", "n_heard", "n_skipped", "n_unwanted"]
        )
        n_closed += len(drafts)
    return n_closed


def _list_due() -> list[InterleavedDraft]:
    """Return open drafts whose window is over, the oldest first, so that they are closed in their order."""
    due = InterleavedDraft.objects.filter(closed_at=None, shown_at__lte=timezone.now() - WINDOW)
    return list(due.order_by("shown_at", "pk")[:CLOSED_TOGETHER])


def _read_shown(draft: InterleavedDraft) -> ShownDay:
    song_ids = [int(song_id) for song_id in draft.teams]
    return ShownDay(draft.listener_id, draft.shown_at, draft.shown_at + WINDOW, song_ids)


def _close(draft: InterleavedDraft, response: Response, now: datetime) -> None:
    credited = [draft.teams[str(song_id)] for song_id in response.counted]
    draft.n_first, draft.n_second = credited.count(FIRST), credited.count(SECOND)
    draft.n_heard, draft.n_skipped = response.n_heard, response.n_skipped
    draft.n_unwanted = len(response.unwanted)
    draft.closed_at = now


# --- How it stands ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Guardrail:
    """One harm that stops an experiment. `usual` and `bound` are None where too little was shown before to say."""

    name: str
    share: float | None
    usual: float | None
    bound: float | None
    e_value: float

    @property
    def is_tripped(self) -> bool:
        return self.e_value >= self.limit

    @property
    def limit(self) -> float:
        return 1 / GUARDRAIL_ALPHA


@dataclass(frozen=True)
class Comparison:
    """An interleaving experiment as it is now.

    `days` has the local day of each decided draft, in the order of `standing.e_values`.
    """

    first: Arm
    second: Arm
    standing: Standing
    days: list[date]
    n_open: int
    n_ties: int
    n_listeners: int
    n_for_first: int
    n_for_second: int
    guardrails: list[Guardrail]

    @property
    def winner(self) -> Arm | None:
        """The arm that is better, once that is decided."""
        if self.standing.winner is None:
            return None
        return (self.first, self.second)[self.standing.winner]

    @property
    def limit(self) -> float:
        """The e-value from which on it is decided."""
        return 1 / ALPHA


def compare(experiment: Experiment) -> Comparison:
    """Return how an interleaving experiment stands; three queries, and those of the guardrails' baseline."""
    first, second = experiment.arms.all()[:2]
    drafts = list(
        experiment.drafts.exclude(closed_at=None).defer("teams").order_by("shown_at", "pk")
    )
    decided = [draft for draft in drafts if draft.n_first != draft.n_second]
    ahead: dict[int, int] = {}
    for draft in drafts:
        ahead.setdefault(draft.listener_id, 0)
        ahead[draft.listener_id] += (draft.n_second > draft.n_first) - (
            draft.n_first > draft.n_second
        )
    return Comparison(
        first,
        second,
        judge_winners([int(draft.n_second > draft.n_first) for draft in decided]),
        [draft.day for draft in decided],
        n_open=experiment.drafts.filter(closed_at=None).count(),
        n_ties=len(drafts) - len(decided),
        n_listeners=len(ahead),
        n_for_first=sum(lead < 0 for lead in ahead.values()),
        n_for_second=sum(lead > 0 for lead in ahead.values()),
        guardrails=_check_guardrails(experiment, drafts),
    )


def watch(experiment: Experiment) -> list[Arm]:
    """Stop an interleaving that surely does harm; return the arms that are not served any more."""
    tripped = [one for one in compare(experiment).guardrails if one.is_tripped]
    if not tripped:
        return []
    lifecycle.stop(experiment, reason=" ".join(_describe_harm(one) for one in tripped))
    return list(experiment.arms.all())


def _describe_harm(one: Guardrail) -> str:
    return _("%(name)s: %(share)s, usually %(usual)s.") % {
        "name": one.name,
        "share": f"{one.share:.0%}",
        "usual": f"{one.usual:.0%}",
    }


def _check_guardrails(
    experiment: Experiment, drafts: Sequence[InterleavedDraft]
) -> list[Guardrail]:
    """Return both guardrails: skips among what was heard of the lists, and drafts with something unwanted."""
    before = read_baseline(experiment.started_at or timezone.now())
    heard = [draft for draft in drafts if draft.n_heard + draft.n_skipped]
    return [
        _check_share(
            _("Skips of the songs on interleaved lists"),
            [(one.listener_id, one.n_skipped, one.n_heard + one.n_skipped) for one in heard],
            before.skips,
            PRIOR_PLAYS,
        ),
        _check_share(
            _("Days on which a song of the list was disliked or hidden"),
            [(one.listener_id, int(one.n_unwanted > 0), 1) for one in drafts],
            before.unwanted,
            PRIOR_DRAFTS,
        ),
    ]


Counts = Mapping[int, tuple[int, int]]
"""By listener: how often something happened, and of how many."""


def _check_share(
    name: str, rows: Sequence[tuple[int, int, int]], usual: Counts | None, prior: int
) -> Guardrail:
    """Bet that each listener's share is above their own usual one by more than `MARGIN`.

    The bound is a listener's own: somebody who skips much on any list says nothing about these two versions.
    """
    n_all = sum(n for _, _, n in rows)
    share = sum(n for _, n, _ in rows) / n_all if n_all else None
    if usual is None:
        return Guardrail(name, share, None, None, 1.0)
    overall = sum(n for n, _ in usual.values()) / max(1, sum(n for _, n in usual.values()))
    bounds = []
    for listener_id, _n, _of in rows:
        n_own, n_of = usual.get(listener_id, (0, 0))
        own = (n_own + prior * overall) / (n_of + prior)
        bounds.append(min(own + MARGIN, 0.95))
    values = [n / of for _, n, of in rows]
    e_value = float(compute_mean_e_values(values, bounds)[-1]) if rows else 1.0
    return Guardrail(name, share, overall, min(overall + MARGIN, 0.95), e_value)


# --- What was before --------------------------------------------------------------------------------------------------


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


# --- Before it starts -------------------------------------------------------------------------------------------------


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
