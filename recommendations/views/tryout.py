"""For visitors: recommendations from two or three songs, without an account. What is picked is carried over."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.datastructures import MultiValueDict
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from catalog.songs import search
from catalog.songs.genres import list_common_genres
from catalog.views.named import get_song_or_404
from common.http import SiteRequest
from recommendations.services.lists.listener_context import ListenerContext, Picks
from recommendations.services.preferences import taste
from recommendations.services.reasons import explanation_text
from recommendations.services.reasons.explanation_facts import Explained, read_facts_of_picks
from recommendations.services.serving import visitor_lists
from recommendations.services.surfaces import front_example, starting_points
from recommendations.services.surfaces.artist_variety import limit_artists
from recommendations.views import cards
from recommendations.views.picks import MOST_GENRES, read_picks

N_STARTING_POINTS = 18
N_ARTISTS = 12
N_FOUND = 12
N_RECOMMENDED = 12
PICKED = "picked_songs"


def show_front_page(request: SiteRequest) -> HttpResponse:
    """Say what this is and offer the try-out."""
    context = _offer(request, request.GET.get("q", ""), Picks()) | {"page": "front"}
    example = front_example.load_example()
    if example is not None:
        (card,) = cards.make_list_cards(request.user, example.served)
        context |= {"example": example, "card": card, "why_query": _build_query(example.picks)}
    return render(request, "recommendations/front.html", context)


def _build_query(picks: Picks) -> str:
    """Return the picks as the query of an address."""
    named = [("song", picks.songs), ("artist", picks.artists), ("genre", picks.genres)]
    return urlencode([(name, one.pk) for name, ones in named for one in ones])


@require_safe
def show_why(request: SiteRequest, song_id: int) -> HttpResponse:
    """Say to a visitor why a song is recommended from their picks, which are in the address."""
    shown = get_song_or_404(request.user, song_id, for_card=True)
    picks = read_picks(request.GET, request.user)
    explanation = visitor_lists.explain_for_picks(picks, shown) if picks else None
    context: dict[str, Any] = {"song": shown, "picks": picks}
    if explanation is not None:
        explained = [Explained(shown, explanation)]
        facts = read_facts_of_picks(explained, picks)
        context["reasons"] = explanation_text.describe_list(explained, facts)[0]
    is_part = request.htmx
    return render(
        request, "recommendations/_why.html" if is_part else "recommendations/why.html", context
    )


@require_safe
def try_out(request: SiteRequest) -> HttpResponse:
    """Recommend from the picks. They live in the address, so nothing is stored by looking."""
    words, picks = request.GET.get("q", ""), read_picks(request.GET, request.user)
    context = _offer(request, words, picks)
    if picks and "search" not in request.GET:
        served = visitor_lists.recommend_from_picks(picks, 2 * N_RECOMMENDED)
        served = replace(served, items=limit_artists(served.items, N_RECOMMENDED))
        shown = cards.make_list_cards(request.user, served)
        context |= {"served": served, "cards": shown, "why_query": _build_query(picks)}
    if request.htmx and request.htmx.target == "offered":
        return render(request, "recommendations/_offered.html", context)
    return render(request, "recommendations/try.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def show_welcome(request: SignedInRequest) -> HttpResponse:
    """Ask for a first taste, or change it; everything may be skipped.

    A search posts the whole form, so that no pick is lost.
    """
    if request.method == "POST" and "search" not in request.POST:
        return _store_picks(request)
    data = request.POST if request.method == "POST" else request.GET
    picks = read_picks(data, request.user)
    if request.method == "GET" and not picks:
        _keep_carried_picks(request)
        picks = _carry_over(request) or ListenerContext(request.user).picks
    context = _offer(request, data.get("q", ""), picks) | {"page": "welcome"}
    context["has_picks"] = request.method == "GET" and "q" not in data and bool(picks)
    if request.htmx and request.htmx.target == "offered":
        return render(request, "recommendations/_offered.html", context)
    return render(request, "recommendations/welcome.html", context)


def _store_picks(request: SignedInRequest) -> HttpResponse:
    if "skip" in request.POST:
        taste.skip_onboarding(request.user)
    else:
        picks = read_picks(request.POST, request.user)
        taste.set_picks(request.user, songs=picks.songs, artists=picks.artists, genres=picks.genres)
    request.session.pop(PICKED, None)
    return redirect("recommendations:home")


@require_POST
def keep_picks(request: SiteRequest) -> HttpResponse:
    """Remember the picks for the sign-up that follows, in the visitor's own session."""
    picks = read_picks(request.POST, request.user)
    request.session[PICKED] = {
        "song": [song.pk for song in picks.songs],
        "artist": [artist.pk for artist in picks.artists],
        "genre": [genre.pk for genre in picks.genres],
    }
    return redirect("accounts:sign_up")


def _keep_carried_picks(request: SignedInRequest) -> None:
    """Store what somebody without picks picked before the sign-up; others decide by the form which ones count."""
    picks = _carry_over(request)
    if picks and not ListenerContext(request.user).picks:
        taste.set_picks(request.user, songs=picks.songs, artists=picks.artists, genres=picks.genres)
        del request.session[PICKED]


def _carry_over(request: SiteRequest) -> Picks:
    """Return what was picked before the sign-up."""
    kept = request.session.get(PICKED)
    if not isinstance(kept, dict):
        return Picks()
    data = MultiValueDict({name: [str(pk) for pk in ids] for name, ids in kept.items()})
    return read_picks(data, request.user)


def _offer(request: SiteRequest, words: str, picks: Picks) -> dict[str, Any]:
    """Return what there is to pick from: what was found, or before a search songs and artists that tell most."""
    picked_ids = {song.pk for song in picks.songs}
    if words.strip():
        matches = search.search_songs(search.SongSearch(words=words), request.user)
        matches = matches[: N_FOUND + len(picked_ids)]
        songs = [song for song in matches if song.pk not in picked_ids]
        found_artists = search.search_artists(words, request.user, 6)
    else:
        start = starting_points.choose_starting_points(
            N_STARTING_POINTS + N_ARTISTS + len(picked_ids)
        )
        # Popular songs first and the artists of the rest: nobody is asked twice about the same.
        songs = [song for song in start if song.pk not in picked_ids]
        found_artists = [song.artist for song in songs[N_STARTING_POINTS:]]
    genres = list_common_genres(request.user, MOST_GENRES)
    return {
        "words": words,
        "picked": picks.songs,
        "n_picked": len(picks.songs) + len(picks.artists) + len(picks.genres),
        "picked_artists": picks.artists,
        "offered": songs[:N_STARTING_POINTS],
        "found_artists": [artist for artist in found_artists if artist not in picks.artists],
        "genres": [*(genre for genre in picks.genres if genre not in genres), *genres],
        "picked_genres": [genre.pk for genre in picks.genres],
    }
