"""Access tokens: made on the account page, shown once, stored as a hash, taken back at any time."""

import logging
import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import OperationalError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from knox.crypto import hash_token

from accounts.models import ApiToken, Scope, User

log = logging.getLogger(__name__)

# The prefix lets secret scanners recognise a token that was published by mistake.
PREFIX = "mrec_"
DEFAULT_DAYS = 365
MAX_DAYS = 3650
MAX_PER_USER = 50


class TooManyTokens(Exception):
    """The user has as many tokens as are allowed."""


class NewToken(NamedTuple):
    """A token just made. `secret` is returned only here."""

    token: ApiToken
    secret: str


def create_token(user: User, name: str, scopes: list[str], days: int = DEFAULT_DAYS) -> NewToken:
    """Make a token of `user` that is valid for `days`; one that may only listen is a plain UUID4."""
    ordered = " ".join(scope for scope in Scope.values if scope in scopes)
    if not ordered:
        raise ValueError(
            f"A token needs at least one scope of {', '.join(Scope.values)}, not {scopes!r}."
        )
    own = {"name": name, "scopes": ordered}
    with transaction.atomic():
        _require_room(user)
        if ordered == Scope.LISTEN:
            return _create_player_token(user, timezone.now() + timedelta(days=days), own)
        return NewToken(
            *ApiToken.objects.create(user, expiry=timedelta(days=days), prefix=PREFIX, **own)
        )


def _require_room(user: User) -> None:
    """Raise TooManyTokens for a user with the most there can be; several requests at once are counted one by one."""
    User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    if user.auth_token_set.count() >= MAX_PER_USER:
        raise TooManyTokens(
            f"You have {MAX_PER_USER} tokens, the most there can be. Delete one you no longer use."
        )


def _create_player_token(user: User, expiry: datetime, own: dict[str, str]) -> NewToken:
    """Make a token of 36 characters, as ListenBrainz' own are: players with a field of 36 cut longer ones.

    The beginning that other tokens are listed by stays empty: it would be most of this one.
    """
    secret = str(uuid.uuid4())
    token = ApiToken(user=user, digest=hash_token(secret), token_key="", expiry=expiry, **own)
    token.save(force_insert=True)
    return NewToken(token, secret)


def list_tokens(user: User) -> QuerySet[ApiToken]:
    """Return the user's tokens, newest first."""
    newest: QuerySet[ApiToken] = ApiToken.objects.filter(user=user)
    return newest


def revoke_token(user: User, digest: str) -> bool:
    """Delete one of the user's own tokens; return whether there was one."""
    return list_tokens(user).filter(pk=digest).delete()[0] > 0


def revoke_all_tokens(user: User) -> int:
    """Delete all tokens of `user`, as a changed password and a closed account must; return how many."""
    return list_tokens(user).delete()[0]


def find_token(secret: str) -> ApiToken | None:
    """Return the token of that secret with its user, whatever its state; one query."""
    token: ApiToken | None = (
        ApiToken.objects.select_related("user").filter(pk=hash_token(secret)).first()
    )
    return token


def record_use(token: ApiToken) -> None:
    """Store the day of use; at most one write a day and token."""
    today = timezone.localdate()
    if token.last_used_on == today:
        return
    try:
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=today)
    except OperationalError as error:
        # On a full disk nothing can be written, but a token still permits reading.
        log.warning("The day a token was used could not be stored: %s", error)
