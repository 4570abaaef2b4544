"""Counting attempts in the cache, so that guessing is slow and its victim is not locked out."""

import hashlib
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

DEVICE_COOKIE = "known_device"
DEVICE_SALT = "accounts.known-device"
DEVICE_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Limit:
    """At most `attempts` within `seconds`, counted from the first."""

    name: str
    attempts: int
    seconds: int

    def key(self, *who: str) -> str:
        digest = hashlib.sha256("\x1f".join(who).encode()).hexdigest()[:32]
        return f"throttle:{self.name}:{digest}"

    def reached(self, *who: str) -> bool:
        return cache.get(self.key(*who), 0) >= self.attempts

    def count(self, *who: str) -> None:
        key = self.key(*who)
        if not cache.add(key, 1, self.seconds):
            try:
                cache.incr(key)
            except ValueError:  # ran out between the two calls
                cache.set(key, 1, self.seconds)

    def forget(self, *who: str) -> None:
        cache.delete(self.key(*who))

    @property
    def minutes(self) -> int:
        return self.seconds // 60


SIGN_IN_NAME = Limit("sign-in-name", attempts=10, seconds=15 * 60)
SIGN_IN_ADDRESS = Limit("sign-in-address", attempts=50, seconds=15 * 60)
SIGN_UP = Limit("sign-up", attempts=20, seconds=60 * 60)
RESET_ADDRESS = Limit("reset-address", attempts=10, seconds=60 * 60)
RESET_MAIL = Limit("reset-mail", attempts=3, seconds=60 * 60)


def client_address(request: HttpRequest) -> str:
    """Return who is calling; a forwarded address counts only behind a trusted proxy, which appends it last."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.TRUST_PROXY and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    return request.META.get("REMOTE_ADDR", "")


def remember_device(response: HttpResponse, username: str) -> None:
    """Mark this browser as one its owner signed in on: it keeps its own count, whoever else is guessing."""
    value = signing.dumps([username.casefold(), secrets.token_hex(8)], salt=DEVICE_SALT)
    response.set_cookie(
        DEVICE_COOKIE, value, max_age=DEVICE_SECONDS, httponly=True, samesite="Lax", secure=settings.HTTPS
    )


def _known_device(request: HttpRequest, username: str) -> str | None:
    try:
        owner, device = signing.loads(
            request.COOKIES.get(DEVICE_COOKIE, ""), salt=DEVICE_SALT, max_age=DEVICE_SECONDS
        )
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return device if owner == username.casefold() else None


def sign_in_blocked(request: HttpRequest, username: str) -> bool:
    device = _known_device(request, username)
    if device:
        return SIGN_IN_NAME.reached(username.casefold(), "device", device)
    address = client_address(request)
    return SIGN_IN_ADDRESS.reached(address) or SIGN_IN_NAME.reached(username.casefold(), address)


def sign_in_failed(request: HttpRequest, username: str) -> None:
    device = _known_device(request, username)
    if device:
        SIGN_IN_NAME.count(username.casefold(), "device", device)
        return
    address = client_address(request)
    SIGN_IN_ADDRESS.count(address)
    SIGN_IN_NAME.count(username.casefold(), address)


def sign_in_succeeded(request: HttpRequest, username: str) -> None:
    SIGN_IN_NAME.forget(username.casefold(), client_address(request))
