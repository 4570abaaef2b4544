"""Cleans finished log lines: no query of an address, no address that is a secret, no token is left in a log.

Addresses reach the log from many sides (Django's own lines, error lines, a development server), so the line is cleaned
when it is complete, for every logger.
"""

import re
from typing import Any

HIDDEN = "…"

# Each is linear: a fixed beginning, then letters up to one that ends an address.
_QUERY = re.compile(r"""\?[\w.%+~\[\]-]{1,80}=[^\s"'<>\\]*""")
_SECRET_ADDRESS = re.compile(r"""(/password/reset/|/lidarr/)[^\s"'<>\\?]+""")
_CREDENTIALS = re.compile(
    r"""\b((?:Token|Bearer|token=|access_token=)[ ]?)[A-Za-z0-9._~+/=-]{16,}"""
)


def clean_line(line: str) -> str:
    """Return a log line without queries of addresses, secret addresses and tokens."""
    line = _QUERY.sub(f"?{HIDDEN}", line)
    line = _SECRET_ADDRESS.sub(rf"\1{HIDDEN}", line)
    return _CREDENTIALS.sub(rf"\1{HIDDEN}", line)


def clean_rendered_line(_logger: Any, _name: str, line: str) -> str:
    """Clean what a renderer made; the last processor of every formatter."""
    return clean_line(line)
