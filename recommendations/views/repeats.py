"""Songs to hear again as pages: what comes next, and what was loved and forgotten; both can be kept as playlists."""

from collections.abc import Iterable

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from catalog.listening import library
from catalog.models import Song
from catalog.playlists import edit, reasons
from recommendations.services.surfaces import repeats
from recommendations.views.cards import Card

N_NEXT_UP = 24
N_REDISCOVERED = 24
MOST_EXCLUDED = 200
_LARGEST_ID = 2**63 - 1
FAMILIARITIES = {
    "": gettext_lazy("As you listen"),
    "0": gettext_lazy("Only new songs"),
    "0.25": gettext_lazy("Mostly new ones"),
    "0.5": gettext_lazy("Half and half"),
    "0.75": gettext_lazy("Mostly known ones"),
    "1": gettext_lazy("Only songs you know"),
}
"""How many of the songs are known ones; the first is the listener's own part of repeats."""


@login_required
@require_safe
def show_next_up(request: SignedInRequest) -> HttpResponse:
    """Show songs to play next, known and new ones in turn; `had` in the address are songs that came before."""
    familiarity, had = _read_familiarity(request.GET), _read_excluded(request.GET)
    queue = _load_queue(request, familiarity, had)
    context = {
        "page": "home",
        "queue": queue,
        "cards": _make_queue_cards(request, queue),
        "repeat_percent": round(100 * queue.repeat_rate),
        "choices": FAMILIARITIES.items(),
        "familiarity": familiarity,
        "had": ",".join(map(str, had)),
        "goes_on": ",".join(map(str, [*had, *(one.song.pk for one in queue.songs)])),
    }
    # An address that has grown long begins anew.
    context["can_go_on"] = len(queue.songs) == N_NEXT_UP and (
        len(had) + len(queue.songs) <= MOST_EXCLUDED
    )
    return render(request, "recommendations/next_up.html", context)


@login_required
@require_POST
def keep_next_up(request: SignedInRequest) -> HttpResponse:
    """Make a playlist of the queue as it is now, with the reasons."""
    queue = _load_queue(request, _read_familiarity(request.POST), _read_excluded(request.POST))
    why = reasons.write_reasons(queue.write_reasons)
    return _keep(request, _("Next up"), [one.song for one in queue.songs], why)


@login_required
@require_safe
def show_rediscoveries(request: SignedInRequest) -> HttpResponse:
    """Show songs that were played much once and have been lost sight of, most loved first."""
    songs = repeats.rediscover(request.user, N_REDISCOVERED)
    opinions = library.load_opinions(request.user, [one.song for one in songs])
    shown = [Card(one.song, opinions.get(one.song.pk, ""), note=one.reason) for one in songs]
    return render(request, "recommendations/rediscover.html", {"page": "home", "cards": shown})


@login_required
@require_POST
def keep_rediscoveries(request: SignedInRequest) -> HttpResponse:
    """Make a playlist of the songs that were lost sight of, with when they were played."""
    songs = repeats.rediscover(request.user, N_REDISCOVERED)
    why = reasons.write_reasons(lambda: {one.song.pk: one.reason for one in songs})
    return _keep(request, _("Rediscover"), [one.song for one in songs], why)


def _keep(
    request: SignedInRequest, name: str, songs: Iterable[Song], why: dict[int, reasons.Reason]
) -> HttpResponse:
    day = formats.date_format(timezone.localdate(), "SHORT_DATE_FORMAT")
    title = _("%(name)s, %(day)s") % {"name": name, "day": day}
    playlist = edit.keep_songs(request.user, title, songs=songs, reasons=why)
    return redirect("catalog:playlist", playlist.pk)


def _load_queue(request: SignedInRequest, familiarity: str, had: list[int]) -> repeats.Queue:
    share = float(familiarity) if familiarity else None
    return repeats.list_next_up(request.user, N_NEXT_UP, familiarity=share, exclude=had)


def _make_queue_cards(request: SignedInRequest, queue: repeats.Queue) -> list[Card]:
    why = queue.explain_new()
    opinions = library.load_opinions(request.user, [one.song for one in queue.songs])
    shown: list[Card] = []
    for one in queue.songs:
        opinion = opinions.get(one.song.pk, "")
        note = one.repeated.reason if one.repeated is not None else ""
        shown.append(Card(one.song, opinion, why.get(one.song.pk), note))
    return shown


def _read_familiarity(data: QueryDict) -> str:
    """Return one of the choices; the listener's own for anything else."""
    value = data.get("familiarity", "")
    return value if value in FAMILIARITIES else ""


def _read_excluded(data: QueryDict) -> list[int]:
    """Return the ids in `had`; what is no id is left out."""
    words = data.get("had", "").split(",")[:MOST_EXCLUDED]
    ids = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 20]
    return [pk for pk in ids if pk <= _LARGEST_ID]
