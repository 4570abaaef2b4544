"""Limits on guessing passwords and on what strangers may ask.

Attempts are counted in a table: no other request evicts a count, and all processes share it. Requests
are counted in a cache of their own ("limits"): a count that is lost there costs one minute's allowance.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.core import signing
from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.models import AttemptCount, make_name_key

DEVICE_COOKIE = "known_device"
DEVICE_SALT = "accounts.known-device"
DEVICE_SECONDS = 365 * 24 * 3600
_QUARTER, _HOUR, _DAY = 15 * 60, 60 * 60, 24 * 60 * 60


@dataclass(frozen=True)
class Limit:
    """At most `attempts` within `seconds`, counted from the first."""

    name: str
    attempts: int
    seconds: int

    def make_key(self, *who: str) -> str:
        """Return a digest: the table must not say whose name was tried from which address."""
        text = "\x1f".join((self.name, *who))
        return salted_hmac("accounts.throttle", text, algorithm="sha256").hexdigest()[:40]

    def is_reached(self, *who: str) -> bool:
        counted = AttemptCount.objects.filter(key=self.make_key(*who), until__gt=timezone.now())
        return counted.filter(n__gte=self.attempts).exists()

    def count(self, *who: str) -> int:
        """Add an attempt and return how many there are, in one statement: none at the same moment is lost."""
        now = timezone.now()
        AttemptCount.objects.filter(until__lte=now).delete()
        table = connection.ops.quote_name(AttemptCount._meta.db_table)
        sql = (
            f"INSERT INTO {table} (key, n, until) VALUES (%s, 1, %s) "  # noqa: S608
            f"ON CONFLICT (key) DO UPDATE SET n = {table}.n + 1 RETURNING n"
        )
        until = connection.ops.adapt_datetimefield_value(now + timedelta(seconds=self.seconds))
        with connection.cursor() as cursor:
            cursor.execute(sql, [self.make_key(*who), until])
            return int(cursor.fetchone()[0])

    def reset(self, *who: str) -> None:
        AttemptCount.objects.filter(key=self.make_key(*who)).delete()

    @property
    def minutes(self) -> int:
        return self.seconds // 60


SIGN_IN_NAME = Limit("sign-in-name", attempts=10, seconds=_QUARTER)
"""Of one name from one network, or from one known device."""
SIGN_IN_NAME_A_DAY = Limit("sign-in-name-a-day", attempts=30, seconds=_DAY)
SIGN_IN_ADDRESS = Limit("sign-in-address", attempts=50, seconds=_QUARTER)
SIGN_IN_EVERYWHERE = Limit("sign-in-everywhere", attempts=30, seconds=_QUARTER)
"""Of one name from all networks together, which takes four of them."""
SIGN_IN_EVERYWHERE_A_DAY = Limit("sign-in-everywhere-a-day", attempts=200, seconds=_DAY)
SIGN_UP = Limit("sign-up", attempts=20, seconds=_HOUR)
RESET_ADDRESS = Limit("reset-address", attempts=10, seconds=_HOUR)
RESET_MAIL = Limit("reset-mail", attempts=3, seconds=_HOUR)


def count_request(who: str, period: int, seconds: int) -> int:
    """Count a request in the cache of limits; return how many there were in this period."""
    cache, key = caches["limits"], f"{who}:{period}"
    if cache.add(key, 1, 2 * seconds):
        return 1
    try:
        return cache.incr(key)
    except ValueError:  # fell out of the cache between the two calls
        return 1


def get_client_address(request: HttpRequest) -> str:
    """Return who is calling; a forwarded address counts only behind a trusted proxy, which appends it last."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.TRUST_PROXY and forwarded:
        return str(forwarded.rsplit(",", 1)[-1].strip())
    return str(request.META.get("REMOTE_ADDR", ""))


def get_client_network(request: HttpRequest) -> str:
    """Return what limits count by: an IPv4 address, or the /64 of an IPv6 one, which one caller has whole."""
    try:
        address = ip_address(get_client_address(request).split("%")[0])
    except ValueError:  # a socket without an address, or what a proxy made up
        return "unknown"
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((int(address), 64), strict=False))


def remember_device(response: HttpResponse, username: str) -> None:
    """Mark this browser as one its owner signed in on: it keeps a count of its own while others guess."""
    value = signing.dumps([make_name_key(username), secrets.token_hex(8)], salt=DEVICE_SALT)
    response.set_cookie(
        DEVICE_COOKIE,
        value,
        max_age=DEVICE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.HTTPS,
    )


def _find_known_device(request: HttpRequest, username: str) -> str | None:
    """Return what has a count of its own for this name: a session of it, or a browser that had one."""
    user = getattr(request, "user", None)
    if (
        user is not None
        and user.is_authenticated
        and make_name_key(user.get_username()) == make_name_key(username)
    ):
        return f"signed in as {user.pk}"
    try:
        owner, device = signing.loads(
            request.COOKIES.get(DEVICE_COOKIE, ""), salt=DEVICE_SALT, max_age=DEVICE_SECONDS
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return device if owner == make_name_key(username) else None


def is_sign_in_blocked(request: HttpRequest, username: str) -> bool:
    """Whether passwords for this name are not even looked at, from where this request comes.

    The owner of a name that others guess from many networks still gets in: by a device they signed
    in on before, or by a link mailed for a new password, which makes a browser such a device.
    """
    most = {
        limit.make_key(*who): limit.attempts
        for limit, who in _list_sign_in_limits(request, username)
    }
    counted = AttemptCount.objects.filter(key__in=most, until__gt=timezone.now())
    return any(n >= most[key] for key, n in counted.values_list("key", "n"))


def count_failed_sign_in(request: HttpRequest, username: str) -> None:
    for limit, who in _list_sign_in_limits(request, username):
        limit.count(*who)


def clear_failed_sign_ins(request: HttpRequest, username: str) -> None:
    """Take back what the right person's own slips counted; guesses from elsewhere stay counted."""
    for limit, who in _list_sign_in_limits(request, username):
        if limit in (SIGN_IN_NAME, SIGN_IN_NAME_A_DAY):
            limit.reset(*who)


def _list_sign_in_limits(
    request: HttpRequest, username: str
) -> list[tuple[Limit, tuple[str, ...]]]:
    name = make_name_key(username)
    device = _find_known_device(request, username)
    if device:
        return [(SIGN_IN_NAME, (name, "device", device))]
    network = get_client_network(request)
    return [
        (SIGN_IN_NAME, (name, network)),
        (SIGN_IN_NAME_A_DAY, (name, network)),
        (SIGN_IN_ADDRESS, (network,)),
        (SIGN_IN_EVERYWHERE, (name,)),
        (SIGN_IN_EVERYWHERE_A_DAY, (name,)),
    ]
