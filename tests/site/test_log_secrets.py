"""What opens an account is in no log line of any library, and in no label of the metrics."""

import json
import time

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.urls import URLPattern, get_resolver
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from musicrec_site.logs.request_log import SECRET_KEYWORDS
from musicrec_site.logs.secrets import clean_line

pytestmark = pytest.mark.slow

SECRET = "0123456789abcdef0123456789abcdef"
REQUESTS = """
from django.test import Client
for path in (
    "/1/validate-token?token={secret}", "/1/user/anna/listens?token={secret}",
    "/api/v1/me/?token={secret}", "/api/v1/nowhere/?access_token={secret}", "/nowhere/?q={secret}&b=c",
    "/password/reset/MQ/{secret}/", "/password/reset/MQ/{secret}/nowhere/", "/login/?next=/x%3Ftoken%3D{secret}",
    "/songs/99999999999999999999/?key[]={secret}", "/password/reset/{secret}",
):
    for method in ("get", "post", "head"):
        getattr(Client(raise_request_exception=False), method)(path, HTTP_HOST="localhost")
Client().get("/1/validate-token", HTTP_HOST="localhost", HTTP_AUTHORIZATION="Token {secret}")
Client(enforce_csrf_checks=True).post("/password/reset/MQ/{secret}/", HTTP_HOST="localhost")
Client().get("/password/reset/MQ/{secret}/", HTTP_HOST="evil.example")
import logging
logging.getLogger("django.server").info('"GET /login/?token={secret} HTTP/1.1" 200 5')
try:
    raise ValueError("no song at /password/reset/MQ/{secret}/ for Token {secret}")
except ValueError:
    logging.getLogger("catalog").exception("broken at /x?token={secret}")
logging.getLogger("catalog").warning("no answer of http://anna:{secret}@music.example/x")
logging.getLogger("catalog").warning("refused: %s", dict(Authorization="Basic {secret}"))
"""


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_tokens_and_reset_links_are_in_no_line(installation, log_format):
    """T72, T56, T45."""
    installation.settings |= {"LOG_FORMAT": log_format, "METRICS": "true", "LOG_LEVEL": "DEBUG"}
    done = installation.python(
        "manage.py", "shell", "--verbosity=0", "-c", REQUESTS.format(secret=SECRET)
    )
    assert done.returncode == 0, done.stderr
    assert "request_finished" in done.stderr and "/1/validate-token" in done.stderr
    assert "accounts:new_password" in done.stderr
    assert [line for line in done.stderr.splitlines() if SECRET in line] == []
    files = (installation.folder / "data" / "metrics").glob("*.db")
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def routes(patterns=None, before=""):
    for pattern in patterns or get_resolver().url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield (
                route,
                pattern.pattern.converters.keys()
                | getattr(getattr(pattern.pattern, "regex", None), "groupindex", {}).keys(),
            )
        else:
            yield from routes(pattern.url_patterns, route)


def test_every_address_with_a_secret_in_its_path_is_known_to_the_log():
    suspicious = {"token", "secret", "signature", "code", "nonce", "uidb64", "otp", "hash"}
    harmless = {"covers/<slug:code>.svg"}
    names = [(route, suspicious & names) for route, names in routes() if route not in harmless]
    assert [
        (route, matches) for route, matches in names if matches and not matches & SECRET_KEYWORDS
    ] == []


def test_a_real_reset_link_is_cleaned(db, django_user_model):
    user = django_user_model.objects.create_user("anna", password="a long one here")
    token = default_token_generator.make_token(user)
    link = f"http://localhost/password/reset/{urlsafe_base64_encode(force_bytes(user.pk))}/{token}/"
    assert token not in clean_line(f'event="GET {link}" code=200')
    assert clean_line(f'event="GET {link}" code=200').endswith('" code=200')


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("Authorization: Basic {secret}", "Authorization: Basic …"),
        ("proxy-authorization=basic {secret}== sent", "proxy-authorization=basic … sent"),
        (
            "{{'Authorization': 'Bearer {secret}', 'A': 'b'}}",
            "{{'Authorization': 'Bearer …', 'A': 'b'}}",
        ),
        ("[(b'authorization', b'Basic {secret}')]", "[(b'authorization', b'Basic …')]"),
        ("HTTP_AUTHORIZATION='Unheard {secret}'", "HTTP_AUTHORIZATION='…'"),
        ("Authorization: {secret}", "Authorization: …"),
        (
            'Authorization: MediaBrowser Client="Any", Device="My phone", Token="{secret}"',
            "Authorization: MediaBrowser …",
        ),
        (
            'Authorization: Digest username="anna", response="{secret}" refused',
            "Authorization: Digest … refused",
        ),
        ("GET http://anna:{secret}@host:80/x", "GET http://anna:…@host:80/x"),
        ("postgres://anna:p@{secret}@host/db", "postgres://anna:…@host/db"),
        ("redis://:{secret}@host:6379/1", "redis://:…@host:6379/1"),
        (
            "You need to provide an Authorization header.",
            "You need to provide an Authorization header.",
        ),
        ("GET http://host:80/anna@home", "GET http://host:80/anna@home"),
        ("http://anna@host/", "http://anna@host/"),
    ],
)
def test_passwords_and_any_authorization_are_hidden(line, cleaned):
    line, cleaned = line.format(secret=SECRET), cleaned.format()
    assert clean_line(line) == cleaned
    as_json = json.dumps({"event": line, "level": "error"}, ensure_ascii=False)
    assert json.loads(clean_line(as_json)) == {"event": cleaned, "level": "error"}


RESET = """
from accounts.models import User
from accounts.tasks import send_password_reset
User.objects.create_user("anna", email="anna@example.org", password="a long one here")
send_password_reset("anna@example.org", "localhost", False, "en")
"""


def test_mail_that_is_printed_has_no_reset_link(installation):
    """T72: a site without a mail server writes its mail into the log."""
    done = installation.python("manage.py", "shell", "--verbosity=0", "-c", RESET)
    assert done.returncode == 0, done.stderr
    assert "To: anna@example.org" in done.stdout
    assert "http://localhost/password/reset/…" in done.stdout


@pytest.mark.parametrize(
    "piece",
    (
        *("?", "/", "?a", "?a=", "/password/reset/", "Token ", "?%", "Bearer a", "authorization: "),
        *("authorization=a b='c", 'authorization: a="b",', "://a:", "://", ":a@"),
    ),
)
def test_hostile_lines_take_no_longer_than_others(piece):
    """T65: in the processor's time, beside a plain line that is as long."""

    def seconds(line: str) -> float:
        start = time.process_time()
        clean_line(line)
        return time.process_time() - start

    assert seconds(piece * 200_000) < 1 + 50 * seconds("a" * len(piece) * 200_000)
