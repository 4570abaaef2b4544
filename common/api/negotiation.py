"""Which form an answer has: JSON for everybody, whatever their `Accept` header says."""

from collections.abc import Iterable

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class LenientNegotiation(DefaultContentNegotiation):
    """Choose by `Accept` where an address has several forms; send its first one to programs that accept none of them.

    Players write an empty header, or one meant for pages, and a listen must not be lost by it. RFC 9110 (12.5.1) allows
    to pass over the header.
    """

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        forms = list(renderers)
        try:
            chosen: tuple[BaseRenderer, str] = super().select_renderer(
                request, forms, format_suffix
            )
        except NotAcceptable:
            return forms[0], forms[0].media_type
        return chosen
