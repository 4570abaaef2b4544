"""Answers to actions: a fragment for htmx, a redirect for a plain form."""

from dataclasses import asdict, dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails


class SiteRequest(HttpRequest):
    """A request for a page, with what the site's middleware adds; for the type checker."""

    htmx: HtmxDetails
    request_id: str


UNDO = "undo"
"""The key in the session of what undoes the last action, until the next page offers it."""


@dataclass(frozen=True)
class Undo:
    """A form that takes an action back: where it is sent, the one value it sends, and the page after it."""

    url: str
    label: str
    name: str = ""
    value: str = ""
    next: str = "/"


def get_back_url(request: SiteRequest, default: str = "/") -> str:
    """Return the page to go back to, which is always one of this site."""
    target = request.POST.get("next") or request.GET.get("next") or default
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours and not target.startswith("//") else default


def answer_action(
    request: SiteRequest,
    message: str,
    template: str = "",
    context: dict[str, Any] | None = None,
    default: str = "/",
    undo: Undo | None = None,
) -> HttpResponse:
    """Answer an action: with htmx the changed part and the message, else a redirect that shows the message.

    With `undo` the message offers to take the action back, with and without script.
    """
    if request.htmx:
        context = {**(context or {}), "toast": message, "undo": undo}
        return render(request, template or "parts/_nothing.html", context)
    messages.success(request, message)
    if undo is not None:
        request.session[UNDO] = asdict(undo)
    return HttpResponseRedirect(get_back_url(request, default))


def offer_undo(request: SiteRequest) -> dict[str, Any]:
    """Return the context of a page that shows what undoes the last action; it is offered once."""
    session = getattr(request, "session", None)
    if session is None or UNDO not in session:
        return {}
    return {"undo_last": lambda: session.pop(UNDO, None)}
