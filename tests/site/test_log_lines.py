"""What strangers write begins no line of the log and colours no terminal, wherever it is logged (T56)."""

import io
import json
import logging

import pytest
import structlog
from django.test import Client

from common.log_file import KeptLog
from musicrec_site.logs.config import (
    WithoutTraceback,
    build_formatter,
    build_logging_config,
    escape_control_signs,
)

FORGED = "x\n2026-11-27T00:00:00Z [info     ] olga signed in\r\x1b[31m\u2028\u202eabc\x85\x00"


@pytest.fixture
def log(request):
    """Return a function that logs and returns the lines that this wrote."""
    log_format = request.param
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**build_formatter(log_format)))
    logger = logging.Logger("of this test")
    logger.addHandler(handler)

    def write(message: str, *values: object, **options: object) -> str:
        logger.warning(message, *values, **options)  # type: ignore[arg-type]
        return stream.getvalue()

    return write


@pytest.mark.parametrize("log", ["console", "json"], indirect=True)
def test_a_name_of_many_lines_is_one(log):
    text = log("Song %d can't be fetched: %s", 3, FORGED)
    assert text.count("\n") == 1 and text.endswith("\n")
    assert not set(text[:-1]) & {"\r", "\x1b", "\u2028", "\u202e", "\x85", "\x00"} - (
        {"\u2028", "\u202e", "\x85"} if text.startswith("{") else set()
    )
    assert "olga signed in" in text and "Song 3" in text


@pytest.mark.parametrize("log", ["console"], indirect=True)
def test_where_an_error_came_from_keeps_its_lines(log):
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        text = log("a view broke", exc_info=True)
    assert text.count("\n") > 3
    assert "RuntimeError: broken" in text


def test_values_of_events_are_escaped_too():
    event = {"event": "refused", "path": "/\x1b[2J", "n": 3, "stack": "a\n  b"}
    escaped = escape_control_signs(None, "info", event)
    assert escaped == {"event": "refused", "path": "/\\x1b[2J", "n": 3, "stack": "a\n  b"}


@pytest.mark.parametrize("log", ["console", "json"], indirect=True)
def test_an_address_of_60_000_letters_fills_no_log(log):
    """A stranger's path was written twice a request, whole (T79)."""
    text = log("Not Found: %s", "/" + "a" * 60_000)
    assert 2_000 < len(text) < 2_000 + 500
    assert f"({len('Not Found: /') + 60_000:,} characters)" in text


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_json_says_the_name_as_it_is(log):
    assert json.loads(log("%s", FORGED))["event"] == FORGED


@pytest.mark.django_db
def test_what_strangers_do_wrong_pushes_no_fault_out_of_the_operators_log(tmp_path, caplog):
    """T79: another site's name was an error with a dozen lines each, and a refused address a warning."""
    kept = KeptLog(str(tmp_path / "site.log"))
    kept.setFormatter(logging.Formatter("%(name)s %(message)s"))
    logging.getLogger().addHandler(kept)
    try:
        client = Client(raise_request_exception=False)
        client.get("/", headers={"Host": "evil.example"})
        client.get("/api/v1/songs/none/")
        client.get("/api/v1/songs/?artist=99999999999999999999")
        client.get("/1/user/nobody/listens")
        client.get("/nowhere/")
        client.post("/login/", {}, headers={"Origin": "http://evil.example"})
        Client(enforce_csrf_checks=True).post("/login/", {})
        logging.getLogger("catalog").error("The disk is full.")
    finally:
        logging.getLogger().removeHandler(kept)
    assert (tmp_path / "site.log").read_text() == "catalog The disk is full.\n"
    assert len(caplog.records) > 5


def test_the_name_of_another_site_is_one_line():
    config = build_logging_config("INFO", "console")
    assert config["loggers"]["django.security.DisallowedHost"]["filters"] == ["without_traceback"]
    record = logging.LogRecord(
        "x", 40, "x.py", 1, "Invalid host", (), (ValueError, ValueError(), None)
    )
    assert WithoutTraceback().filter(record) is True
    assert record.exc_info is None
