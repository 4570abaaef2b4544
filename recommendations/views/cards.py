"""Songs ready to be shown: with reasons and the listener's opinion, in a number of queries that does not grow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.listening import library
from catalog.models import Song
from common.templatetags.numbers import format_count
from recommendations.services.lists.listener_context import HeardSong, ListenerContext
from recommendations.services.lists.served_list import Served, ServedSong
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.explanation_facts import read_facts
from recommendations.services.reasons.explanation_text import ExplanationText
from recommendations.services.surfaces import home
from recommendations.services.surfaces.home import Home, HomeSection


@dataclass(frozen=True)
class Card:
    song: Song
    opinion: str = ""
    reasons: ExplanationText | None = None
    note: str = ""


def make_cards(listener: Any, *lists: Iterable[Any]) -> list[list[Card]]:
    """Make cards of lists for a listener, in a number of queries that does not grow with them."""
    served = [list(one) for one in lists]
    everything = [item for one in served for item in one]
    facts = read_facts(listener, everything)
    opinions = library.load_opinions(listener, [item.song for item in everything])
    return [
        _make_cards(one, explanation_text.describe_list(one, facts), opinions) for one in served
    ]


def make_list_cards(listener: Any, served: Served) -> list[Card]:
    """Make cards of one served list that is about a song, or from what a visitor picked."""
    opinions = library.load_opinions(listener, served.songs)
    return _make_cards(served.items, explanation_text.describe_served(served, listener), opinions)


def _make_cards(
    items: Sequence[Any], reasons: Sequence[ExplanationText], opinions: Mapping[int, str]
) -> list[Card]:
    return [
        Card(item.song, opinions.get(item.song.pk, ""), why)
        for item, why in zip(items, reasons, strict=True)
    ]


def make_song_cards(listener: Any, songs: Sequence[Song]) -> list[Card]:
    """Make cards without reasons; one query."""
    opinions = library.load_opinions(listener, songs)
    return [Card(song, opinions.get(song.pk, "")) for song in songs]


@dataclass(frozen=True)
class SectionCards:
    """A section ready to be shown; `spare` come in when one of `cards` is hidden."""

    section: HomeSection
    cards: list[Card]
    spare: list[Card]

    @property
    def name(self) -> str:
        return self.section.name


def make_home_cards(page: Home, context: ListenerContext) -> list[SectionCards]:
    """Make the cards of all sections; no query beyond those of the page."""
    return [_make_section(section, page, context) for section in page.sections]


def _make_section(section: HomeSection, page: Home, context: ListenerContext) -> SectionCards:
    items = [*section.items, *section.spare]
    heard = context.heard
    opinions = {
        item.song.pk: heard[item.song.pk].opinion for item in items if item.song.pk in heard
    }
    if section.name == home.FAVOURITES:
        section_cards = [_make_favourite(item, heard) for item in items]
    elif section.about is not None:
        reasons = explanation_text.describe_likeness(items, section.about, page.facts_of_liked)
        section_cards = _make_cards(items, reasons, opinions)
    else:
        section_cards = _make_cards(
            items, explanation_text.describe_list(items, page.facts), opinions
        )
    n = len(section.items)
    return SectionCards(section, section_cards[:n], section_cards[n:])


def _make_favourite(item: ServedSong, heard: Mapping[int, HeardSong]) -> Card:
    """Say how often and when the listener last played one of their favourites."""
    one = heard[item.song.pk]
    words = ngettext("Played %(n)s time", "Played %(n)s times", one.n_plays) % {
        "n": format_count(one.n_plays)
    }
    if one.last_played is not None:
        day = date_format(localtime(one.last_played), "DATE_FORMAT")
        words += ", " + _("last on %(day)s") % {"day": day}
    return Card(item.song, one.opinion, note=words)
