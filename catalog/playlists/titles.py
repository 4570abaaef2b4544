"""What playlists are called that are made for a listener: in the language of who reads.

Stored is what they were called in the language of the day on which they were made. As long as it is that, in whatever
language of the site, readers get it in their own; what a listener called a playlist stays as it is. So does what they
kept of a section or a mix: a copy of their own that they may rename, and its name reaches files and music servers.
"""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

JAMS, DISCOVERY, MIX = "weekly-jams", "weekly-discovery", "daily-mix"
_ANY = "\0"
"""In the place of what a title says besides its words; no title holds this character."""


class Naming(NamedTuple):
    """A title and a description."""

    title: str
    description: str


_WEEKLY = {
    JAMS: Naming(
        gettext_noop("Weekly jams, week of %(day)s"),
        gettext_noop("Songs you love and haven't worn out, and a few that go with them."),
    ),
    DISCOVERY: Naming(
        gettext_noop("Weekly discovery, week of %(day)s"),
        gettext_noop("Songs you hadn't heard yet, chosen for you."),
    ),
}

_FORMER_DESCRIPTIONS = (
    "Songs you have never heard, chosen for you.",
    "Songs, die du noch nie gehört hast, für dich gewählt.",
)
"""What stored discoveries say that were made before: untrue as soon as one of their songs is played."""


def name_weekly(kind: str, period: str) -> Naming:
    """Return what a weekly playlist is called in the active language; `period` is an ISO week, such as 2026-W35."""
    year, _w, week = period.partition("-W")
    monday = date.fromisocalendar(int(year), int(week), 1)
    words = _WEEKLY[kind]
    return Naming(
        _(words.title) % {"day": date_format(monday, "SHORT_DATE_FORMAT")}, _(words.description)
    )


def name_mix(number: int, name: str, artists: str) -> Naming:
    """Return what a daily mix is called in the active language."""
    return Naming(
        _("Daily mix %(number)d: %(name)s") % {"number": number, "name": name},
        _("With %(artists)s and more.") % {"artists": artists},
    )


def translate_naming(kind: str, period: str, stored: Naming) -> Naming:
    """Return what a generated playlist is called in the active language; what a listener wrote is left as it is."""
    try:
        by_language = [_name(code, kind, period) for code, _name_of_language in settings.LANGUAGES]
        own = _name(translation.get_language() or settings.LANGUAGE_CODE, kind, period)
    except (KeyError, ValueError):  # a period that is neither a week nor a day
        return stored
    if stored.description in _FORMER_DESCRIPTIONS:
        stored = stored._replace(description=own.description)
    return Naming(
        *(
            _translate(text, [one[column] for one in by_language], own[column])
            for column, text in enumerate(stored)
        )
    )


@lru_cache(maxsize=1024)
def _name(language: str, kind: str, period: str) -> Naming:
    """Return what a playlist is called in a language, `_ANY` for the part that is not the same in all of them."""
    with translation.override(language):
        if kind == MIX:
            return name_mix(int(period.rpartition("-")[2]), _ANY, _ANY)
        return name_weekly(kind, period)


def _translate(text: str, in_languages: list[str], own: str) -> str:
    for words in in_languages:
        before, mark, after = words.partition(_ANY)
        if not mark and text == words:
            return own
        if mark and text.startswith(before) and text.endswith(after):
            return own.replace(_ANY, text[len(before) : len(text) - len(after)])
    return text
