"""Likes, dislikes and history, each with undo."""

from datetime import date

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from catalog.models import Interaction
from catalog.services import library, listening
from catalog.views.responses import done

ROWS_A_PAGE = 50


@login_required
@require_safe
def likes(request):
    return _opinions(request, Interaction.Kind.LIKE, "likes")


@login_required
@require_safe
def dislikes(request):
    return _opinions(request, Interaction.Kind.DISLIKE, "dislikes")


def _opinions(request, kind: Interaction.Kind, tab: str):
    rows = Paginator(library.opinions(request.user, kind), ROWS_A_PAGE).get_page(request.GET.get("page"))
    opinion = library.LIKED if kind == Interaction.Kind.LIKE else library.DISLIKED
    context = {"page": "library", "tab": tab, "rows": rows, "opinion": opinion}
    return render(request, "catalog/opinions.html", context)


@login_required
@require_safe
def history(request):
    rows = Paginator(library.history(request.user), ROWS_A_PAGE).get_page(request.GET.get("page"))
    opinions = library.opinions_of(request.user, [row.song for row in rows])
    context = {"page": "library", "tab": "history", "rows": rows, "opinions": opinions}
    return render(request, "catalog/history.html", context)


@login_required
@require_POST
def forget(request, interaction_id: int):
    """Take one play or skip out of the history."""
    if not listening.delete_interaction(request.user, interaction_id):
        raise Http404
    return done(request, _("Removed from your history."), default="/library/history/")


@login_required
@require_POST
def forget_day(request):
    """Take everything of one day out of the history."""
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        return HttpResponseBadRequest("day must be a date such as 2026-11-23.")
    n = library.forget_day(request.user, day)
    message = ngettext("%(n)d play removed from your history.", "%(n)d plays removed from your history.", n)
    done(request, message % {"n": n})
    return redirect("catalog:history")
