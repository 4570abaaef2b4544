"""The taste profile: what is known, and steering it, with a preview before anything is saved."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from catalog.songs.genres import list_common_genres
from common.templatetags.numbers import format_count
from recommendations.conf import conf
from recommendations.forms import RulesForm, TasteForm
from recommendations.models import ListenerControl, Taste
from recommendations.services.lists import list_rules
from recommendations.services.lists.listener_context import ListenerContext, Picks
from recommendations.services.preferences import controls, taste, taste_clusters
from recommendations.services.reasons import rule_text
from recommendations.services.reasons.feature_words import join_words
from recommendations.services.serving import recommend
from recommendations.views import cards
from recommendations.views.picks import MOST_GENRES, read_picks

UNDO = "taste_before"
HIDDEN_SHOWN = 20
PICKS_SHOWN = "picks"
"""A form that names it shows the picks, so that an unchecked box means to take one out."""


@login_required
@require_safe
def show_taste(request: SignedInRequest) -> HttpResponse:
    """Show the profile; with `preview` in the address also how the list would change."""
    clusters = taste_clusters.find_clusters(request.user)
    now = taste.load_taste(request.user)
    is_preview = "preview" in request.GET
    form = TasteForm(
        clusters,
        request.GET if is_preview else None,
        initial={"discovery": round(100 * now.discovery)},
    )
    counts = taste.count_knowledge(request.user)
    stored = ListenerContext(request.user).picks
    picks = (
        read_picks(request.GET, request.user)
        if is_preview and PICKS_SHOWN in request.GET
        else stored
    )
    genres = list_common_genres(request.user, MOST_GENRES)
    context = {
        "page": "taste",
        "form": form,
        "known": counts,
        "counted": _write_counts(counts),
        "hidden": controls.list_hidden(request.user)[:HIDDEN_SHOWN],
        "can_undo": UNDO in request.session,
        "picks": picks,
        "removed": _find_removed(stored, picks),
        "other_genres": [genre for genre in genres if genre not in picks.genres],
    }
    if request.user.personalised:
        context |= _read_rules(request.user, now)
    if is_preview and form.is_valid():
        context |= _compare_lists(request.user, form, picks)
    return render(request, "recommendations/taste.html", context)


def _write_counts(counts: dict[str, Any]) -> str:
    """Say what the recommender goes by; what there is none of is left out."""
    words = {
        "plays": ngettext("%(n)s play", "%(n)s plays", counts["plays"]),
        "likes": ngettext("%(n)s like", "%(n)s likes", counts["likes"]),
        "dislikes": ngettext("%(n)s dislike", "%(n)s dislikes", counts["dislikes"]),
        "skips": ngettext("%(n)s skip", "%(n)s skips", counts["skips"]),
    }
    return join_words(
        [text % {"n": format_count(counts[kind])} for kind, text in words.items() if counts[kind]]
    )


def _find_removed(stored: Picks, picks: Picks) -> Picks:
    """Return what is stored and would go, so that a preview can take it back."""
    return Picks(
        tuple(one for one in stored.songs if one not in picks.songs),
        tuple(one for one in stored.artists if one not in picks.artists),
        tuple(stored.genres),
    )


def _compare_lists(listener: User, form: TasteForm, picks: Picks) -> dict[str, Any]:
    before = recommend.recommend_songs(listener)
    after = taste.preview(listener, form.wanted_discovery, form.read_moods_by_song(), picks)
    old = cards.make_song_cards(listener, before.songs[: taste.N_PREVIEW])
    new = cards.make_song_cards(listener, after.songs[: taste.N_PREVIEW])
    old_ids = {card.song.pk for card in old}
    coming = {card.song.pk for card in new}
    return {
        "before": old,
        "after": new,
        "new_ids": coming - old_ids,
        "gone_ids": old_ids - coming,
        "n_changed": len(coming - old_ids),
    }


@login_required
@require_POST
def save_rules(request: SignedInRequest) -> HttpResponse:
    """Store what lists have to keep."""
    form = RulesForm(request.POST)
    if form.is_valid():
        taste.set_rules(request.user, form.rules)
        messages.success(request, _("Saved. Your next list follows it."))
    else:
        field, errors = next(iter(form.errors.items()))
        label = form.fields[field].label
        messages.error(request, f"{label}: {errors[0]}")
    return redirect(f"{reverse('recommendations:taste')}#rules-title")


def _read_rules(listener: User, stored: Taste) -> dict[str, Any]:
    """Return the form of the rules and what the list now can't keep of them; a list where there are any."""
    form = RulesForm(initial=RulesForm.read_initial(stored))
    if list_rules.find_terms(stored) is None:
        return {"rules": form}
    served = recommend.recommend_songs(listener)
    broken = rule_text.describe_broken(served.contract, len(served), conf.list_length)
    return {"rules": form, "has_rules": True, "broken_rules": broken}


