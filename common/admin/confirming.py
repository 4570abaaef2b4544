"""The page of the admin that asks before something is done that others will notice."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from common.generics import ModelAdmin


def render_confirmation(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    question: str,
    *,
    back: str,
    answers: Mapping[str, Any] | None = None,
) -> TemplateResponse:
    """Show the question: Yes posts `answers` to the same address, No leads `back`."""
    context = admin.admin_site.each_context(request) | {
        "title": _("Please confirm"),
        "opts": admin.opts,
        "question": question,
        "answers": answers or {},
        "back": back,
    }
    return TemplateResponse(request, "admin/confirm.html", context)
