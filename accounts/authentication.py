"""Who a request comes from, when it brings an access token."""

import base64
from typing import cast

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, IntegrityError
from django.http import HttpRequest
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import APIException, AuthenticationFailed, NotFound
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts import tokens
from accounts.models import ApiToken, User
from common.transactions import is_about_gone_row


class TokenInAddress(APIException):
    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "token_in_address"
    default_detail = (
        "A token in an address ends up in logs and histories. "
        "Send it in a header instead: `Authorization: Token <token>`."
    )


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token <token>` or `Bearer <token>`, the scheme in any case. One query."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        if "token" in request.query_params or "access_token" in request.query_params:
            raise TokenInAddress
        secret = self.read_secret(request)
        if secret is None:
            return None
        token = require_usable_token(secret)
        return token.user, token

    def read_secret(self, request: Request) -> str | None:
        """Return the token that the request brings, if any."""
        return read_header_secret(request)

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class AddressTokenAuthentication(TokenAuthentication):
    """Also a token as the password in an address, `https://any:<token>@host/`, which clients send as Basic.

    For players that can be given an address and nothing else. To read only: a browser that once opened such an
    address would send it by itself with a form of any other site.
    """

    def read_secret(self, request: Request) -> str | None:
        """Return the token that the request brings, if any."""
        secret = super().read_secret(request)
        if secret is None and request.method in SAFE_METHODS:
            return read_basic_password(request)
        return secret


def read_header_secret(request: HttpRequest) -> str | None:
    """Return the token in the Authorization header, or None without one."""
    scheme, _, secret = get_authorization_header(cast(Request, request)).partition(b" ")
    if scheme.lower() not in (b"token", b"bearer"):
        return None
    return secret.strip().decode("latin-1")


def read_basic_password(request: HttpRequest) -> str | None:
    """Return the password of an Authorization header of the scheme Basic, or None where there is none."""
    scheme, _, encoded = get_authorization_header(cast(Request, request)).partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:
        return None
    return decoded.partition(b":")[2].decode("latin-1")


def require_usable_token(secret: str) -> ApiToken:
    """Return the token of that secret, or raise AuthenticationFailed with the reason."""
    token = tokens.find_token(secret)
    if token is None:
        raise AuthenticationFailed(
            "There is no such token. Make one on your account page.", "invalid_token"
        )
    if token.has_expired:
        raise AuthenticationFailed(
            f"The token “{token.name}” has expired. Make a new one on your account page.",
            "expired_token",
        )
    if not token.user.is_active:
        raise AuthenticationFailed("This account is closed.", "account_closed")
    tokens.record_use(token)
    return token


def convert_gone_row_error(exc: Exception, request: Request) -> Exception:
    """Return the answer for what failed because a row that it names was deleted meanwhile, or `exc` itself.

    The request was let in, then a row named an account, a song or whatever that is not there any more.
    One query, after errors only.
    """
    user = getattr(request, "_user", None)
    is_about_rows = isinstance(exc, IntegrityError | ObjectDoesNotExist)
    if is_about_rows and isinstance(user, User) and not _has_account(user):
        return AuthenticationFailed("This account is closed.", "account_closed")
    if is_about_gone_row(exc):
        return NotFound("What this names was removed a moment ago.")
    return exc


def _has_account(user: User) -> bool:
    """Return whether the account is still there; True where the database can't say: another error is the cause."""
    try:
        return bool(User.objects.filter(pk=user.pk).exists())
    except DatabaseError:
        return True
