"""Playlists: a listener's own, and public ones to look at."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from catalog.forms import PlaylistForm
from catalog.listening import library
from catalog.models import Playlist, ServerAccount, Song
from catalog.playlists import covers, edit
from catalog.playlists.export import files
from catalog.songs.lengths import sum_lengths
from catalog.views.named import get_song_or_404
from common.http import SiteRequest, answer_action, get_back_url

PLAYLISTS_A_PAGE = 48


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def list_playlists(request: SignedInRequest) -> HttpResponse:
    """List one's playlists; POST makes a new one."""
    form = PlaylistForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        playlist = edit.keep_songs(
            request.user, form.cleaned_data["title"], description=form.cleaned_data["description"]
        )
        return redirect("catalog:playlist", playlist.pk)
    mine = Playlist.objects.filter(owner=request.user).count_songs()
    ordered = mine.order_by("-updated_at", "pk")
    rows = Paginator(ordered, PLAYLISTS_A_PAGE).get_page(request.GET.get("page"))
    songs = covers.list_covers(rows)
    context = {
        "page": "playlists",
        "playlists": rows,
        "cards": [(playlist, songs[playlist.pk]) for playlist in rows],
        "form": form,
    }
    return render(request, "catalog/playlists.html", context)


@require_safe
def show_playlist(request: SiteRequest, playlist_id: UUID) -> HttpResponse:
    """Show a playlist to its owner, or to anybody when it is public."""
    shown = _get_visible_playlist(request, playlist_id)
    items = list(
        shown.listed_items.select_related("song__artist", "song__album").prefetch_related(
            "song__genres"
        )
    )
    is_mine = shown.owner_id == request.user.pk
    context = {
        "page": "playlists",
        "playlist": shown,
        "items": items,
        "is_mine": is_mine,
        "server_accounts": ServerAccount.objects.filter(user=request.user.pk).select_related(
            "server"
        )
        if is_mine
        else [],
        "opinions": library.load_opinions(request.user, [item.song for item in items]),
        "form": PlaylistForm(
            initial={"title": shown.shown_title, "description": shown.shown_description}
        )
        if is_mine
        else None,
        "duration_ms": sum_lengths(item.song for item in items),
    }
    return render(request, "catalog/playlist.html", context)


@login_required
@require_POST
def change_playlist(request: SignedInRequest, playlist_id: UUID) -> HttpResponse:
    """Rename a playlist, make it public or private, or delete it."""
    mine = _get_own_playlist(request, playlist_id)
    match request.POST.get("do"):
        case "rename":
            form = PlaylistForm(request.POST)
            if not form.is_valid():
                messages.error(request, _("A playlist needs a name."))
                return redirect("catalog:playlist", mine.pk)
            _change_or_404(mine, **form.cleaned_data)
            message = _("Renamed.")
        case "share":
            _change_or_404(mine, is_public=True)
            message = _("Anybody with the link can see this playlist now.")
        case "unshare":
            _change_or_404(mine, is_public=False)
            message = _("Only you can see this playlist now.")
        case "delete":
            title = mine.shown_title
            edit.delete_playlist(mine)
            messages.success(request, _("“%(title)s” is deleted.") % {"title": title})
            return redirect("catalog:playlists")
        case other:
            return HttpResponseBadRequest(f"{other!r} is not something to do with a playlist.")
    messages.success(request, message)
    return redirect("catalog:playlist", mine.pk)


def _change_or_404(mine: Playlist, **changes: Any) -> None:
    try:
        edit.change_playlist(mine, **changes)
    except edit.PlaylistError:  # deleted in another tab: that there is a name the form has seen to
        raise Http404 from None


@login_required
@require_POST
def move_entry(request: SignedInRequest, playlist_id: UUID) -> HttpResponse:
    """Move an entry up or down, to a place, or take it out; `order` puts all of them into an order."""
    mine = _get_own_playlist(request, playlist_id)
    if "order" in request.POST:
        return _reorder_entries(request, mine)
    try:
        item_id = int(request.POST.get("item", ""))
        position = int(request.POST.get("position") or 0)
    except ValueError:
        return HttpResponseBadRequest("item and position must be whole numbers.")
    if "remove" in request.POST:
        is_present, message = edit.remove_item(mine, item_id), _("Taken out of the playlist.")
    else:
        is_present, message = (
            edit.move_item(mine, item_id, position),
            _("Moved to position %d.") % position,
        )
    if not is_present:
        raise Http404
    return answer_action(request, message, default=f"/playlists/{mine.pk}/")


def _reorder_entries(request: SiteRequest, mine: Playlist) -> HttpResponse:
    ids = [text for text in request.POST["order"].split(",") if text.isascii() and text.isdecimal()]
    try:
        edit.reorder(mine, [int(text) for text in ids])
    except edit.PlaylistError as error:
        return HttpResponse(str(error), status=409)
    return answer_action(request, _("New order saved."), default=f"/playlists/{mine.pk}/")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def choose_playlist(request: SignedInRequest, song_id: int) -> HttpResponse:
    """Choose the playlist a song goes to, an old one or a new one."""
    song = get_song_or_404(request.user, song_id)
    if request.method == "POST":
        return _add_song(request, song)
    # What is made anew every week or day is no place to keep a song in.
    mine = Playlist.objects.filter(owner=request.user, kind=Playlist.Kind.OWN)
    context = {
        "song": song,
        "playlists": mine.count_songs(),
        "next": get_back_url(request, request.META.get("HTTP_REFERER", "/")),
    }
    template = "catalog/_add_to_playlist.html" if request.htmx else "catalog/add_to_playlist.html"
    return render(request, template, context)


def _add_song(request: SignedInRequest, song: Song) -> HttpResponse:
    try:
        if request.POST.get("playlist"):
            chosen = _get_own_playlist(request, request.POST["playlist"])
            is_new = edit.add_song(chosen, song)
        else:
            chosen, is_new = (
                edit.keep_songs(request.user, request.POST.get("title", ""), songs=[song]),
                True,
            )
    except edit.PlaylistError as error:
        messages.error(request, str(error))
        return redirect("catalog:add_to_playlist", song.pk)
    message = (
        _("“%(song)s” is in “%(playlist)s” now.")
        if is_new
        else _("“%(song)s” was in “%(playlist)s” already.")
    )
    return answer_action(request, message % {"song": song.title, "playlist": chosen.shown_title})


@require_safe
def export_playlist(request: SiteRequest, playlist_id: UUID, form: str) -> HttpResponse:
    """Download a playlist as JSPF, M3U8 or CSV."""
    shown = _get_visible_playlist(request, playlist_id)
    if form not in files.CONTENT_TYPES:
        raise Http404
    is_mine = shown.owner_id == request.user.pk
    text = files.render_playlist(shown, form, settings.SITE_URL, with_reasons=is_mine)
    response = HttpResponse(text, content_type=files.get_content_type(form))
    response["Content-Disposition"] = files.build_attachment_header(shown, form)
    return response


def _get_own_playlist(request: SignedInRequest, playlist_id: UUID | str) -> Playlist:
    """Return the listener's own playlist; somebody else's does not exist for them."""
    try:
        return get_object_or_404(Playlist, pk=playlist_id, owner=request.user)
    except (ValidationError, ValueError):
        raise Http404 from None


def _get_visible_playlist(request: SiteRequest, playlist_id: UUID) -> Playlist:
    shown = get_object_or_404(Playlist.objects.select_related("owner"), pk=playlist_id)
    if not shown.is_public and shown.owner_id != request.user.pk:
        raise Http404
    return shown
