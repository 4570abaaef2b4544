"""A song's page, an artist's page and the why panel."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponseBadRequest
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from catalog.listening import library
from catalog.models import Artist, Song
from common.http import done
from recommendations.services.preferences import controls, feature_chart
from recommendations.services.serving import explanation_text, recommend
from recommendations.services.surfaces import related_artists
from recommendations.views import cards

N_SIMILAR = 12
SONGS_A_PAGE = 30


@require_safe
def song(request, song_id: int):
    shown = get_object_or_404(Song.objects.for_cards(), pk=song_id)
    similar = recommend.similar_songs(shown, N_SIMILAR)
    (similar_cards,) = cards.of_served(request.user, similar.items)
    explanation = None
    if request.user.is_authenticated and request.user.personalised:
        explanation = recommend.explain_song(request.user, shown)
    context = {
        "song": shown,
        "opinion": library.opinions_of(request.user, [shown]).get(shown.pk, ""),
        "similar": cards.compared(similar_cards),
        "similar_served": similar,
        "like_artists": related_artists.like_artist_of(similar.songs, shown.artist_id),
        "profile": feature_chart.profile(shown),
        "explanation": explanation,
        "wished": controls.about_song(request.user, shown) if request.user.is_authenticated else set(),
    }
    return render(request, "recommendations/song.html", context)


@require_safe
def artist(request, artist_id: int):
    shown = get_object_or_404(Artist, pk=artist_id)
    found = Song.objects.available().for_cards().by_artists([shown.pk]).order_by("-year", "title", "pk")
    songs = Paginator(found, SONGS_A_PAGE).get_page(request.GET.get("page"))
    hidden = request.user.is_authenticated and shown.pk in controls.unwanted(request.user)[1]
    context = {
        "artist": shown,
        "songs": songs,
        "cards": cards.of_songs(request.user, list(songs)),
        "similar_artists": related_artists.similar_artists(shown),
        "is_hidden": hidden,
    }
    return render(request, "recommendations/artist.html", context)


@login_required
@require_safe
def why(request, song_id: int):
    """Say why a song is (or would be) recommended, and offer what can be done about it."""
    shown = get_object_or_404(Song.objects.for_cards(), pk=song_id)
    explanation, sound = recommend.explain_with_sound(request.user, shown)
    opinion = library.opinions_of(request.user, [shown]).get(shown.pk, "")
    context = {"song": shown, "song_id": shown.pk, "opinion": opinion}
    if explanation is not None:
        named = explanation_text.songs_named_by([explanation])
        found = explanation_text.of(explanation, named)
        context |= {
            "reasons": found,
            "chart": feature_chart.comparison(shown, explanation, sound),
        }
    context["wished"] = controls.about_song(request.user, shown)
    template = "recommendations/_why.html" if request.htmx else "recommendations/why.html"
    return render(request, template, context)


@login_required
@require_POST
def wish_song(request, song_id: int):
    """Hide a song, don't learn from it, or take either back."""
    about = get_object_or_404(Song.objects.select_related("artist"), pk=song_id)
    match request.POST.get("wish"):
        case "hide-song":
            controls.hide_song(request.user, about)
            message = _("“%(name)s” is hidden. Your library has it under Hidden.")
        case "unhide-song":
            controls.unhide_song(request.user, about)
            message = _("“%(name)s” may be recommended again.")
        case "ignore-song":
            controls.ignore_song(request.user, about)
            message = _("“%(name)s” is no longer used for your recommendations.")
        case "unignore-song":
            controls.unignore_song(request.user, about)
            message = _("“%(name)s” is used for your recommendations again.")
        case other:
            return HttpResponseBadRequest(f"{other!r} is not something to wish about a song.")
    return done(request, message % {"name": about.title})


@login_required
@require_POST
def wish_artist(request, artist_id: int):
    """Hide an artist, or show them again."""
    about = get_object_or_404(Artist, pk=artist_id)
    match request.POST.get("wish"):
        case "hide-artist":
            controls.hide_artist(request.user, about)
            message = _("%(name)s is hidden: nothing by them is recommended any more.")
        case "unhide-artist":
            controls.unhide_artist(request.user, about)
            message = _("%(name)s may be recommended again.")
        case other:
            return HttpResponseBadRequest(f"{other!r} is not something to wish about an artist.")
    return done(request, message % {"name": about.name})
