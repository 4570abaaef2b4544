"""A song's picture, and what a listener does with the song."""

from datetime import timedelta

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.middleware import exempt_from_page_limit
from accounts.requests import SignedInRequest
from catalog.listening import interactions
from catalog.songs import covers
from catalog.views.named import get_song_or_404
from common.http import SiteRequest, answer_action, get_back_url

ONE_YEAR = 365 * 24 * 3600
LONGEST_PLAY_MS = 24 * 3600 * 1000


@exempt_from_page_limit
@require_GET
def serve_cover(request: SiteRequest, code: str) -> HttpResponse:
    """Serve a drawn cover; its name says all there is to draw, so it may be kept for ever."""
    try:
        drawn = covers.draw_cover(code)
    except covers.InvalidCoverCode as error:
        raise Http404(str(error)) from None
    response = HttpResponse(drawn, content_type="image/svg+xml")
    response["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
    return response


@login_required
@require_POST
def set_opinion(request: SignedInRequest, song_id: int) -> HttpResponse:
    """Like, dislike, or take either back."""
    song = get_song_or_404(request.user, song_id)
    opinion = request.POST.get("opinion")
    if opinion == "like":
        interactions.like_song(request.user, song, source="site")
        message = _("You like “%(title)s”. It counts from your next list on.")
    elif opinion == "dislike":
        interactions.dislike_song(request.user, song, source="site")
        message = _("Noted: you don't like “%(title)s”. It won't be recommended again.")
    elif opinion == "none":
        interactions.clear_opinion(request.user, song)
        message = _("Your opinion on “%(title)s” is removed.")
    else:
        return HttpResponseBadRequest("opinion must be like, dislike or none.")
    # The form that replaces this one leads back to the same page, should it be sent without script.
    context = {
        "song": song,
        "opinion": "" if opinion == "none" else opinion,
        "next": get_back_url(request),
    }
    return answer_action(request, message % {"title": song.title}, "parts/_opinion.html", context)


@login_required
@require_POST
def record_play(request: SignedInRequest, song_id: int) -> HttpResponse:
    """Note how long the player played a song; what is too short to be a play is stored as a skip."""
    song = get_song_or_404(request.user, song_id)
    try:
        played_ms = int(request.POST.get("played_ms", ""))
    except ValueError:
        return HttpResponseBadRequest("played_ms must be a whole number of milliseconds.")
    if not 0 <= played_ms <= LONGEST_PLAY_MS:
        return HttpResponseBadRequest(f"played_ms must be from 0 to {LONGEST_PLAY_MS}.")
    began = timezone.now() - timedelta(milliseconds=played_ms)
    interactions.record_play(
        request.user, song, occurred_at=began, played_ms=played_ms, source="player"
    )
    return HttpResponse(status=204)
