"""How an action answers: a part for htmx, a redirect back for a plain form."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme


def back(request, default: str = "/") -> str:
    """Return the page to go back to, which is always one of this site (T44)."""
    target = request.POST.get("next") or request.GET.get("next") or default
    is_ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if is_ours and not target.startswith("//") else default


def done(
    request, message: str, template: str = "", context: dict | None = None, default: str = "/"
) -> HttpResponse:
    """Answer an action: with htmx the changed part and the message, else a redirect that shows the message."""
    if request.htmx:
        return render(request, template or "parts/_nothing.html", {**(context or {}), "toast": message})
    messages.success(request, message)
    return HttpResponseRedirect(back(request, default))
