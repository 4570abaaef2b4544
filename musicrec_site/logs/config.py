"""Log lines with request and run ids: readable on a terminal, JSON for a collector."""

import logging
import re
from pathlib import Path
from typing import Any

import structlog

from musicrec_site.logs.secrets import clean_rendered_line

# Ends of lines, what a terminal obeys, and what turns the direction of the letters around.
_CONTROL_SIGNS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

MAX_TEXT_LENGTH = 2_000
"""Letters of one text of a line; addresses and headers of strangers have up to 64,000."""


def shorten_texts(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Cut the texts of an event; what we write ourselves, such as a traceback, stays whole."""
    return {
        name: f"{value[:MAX_TEXT_LENGTH]}… ({len(value):,} characters)"
        if isinstance(value, str) and len(value) > MAX_TEXT_LENGTH
        else value
        for name, value in event.items()
    }


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    shorten_texts,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def build_logging_config(
    level: str, log_format: str, kept_log: Path | None = None
) -> dict[str, Any]:
    """Return Django's LOGGING for `log_format` "console" or "json" and make structlog go through it.

    Warnings and errors are also kept in `kept_log`, as JSON, for the operator's pages.
    """
    if log_format not in ("console", "json"):
        raise ValueError(f"LOG_FORMAT is {log_format!r}; use console or json.")
    structlog.configure(
        processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handlers = ["stderr", "kept"] if kept_log else ["stderr"]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {"()": structlog.stdlib.ProcessorFormatter} | build_formatter(log_format),
            "kept": {"()": structlog.stdlib.ProcessorFormatter} | build_formatter("json"),
        },
        "filters": {"without_traceback": {"()": "musicrec_site.logs.config.WithoutTraceback"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}}
        | (
            {
                "kept": {
                    "class": "common.log_file.KeptLog",
                    "path": str(kept_log),
                    "formatter": "kept",
                }
            }
            if kept_log
            else {}
        ),
        "root": {"handlers": handlers, "level": level},
        "loggers": {
            # By the thousand from robots, each with the same dozen lines.
            "django.security.DisallowedHost": {"filters": ["without_traceback"]},
            "django.server": {"handlers": ["stderr"], "level": level, "propagate": False},
            # Celery's pool says here that one of its processes died; without a handler the line would be bare text.
            "multiprocessing": {"handlers": handlers, "level": "WARNING", "propagate": False},
            # A line a message and task, every few seconds, that says nothing which the runs' own lines do not.
            "celery": {"level": "DEBUG" if level == "DEBUG" else "WARNING"},
        },
    }


class WithoutTraceback(logging.Filter):
    """Keep the sentence of a line, and not where in the program it was said."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


def build_formatter(log_format: str) -> dict[str, Any]:
    """Return what a ProcessorFormatter needs to write lines of `log_format`."""
    # Plain: the pretty one prints the local variables of every call, among them passwords.
    plain = structlog.dev.plain_traceback
    console = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)
    renderer: list[Any] = [escape_control_signs, console]
    if log_format == "json":
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return {
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *renderer,
            clean_rendered_line,
        ],
        "foreign_pre_chain": SHARED_PROCESSORS,
    }


def escape_control_signs(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Escape the signs of control in the texts of an event: names of strangers begin no line and colour nothing.

    JSON escapes them by itself.
    """
    return {
        name: _CONTROL_SIGNS.sub(_escape, value)
        if isinstance(value, str) and name not in ("exception", "stack")
        else value
        for name, value in event.items()
    }


def _escape(sign: re.Match[str]) -> str:
    return sign[0].encode("unicode_escape").decode()
