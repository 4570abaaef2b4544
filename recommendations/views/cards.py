"""Songs ready to be shown: with reasons and the listener's opinion, in a number of queries that does not grow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from catalog.listening import library
from catalog.models import Song
from recommendations.services.serving import explanation_text
from recommendations.services.serving.explanation_text import Reasons


@dataclass(frozen=True)
class Card:
    song: Song
    opinion: str = ""
    reasons: Reasons | None = None
    note: str = ""


def of_served(listener: Any, *lists: Iterable[Any]) -> list[list[Card]]:
    """Make cards of several served lists at once; two queries for all of them."""
    served = [list(one) for one in lists]
    everything = [item for one in served for item in one]
    named = explanation_text.songs_named_by(item.explanation for item in everything)
    opinions = library.opinions_of(listener, [item.song for item in everything])
    return [
        [
            Card(item.song, opinions.get(item.song.pk, ""), explanation_text.of(item.explanation, named))
            for item in one
        ]
        for one in served
    ]


def compared(shown: Iterable[Card]) -> list[Card]:
    """Let cards say how they are like the song they are shown for."""
    return [replace(card, reasons=card.reasons and explanation_text.compared(card.reasons)) for card in shown]


def of_songs(listener: Any, songs: Sequence[Song]) -> list[Card]:
    """Make cards without reasons; one query."""
    opinions = library.opinions_of(listener, songs)
    return [Card(song, opinions.get(song.pk, "")) for song in songs]
