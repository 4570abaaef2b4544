"""The page of sonic paths: choose two songs, see and play what leads from one to the other, keep it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from catalog.models import Song
from catalog.playlists import edit
from catalog.songs.aliases import find_song_by_number
from catalog.songs.search import SongSearch, search_songs
from common.http import SiteRequest
from recommendations.services.lists.exclusions import load_unwanted
from recommendations.services.surfaces.sonic_path import USUAL_LENGTH, SonicPath, find_sonic_path
from recommendations.views import cards

N_FOUND = 12
LENGTHS = (6, 12, 25)
_LARGEST_ID = 2**63 - 1


@require_safe
def show_path(request: SiteRequest) -> HttpResponse:
    """Show the path between `start` and `end`; as long as one is missing, offer songs to choose it from."""
    start, end = (_read_song(request, request.GET.get(name, "")) for name in ("start", "end"))
    words, n = request.GET.get("q", ""), _read_length(request.GET.get("n", ""))
    context: dict[str, Any] = {
        "start": start,
        "end": end,
        "n": n,
        "lengths": LENGTHS,
        "words": words,
    }
    if start is None or end is None:
        search = SongSearch(words=words)
        offered = [] if search.is_empty else search_songs(search, request.user)[:N_FOUND]
        context |= {"missing": "end" if start else "start", "offered": offered}
    else:
        path = _find_path(request, start, end, n)
        shown = cards.make_song_cards(request.user, path.songs)
        context |= {"path": path, "rows": list(zip(shown, [None, *path.steps], strict=False))}
    return render(request, "recommendations/path.html", context)


@login_required
@require_POST
def keep_path(request: SignedInRequest) -> HttpResponse:
    """Make a playlist of the path."""
    start, end = (_read_song(request, request.POST.get(name, "")) for name in ("start", "end"))
    if start is None or end is None:
        raise Http404
    path = _find_path(request, start, end, _read_length(request.POST.get("n", "")))
    if not path.songs:
        return HttpResponseBadRequest(path.reason)
    title = _("From “%(start)s” to “%(end)s”") % {"start": start.title, "end": end.title}
    playlist = edit.keep_songs(request.user, title[: edit.MAX_TITLE], songs=path.songs)
    return redirect("catalog:playlist", playlist.pk)


def _find_path(request: SiteRequest, start: Song, end: Song, n: int) -> SonicPath:
    return find_sonic_path(start, end, n, unwanted=load_unwanted(request.user))


def _read_song(request: SiteRequest, text: str) -> Song | None:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LARGEST_ID):
        return None
    return find_song_by_number(Song.objects.filter_offered(request.user).for_cards(), int(text))


def _read_length(text: str) -> int:
    return int(text) if text in {str(n) for n in LENGTHS} else USUAL_LENGTH
