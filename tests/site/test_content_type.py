"""What a request says of its body breaks no page: one header with a codec of Python's answered 500 at any address."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import RequestFactory

from accounts.models import User
from musicrec_site.server.body_limits import BodyLimit, may_send
from musicrec_site.server.content_type import clean_content_type
from musicrec_site.wsgi import application

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
CHARSETS = [
    "hex", "base64", "zip", "bz2", "uu", "quopri", "rot13", "idna", "punycode", "undefined", "unicode_escape",
    "utf-16", "utf-7", "nope", "a" * 300, "\0", "", '"', "utf-8; charset=hex",
]  # fmt: skip
ODD = [
    "text/plain; charset*=nope''%41", "text/plain; charset*=hex''%41", "text/plain; charset*=idna''%41%ff",
    "text/plain; charset*=undefined''%41", 'text/plain; charset="\\', ";;;", "; charset=hex", "\0;\0",
    "multipart/form-data", "multipart/form-data; boundary*=nope''x", "multipart/form-data; boundary=" + "x" * 5000,
]  # fmt: skip


def ask(method: str, path: str, content_type: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send a request to the application as the web server calls it."""
    path, _, query = path.partition("?")
    environ = RequestFactory(SERVER_NAME="localhost").get(path).environ | {
        "REQUEST_METHOD": method, "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body), "QUERY_STRING": query,
    }  # fmt: skip
    statuses: list[int] = []

    def start(status: str, _headers: Any, _error: Any = None) -> None:
        statuses.append(int(status.split()[0]))

    with keep_connections():
        answer = application(environ, start)
        content = b"".join(answer)
        answer.close()  # type: ignore[attr-defined]  # Django's response
    return statuses[0], content


@contextmanager
def keep_connections() -> Iterator[None]:
    """Keep the test's transaction, which would go with its connection; Django's own client does the same."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@pytest.mark.parametrize(
    "path",
    ["/browse/?q=%C3%A9t%C3%A9", "/api/v1/songs/?q=%41", "/?hs=true&p=%41", "/nowhere/?a=%41"],
)
@pytest.mark.parametrize(
    "content_type", [*(f"text/plain; charset={one}" for one in CHARSETS), *ODD]
)
def test_no_content_type_breaks_an_address(path, content_type):
    """T77"""
    usual, _ = ask("GET", path, "text/plain")
    assert ask("GET", path, content_type)[0] == usual


@pytest.mark.parametrize("charset", CHARSETS)
def test_no_charset_breaks_a_form(charset):
    """T77"""
    body = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nb\xff\\N\r\n--x--\r\n'
    status, _ = ask(
        "POST", "/login/", f'multipart/form-data; boundary="x"; charset={charset}', body
    )
    assert status == 403  # the form's token is missing, and that was read
    status, _ = ask("POST", "/login/", f"{FORM}; charset={charset}", b"username=%41%ff")
    assert status in (400, 403)


@pytest.mark.parametrize("head", [
    b"form-data; name*=nope''a", b"form-data; name*=hex''%41", b"form-data; name=a; filename*=hex''%41",
    b"form-data; name=a; filename*=idna''%ff", b"form-data; name*=undefined''%41",
])  # fmt: skip
def test_no_head_of_a_field_breaks_a_form(head):
    body = b"--x\r\nContent-Disposition: " + head + b"\r\n\r\nb\r\n--x--\r\n"
    assert ask("POST", "/login/", "multipart/form-data; boundary=x", body)[0] in (400, 403)


def test_what_is_utf_8_stays_as_it_was():
    for header in (
        "text/plain; charset=UTF-8",
        "multipart/form-data; boundary=x",
        "",
        "application/json",
    ):
        assert clean_content_type(header) == header
    assert (
        clean_content_type("multipart/form-data; boundary=x; charset=hex")
        == 'multipart/form-data; boundary="x"'
    )


def test_a_query_is_utf_8_whatever_charset_is_claimed():
    User.objects.create_user("lena")
    _, page = ask("GET", "/browse/?q=%C3%A9t%C3%A9", "text/plain; charset=iso-8859-1")
    assert "été" in page.decode()


@pytest.mark.parametrize("content_type", ODD)
def test_who_may_upload_is_found_with_any_content_type(content_type):
    environ = RequestFactory().get("/").environ | {"CONTENT_TYPE": content_type}
    assert may_send(environ, BodyLimit(1, 2)) is False
