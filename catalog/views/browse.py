"""Browsing and searching."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from catalog.forms import BrowseForm
from catalog.listening import library
from catalog.models import Genre
from catalog.songs import albums, search

SONGS_A_PAGE = 30
MOST_PAGES = 40


@require_safe
def browse(request):
    genres = Genre.objects.filter(pk__in=[genre.pk for genre in search.find_used_genres()])
    form = BrowseForm(request.GET, genres=genres)
    form.is_valid()
    wanted = form.search
    # One page more than shown is read instead of counting everything: the answer stays quick at any size.
    page = _read_page_number(request)
    start = (page - 1) * SONGS_A_PAGE
    found = list(search.search_songs(wanted)[start : start + SONGS_A_PAGE + 1])
    songs = found[:SONGS_A_PAGE]
    context = {
        "page": "browse",
        "form": form,
        "wanted": wanted,
        "songs": songs,
        "opinions": library.load_opinions(request.user, songs),
        "artists": search.search_artists(wanted.words) if wanted.words and page == 1 else [],
        "albums": albums.search_albums(wanted.words) if wanted.words and page == 1 else [],
        "genres": [] if not wanted.is_empty else list(genres.order_by("name")),
        "number": page,
        "has_more": len(found) > SONGS_A_PAGE and page < MOST_PAGES,
        "query": _drop_page_parameter(request),
    }
    template = (
        "catalog/_results.html"
        if request.htmx and request.htmx.target == "results"
        else "catalog/browse.html"
    )
    return render(request, template, context)


def _read_page_number(request) -> int:
    text = request.GET.get("page", "1")
    return (
        min(max(int(text), 1), MOST_PAGES)
        if text.isascii() and text.isdecimal() and len(text) < 6
        else 1
    )


def _drop_page_parameter(request) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()
