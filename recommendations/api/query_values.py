"""Values of a query that several addresses read."""

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from recommendations.conf import conf


def read_length(request: Request) -> int:
    """Return k, the usual length without it; raise the 400 that says what it may be."""
    text = request.query_params.get("k", str(conf.list_length))
    if not (
        text.isascii()
        and text.isdecimal()
        and len(text) < 10
        and 1 <= int(text) <= conf.longest_list
    ):
        raise ValidationError(
            {"k": [f"k is a whole number from 1 to {conf.longest_list}, not {text[:20]!r}."]}
        )
    return int(text)


def read_share(request: Request, name: str) -> float | None:
    """Return a number from 0 to 1, None without one; raise the 400 that says so."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValidationError({name: [f"{name} is a number from 0 to 1, not {text[:20]!r}."]})
    return value
