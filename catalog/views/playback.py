"""The sound of a song and its picture, for the pages of this site."""

import logging
import re
from itertools import chain
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.middleware import exempt_from_page_limit
from accounts.requests import SignedInRequest
from catalog.models import Song
from catalog.playback import real_covers, sources
from catalog.playback.file_stream import answer_with_file
from catalog.playback.server_stream import TooManyStreams, answer_with_item
from catalog.servers.clients import ServerError
from catalog.songs.covers import name_drawn_cover
from catalog.views.named import get_song_or_404
from common.http import SiteRequest

_TAG = re.compile(r"^[0-9a-f]{16}$")
ONE_YEAR = 365 * 24 * 3600
log = logging.getLogger(__name__)


@login_required
@require_safe
def serve_audio(request: SignedInRequest, song_id: int) -> HttpResponse:
    """Serve a song, whole or the range that is asked for, from the first source that has it now."""
    song = get_song_or_404(request.user, song_id)
    headers = {name.lower(): value for name, value in request.headers.items()}
    audio = sources.find_sources([song.pk]).get(song.pk, sources.PlaySources())
    is_busy = False
    attempts: Any = chain(
        ((answer_with_file, file) for file in audio.files),
        ((answer_with_item, item) for item in audio.items),
    )
    for answer, source in attempts:
        try:
            response: HttpResponse = answer(source, headers)
            return response
        except OSError as error:
            log.warning("The file of song %d can't be read: %s", song.pk, type(error).__name__)
        except TooManyStreams:
            is_busy = True
        except ServerError as error:
            log.warning("Song %d can't be fetched: %s", song.pk, error)
    if is_busy:
        return HttpResponse(status=503, headers={"Retry-After": "3"})
    raise Http404(_("This song can't be played right now."))


@exempt_from_page_limit
@require_safe
def serve_real_cover(request: SiteRequest, tag: str, size: int) -> HttpResponse:
    """Serve a picture that a file or a server has; where it can't be had, lead to the drawn one."""
    if size not in real_covers.SIZES or not _TAG.match(tag):
        raise Http404
    etag = f'"{tag}-{size}"'
    shared = {"ETag": etag, "Cache-Control": f"private, max-age={ONE_YEAR}, immutable"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=shared)
    data = real_covers.load_cover(tag, size)
    if data is not None:
        return HttpResponse(data, content_type="image/webp", headers=shared)
    # The second condition is the one of the index over tags.
    song = Song.objects.for_cards().filter(cover_tag=tag).exclude(cover_tag="").first()
    if song is None:
        raise Http404
    drawn = reverse("catalog:cover", args=[name_drawn_cover(song)])
    return HttpResponseRedirect(drawn, headers={"Cache-Control": "private, max-age=600"})
