"""Take the addresses that clients build from whatever was typed into their settings."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

_UNDER_APIS = ["apis", "listenbrainz"]
_VERSION = "1"


class ListenBrainzAddresses:
    """Collapse repeated slashes and a repeated `1/`, and answer Audioscrobbler 1.2's handshake.

    Clients append "/1/submit-listens" to "https://host/1/" and to "https://host//" alike. Other addresses pass
    unchanged.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_handshake(request):
            return _refuse_handshake()
        tidy = collapse_path(request.path_info)
        if tidy != request.path_info:
            request.path_info = tidy
            request.path = request.META.get("SCRIPT_NAME", "").rstrip("/") + tidy
        return self.get_response(request)


def collapse_path(path: str) -> str:
    """Return a ListenBrainz address with single slashes and one `1/`; any other path as it is."""
    segments = [segment for segment in path.split("/") if segment]
    prefix = _UNDER_APIS if segments[:2] == _UNDER_APIS else []
    rest = segments[len(prefix) :]
    if rest[:1] != [_VERSION]:
        return path
    while rest[:1] == [_VERSION]:
        rest = rest[1:]
    address = "/".join(["", *prefix, _VERSION, *rest])
    return f"{address}/" if path.endswith("/") or not rest else address


def is_handshake(request: HttpRequest) -> bool:
    """Whether a client greets in the Audioscrobbler protocol, such as `/?hs=true&p=1.2.1&u=alice`."""
    is_candidate = request.method == "GET" and "hs=true" in request.META.get("QUERY_STRING", "")
    return is_candidate and request.GET.get("hs") == "true" and "p" in request.GET


def _refuse_handshake() -> HttpResponse:
    """Answer with the protocol's own word for an error that no retry mends."""
    sentence = (
        "FAILED Audioscrobbler 1.2 is not spoken here. Use a player that speaks ListenBrainz with the address "
        f"{settings.SITE_URL} and an access token from its account page.\n"
    )
    headers = {
        "Content-Length": str(len(sentence.encode()))
    }  # some such clients are older than chunks
    return HttpResponse(sentence, content_type="text/plain; charset=utf-8", headers=headers)
