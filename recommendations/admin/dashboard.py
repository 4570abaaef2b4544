"""The dashboard: the admin's pages by what an operator does, with Django's tables behind "All tables"."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django_celery_beat.models import PeriodicTask

from accounts.mail import can_send_mail
from accounts.models import User
from accounts.requests import get_signed_in_user
from common import log_file
from recommendations import tasks
from recommendations.models import BackgroundJob
from recommendations.services.jobs import background_jobs
from recommendations.services.operations import (
    audit_log,
    catalog_overview,
    first_steps,
    health_checks,
    latest_jobs,
    listener_neighbours,
    listener_table,
    storage,
)
from recommendations.services.versions import registry
from recommendations.services.workloads import demo_removal

N_LOGGED, N_LOG_LINES = 20, 50

# Each table's section by its model; those of the catalog that are not named belong to the catalog.
SECTIONS: dict[str, tuple[Any, Any, frozenset[str]]] = {
    "catalog": (
        gettext_lazy("Catalog"),
        gettext_lazy("Songs and artists, and the ways in which they and their listens come in."),
        frozenset(),
    ),
    "listeners": (
        gettext_lazy("Listeners"),
        gettext_lazy("Who listens here, how much, and what they get."),
        frozenset(
            (
                "User",
                "ApiToken",
                "Taste",
                "ListenerControl",
                "ListenerState",
                "RecommendationList",
                "ServedRecord",
                "Interaction",
                "Playlist",
                "PlaylistItem",
                "NowPlaying",
                "LatestImport",
                "Submission",
            )
        ),
    ),
    "jobs": (
        gettext_lazy("Jobs"),
        gettext_lazy("Long work: what runs, what waits, and what came of it."),
        frozenset(
            (
                "TrainingRun",
                "ImportRun",
                "BackgroundJob",
                "WorkerHeartbeat",
                "FolderScan",
                "MusicScan",
            )
        ),
    ),
    "settings": (
        gettext_lazy("Settings"),
        gettext_lazy("The schedule, mail, backup, disk, and who did what."),
        frozenset(
            (
                "SiteContract",
                "PeriodicTask",
                "CrontabSchedule",
                "IntervalSchedule",
                "ClockedSchedule",
                "SolarSchedule",
                "Group",
                "AttemptCount",
            )
        ),
    ),
}


def find_models(request: HttpRequest, section: str) -> list[dict[str, Any]]:
    """Return the tables of a section that this user may see, as Django's index lists them."""
    named = {name: key for key, (_title, _about, names) in SECTIONS.items() for name in names}
    return [
        model
        for app in admin.site.get_app_list(request)
        for model in app["models"]
        if named.get(model["object_name"], app["app_label"]) == section
    ]


def show_section(request: HttpRequest, section: str) -> HttpResponse:
    """Show one section: what it is for, its figures, and its tables."""
    _require_viewer(request)
    title, about, _names = SECTIONS[section]
    context = admin.site.each_context(request) | {
        "title": title,
        "about": about,
        "section": section,
        "models": find_models(request, section),
    }
    context |= _CONTEXTS.get(section, _add_nothing)(request)
    return TemplateResponse(request, "admin/dashboard/section.html", context)


def _add_nothing(request: HttpRequest) -> dict[str, Any]:
    return {}


def _add_catalog(request: HttpRequest) -> dict[str, Any]:
    return {"catalog": catalog_overview.load_overview()}


def _add_listeners(request: HttpRequest) -> dict[str, Any]:
    words = request.GET.get("q", "").replace("\x00", "")
    page, rows = listener_table.list_listeners(words, request.GET.get("page", "1"))
    return {
        "listeners": rows,
        "rows": page,
        "words": words,
        "active": registry.get_active_version(),
    }


def _add_jobs(request: HttpRequest) -> dict[str, Any]:
    return {
        "jobs": latest_jobs.list_jobs(),
        "worker": health_checks.check_worker(),
        "failures": latest_jobs.list_failures(),
    }


def _add_settings(request: HttpRequest) -> dict[str, Any]:
    return {
        "backup": first_steps.find_last_backup(),
        "backup_job": background_jobs.find_latest(BackgroundJob.Kind.BACKUP),
        "has_demo": demo_removal.has_demo(),
        "demo_job": background_jobs.find_latest(BackgroundJob.Kind.DEMO),
        "disk": health_checks.check_disk(),
        "sizes": storage.list_sizes(),
        "entries": audit_log.list_entries(N_LOGGED),
        "log_lines": log_file.read_last_lines(settings.KEPT_LOG, N_LOG_LINES)
        if request.user.is_superuser
        else None,
        "schedule": PeriodicTask.objects.exclude(task="celery.backend_cleanup")
        .select_related("crontab", "interval")
        .order_by("name"),
        "mail_from": settings.DEFAULT_FROM_EMAIL if can_send_mail() else "",
        "sign_up": settings.SIGN_UP,
    }


