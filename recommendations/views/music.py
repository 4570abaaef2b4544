"""The pages of an album and of an artist."""

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from catalog.listening import library, my_plays
from catalog.models import Album, Artist, Song
from catalog.songs import albums
from catalog.songs.artist_pictures import list_with_pictures
from catalog.songs.lengths import sum_lengths
from catalog.views.named import get_artist_or_404
from common.http import SiteRequest
from recommendations.services.preferences import controls, taste
from recommendations.services.surfaces import related_artists
from recommendations.views import cards

SONGS_A_PAGE = 30
MOST_SONGS = 300
N_TOP = 5


@require_safe
def show_album(request: SiteRequest, album_id: int) -> HttpResponse:
    """Show the songs of an album in its order."""
    shown = get_object_or_404(Album.objects.select_related("artist"), pk=album_id)
    songs = list(albums.list_album_songs(shown, request.user)[:MOST_SONGS])
    if not songs and shown.songs.exists() and not shown.songs.filter_visible(request.user).exists():
        raise Http404
    plays = my_plays.count_song_plays(request.user, songs)
    years = [song.year for song in songs if song.year]
    context = {
        "page": "browse",
        "album": shown,
        "songs": songs,
        "cover_song": next((song for song in songs if song.cover_tag), songs[0] if songs else None),
        "year": shown.year or min(years, default=None),
        "duration_ms": sum_lengths(songs),
        "genres": list({genre.pk: genre for song in songs for genre in song.genres.all()}.values())[
            :8
        ],
        "opinions": library.load_opinions(request.user, songs),
        "plays": plays,
        "n_plays": sum(plays.values()),
        "has_numbers": any(song.track_number for song in songs),
        "has_discs": len({song.disc_number for song in songs if song.disc_number}) > 1,
        "more": [
            one
            for one in albums.list_artist_albums(shown.artist, request.user, 13)
            if one.album.pk != shown.pk
        ][:12],
    }
    return render(request, "recommendations/album.html", context)


@require_safe
def show_artist(request: SiteRequest, artist_id: int) -> HttpResponse:
    """Show an artist's best-known songs, albums, all songs and similar artists."""
    shown = get_artist_or_404(request.user, artist_id)
    if shown.pk != artist_id:
        return redirect("recommendations:artist", shown.pk)
    visible = (
        Song.objects.filter_offered(request.user)
        .for_cards()
        .by_artists([shown.pk])
        .order_by("-year", "title", "pk")
    )
    songs = Paginator(visible, SONGS_A_PAGE).get_page(request.GET.get("page"))
    top = (
        _list_top_songs(request, shown)
        if songs.number == 1 and songs.paginator.count > N_TOP
        else []
    )
    hidden = request.user.is_authenticated and shown.pk in controls.find_hidden_ids(request.user)[1]
    is_liked = request.user.is_authenticated and taste.likes_artist(request.user, shown)
    similar = related_artists.find_similar_artists(shown, request.user)
    pictures = list_with_pictures([shown, *similar], request.user)
    context = {
        "artist": shown,
        "is_liked": is_liked,
        "songs": songs,
        "cards": cards.make_song_cards(request.user, list(songs)),
        "top": top,
        "top_opinions": library.load_opinions(request.user, top),
        "top_plays": my_plays.count_song_plays(request.user, top),
        "n_plays": my_plays.count_artist_plays(request.user, shown),
        "albums": albums.list_artist_albums(shown, request.user) if songs.number == 1 else [],
        "picture": next((song for artist, song in pictures if artist.pk == shown.pk), None),
        "similar_artists": [row for row in pictures if row[0].pk != shown.pk],
        "is_hidden": hidden,
    }
    return render(request, "recommendations/artist.html", context)


def _list_top_songs(request: SiteRequest, shown: Artist) -> list[Song]:
    ids = related_artists.list_best_known_ids(shown, request.user, N_TOP)
    songs = Song.objects.filter_offered(request.user).for_cards().in_bulk(ids)
    return [songs[pk] for pk in ids if pk in songs]
