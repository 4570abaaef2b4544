"""The first page: sections for a listener, an invitation for a visitor; and one section alone."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import SignedInRequest
from catalog.models import Song
from catalog.playlists import edit, reasons
from common.http import SiteRequest
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.reasons import rule_text
from recommendations.services.reasons.explanation_text import name_shares
from recommendations.services.serving import feedback
from recommendations.services.surfaces import home as home_page
from recommendations.services.surfaces import list_changes, repeats
from recommendations.services.surfaces.home import Home
from recommendations.views import cards, tryout
from recommendations.views.cards import SectionCards

MOST_TURNS = 1000
_HEADINGS = {
    home_page.NEW: gettext_lazy("New to you"),
    home_page.FAVOURITES: gettext_lazy("Back to favourites"),
}
_SUBTITLES = {
    home_page.NEW: gettext_lazy("By artists you have not listened to yet."),
    home_page.FAVOURITES: gettext_lazy(
        "Songs you played three times or more, but not in the last two weeks."
    ),
}


@require_safe
def show_home(request: SiteRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return tryout.show_front_page(request)
    listener = request.user
    context = ListenerContext(listener)
    page = home_page.load_home(context)
    sections = cards.make_home_cards(page, context)
    for_you = next((section for section in sections if section.name == home_page.MADE), None)
    values = {
        "page": "home",
        "served": page.served,
        "receipt": feedback.sign_receipt(listener, page.served),
        "broken_rules": rule_text.describe_broken(
            page.served.contract, len(page.served), home_page.N_POOL
        ),
        "made": _show_section(for_you, page) if for_you else None,
        "made_for_you": for_you.cards if for_you else [],
        "sections": [
            _show_section(section, page) for section in sections if section is not for_you
        ],
        "weekly": page.weekly,
        "changes": list_changes.load_changes(listener, page.weekly),
        "mixes": page.mixes,
        "has_played": listener.personalised and any(one.n_plays for one in context.heard.values()),
        "may_rediscover": repeats.may_rediscover(context),
        "legend": name_shares(card.reasons for section in sections for card in section.cards),
        "asks_for_taste": page.served.segment == "none"
        and not _has_onboarded(context)
        and not _has_history(context),
        "has_songs": bool(for_you) or Song.objects.filter_offered(request.user).exists(),
    }
    return render(request, "recommendations/home.html", values)


def _has_history(context: ListenerContext) -> bool:
    """Return whether somebody without a model to know them has played something; one query then, else none."""
    return context.serving is None and bool(context.heard)


def _has_onboarded(context: ListenerContext) -> bool:
    return context.taste is not None and context.taste.onboarded_at is not None


@login_required
@require_safe
def show_section(request: SignedInRequest, section: str) -> HttpResponse:
    """Show one section with other songs: as a part for the home page, or as a page of its own."""
    context = ListenerContext(request.user)
    page, shown = _get_section(context, section, _turn(request.GET))
    if shown is None and not request.htmx:
        raise Http404
    values: dict[str, Any] = {
        "section": shown,
        "receipt": feedback.sign_receipt(request.user, page.served),
    }
    template = (
        "recommendations/_home_section.html"
        if request.htmx
        else "recommendations/home_section.html"
    )
    return render(request, template, values | {"page": "home"})


@login_required
@require_POST
def keep_section(request: SignedInRequest, section: str) -> HttpResponse:
    """Make a playlist of a section as it is shown, with the reasons."""
    context = ListenerContext(request.user)
    page, shown = _get_section(context, section, _turn(request.POST))
    if shown is None:
        raise Http404
    day = formats.date_format(timezone.localdate(), "SHORT_DATE_FORMAT")
    title = _("%(name)s, %(day)s") % {"name": shown["heading"], "day": day}
    why = reasons.write_reasons(lambda: _write_why(page, context, section))
    songs = [card.song for card in shown["cards"]]
    playlist = edit.keep_songs(request.user, title[: edit.MAX_TITLE], songs=songs, reasons=why)
    return redirect("catalog:playlist", playlist.pk)


def _write_why(page: Home, context: ListenerContext, name: str) -> dict[int, str]:
    """Return what the cards of a section say in the active language, by song id; no query."""
    section = next(one for one in cards.make_home_cards(page, context) if one.name == name)
    return {
        card.song.pk: card.reasons.line if card.reasons else card.note for card in section.cards
    }


def _get_section(
    context: ListenerContext, name: str, turn: int
) -> tuple[Home, dict[str, Any] | None]:
    if name not in home_page.SECTIONS:
        raise Http404
    page, _section = home_page.load_section(context, name, turn)
    section = next((one for one in cards.make_home_cards(page, context) if one.name == name), None)
    return page, _show_section(section, page, turn) if section else None


def _turn(data: QueryDict) -> int:
    text = data.get("turn", "")
    return int(text) % MOST_TURNS if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def _show_section(section: SectionCards, page: Home, turn: int = 0) -> dict[str, Any]:
    """Return what the template of a section needs."""
    heading, subtitle = _name_section(section, page)
    return {
        "name": section.name,
        "heading": heading,
        "subtitle": subtitle,
        "cards": section.cards,
        "spare": section.spare,
        "next_turn": turn + 1,
        "turn": turn,
    }


def _name_section(section: SectionCards, page: Home) -> tuple[str, str]:
    if section.name == home_page.MADE:
        is_personal = _is_new_in_library(page) or page.served.step not in ("popular", "empty")
        return _name_made(section, page), _("Songs for you") if is_personal else _(
            "Songs to start with"
        )
    if section.section.about is not None:
        return _("Because you liked “%(title)s”") % {"title": section.section.about.title}, ""
    if section.name == home_page.TRENDING:
        kinds = {
            item.explanation.popularity.kind
            for item in section.section.items
            if item.explanation.popularity
        }
        if "trending" in kinds:
            return _("Trending now"), _("What is played most here at the moment.")
        return _("Popular with everybody"), _("Songs that many listeners here have played.")
    return str(_HEADINGS[section.name]), str(_SUBTITLES[section.name])


def _is_new_in_library(page: Home) -> bool:
    return page.served.fallback == Fallback.HEARD_ALL


def _name_made(section: SectionCards, page: Home) -> str:
    if _is_new_in_library(page):
        return _("New in this library")
    is_popular = bool(section.cards) and all(
        card.reasons and card.reasons.popularity for card in section.cards
    )
    if page.served.step == "popular" and is_popular:
        return _("Popular now")
    return _("From this library") if page.served.step in ("popular", "empty") else _("Made for you")
