"""Browsing and searching."""

from functools import reduce
from operator import and_
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import User
from catalog.forms import BrowseForm
from catalog.listening import library
from catalog.models import Artist, Playlist, Song, SongTotal
from catalog.songs import albums as album_search
from catalog.songs import search
from catalog.songs.artist_pictures import list_with_pictures
from catalog.songs.genres import list_common_genres
from catalog.songs.search import SongSearch
from catalog.songs.sound import has_features
from catalog.statistics import most_heard
from common.http import SiteRequest

SONGS_A_PAGE = 30
MOST_PAGES = 40
FEW = 5
"""With fewer matches, names that are only alike are shown, too."""
MOST_GENRES = 60
N_SUGGESTED = 4
LEAST_TYPED = 2


@require_safe
def browse(request: SiteRequest) -> HttpResponse:
    common = list_common_genres(request.user)
    form = BrowseForm(request.GET, genres=common, listener=request.user)
    form.is_valid()
    wanted = form.search
    # One page more than shown is read instead of counting everything: the answer stays quick at any size.
    page = _read_page_number(request)
    start = (page - 1) * SONGS_A_PAGE
    matching = search.search_songs(wanted, request.user, **select_plays(request.user))
    page_of_songs = list(matching[start : start + SONGS_A_PAGE + 1])
    songs = page_of_songs[:SONGS_A_PAGE]
    is_word_search = bool(wanted.words) and page == 1
    has_few = is_word_search and len(page_of_songs) < FEW
    alike = search.find_similar_names(wanted.words, request.user) if has_few else []
    alike = [song for song in alike if song not in songs]
    matching_artists = search.search_artists(wanted.words, request.user) if is_word_search else []
    context = {
        "page": "browse",
        "form": form,
        "has_sliders": bool(wanted.features) or has_features(),
        "wanted": wanted,
        "songs": songs,
        "alike": alike,
        "opinions": library.load_opinions(request.user, [*songs, *alike]),
        "artists": list_with_pictures(matching_artists, request.user),
        "albums": album_search.search_albums(wanted.words, request.user) if is_word_search else [],
        "playlists": search_playlists(request.user, wanted.words) if is_word_search else [],
        "genres": [] if not wanted.is_empty else common[:MOST_GENRES],
        "number": page,
        "has_more": len(page_of_songs) > SONGS_A_PAGE and page < MOST_PAGES,
        "query": _drop_page_parameter(request),
    }
    template = (
        "catalog/_results.html"
        if request.htmx and request.htmx.target == "results"
        else "catalog/browse.html"
    )
    return render(request, template, context)


def _read_page_number(request: SiteRequest) -> int:
    text = request.GET.get("page", "1")
    return (
        min(max(int(text), 1), MOST_PAGES)
        if text.isascii() and text.isdecimal() and len(text) < 6
        else 1
    )


def _drop_page_parameter(request: SiteRequest) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    return query.urlencode()


@require_safe
def suggest(request: SiteRequest) -> HttpResponse:
    """Answer what the words typed so far find, a few of each kind; without script the form leads to `browse`."""
    words = search.shorten_query(request.GET.get("q", ""))
    listener = request.user
    songs: list[Song] = []
    artists: list[Artist] = []
    albums: list[album_search.ShownAlbum] = []
    playlists: list[Playlist] = []
    if len(words) >= LEAST_TYPED:
        matches = search.search_songs(SongSearch(words=words), listener, **select_plays(listener))
        songs = list(matches[: N_SUGGESTED + 2])
        songs = songs or search.find_similar_names(words, listener, N_SUGGESTED)
        artists = search.search_artists(words, listener, N_SUGGESTED)
        albums = album_search.search_albums(words, listener, N_SUGGESTED)
        playlists = search_playlists(listener, words, N_SUGGESTED)
    context = {
        "words": words if len(words) >= LEAST_TYPED else "",
        "songs": songs,
        "artists": list_with_pictures(artists, listener),
        "albums": albums,
        "playlists": playlists,
    }
    return render(request, "catalog/_suggestions.html", context)


def select_plays(user: User | AnonymousUser) -> dict[str, Any]:
    """Return what a search orders equal matches by: the listener's plays, and how many listeners played a song."""
    chosen: dict[str, Any] = {"popularity": most_heard.select_popularity()}
    return chosen | (
        {"plays": SongTotal.objects.filter(listener=user)} if user.is_authenticated else {}
    )


def search_playlists(user: User | AnonymousUser, words: str, n: int = 8) -> list[Playlist]:
    """Return the listener's own playlists whose title contains every word, as it is stored or shown.

    Those that others made public are for who has their link; a search must not hand that out.
    """
    if not user.is_authenticated:
        return []
    wanted = words.split()
    has_words = reduce(and_, (Q(title__icontains=word) for word in wanted), Q())
    # the few that were made for the listener are shown by another title in another language
    own = Playlist.objects.filter(has_words | ~Q(kind=Playlist.Kind.OWN), owner=user)
    matching = [
        playlist
        for playlist in own.order_by("title", "pk")
        if playlist.kind == Playlist.Kind.OWN
        or all(word.casefold() in playlist.shown_title.casefold() for word in wanted)
    ]
    return matching[:n]
