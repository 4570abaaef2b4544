"""For visitors: recommendations from two or three songs, without an account. What is picked is carried over."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog.models import Artist, Genre, Song
from catalog.services import search
from recommendations.services import artists, serving, shelves, taste
from recommendations.views import cards

N_STARTING_POINTS = 18
N_FOUND = 12
MOST_PICKED = 20
PICKED = "picked_songs"


def front_page(request):
    """Say what this is and offer the try-out."""
    songs = _offered(request.GET.get("q", ""), [])
    return render(request, "recommendations/front.html", {"offered": songs, "picked": [], "page": "front"})


@require_safe
def try_out(request):
    """Recommend from the picked songs. The picks live in the address, so nothing is stored by looking."""
    picked = picked_songs(request.GET)
    words = request.GET.get("q", "")
    served = serving.recommend_from_songs(picked, 12) if picked and "search" not in request.GET else None
    context = {
        "picked": picked,
        "words": words,
        "offered": _offered(words, picked),
        "found_artists": search.search_artists(words, 6) if words else [],
        "served": served,
        "cards": cards.of_served(request.user, served.items)[0] if served else [],
    }
    if request.htmx and request.htmx.target == "offered":
        return render(request, "recommendations/_offered.html", context)
    return render(request, "recommendations/try.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def welcome(request):
    """Ask for a first taste; everything may be skipped."""
    if request.method == "POST":
        if "skip" in request.POST:
            taste.onboard(request.user)
        else:
            genres = Genre.objects.filter(pk__in=_numbers(request.POST, "genre"))
            taste.onboard(
                request.user, songs=picked_songs(request.POST), artists=_artists(request.POST), genres=genres
            )
        request.session.pop(PICKED, None)
        return redirect("recommendations:home")
    words = request.GET.get("q", "")
    picked = picked_songs(request.GET) or _carried_over(request)
    context = {
        "picked": picked,
        "words": words,
        "offered": _offered(words, picked),
        "genres": search.genres_in_use()[:40],
        "page": "welcome",
    }
    if request.htmx and request.htmx.target == "offered":
        return render(request, "recommendations/_offered.html", context)
    return render(request, "recommendations/welcome.html", context)


@require_POST
def keep_picks(request):
    """Remember the picks for the sign-up that follows, in the visitor's own session."""
    request.session[PICKED] = [song.pk for song in picked_songs(request.POST)]
    return redirect("accounts:sign_up")


def picked_songs(data) -> list[Song]:
    """Return the songs that a form names, and for an artist its best-known ones, in order, each once."""
    songs = Song.objects.available().for_cards().in_bulk(_numbers(data, "song"))
    picked = [songs[pk] for pk in _numbers(data, "song") if pk in songs]
    for artist in _artists(data):
        known = {song.pk for song in picked}
        best = [song.pk for song in artists.best_known(artist) if song.pk not in known]
        picked += Song.objects.for_cards().in_bulk(best).values()
    return picked[:MOST_PICKED]


def _artists(data) -> list[Artist]:
    return list(Artist.objects.filter(pk__in=_numbers(data, "artist")))


def _carried_over(request) -> list[Song]:
    ids = request.session.get(PICKED, [])
    songs = Song.objects.available().for_cards().in_bulk(ids)
    return [songs[pk] for pk in ids if pk in songs]


def _offered(words: str, picked: list[Song]) -> list[Song]:
    taken = {song.pk for song in picked}
    if words.strip():
        found = search.search_songs(search.SongSearch(words=words))[: N_FOUND + len(taken)]
    else:
        found = shelves.starting_points(N_STARTING_POINTS + len(taken))
    return [song for song in found if song.pk not in taken][:N_STARTING_POINTS]


def _numbers(data, name: str) -> list[int]:
    """Return the whole numbers given under a name, in order, each once; what is none is left out."""
    texts = [text for text in data.getlist(name)[: 4 * MOST_PICKED] if text.isascii() and text.isdecimal()]
    return list(dict.fromkeys(int(text) for text in texts if len(text) < 16))
