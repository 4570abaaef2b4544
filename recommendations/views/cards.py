"""Songs ready to be shown: with reasons and the listener's opinion, in a number of queries that does not grow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.listening import library
from catalog.models import Song
from recommendations.services.serving import explanation_text
from recommendations.services.serving.explanation_facts import read_facts
from recommendations.services.serving.explanation_text import ExplanationText
from recommendations.services.serving.recommend import Served


@dataclass(frozen=True)
class Card:
    song: Song
    opinion: str = ""
    reasons: ExplanationText | None = None
    note: str = ""


def of_served(listener: Any, *lists: Iterable[Any]) -> list[list[Card]]:
    """Make cards of lists for a listener, in a number of queries that does not grow with them."""
    served = [list(one) for one in lists]
    everything = [item for one in served for item in one]
    facts = read_facts(listener, everything)
    opinions = library.load_opinions(listener, [item.song for item in everything])
    return [_cards(one, explanation_text.describe_list(one, facts), opinions) for one in served]


def of_list(listener: Any, served: Served) -> list[Card]:
    """Make cards of one served list that is about a song, or from what a visitor picked."""
    opinions = library.load_opinions(listener, served.songs)
    return _cards(served.items, explanation_text.describe_served(served, listener), opinions)


def of_similar(listener: Any, items: Iterable[Any], about: Song) -> list[Card]:
    """Make cards that say in what their songs are like `about`."""
    items = list(items)
    facts = read_facts(listener, items, about=about)
    opinions = library.load_opinions(listener, [item.song for item in items])
    return _cards(items, explanation_text.describe_likeness(items, about, facts), opinions)


def _cards(
    items: Sequence[Any], reasons: Sequence[ExplanationText], opinions: Mapping[int, str]
) -> list[Card]:
    return [
        Card(item.song, opinions.get(item.song.pk, ""), why)
        for item, why in zip(items, reasons, strict=True)
    ]


def of_songs(listener: Any, songs: Sequence[Song]) -> list[Card]:
    """Make cards without reasons; one query."""
    opinions = library.load_opinions(listener, songs)
    return [Card(song, opinions.get(song.pk, "")) for song in songs]
