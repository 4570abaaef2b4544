"""The admin as a dashboard of its own: its navigation is by what an operator does."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class DashboardSite(AdminSite):
    """Django's admin with the dashboard's pages before its tables, and without the list of all tables at the side."""

    enable_nav_sidebar = False
    index_title = gettext_lazy("Today")

    def get_urls(self) -> list[Any]:
        from recommendations.admin import (
            dashboard,
        )  # its pages need the site that is being made here

        return [*dashboard.list_urls(), *super().get_urls()]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return super().each_context(request) | {"navigation": list_navigation(request)}


def list_navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the dashboard's pages in order; the one that an address belongs to is marked."""
    pages = [
        (_("Today"), "index"),
        (_("Catalog"), "dashboard_catalog"),
        (_("Listeners"), "dashboard_listeners"),
        (_("Models"), "recommendations_modelversion_changelist"),
        (_("Experiments"), "recommendations_experiment_changelist"),
        (_("Jobs"), "dashboard_jobs"),
        (_("Settings"), "dashboard_settings"),
        (_("All tables"), "dashboard_tables"),
    ]
    entries = [{"name": name, "url": reverse(f"admin:{page}")} for name, page in pages]
    here = max(
        (one["url"] for one in entries if request.path.startswith(one["url"])), key=len, default=""
    )
    is_exact = here != entries[0]["url"] or request.path == here
    return [one | {"is_here": is_exact and one["url"] == here} for one in entries]
