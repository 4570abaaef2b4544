"""Links that let one person sign up where sign-up is not open: signed, for a time, once."""

import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.urls import reverse

from accounts.throttle import Limit

DEFAULT_DAYS = 14
MAX_DAYS = 90
_SALT = "accounts.invitation"
_DAY = 24 * 60 * 60
_USES = Limit("invitation", attempts=1, seconds=MAX_DAYS * _DAY)


def make_invitation_link(days: int = DEFAULT_DAYS) -> str:
    """Return a new address of the sign-up page that works once within `days`."""
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(f"An invitation is valid for 1 to {MAX_DAYS} days, not {days}.")
    sealed = signing.dumps([secrets.token_hex(8), days], salt=_SALT)
    return f"{settings.SITE_URL}{reverse('accounts:sign_up')}?invitation={sealed}"


def is_link_local() -> bool:
    """Whether the address of the site, with which links begin, means the reader's own machine."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def is_invitation_valid(invitation: str) -> bool:
    """Whether the invitation is ours, not too old and not used."""
    nonce = _read_nonce(invitation)
    return nonce is not None and not _USES.is_reached(nonce)


def use_invitation(invitation: str) -> bool:
    """Use the invitation up; False when it is not valid. Of two uses at the same moment one gets False."""
    nonce = _read_nonce(invitation)
    return nonce is not None and _USES.count(nonce) == 1


def _read_nonce(invitation: str) -> str | None:
    try:
        nonce, days = signing.loads(invitation, salt=_SALT, max_age=MAX_DAYS * _DAY)
        signing.loads(invitation, salt=_SALT, max_age=days * _DAY)
        return str(nonce)
    except (signing.BadSignature, ValueError, TypeError):
        return None
