"""The first page: shelves for a listener, an invitation for a visitor."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.models import Song
from recommendations.models import Taste
from recommendations.services.serving import feedback
from recommendations.services.serving.listener_context import ListenerContext
from recommendations.services.surfaces import home as shelves
from recommendations.services.surfaces import mixes
from recommendations.services.surfaces.artist_variety import limit_artists
from recommendations.views import cards, tryout

N_MADE_FOR_YOU = 12
N_COVERS = 6  # some may have been hidden since the mix was made; four are shown


@require_safe
def home(request):
    if not request.user.is_authenticated:
        return tryout.front_page(request)
    listener = request.user
    context = ListenerContext(listener)
    shown = shelves.home(listener, context)
    because = shown.because
    made, new, trending = cards.of_served(
        listener,
        limit_artists(shown.made_for_you.items, N_MADE_FOR_YOU),
        shown.new_to_you,
        shown.trending,
    )
    context = {
        "page": "home",
        "served": shown.made_for_you,
        "receipt": feedback.sign_receipt(listener, shown.made_for_you),
        "is_popular": bool(made) and all(card.reasons.popularity for card in made),
        "made_for_you": made,
        "because": because,
        "because_cards": cards.of_similar(listener, because.items, because.liked)
        if because
        else [],
        "new_to_you": new,
        "trending": trending,
        "knows_trends": any(_is_trending(item) for item in shown.trending),
        "favourites": cards.of_songs(listener, shown.favourites),
        "mixes": mixes.daily_mixes(listener, N_COVERS, context) if listener.personalised else [],
        "asks_for_taste": shown.made_for_you.segment == "none" and not _has_onboarded(listener),
        "has_songs": bool(made) or Song.objects.available().exists(),
    }
    return render(request, "recommendations/home.html", context)


def _is_trending(item) -> bool:
    note = item.explanation.popularity
    return note is not None and note.kind == "trending"


def _has_onboarded(listener) -> bool:
    return Taste.objects.filter(listener=listener, onboarded_at__isnull=False).exists()
