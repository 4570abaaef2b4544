"""What strangers write begins no line of the log and colours no terminal, wherever it is logged (T56)."""

import io
import json
import logging

import pytest
import structlog

from musicrec_site.logs.config import build_formatter, escape_control_signs

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


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_json_says_the_name_as_it_is(log):
    assert json.loads(log("%s", FORGED))["event"] == FORGED
