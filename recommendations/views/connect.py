"""Connecting a player: choose it, get a token and its settings, and see the first listen arrive."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import tokens
from accounts.requests import SignedInRequest
from common.http import SiteRequest
from recommendations.services.players import arrivals, guides
from recommendations.services.surfaces import beyond_library

_LARGEST_ID = 2**63 - 1


@login_required
@require_safe
def choose_player(request: SignedInRequest) -> HttpResponse:
    return render(request, "recommendations/connect.html", {"guides": guides.GUIDES})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def connect_player(request: SignedInRequest, player: str) -> HttpResponse:
    """Show what a player needs; POST makes the token, which is shown this once."""
    guide = _get_guide(player)
    context = {"guide": guide, "has_token": False}
    if guide.slug == "lidarr":
        context["lacks_pack"] = not beyond_library.has_index()
    if request.method == "POST":
        try:
            token = tokens.create_token(request.user, str(guide.name), list(guide.scopes))
        except tokens.TooManyTokens as error:
            return render(
                request, "recommendations/connect_player.html", context | {"error": str(error)}
            )
        after = arrivals.find_last_id(request.user)
        context |= _fill(request, guide, token.secret) | _describe_arrival(request, guide, after)
        context["has_token"] = True
    elif "after" in request.GET:
        context |= _describe_arrival(request, guide, _read_after(request))
    return render(request, "recommendations/connect_player.html", context)


@login_required
@require_safe
def show_arrival(request: SignedInRequest, player: str) -> HttpResponse:
    """The part of the page that waits; the page asks for it every few seconds until something came."""
    guide = _get_guide(player)
    context = {"guide": guide} | _describe_arrival(request, guide, _read_after(request))
    return render(request, "recommendations/_arrival.html", context)


def _get_guide(slug: str) -> guides.Guide:
    if slug not in guides.BY_SLUG:
        raise Http404
    return guides.BY_SLUG[slug]


def _fill(request: SignedInRequest, guide: guides.Guide, secret: str) -> dict[str, Any]:
    filled = guides.fill_settings(guide, settings.SITE_URL, request.user.username, secret)
    return {"settings": filled}


def _describe_arrival(request: SignedInRequest, guide: guides.Guide, after: int) -> dict[str, Any]:
    arrival = arrivals.find_arrival(request.user, after, str(guide.name))
    playing = arrival.playing or {}
    return {
        "after": after,
        "arrival": arrival,
        "playing": _("“%(title)s” by %(artist)s")
        % {"title": playing.get("title", ""), "artist": playing.get("artist", "")}
        if playing
        else "",
    }


def _read_after(request: SiteRequest) -> int:
    text = request.GET.get("after", "")
    is_number = text.isascii() and text.isdecimal() and len(text) < 20
    return min(int(text), _LARGEST_ID) if is_number else 0
