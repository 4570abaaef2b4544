"""Likes, dislikes and history, each with undo."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.requests import SignedInRequest
from catalog.listening import history, library
from catalog.listening.periods import name_hour, name_weekday
from catalog.models import Interaction
from common.http import SiteRequest, Undo, answer_action

ROWS_A_PAGE = 50
REMOVED_ROWS = "history_taken_out"
HISTORY = "/library/history/"


@login_required
@require_safe
def show_likes(request: SignedInRequest) -> HttpResponse:
    return _show_opinions(request, Interaction.Kind.LIKE, "likes")


@login_required
@require_safe
def show_dislikes(request: SignedInRequest) -> HttpResponse:
    return _show_opinions(request, Interaction.Kind.DISLIKE, "dislikes")


def _show_opinions(request: SignedInRequest, kind: Interaction.Kind, tab: str) -> HttpResponse:
    rows = Paginator(library.list_opinions(request.user, kind), ROWS_A_PAGE).get_page(
        request.GET.get("page")
    )
    opinion = library.LIKED if kind == Interaction.Kind.LIKE else library.DISLIKED
    context = {"page": "library", "tab": tab, "rows": rows, "opinion": opinion}
    return render(request, "catalog/opinions.html", context)


@login_required
@require_safe
def show_history(request: SignedInRequest) -> HttpResponse:
    wanted = history.read_filter(request.user, request.GET)
    page = history.load_page(request.user, wanted, request.GET.get("cursor", ""), ROWS_A_PAGE)
    songs = [row.song for row in page.rows]
    context = {
        "page": "library",
        "tab": "history",
        "rows": page.rows,
        "wanted": wanted,
        "sources": history.list_sources(request.user),
        "older": page.older and _build_query(request, cursor=page.older),
        "newer": page.newer and _build_query(request, cursor=page.newer),
        "conditions": _list_conditions(request, wanted),
        "opinions": library.load_opinions(request.user, songs),
        "can_undo": REMOVED_ROWS in request.session,
    }
    return render(request, "catalog/history.html", context)


def _build_query(request: SiteRequest, **changes: str) -> str:
    """Return the address's query with other values, without those that are empty."""
    query = request.GET.copy()
    query.pop("cursor", None)
    for name, value in changes.items():
        query[name] = value
    kept = {name: value for name, value in query.items() if value}
    return urlencode(kept)


def _list_conditions(request: SiteRequest, wanted: history.HistoryFilter) -> list[tuple[str, str]]:
    """Return what the list is narrowed down to by links, and the query without each of them."""
    names = ("artist", "song", "album", "genre")
    chosen = [(name, one) for name in names if (one := getattr(wanted, name)) is not None]
    conditions = [(str(one), _build_query(request, **{name: ""})) for name, one in chosen]
    if wanted.weekday is not None:
        conditions.append((name_weekday(wanted.weekday - 1), _build_query(request, weekday="")))
    if wanted.hour is not None:
        conditions.append((name_hour(wanted.hour), _build_query(request, hour="")))
    return conditions


@login_required
@require_POST
def remove_listen(request: SignedInRequest, interaction_id: int) -> HttpResponse:
    """Take one play or skip out of the history."""
    heard = (
        Interaction.objects.for_listener(request.user).plays_and_skips().filter(pk=interaction_id)
    )
    removed = library.remove_listens(request.user, heard)
    if not removed:
        raise Http404
    return _confirm_removal(request, removed, _("Removed from your history."))


@login_required
@require_POST
def remove_day(request: SignedInRequest) -> HttpResponse:
    """Take everything of one day out of the history."""
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        return HttpResponseBadRequest("day must be a date such as 2026-11-23.")
    removed = library.remove_listens(request.user, library.list_day(request.user, day))
    n = len(removed)
    message = ngettext(
        "%(n)d play removed from your history.", "%(n)d plays removed from your history.", n
    )
    return _confirm_removal(request, removed, message % {"n": n})


def _confirm_removal(
    request: SiteRequest, removed: list[dict[str, Any]], message: str
) -> HttpResponse:
    """Say what was removed, and keep it in the session until the next removal, for an undo."""
    if removed:
        request.session[REMOVED_ROWS] = removed
    undo = Undo(reverse("catalog:undo_forget"), _("Undo"), next=HISTORY)
    return answer_action(request, message, default=HISTORY, undo=undo if removed else None)


@login_required
@require_POST
def undo_removal(request: SignedInRequest) -> HttpResponse:
    """Put back what was removed from the history last."""
    removed = request.session.pop(REMOVED_ROWS, None)
    if removed is None:
        messages.error(request, _("There is nothing left to undo."))
    else:
        n = library.restore_listens(request.user, removed)
        message = ngettext("%(n)d play is back.", "%(n)d plays are back.", n)
        messages.success(request, message % {"n": n})
    if request.htmx:
        return HttpResponseClientRefresh()
    return redirect("catalog:history")
