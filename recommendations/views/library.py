"""What a listener has hidden, what the library lacks, and songs that continue a playlist."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from catalog.models import Playlist
from recommendations.services.preferences import controls
from recommendations.services.surfaces import beyond_library, playlist_continuation
from recommendations.views import cards

ROWS_A_PAGE = 50


@login_required
@require_safe
def show_hidden(request: SignedInRequest) -> HttpResponse:
    rows = Paginator(controls.list_hidden(request.user), ROWS_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {"page": "library", "tab": "hidden", "rows": rows}
    return render(request, "recommendations/hidden.html", context)


@login_required
@require_safe
def show_beyond(request: SignedInRequest) -> HttpResponse:
    """Show songs and artists to look for that the library does not have."""
    beyond_songs = beyond_library.find_beyond_library(request.user)
    context = {"page": "library", "tab": "beyond", "beyond": beyond_songs}
    return render(request, "recommendations/beyond.html", context)


@login_required
@require_safe
def continue_playlist(request: SignedInRequest, playlist_id: UUID) -> HttpResponse:
    """Suggest songs that fit a playlist of one's own."""
    playlist = get_object_or_404(Playlist, pk=playlist_id, owner=request.user)
    served = playlist_continuation.continue_playlist(request.user, playlist)
    (shown,) = cards.make_cards(request.user, served.items)
    context = {"page": "playlists", "playlist": playlist, "served": served, "cards": shown}
    return render(request, "recommendations/continue.html", context)
