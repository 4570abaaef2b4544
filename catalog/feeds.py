"""Playlists for programs without a token: a feed of those made for a listener, and single ones as files.

They answer the listener's own browser, and anybody when the listener opted in or made the playlist public. Whatever
nobody may see is not there.
"""

import hashlib
import re
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import format_html, format_html_join
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.http import require_safe

from accounts.languages import activate_language, get_language
from accounts.models import User
from catalog.models import Playlist
from catalog.playlists.export import files, jspf

N_ENTRIES = 20
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class TypedAtomFeed(Atom1Feed):
    """An Atom feed whose alternate links say what they lead to: the site's page, and playlists as M3U8."""

    def add_root_elements(self, handler: SimplerXMLGenerator) -> None:
        super().add_root_elements(_write_typed_links(handler, "text/html"))

    def add_item_elements(self, handler: SimplerXMLGenerator, item: dict[str, Any]) -> None:
        super().add_item_elements(_write_typed_links(handler, files.CONTENT_TYPES["m3u8"]), item)


class _TypedLinks:
    """An XML handler that adds the media type to alternate links and passes everything else on."""

    def __init__(self, handler: SimplerXMLGenerator, media_type: str) -> None:
        self._handler, self._media_type = handler, media_type

    def __getattr__(self, name: str) -> Any:
        return getattr(self._handler, name)

    def addQuickElement(  # noqa: N802  (its name in Django)
        self, name: str, contents: str | None = None, attrs: dict[str, Any] | None = None
    ) -> None:
        if name == "link" and attrs and attrs.get("rel") == "alternate":
            attrs = {**attrs, "type": self._media_type}
        self._handler.addQuickElement(name, contents, attrs)


def _write_typed_links(handler: SimplerXMLGenerator, media_type: str) -> SimplerXMLGenerator:
    return cast(SimplerXMLGenerator, _TypedLinks(handler, media_type))


@require_safe
def serve_generated_feed(request: HttpRequest, username: str) -> HttpResponse:
    """Answer the newest playlists made for a listener as an Atom feed, each with its songs and why."""
    listener = User.objects.with_name(username).filter(is_active=True).first()
    if listener is None or not (listener.shares_playlists or request.user == listener):
        raise Http404
    with activate_language(listener):
        text = _write_feed(request, listener)
    return _build_answer(request, text, "application/atom+xml; charset=utf-8")


def _write_feed(request: HttpRequest, listener: User) -> str:
    """Return the feed, in the active language."""
    feed = TypedAtomFeed(
        title=_("Made for %(name)s") % {"name": listener.username},
        link=settings.SITE_URL,
        feed_url=settings.SITE_URL + request.path,
        feed_guid=f"{settings.SITE_URL}{reverse('feed', args=[listener.username])}",
        author_name=jspf.CREATOR,
        description=_("Weekly jams, weekly discovery and daily mixes"),
        language=get_language(listener),
    )
    generated = Playlist.objects.exclude(kind=Playlist.Kind.OWN).filter(owner=listener)
    entries = list(generated.order_by("-created_at", "pk")[:N_ENTRIES])
    for playlist in entries:
        _add_entry(feed, playlist)
    text: str = feed.writeString("utf-8")
    return text


@require_safe
def serve_playlist_file(request: HttpRequest, playlist_id: UUID, file_format: str) -> HttpResponse:
    """Answer one playlist as JSPF or M3U8."""
    playlist = (
        Playlist.objects.select_related("owner")
        .filter(pk=playlist_id, owner__is_active=True)
        .first()
    )
    if playlist is None or not _may_see(request, playlist):
        raise Http404
    with activate_language(playlist.owner):
        text = files.render_playlist(
            playlist,
            file_format,
            settings.SITE_URL,
            with_reasons=request.user == playlist.owner or playlist.owner.shares_playlists,
        )
    changed_at = playlist.updated_at if playlist.kind == Playlist.Kind.OWN else None
    return _build_answer(request, text, files.get_content_type(file_format), changed_at)


def _build_answer(
    request: HttpRequest, text: str, content_type: str, changed_at: datetime | None = None
) -> HttpResponse:
    """Answer with ETag and Last-Modified, or with 304 where the reader has just this.

    What is made for a listener has no date: it also changes when they hide a song, or show it again.
    """
    body = text.encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    response = HttpResponse(body, content_type=content_type)
    response["ETag"] = etag
    seconds = int(changed_at.timestamp()) if changed_at else None
    if seconds is not None:
        response["Last-Modified"] = http_date(seconds)
    patch_cache_control(response, private=True, no_cache=True)
    answered = get_conditional_response(request, etag, seconds, response)
    return answered or response


def _may_see(request: HttpRequest, playlist: Playlist) -> bool:
    if playlist.is_public or request.user == playlist.owner:
        return True
    return playlist.kind != Playlist.Kind.OWN and playlist.owner.shares_playlists


def _drop_controls(text: str) -> str:
    """Return a text without the signs that XML has no way to say; names come from players and music servers."""
    return _NO_XML.sub("", text)


def _add_entry(feed: Atom1Feed, playlist: Playlist) -> None:
    songs = format_html_join(
        "",
        "<li>{} – {}: {}</li>",
        (
            map(_drop_controls, (item.song.artist.name, item.song.title, item.shown_reason))
            for item in jspf.list_items(playlist)
        ),
    )
    link = settings.SITE_URL + reverse("playlist_file", args=[playlist.pk, "m3u8"])
    feed.add_item(
        title=_drop_controls(playlist.shown_title),
        link=link,
        description=format_html(
            "<p>{}</p><ol>{}</ol>", _drop_controls(playlist.shown_description), songs
        ),
        unique_id=f"urn:uuid:{playlist.pk}",
        pubdate=playlist.created_at,
        updateddate=playlist.updated_at,
    )
