"""For visitors: recommendations from two or three songs, without an account. What is picked is carried over."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.models import Artist, Genre, Song
from catalog.songs import search
from recommendations.services.preferences import taste
from recommendations.services.serving import recommend
from recommendations.services.surfaces import home, related_artists
from recommendations.views import cards

N_STARTING_POINTS = 18
N_ARTISTS = 12
N_FOUND = 12
MOST_PICKED = 20
MOST_GENRES = 40
PICKED = "picked_songs"


def front_page(request):
    """Say what this is and offer the try-out."""
    context = _offer(request.GET.get("q", ""), [], [])
    return render(request, "recommendations/front.html", context | {"page": "front"})


@require_safe
def try_out(request):
    """Recommend from the picked songs. The picks live in the address, so nothing is stored by looking."""
    words = request.GET.get("q", "")
    if "search" in request.GET:
        context = _offer(words, _songs(request.GET), _artists(request.GET))
    else:
        picked = picked_songs(request.GET)
        served = recommend.recommend_from_songs(picked, 12) if picked else None
        context = _offer(words, picked, []) | {
            "served": served,
            "cards": cards.of_list(request.user, served) if served else [],
        }
    if request.htmx and request.htmx.target == "offered":
        return render(request, "recommendations/_offered.html", context)
    return render(request, "recommendations/try.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def welcome(request):
    """Ask for a first taste; everything may be skipped. A search posts the whole form, so that no pick is lost."""
    if request.method == "POST" and "search" not in request.POST:
        return _onboard(request)
    data = request.POST if request.method == "POST" else request.GET
    picked = _carried_over(request) if request.method == "GET" else []
    context = _offer(data.get("q", ""), _songs(data) or picked, _artists(data)) | {
        "genres": search.find_used_genres()[:MOST_GENRES],
        "picked_genres": _numbers(data, "genre", MOST_GENRES),
        "page": "welcome",
    }
    if request.htmx and request.htmx.target == "offered":
        return render(request, "recommendations/_offered.html", context)
    return render(request, "recommendations/welcome.html", context)


def _onboard(request):
    if "skip" in request.POST:
        taste.onboard(request.user)
    else:
        genres = Genre.objects.filter(pk__in=_numbers(request.POST, "genre", MOST_GENRES))
        taste.onboard(
            request.user, songs=picked_songs(request.POST), artists=_artists(request.POST), genres=genres
        )
    request.session.pop(PICKED, None)
    return redirect("recommendations:home")


@require_POST
def keep_picks(request):
    """Remember the picks for the sign-up that follows, in the visitor's own session."""
    request.session[PICKED] = [song.pk for song in picked_songs(request.POST)]
    return redirect("accounts:sign_up")


def picked_songs(data) -> list[Song]:
    """Return the songs that a form names, and for an artist its best-known ones, in order, each once.

    At most MOST_PICKED songs, whatever is sent; artists beyond them cost nothing.
    """
    picked = _songs(data)
    ids = [song.pk for song in picked]
    for artist in _artists(data):
        if len(ids) >= MOST_PICKED:
            break
        ids += [pk for pk in related_artists.best_known_ids(artist) if pk not in ids]
    added = ids[len(picked) : MOST_PICKED]
    songs = Song.objects.available().for_cards().in_bulk(added) if added else {}
    return picked + [songs[pk] for pk in added if pk in songs]


def _songs(data) -> list[Song]:
    numbers = _numbers(data, "song")
    songs = Song.objects.available().for_cards().in_bulk(numbers) if numbers else {}
    return [songs[pk] for pk in numbers if pk in songs]


def _artists(data) -> list[Artist]:
    numbers = _numbers(data, "artist")
    return list(Artist.objects.filter(pk__in=numbers)) if numbers else []


def _carried_over(request) -> list[Song]:
    ids = request.session.get(PICKED, [])
    songs = Song.objects.available().for_cards().in_bulk(ids)
    return [songs[pk] for pk in ids if pk in songs]


def _offer(words: str, picked: list[Song], picked_artists: list[Artist]) -> dict[str, Any]:
    """Return what there is to pick from: what was found, or before a search songs and artists that tell most."""
    taken = {song.pk for song in picked}
    if words.strip():
        found = search.search_songs(search.SongSearch(words=words))[: N_FOUND + len(taken)]
        songs = [song for song in found if song.pk not in taken]
        found_artists = search.search_artists(words, 6)
    else:
        start = home.starting_points(N_STARTING_POINTS + N_ARTISTS + len(taken))
        # Popular songs first and the artists of the rest: nobody is asked twice about the same.
        songs = [song for song in start if song.pk not in taken]
        found_artists = [song.artist for song in songs[N_STARTING_POINTS:]]
    return {
        "words": words,
        "picked": picked,
        "picked_artists": picked_artists,
        "offered": songs[:N_STARTING_POINTS],
        "found_artists": [artist for artist in found_artists if artist not in picked_artists],
    }


def _numbers(data, name: str, most: int = MOST_PICKED) -> list[int]:
    """Return the first whole numbers given under a name, in order, each once; what is none is left out."""
    texts = [text for text in data.getlist(name)[:most] if text.isascii() and text.isdecimal()]
    return list(dict.fromkeys(int(text) for text in texts if len(text) < 16))
