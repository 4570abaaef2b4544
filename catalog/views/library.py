"""Likes, dislikes and history, each with undo."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from catalog.listening import library
from catalog.models import Interaction
from common.http import Undo, answer_action

ROWS_A_PAGE = 50
REMOVED_ROWS = "history_taken_out"
HISTORY = "/library/history/"


@login_required
@require_safe
def show_likes(request):
    return _show_opinions(request, Interaction.Kind.LIKE, "likes")


@login_required
@require_safe
def show_dislikes(request):
    return _show_opinions(request, Interaction.Kind.DISLIKE, "dislikes")


def _show_opinions(request, kind: Interaction.Kind, tab: str):
    rows = Paginator(library.list_opinions(request.user, kind), ROWS_A_PAGE).get_page(
        request.GET.get("page")
    )
    opinion = library.LIKED if kind == Interaction.Kind.LIKE else library.DISLIKED
    context = {"page": "library", "tab": tab, "rows": rows, "opinion": opinion}
    return render(request, "catalog/opinions.html", context)


@login_required
@require_safe
def show_history(request):
    rows = Paginator(library.list_history(request.user), ROWS_A_PAGE).get_page(
        request.GET.get("page")
    )
    opinions = library.load_opinions(request.user, [row.song for row in rows])
    context = {
        "page": "library",
        "tab": "history",
        "rows": rows,
        "opinions": opinions,
        "can_undo": REMOVED_ROWS in request.session,
    }
    return render(request, "catalog/history.html", context)


@login_required
@require_POST
def remove_listen(request, interaction_id: int):
    """Take one play or skip out of the history."""
    heard = (
        Interaction.objects.for_listener(request.user).plays_and_skips().filter(pk=interaction_id)
    )
    taken = library.remove_listens(request.user, heard)
    if not taken:
        raise Http404
    return _confirm_removal(request, taken, _("Removed from your history."))


@login_required
@require_POST
def remove_day(request):
    """Take everything of one day out of the history."""
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        return HttpResponseBadRequest("day must be a date such as 2026-11-23.")
    taken = library.remove_listens(request.user, library.list_day(request.user, day))
    n = len(taken)
    message = ngettext(
        "%(n)d play removed from your history.", "%(n)d plays removed from your history.", n
    )
    return _confirm_removal(request, taken, message % {"n": n})


def _confirm_removal(request, taken: list[dict[str, Any]], message: str):
    """Say what was removed, and keep it in the session until the next removal, for an undo."""
    if taken:
        request.session[REMOVED_ROWS] = taken
    undo = Undo(reverse("catalog:undo_forget"), _("Undo"), next=HISTORY)
    return answer_action(request, message, default=HISTORY, undo=undo if taken else None)


@login_required
@require_POST
def undo_removal(request):
    """Put back what was removed from the history last."""
    taken = request.session.pop(REMOVED_ROWS, None)
    if taken is None:
        messages.error(request, _("There is nothing left to undo."))
    else:
        n = library.restore_listens(request.user, taken)
        message = ngettext("%(n)d play is back.", "%(n)d plays are back.", n)
        messages.success(request, message % {"n": n})
    if request.htmx:
        return HttpResponseClientRefresh()
    return redirect("catalog:history")
