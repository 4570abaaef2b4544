"""A daily mix, and a playlist made from it."""

from dataclasses import replace

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from catalog.playlists import edit
from recommendations.services.surfaces import generated_playlists, mixes
from recommendations.views import cards


@login_required
@require_safe
def show_mix(request: SignedInRequest, number: int) -> HttpResponse:
    shown = _mix_or_404(request, number)
    (all_cards,) = cards.make_cards(request.user, shown.items)
    marked = [_mark_heard(card) if card.song.pk in shown.heard_ids else card for card in all_cards]
    return render(request, "recommendations/mix.html", {"mix": shown, "cards": marked})


def _mark_heard(card: cards.Card) -> cards.Card:
    """A song the listener has heard was not recommended, so its card says only where it comes from."""
    return replace(card, reasons=None, note=_("From your history"))


@login_required
@require_POST
def keep_mix(request: SignedInRequest, number: int) -> HttpResponse:
    """Make a playlist of today's mix, so that it stays when the day is over."""
    shown = _mix_or_404(request, number)
    day = formats.date_format(timezone.localdate(), "SHORT_DATE_FORMAT")
    title = _("%(name)s, mix of %(day)s") % {"name": shown.name or _("Daily mix"), "day": day}
    entries = generated_playlists.list_mix_entries(request.user, shown)
    why = {entry.song.pk: entry.reason for entry in entries}
    playlist = edit.keep_songs(
        request.user, title[: edit.MAX_TITLE], songs=shown.songs, reasons=why
    )
    return redirect("catalog:playlist", playlist.pk)


def _mix_or_404(request: SignedInRequest, number: int) -> mixes.Mix:
    todays = mixes.get_daily_mix(request.user, number)
    if todays is None:
        raise Http404
    return todays
