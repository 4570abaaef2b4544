"""A listener's own time zone: its name, and what it is where a listener has named none."""

from datetime import date
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User

COOKIE = "time_zone"
"""Set by the pages' script: the name of the browser's zone."""
MAX_LENGTH = 64


def get_time_zone(user: User) -> ZoneInfo:
    """Return the zone in which days and times of this listener are; the site's for visitors and unknown names."""
    name = getattr(user, "time_zone", "")
    return ZoneInfo(name if is_time_zone(name) else settings.TIME_ZONE)


def get_local_day(user: User) -> date:
    """Return what day it is now where the listener is."""
    return timezone.localdate(timezone=get_time_zone(user))


def read_browser_time_zone(request: HttpRequest) -> str:
    """Return the zone that the browser names; empty where it names none that exists."""
    name = request.COOKIES.get(COOKIE, "").replace("%2F", "/")
    return name if is_time_zone(name) else ""


def is_time_zone(name: str) -> bool:
    """Say whether there is a zone of this name."""
    return name in _load_names()


@cache
def list_time_zones() -> list[str]:
    """Return the names that people choose from: those of places, and UTC."""
    zone_names = sorted(
        name for name in _load_names() if "/" in name and not name.startswith("Etc/")
    )
    return ["UTC", *zone_names]


@cache
def _load_names() -> frozenset[str]:
    odd = ("posix/", "right/", "SystemV/", "Factory", "localtime", "posixrules")
    return frozenset(name for name in available_timezones() if not name.startswith(odd))