_CONTEXTS = {
    "catalog": _add_catalog,
    "listeners": _add_listeners,
    "jobs": _add_jobs,
    "settings": _add_settings,
}


def show_listener(request: HttpRequest, listener_id: int) -> HttpResponse:
    """Show one listener: what they did, the way to their list, and whose histories are most like theirs."""
    _require_viewer(request)
    listener = get_object_or_404(User, pk=listener_id)
    context = admin.site.each_context(request) | {
        "title": listener.get_username(),
        "row": listener_table.load_listener(listener),
        "neighbours": listener_neighbours.find_neighbours(listener),
        "active": registry.get_active_version(),
    }
    return TemplateResponse(request, "admin/dashboard/listener.html", context)


def show_tables(request: HttpRequest) -> HttpResponse:
    """List every table, as Django does."""
    context = admin.site.each_context(request) | {
        "title": _("All tables"),
        "app_list": admin.site.get_app_list(request),
    }
    return TemplateResponse(request, "admin/dashboard/tables.html", context)


@require_POST
def send_test_mail(request: HttpRequest) -> HttpResponse:
    """Send a mail to the operator who asks, and say what came of it."""
    _require_superuser(request)
    if not can_send_mail():
        messages.error(request, _("This site sends no mail: EMAIL_URL is not set."))
        return redirect("admin:dashboard_settings")
    address = get_signed_in_user(request).email
    if not address:
        messages.error(request, _("Your account has no e-mail address; add one in your settings."))
        return redirect("admin:dashboard_settings")
    try:
        send_mail(_("Test from Musicrec"), _("Mail works."), settings.DEFAULT_FROM_EMAIL, [address])
    except OSError as error:
        messages.error(
            request, _("Mail can't be sent: %(error)s. Look at EMAIL_URL.") % {"error": error}
        )
    else:
        messages.success(
            request,
            _("The mail to %(address)s was handed to the mail server.") % {"address": address},
        )
    return redirect("admin:dashboard_settings")


@require_POST
def back_up(request: HttpRequest) -> HttpResponse:
    """Ask for a backup now; the settings page shows how it goes."""
    _require_superuser(request)
    _log_action(request, tasks.start_backup())
    messages.success(request, _("A backup is being made. Reload the page to see how it goes."))
    return redirect("admin:dashboard_settings")


def remove_demo(request: HttpRequest) -> HttpResponse:
    """Ask once what removing the demo takes away, then have it removed."""
    _require_superuser(request)
    if not demo_removal.has_demo():
        messages.info(request, _("There is no demo on this site."))
        return redirect("admin:dashboard_settings")
    if request.method == "POST":
        _log_action(request, tasks.start_demo_removal())
        messages.success(
            request, _("The demo is being removed. Reload the page to see how it goes.")
        )
        return redirect("admin:dashboard_settings")
    context = admin.site.each_context(request) | {
        "title": _("Remove the demo?"),
        "contents": demo_removal.count_contents(),
        "n_versions": demo_removal.count_versions(),
    }
    return TemplateResponse(request, "admin/dashboard/remove_demo.html", context)


def _require_viewer(request: HttpRequest) -> None:
    if not request.user.has_perm("recommendations.view_modelversion"):
        raise PermissionDenied


def _require_superuser(request: HttpRequest) -> None:
    if not request.user.is_superuser:
        raise PermissionDenied


def _log_action(request: HttpRequest, job: BackgroundJob) -> None:
    """Write who asked for a job where "Who did what" reads it."""
    LogEntry.objects.log_actions(
        get_signed_in_user(request).pk,
        [job],
        ADDITION,
        change_message=[{"added": {}}],
        single_object=True,
    )


def list_urls() -> list[Any]:
    """Return the addresses of the dashboard, which come before those of the tables."""
    view = admin.site.admin_view
    sections = [
        path(f"dashboard/{name}/", view(show_section), {"section": name}, name=f"dashboard_{name}")
        for name in SECTIONS
    ]
    return [
        *sections,
        path(
            "dashboard/listeners/<int:listener_id>/", view(show_listener), name="dashboard_listener"
        ),
        path("dashboard/tables/", view(show_tables), name="dashboard_tables"),
        path("dashboard/test-mail/", view(send_test_mail), name="dashboard_test_mail"),
        path("dashboard/back-up/", view(back_up), name="dashboard_back_up"),
        path("dashboard/remove-demo/", view(remove_demo), name="dashboard_remove_demo"),
    ]
