"""An explanation's numbers in words: the sentence, the bar and the line on a card.

Nothing is said that is not so: each statement is checked against `Facts` before it is made, and what can't be shown
to be true is left out. The shares are the song's own, so no two songs need to have the same sentence.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from catalog.models import Song
from recommendations.engine import Explanation
from recommendations.services.lists.served_list import Served
from recommendations.services.reasons.explanation_facts import (
    LEAST_CROWD,
    Facts,
    read_facts,
    read_facts_of_picks,
)
from recommendations.services.reasons.feature_words import agrees
from recommendations.services.reasons.reason_line import write_likeness_line, write_line
from recommendations.services.reasons.share_text import (
    OTHER,
    Share,
    compute_shares,
    describe_popularity,
)


@dataclass(frozen=True)
class ExplanationText:
    """Why one song is recommended, ready to be shown; `popularity` is empty unless a crowd plays it."""

    shares: tuple[Share, ...]
    sentence: str
    line: str
    because: tuple[Song, ...] = ()
    goes_with: tuple[Song, ...] = ()
    features: tuple[tuple[str, float, float], ...] = field(default=())
    popularity: str = ""
    explanation: Explanation | None = None

    @property
    def is_reason(self) -> bool:
        """Whether there is something to name; else the line only says where the song comes from."""
        return any(share.kind != OTHER for share in self.shares)

    @property
    def other_popularity(self) -> str:
        """What is said of the song's popularity where none of the shares says it."""
        is_said = any(share.text == self.popularity for share in self.shares)
        return "" if is_said else self.popularity


def describe_list(items: Iterable[Any], facts: Facts) -> list[ExplanationText]:
    """Put the reasons of a list into words; no song or artist is named as the cause on more than two cards.

    Parameters
    ----------
    items
        In order, each with a `song` and its `explanation`.
    """
    named: Counter[Any] = Counter()
    return [_describe(item.song, item.explanation, facts, named) for item in items]


def describe(song: Song, explanation: Explanation, facts: Facts) -> ExplanationText:
    """Put the reasons of one song into words."""
    return _describe(song, explanation, facts, Counter())


def describe_likeness(items: Iterable[Any], about: Song, facts: Facts) -> list[ExplanationText]:
    """Put into words in what the songs of a list are like the one song they are shown for."""
    return [
        replace(
            describe(item.song, item.explanation, facts),
            line=write_likeness_line(item, about, facts),
        )
        for item in items
    ]


def describe_served(served: Served, listener: Any) -> list[ExplanationText]:
    """Put the reasons of a served list into words, checked against what the list was made from."""
    if served.about is not None:
        facts = read_facts(listener, served.items, about=served.about)
        return describe_likeness(served.items, served.about, facts)
    if served.picks:
        return describe_list(served.items, read_facts_of_picks(served.items, served.picks))
    return describe_list(served.items, read_facts(listener, served.items))


def name_shares(reasons: Iterable[ExplanationText | None]) -> list[Share]:
    """Return one share of each kind that the reasons of a page show, most frequent first: their legend."""
    shares = [share for one in reasons if one is not None for share in one.shares]
    first = {share.kind: share for share in reversed(shares)}
    return [first[kind] for kind, _n in Counter(share.kind for share in shares).most_common()]


def check_explanation(song: Song, explanation: Explanation, facts: Facts) -> Explanation:
    """Return the explanation with only what holds: the gate between the engine and every word.

    A count below three is no crowd; a song is named only where the listener has it in their history or picked it;
    a feature only where both sides have it, and something of it.
    """
    note = explanation.popularity
    return replace(
        explanation,
        because=tuple(
            evidence for evidence in explanation.because if _may_name(evidence.item_id, facts)
        ),
        goes_with=tuple(
            evidence for evidence in explanation.goes_with if _may_name(evidence.item_id, facts)
        ),
        features=tuple(match for match in explanation.features if agrees(match)),
        popularity=note if note is not None and note.count >= LEAST_CROWD else None,
    )


def _may_name(song_id: Any, facts: Facts) -> bool:
    is_picked = facts.picked_song_ids is None or song_id in facts.picked_song_ids
    return song_id in facts.named and is_picked


def _describe(
    song: Song, explanation: Explanation, facts: Facts, named: Counter[Any]
) -> ExplanationText:
    checked = check_explanation(song, explanation, facts)
    shares = compute_shares(song, checked, facts)
    return ExplanationText(
        shares=shares,
        sentence=" + ".join(
            _("%(reason)s (%(percent)s%%)") % {"reason": share.text, "percent": share.percent}
            for share in shares
        ),
        line=write_line(song, checked, shares, facts, named),
        because=tuple(facts.named[evidence.item_id] for evidence in checked.because),
        goes_with=tuple(facts.named[evidence.item_id] for evidence in checked.goes_with),
        features=tuple(
            (match.name, match.song_value, match.listener_value) for match in checked.features
        ),
        popularity=describe_popularity(checked),
        explanation=checked,
    )
