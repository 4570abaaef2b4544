"""Refusals in front of the views, in the words of the address that was asked: programs get theirs as JSON."""

from django.http import HttpRequest, JsonResponse

from musicrec_site.api.errors import build_error_body

_OF_PLUGINS = ("/audiomuse/", "/navidrome/", "/labs/", "/lidarr/", "/mcp", "/api/")


def refuse_program(
    request: HttpRequest, status: int, code: str, message: str
) -> JsonResponse | None:
    """Return the error as the JSON API or the addresses of players word theirs; None where a page is asked for."""
    if request.path_info.startswith("/api/v"):
        return JsonResponse(build_error_body(request, status, code, message), status=status)
    if request.path_info.startswith(("/1/", "/apis/listenbrainz/")):
        return JsonResponse({"code": status, "error": message}, status=status)
    if request.path_info.startswith(_OF_PLUGINS):
        return JsonResponse({"error": message}, status=status)
    return None
