"""For visitors: recommendations from two or three songs, without an account. What is picked is carried over."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.utils.datastructures import MultiValueDict
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.models import Artist, Genre, Song
from catalog.songs import search
from recommendations.services.preferences import taste
from recommendations.services.serving import recommend
from recommendations.services.serving.listener_context import ListenerContext, Picks
from recommendations.services.surfaces import starting_points
from recommendations.views import cards

N_STARTING_POINTS = 18
N_ARTISTS = 12
N_FOUND = 12
N_RECOMMENDED = 12
MOST_PICKED = 20
MOST_GENRES = 40
PICKED = "picked_songs"


def front_page(request):
    """Say what this is and offer the try-out."""
    context = _offer(request.GET.get("q", ""), Picks())
    return render(request, "recommendations/front.html", context | {"page": "front"})


@require_safe
def try_out(request):
    """Recommend from the picks. They live in the address, so nothing is stored by looking."""
    words, picks = request.GET.get("q", ""), _picks(request.GET)
    context = _offer(words, picks)
    if picks and "search" not in request.GET:
        served = recommend.recommend_from_picks(picks, N_RECOMMENDED)
        context |= {"served": served, "cards": cards.of_list(request.user, served)}
    if request.htmx and request.htmx.target == "offered":
        return render(request, "recommendations/_offered.html", context)
    return render(request, "recommendations/try.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def welcome(request):
    """Ask for a first taste, or change it; everything may be skipped.

    A search posts the whole form, so that no pick is lost.
    """
    if request.method == "POST" and "search" not in request.POST:
        return _store_picks(request)
    data = request.POST if request.method == "POST" else request.GET
    picks = _picks(data)
    if request.method == "GET" and not picks:
        picks = _carried_over(request) or ListenerContext(request.user).picks
    context = _offer(data.get("q", ""), picks) | {"page": "welcome"}
    if request.htmx and request.htmx.target == "offered":
        return render(request, "recommendations/_offered.html", context)
    return render(request, "recommendations/welcome.html", context)


def _store_picks(request):
    if "skip" in request.POST:
        taste.skip_onboarding(request.user)
    else:
        picks = _picks(request.POST)
        taste.set_picks(request.user, songs=picks.songs, artists=picks.artists, genres=picks.genres)
    request.session.pop(PICKED, None)
    return redirect("recommendations:home")


@require_POST
def keep_picks(request):
    """Remember the picks for the sign-up that follows, in the visitor's own session."""
    picks = _picks(request.POST)
    request.session[PICKED] = {
        "song": [song.pk for song in picks.songs],
        "artist": [artist.pk for artist in picks.artists],
        "genre": [genre.pk for genre in picks.genres],
    }
    return redirect("accounts:sign_up")


def _picks(data) -> Picks:
    """Return what a form names: at most 20 songs, 20 artists and 40 genres."""
    numbers = _numbers(data, "genre", MOST_GENRES)
    genres = tuple(Genre.objects.filter(pk__in=numbers)) if numbers else ()
    return Picks(tuple(_songs(data)), tuple(_artists(data)), genres)


def _songs(data) -> list[Song]:
    numbers = _numbers(data, "song")
    songs = Song.objects.available().for_cards().in_bulk(numbers) if numbers else {}
    return [songs[pk] for pk in numbers if pk in songs]


def _artists(data) -> list[Artist]:
    numbers = _numbers(data, "artist")
    return list(Artist.objects.filter(pk__in=numbers)) if numbers else []


def _carried_over(request) -> Picks:
    """Return what was picked before the sign-up."""
    kept = request.session.get(PICKED)
    if not isinstance(kept, dict):
        return Picks()
    data = MultiValueDict({name: [str(pk) for pk in ids] for name, ids in kept.items()})
    return _picks(data)


def _offer(words: str, picks: Picks) -> dict[str, Any]:
    """Return what there is to pick from: what was found, or before a search songs and artists that tell most."""
    taken = {song.pk for song in picks.songs}
    if words.strip():
        found = search.search_songs(search.SongSearch(words=words))[: N_FOUND + len(taken)]
        songs = [song for song in found if song.pk not in taken]
        found_artists = search.search_artists(words, 6)
    else:
        start = starting_points.choose_starting_points(N_STARTING_POINTS + N_ARTISTS + len(taken))
        # Popular songs first and the artists of the rest: nobody is asked twice about the same.
        songs = [song for song in start if song.pk not in taken]
        found_artists = [song.artist for song in songs[N_STARTING_POINTS:]]
    genres = list(search.find_used_genres()[:MOST_GENRES])
    return {
        "words": words,
        "picked": picks.songs,
        "picked_artists": picks.artists,
        "offered": songs[:N_STARTING_POINTS],
        "found_artists": [artist for artist in found_artists if artist not in picks.artists],
        "genres": [*(genre for genre in picks.genres if genre not in genres), *genres],
        "picked_genres": [genre.pk for genre in picks.genres],
    }


def _numbers(data, name: str, most: int = MOST_PICKED) -> list[int]:
    """Return the first whole numbers given under a name, in order, each once; what is none is left out."""
    texts = [text for text in data.getlist(name)[:most] if text.isascii() and text.isdecimal()]
    return list(dict.fromkeys(int(text) for text in texts if len(text) < 16))
