"""Bodies that arrive in pieces: Django reads a body by its length, and takes one that tells none for empty.

Some players' HTTP libraries send every body so.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from musicrec_site.server.body_limits import find_limit

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def wrap_with_length(application: Application) -> Application:
    """Wrap a WSGI application so that a chunked body is gathered first, where the web server has not done it.

    Of a body that is too large for its address, one byte too many is handed on: it is refused like any other.
    """

    def call_with_length(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        is_chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        if is_chunked and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(find_limit(environ.get("PATH_INFO", "/")).anybody + 1)
            environ = {**environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return application(environ, start_response)

    return call_with_length
