"""How a list keeps what was asked of it, in sentences."""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.templatetags.numbers import format_count, format_score
from recommendations.engine import TermReport


def describe_broken(reports: Iterable[TermReport], n_songs: int, n_asked: int) -> list[str]:
    """Return a sentence for each term that a list does not keep, and one where a cap makes the list shorter."""
    sentences = [describe_term(report) for report in reports if not report.is_kept]
    cap = next((report for report in reports if report.term == "artist_cap"), None)
    if cap is not None and n_songs < n_asked and cap.possible == n_songs:
        sentences.append(
            ngettext(
                "Songs of one artist: at most %(cap)s asked for, which leaves %(n)s song for this list.",
                "Songs of one artist: at most %(cap)s asked for, which leaves %(n)s songs for this list.",
                n_songs,
            )
            % {"cap": format_count(int(cap.wanted)), "n": format_count(n_songs)}
        )
    return sentences


def describe_term(report: TermReport) -> str:
    """Return what a list has of what a term wants, and what is possible."""
    if report.term == "genres" and report.possible is None:
        return _("Nothing is known of the genres you hear, so the list can't follow them.")
    numbers = {
        name: format_score(value) if report.term == "genres" else format_count(int(value))
        for name, value in (
            ("wanted", report.wanted),
            ("listed", report.listed),
            ("possible", report.possible or 0),
        )
    }
    return _SENTENCES[report.term]() % numbers


_SENTENCES = {
    "artist_cap": lambda: _(
        "Songs of one artist: at most %(wanted)s asked for, up to %(listed)s in the list."
    ),
    "new_artists": lambda: _(
        "Songs by artists you never heard: %(wanted)s asked for, %(listed)s in the list, %(possible)s possible."
    ),
    "tail": lambda: _(
        "Less known songs: %(wanted)s asked for, %(listed)s in the list, %(possible)s possible."
    ),
    "genres": lambda: _(
        "Genres at most %(wanted)s from your own were asked for; the nearest list that was found is at %(possible)s."
    ),
}