@login_required
@require_POST
def preview_taste(request: SignedInRequest) -> HttpResponse:
    """Lead to the page with the form's values in its address: it can be reloaded, and holds no token."""
    names = [
        *TasteForm(taste_clusters.find_clusters(request.user)).fields,
        PICKS_SHOWN,
        "song",
        "artist",
        "genre",
    ]
    chosen = {
        name: request.POST.getlist(name)[:MOST_GENRES] for name in names if name in request.POST
    }
    query = urlencode({"preview": 1, **chosen}, doseq=True)
    return redirect(f"{reverse('recommendations:taste')}?{query}#preview")


@login_required
@require_POST
def save_taste(request: SignedInRequest) -> HttpResponse:
    """Store slider and moods; what was there before is kept for one undo."""
    form = TasteForm(taste_clusters.find_clusters(request.user), request.POST)
    if not form.is_valid():
        messages.error(request, _("That could not be saved. Load the page again and repeat it."))
        return redirect("recommendations:taste")
    stored = ListenerContext(request.user).picks
    before = {
        "moods": _load_stored_moods(request.user),
        "discovery": taste.load_taste(request.user).discovery,
        "picks": _number_picks(stored),
    }
    picks = read_picks(request.POST, request.user) if PICKS_SHOWN in request.POST else stored
    has_other_picks = _number_picks(picks) != before["picks"]
    changed_moods = list(form.find_changed_moods())
    with transaction.atomic():
        if has_other_picks:
            _set_picks(request.user, picks)
        taste.set_discovery(request.user, form.wanted_discovery)
        for cluster, mood in changed_moods:
            taste.set_mood(request.user, cluster.song_ids, mood)
    request.session[UNDO] = before
    messages.success(request, _("Saved. Your next list follows it."))
    return redirect("recommendations:taste")


@login_required
@require_POST
def undo_taste(request: SignedInRequest) -> HttpResponse:
    before = request.session.pop(UNDO, None)
    if before is None:
        messages.error(request, _("There is nothing left to undo."))
        return redirect("recommendations:taste")
    picks = None
    if "picks" in before:
        ids = {name: [str(pk) for pk in ids] for name, ids in before["picks"].items()}
        picks = read_picks(MultiValueDict(ids), request.user)
    by_mood: dict[str, list[int]] = {}
    for song_id, mood in before["moods"].items():
        by_mood.setdefault(mood, []).append(int(song_id))
    with transaction.atomic():
        taste.set_discovery(request.user, before["discovery"])
        if picks is not None:
            _set_picks(request.user, picks)
        taste.set_mood(request.user, _load_stored_moods(request.user), taste_clusters.NORMAL)
        for mood, song_ids in by_mood.items():
            taste.set_mood(request.user, song_ids, mood)
    messages.success(request, _("Undone: your taste is as it was before."))
    return redirect("recommendations:taste")


def _set_picks(listener: User, picks: Picks) -> None:
    taste.set_picks(listener, songs=picks.songs, artists=picks.artists, genres=picks.genres)


def _number_picks(picks: Picks) -> dict[str, list[int]]:
    """Return the ids of the picks, as a session keeps them."""
    return {
        "song": sorted(one.pk for one in picks.songs),
        "artist": sorted(one.pk for one in picks.artists),
        "genre": sorted(one.pk for one in picks.genres),
    }


def _load_stored_moods(listener: User) -> dict[int, str]:
    stored = ListenerControl.objects.filter(listener=listener, kind__in=ListenerControl.MOODS)
    return dict(stored.values_list("song_id", "kind"))
