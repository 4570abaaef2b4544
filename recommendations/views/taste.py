"""The taste profile: what is known, and steering it, with a preview before anything is saved."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from common.templatetags.numbers import format_count
from recommendations.forms import TasteForm
from recommendations.models import ListenerControl
from recommendations.services.preferences import controls, taste
from recommendations.services.serving import recommend
from recommendations.services.serving.explanation_text import join_words
from recommendations.services.serving.listener_context import ListenerContext
from recommendations.views import cards

UNDO = "taste_before"
WISHES_SHOWN = 20


@login_required
@require_safe
def taste_page(request):
    """Show the profile; with `preview` in the address also how the list would change."""
    clusters = taste.clusters(request.user)
    now = taste.load_taste(request.user)
    is_preview = "preview" in request.GET
    form = TasteForm(
        clusters,
        request.GET if is_preview else None,
        initial={"discovery": round(100 * now.discovery)},
    )
    known = taste.count_knowledge(request.user)
    context = {
        "page": "taste",
        "form": form,
        "known": known,
        "counted": _counted(known),
        "wishes": controls.list_hidden(request.user)[:WISHES_SHOWN],
        "can_undo": UNDO in request.session,
        "picks": ListenerContext(request.user).picks,
    }
    if is_preview and form.is_valid():
        context |= _compared(request.user, form)
    return render(request, "recommendations/taste.html", context)


def _counted(known: dict[str, Any]) -> str:
    """Say what the recommender goes by; what there is none of is left out."""
    words = {
        "plays": ngettext("%(n)s play", "%(n)s plays", known["plays"]),
        "likes": ngettext("%(n)s like", "%(n)s likes", known["likes"]),
        "dislikes": ngettext("%(n)s dislike", "%(n)s dislikes", known["dislikes"]),
        "skips": ngettext("%(n)s skip", "%(n)s skips", known["skips"]),
    }
    return join_words(
        [text % {"n": format_count(known[kind])} for kind, text in words.items() if known[kind]]
    )


def _compared(listener, form: TasteForm) -> dict:
    before = recommend.recommend_for(listener)
    after = taste.preview(listener, form.wanted_discovery, form.moods_by_song())
    old = cards.of_songs(listener, before.songs[: taste.N_PREVIEW])
    new = cards.of_songs(listener, after.songs[: taste.N_PREVIEW])
    known = {card.song.pk for card in old}
    return {"before": old, "after": new, "new_ids": {card.song.pk for card in new} - known}


@login_required
@require_POST
def preview_taste(request):
    """Lead to the page with the form's values in its address: it can be reloaded, and holds no token."""
    names = TasteForm(taste.clusters(request.user)).fields
    chosen = {name: request.POST[name] for name in names if name in request.POST}
    query = urlencode({"preview": 1, **chosen})
    return redirect(f"{reverse('recommendations:taste')}?{query}#preview")


@login_required
@require_POST
def save_taste(request):
    """Store slider and moods; what was there before is kept for one undo."""
    form = TasteForm(taste.clusters(request.user), request.POST)
    if not form.is_valid():
        messages.error(request, _("That could not be saved. Load the page again and repeat it."))
        return redirect("recommendations:taste")
    before = {
        "moods": _stored_moods(request.user),
        "discovery": taste.load_taste(request.user).discovery,
    }
    taste.set_discovery(request.user, form.wanted_discovery)
    for cluster, mood in form.changed_moods():
        taste.set_mood(request.user, cluster.song_ids, mood)
    request.session[UNDO] = before
    messages.success(request, _("Saved. Your next list follows it."))
    return redirect("recommendations:taste")


@login_required
@require_POST
def undo_taste(request):
    before = request.session.pop(UNDO, None)
    if before is None:
        messages.error(request, _("There is nothing left to undo."))
        return redirect("recommendations:taste")
    taste.set_discovery(request.user, before["discovery"])
    taste.set_mood(request.user, _stored_moods(request.user), taste.NORMAL)
    by_mood: dict[str, list[int]] = {}
    for song_id, mood in before["moods"].items():
        by_mood.setdefault(mood, []).append(int(song_id))
    for mood, song_ids in by_mood.items():
        taste.set_mood(request.user, song_ids, mood)
    messages.success(request, _("Undone: your taste is as it was before."))
    return redirect("recommendations:taste")


def _stored_moods(listener) -> dict[int, str]:
    stored = ListenerControl.objects.filter(listener=listener, kind__in=ListenerControl.MOODS)
    return dict(stored.values_list("song_id", "kind"))
