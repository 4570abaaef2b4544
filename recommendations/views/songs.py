"""A song's page and the why panel."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts.models import User
from accounts.requests import SignedInRequest
from catalog.listening import library
from catalog.models import Artist, Song
from catalog.servers.web_links import list_web_links
from catalog.views.named import get_artist_or_404, get_song_or_404
from common.generics import StrOrPromise
from common.http import SiteRequest, Undo, answer_action, get_back_url
from recommendations.services.lists import estimated_features
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.preferences import controls, feature_chart, taste
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.explanation_facts import Explained, read_facts
from recommendations.services.serving import similar_songs, song_explanation
from recommendations.services.serving.why_not import explain_absence
from recommendations.services.surfaces import related_artists
from recommendations.services.surfaces.artist_variety import limit_artists
from recommendations.views import cards

N_SIMILAR, N_COMPARED = 12, 48


@require_safe
def show_song(request: SiteRequest, song_id: int) -> HttpResponse:
    shown = get_song_or_404(request.user, song_id, for_card=True)
    if shown.pk != song_id:
        return redirect("recommendations:song", shown.pk)
    listener = ListenerContext.about_music(request.user)
    similar = similar_songs.find_similar(shown, N_COMPARED, context=listener)
    similar = replace(similar, items=limit_artists(similar.items, N_SIMILAR))
    explanation = None
    if request.user.is_authenticated and request.user.personalised:
        explanation = song_explanation.explain_song(request.user, shown)
    context = {
        "song": shown,
        "opinion": library.load_opinions(request.user, [shown]).get(shown.pk, ""),
        "similar": cards.make_list_cards(request.user, similar),
        "similar_served": similar,
        "similar_artists": related_artists.rank_with_songs(similar.songs, shown.artist_id),
        "profile": feature_chart.chart_profile(
            shown, estimated_features.find_estimates(shown, listener)
        ),
        "explanation": explanation,
        "web_links": list_web_links(shown, request.user),
        "controls": controls.list_song_controls(request.user, shown)
        if request.user.is_authenticated
        else set(),
    }
    return render(request, "recommendations/song.html", context)


@login_required
@require_safe
def show_why(request: SignedInRequest, song_id: int) -> HttpResponse:
    """Say why a song is (or would be) recommended, and offer what can be done about it."""
    shown = get_song_or_404(request.user, song_id, for_card=True)
    listener = ListenerContext(request.user)
    explanation, sound = song_explanation.explain_with_sound(request.user, shown, listener)
    opinion = library.load_opinions(request.user, [shown]).get(shown.pk, "")
    context = {"song": shown, "song_id": shown.pk, "opinion": opinion}
    if explanation is not None:
        facts = read_facts(request.user, [Explained(shown, explanation)])
        reasons = explanation_text.describe(shown, explanation, facts)
        context |= {
            "reasons": reasons,
            "chart": feature_chart.chart_comparison(
                shown,
                reasons.explanation or explanation,
                sound,
                estimated_features.find_estimates(shown, listener),
            ),
        }
    context["controls"] = controls.list_song_controls(request.user, shown)
    context["absence"] = explain_absence(request.user, shown, context=listener)
    template = "recommendations/_why.html" if request.htmx else "recommendations/why.html"
    return render(request, template, context)


# Each control of a song or an artist: what sets it, what is said then, and the control that takes it back.
_SONG_CONTROLS = {
    "hide-song": (
        controls.hide_song,
        gettext_lazy("“%(name)s” is hidden. Your library has it under Hidden."),
        "unhide-song",
    ),
    "unhide-song": (controls.unhide_song, gettext_lazy("“%(name)s” may be recommended again."), ""),
    "ignore-song": (
        controls.ignore_song,
        gettext_lazy("“%(name)s” is no longer used for your recommendations."),
        "unignore-song",
    ),
    "unignore-song": (
        controls.unignore_song,
        gettext_lazy("“%(name)s” is used for your recommendations again."),
        "",
    ),
}
_ARTIST_CONTROLS = {
    "like-artist": (
        taste.like_artist,
        gettext_lazy("You like %(name)s. Your taste page has them."),
        "unlike-artist",
    ),
    "unlike-artist": (
        taste.unlike_artist,
        gettext_lazy("%(name)s is no longer among the artists you like."),
        "",
    ),
    "hide-artist": (
        controls.hide_artist,
        gettext_lazy("%(name)s is hidden: from the next list on, nothing by them is recommended."),
        "unhide-artist",
    ),
    "unhide-artist": (
        controls.unhide_artist,
        gettext_lazy("%(name)s may be recommended again."),
        "",
    ),
}


@login_required
@require_POST
def control_song(request: SignedInRequest, song_id: int) -> HttpResponse:
    """Hide a song, don't learn from it, or take either back."""
    about = get_song_or_404(request.user, song_id)
    return _set_control(request, _SONG_CONTROLS, about, about.title, "recommendations:control_song")


@login_required
@require_POST
def control_artist(request: SignedInRequest, artist_id: int) -> HttpResponse:
    """Like or hide an artist, or take either back."""
    about = get_artist_or_404(request.user, artist_id)
    return _set_control(
        request, _ARTIST_CONTROLS, about, about.name, "recommendations:control_artist"
    )


def _set_control(
    request: SignedInRequest,
    actions: Mapping[str, tuple[Callable[[User, Any], Any], StrOrPromise, str]],
    about: Song | Artist,
    name: str,
    address: str,
) -> HttpResponse:
    """Do what was asked for and say it, with an undo; what is back is shown by loading the page again."""
    asked = request.POST.get("control", "")
    if asked not in actions:
        return HttpResponseBadRequest(f"{asked!r} is not one of {', '.join(actions)}.")
    change, words, takes_back = actions[asked]
    change(request.user, about)
    message = str(words) % {"name": name}
    if not takes_back and request.htmx:
        messages.success(request, message)
        return HttpResponseClientRefresh()
    undo = Undo(
        reverse(address, args=[about.pk]), _("Undo"), "control", takes_back, get_back_url(request)
    )
    return answer_action(request, message, undo=undo if takes_back else None)
