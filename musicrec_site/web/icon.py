"""The site's icon for browsers that ask for it where icons used to be, such as on a page of JSON."""

from django.conf import settings
from django.http import FileResponse, HttpRequest
from django.views.decorators.http import require_safe

from accounts.middleware import exempt_from_page_limit

ICON = settings.BASE_DIR / "static/img/icon.svg"
ONE_DAY = 24 * 3600


@exempt_from_page_limit
@require_safe
def serve_icon(request: HttpRequest) -> FileResponse:
    """Serve the drawn icon; browsers go by its type, not by the end of its address."""
    response = FileResponse(ICON.open("rb"), content_type="image/svg+xml")
    response["Cache-Control"] = f"public, max-age={ONE_DAY}"
    return response
