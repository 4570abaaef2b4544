"""Playlists for programs without a token: a feed of those made for a listener, and single ones as files.

They answer the listener's own browser, and anybody when the listener opted in or made the playlist public. Whatever
nobody may see is not there.
"""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from catalog.models import Playlist
from catalog.playlists.export import files, jspf

N_ENTRIES = 20


@require_safe
def made_for(request: HttpRequest, username: str) -> HttpResponse:
    """Answer the newest playlists made for a listener as an Atom feed, each with its songs and why."""
    listener = User.objects.filter(username__iexact=username, is_active=True).first()
    if listener is None or not (listener.shares_playlists or request.user == listener):
        raise Http404
    feed = Atom1Feed(
        title=_("Made for %(name)s") % {"name": listener.username},
        link=settings.SITE_URL,
        feed_url=settings.SITE_URL + request.path,
        feed_guid=f"{settings.SITE_URL}{reverse('feed', args=[listener.username])}",
        author_name=jspf.CREATOR,
        description=_("Weekly jams, weekly discovery and daily mixes"),
        language=listener.language or settings.LANGUAGE_CODE,
    )
    made = Playlist.objects.exclude(kind=Playlist.Kind.OWN).filter(owner=listener)
    for playlist in made.order_by("-created_at", "pk")[:N_ENTRIES]:
        _add(feed, playlist)
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


@require_safe
def playlist_file(request: HttpRequest, playlist_id, file_format: str) -> HttpResponse:
    """Answer one playlist as JSPF or M3U8."""
    playlist = Playlist.objects.select_related("owner").filter(pk=playlist_id, owner__is_active=True).first()
    if playlist is None or not _may_see(request, playlist):
        raise Http404
    text = files.text_of(playlist, file_format, settings.SITE_URL)
    return HttpResponse(text, content_type=files.content_type(file_format))


def _may_see(request: HttpRequest, playlist: Playlist) -> bool:
    if playlist.is_public or request.user == playlist.owner:
        return True
    return playlist.kind != Playlist.Kind.OWN and playlist.owner.shares_playlists


def _add(feed: Atom1Feed, playlist: Playlist) -> None:
    songs = format_html_join(
        "",
        "<li>{} – {}: {}</li>",
        ((item.song.artist.name, item.song.title, item.reason) for item in jspf.items_of(playlist)),
    )
    link = settings.SITE_URL + reverse("playlist_file", args=[playlist.pk, "m3u8"])
    feed.add_item(
        title=playlist.title,
        link=link,
        description=format_html("<p>{}</p><ol>{}</ol>", playlist.description, songs),
        unique_id=f"urn:uuid:{playlist.pk}",
        pubdate=playlist.created_at,
        updateddate=playlist.updated_at,
    )
