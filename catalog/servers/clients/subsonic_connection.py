"""How a Subsonic server is spoken to: signing in three ways, its answers and its errors."""

import hashlib
import secrets
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from catalog.servers.clients.errors import (
    ItemGone,
    NotOffered,
    ServerError,
    WrongAnswer,
    WrongCredentials,
)
from catalog.servers.clients.http import OpenedFile, ServerConnection
from catalog.servers.clients.values import read_dict, read_text

VERSION = "1.16.1"
TOKEN, PASSWORD, API_KEY = "token", "password", "key"
_NOT_OFFERED = {30, 20}
_WRONG_ACCOUNT = {40, 44, 50}
_OTHER_WAY_TO_SIGN_IN = {10, 41, 42, 43}


class SubsonicConnection:
    """Asks one server as one account. Without an account name the secret is an API key."""

    def __init__(self, address: str, account_name: str, password: str) -> None:
        self._connection = ServerConnection(address)
        self._account_name = account_name
        self._password = password
        self._sign_in_by = TOKEN if account_name else API_KEY

    def ask(
        self,
        endpoint: str,
        fields: Iterable[tuple[str, Any]] = (),
        *,
        is_form: bool = False,
        most_bytes: int | None = None,
    ) -> dict[str, Any]:
        """Return the server's answer; try the password where it does not take a token."""
        fields = list(fields)
        answer = self._send(endpoint, fields, is_form=is_form, most_bytes=most_bytes)
        if self._can_sign_in_otherwise(answer):
            answer = self._send(endpoint, fields, is_form=is_form, most_bytes=most_bytes)
        if answer.get("status") != "ok":
            raise self._make_error(answer)
        return answer

    def open_file(self, endpoint: str, fields: list[tuple[str, Any]], **limits: Any) -> OpenedFile:
        """Open a file; raise ServerError where the server sends an error instead, often with HTTP 200."""
        answer = self._open_or_read_error(endpoint, fields, limits)
        if isinstance(answer, dict) and self._can_sign_in_otherwise(answer):
            answer = self._open_or_read_error(endpoint, fields, limits)
        if isinstance(answer, dict):
            raise self._make_error(answer)
        return answer

    def _open_or_read_error(
        self, endpoint: str, fields: list[tuple[str, Any]], limits: dict[str, Any]
    ) -> OpenedFile | dict[str, Any]:
        opened = self._connection.open_file(
            f"/rest/{endpoint}.view",
            query=dict([*self._sign_in_fields(), *fields]),
            reads_refusals=True,
            **limits,
        )
        if opened.content_type == "application/json":
            with opened:
                return self._get_answer(self._connection.read_json(opened))
        if opened.content_type in ("text/xml", "application/xml", "text/html"):
            opened.close()
            raise ItemGone(_("The server has no such file."))
        return opened

    def _send(
        self,
        endpoint: str,
        fields: list[tuple[str, Any]],
        *,
        is_form: bool,
        most_bytes: int | None,
    ) -> dict[str, Any]:
        sent = [*self._sign_in_fields(), *fields]
        decoded = self._connection.fetch_json(
            "POST" if is_form else "GET",
            f"/rest/{endpoint}.view",
            query=() if is_form else sent,
            form=sent if is_form else None,
            most_bytes=most_bytes,
            reads_refusals=True,
        )
        return self._get_answer(decoded)

    def _can_sign_in_otherwise(self, answer: dict[str, Any]) -> bool:
        """Change to signing in by password where the server takes no token; return whether that may help."""
        if _get_error_code(answer) not in _OTHER_WAY_TO_SIGN_IN or self._sign_in_by != TOKEN:
            return False
        self._sign_in_by = PASSWORD
        return True

    @staticmethod
    def _get_answer(decoded: Any) -> dict[str, Any]:
        answer = read_dict(decoded).get("subsonic-response")
        if not isinstance(answer, dict):
            raise WrongAnswer(
                _("The answer is not that of a Subsonic server. Is the address right?")
            )
        return answer

    def _sign_in_fields(self) -> list[tuple[str, Any]]:
        fields = [("v", VERSION), ("c", "musicrec"), ("f", "json")]
        if self._sign_in_by == API_KEY:
            return [("apiKey", self._password), *fields]
        if self._sign_in_by == PASSWORD:
            return [
                ("u", self._account_name),
                ("p", f"enc:{self._password.encode().hex()}"),
                *fields,
            ]
        salt = secrets.token_hex(8)
        token = hashlib.md5(f"{self._password}{salt}".encode(), usedforsecurity=False).hexdigest()
        return [("u", self._account_name), ("t", token), ("s", salt), *fields]

    def _make_error(self, answer: dict[str, Any]) -> ServerError:
        code = _get_error_code(answer)
        message = read_text(read_dict(answer.get("error")).get("message"), 200)
        for secret in (self._password, self._password.encode().hex()):
            message = message.replace(secret, "…") if secret else message
        if code in _WRONG_ACCOUNT:
            return WrongCredentials(_("The server does not accept this account or password."))
        if code == 70:
            return ItemGone(_("The server has no such thing: %(message)s") % {"message": message})
        if code in _NOT_OFFERED:
            return NotOffered(
                _("The server does not offer this: %(message)s") % {"message": message}
            )
        return WrongAnswer(
            _("The server refuses: %(message)s") % {"message": message or _("without saying why")}
        )


def _get_error_code(answer: dict[str, Any]) -> int | None:
    code = read_dict(answer.get("error")).get("code")
    if isinstance(code, str) and code.isdecimal() and len(code) < 5:
        return int(code)
    return code if isinstance(code, int) else None
