"""Interleaving: everybody's personal lists take turns between two versions, and each day of a listener is one vote.

The unit is a draft: what one listener was shown on one local day. When its window is over, the songs of each team that
were wanted are counted, once; the team with more wins the draft, and ties are dropped. The winners in order are tested
by an e-process (`judge_winners`), which may be looked at any time.

One vote a listener and day, and not one a list or play: the coins of a day are tossed anew, so each vote has the
chance 1/2 under "no difference" given everything before it, however a listener's days hang together; nobody who
listens all day outvotes the others; and the votes of all listeners add up, where e-values a listener (Vovk and Wang,
2021) would need each of five listeners to decide alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

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
    judge_winners,
)
from recommendations.models import Arm, Experiment, InterleavedDraft
from recommendations.services.experiments import lifecycle
from recommendations.services.experiments.interleaving_baseline import Counts, read_baseline
from recommendations.services.experiments.responses import (
    WINDOW,
    Response,
    ShownDay,
    read_responses,
)

CLOSED_TOGETHER = 500


MARGIN = 0.1
"""So far above its own usual share a listener may be before it counts as harm."""
GUARDRAIL_ALPHA = ALPHA / 2
"""There are two guardrails; together they stop at most one harmless experiment in twenty."""
PRIOR_PLAYS, PRIOR_DRAFTS = 20, 10
"""A listener's own usual share is mixed with everybody's, as if so much of it had been seen before."""


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
