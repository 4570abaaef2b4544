"""Cleans finished log lines: no query of an address, no address that is a secret, no token and no password stays.

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
# The header in any spelling: a line of HTTP, an entry of a dict, a pair of a list, each also as text in JSON. Of a
# scheme that is not known here two words go, as the first one may be the secret itself. A quote that a comma, a blank
# or a bracket follows ends the header and is no parameter's.
_AUTHORIZATION = re.compile(
    r"""(authorization(?:["'\\]{1,4},|["'\\]{0,4}\s?[:=])\s?(?:b?["'\\]{1,4})?)"""
    r"""(?:((?:Basic|Bearer|Token|Digest|MediaBrowser|Negotiate)\s)[^\s"'\\,<>=]+=*|[^\s"'\\,<>]+(?:\s[^\s"'\\,<>=]+=*)?)"""
    r"""(?:[,\s]{0,2}[\w-]{0,40}=?\\{0,3}["'](?![\s,:"'\])}])[^"'\\]{0,400}\\{0,3}["'])*""",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"""(://[^\s/:@"'<>\\]{0,200}:)[^\s/"'<>\\]{1,500}@""")


def clean_line(line: str) -> str:
    """Return a log line without queries of addresses, secret addresses, tokens and passwords."""
    line = _QUERY.sub(f"?{HIDDEN}", line)
    line = _SECRET_ADDRESS.sub(rf"\1{HIDDEN}", line)
    line = _AUTHORIZATION.sub(rf"\1\2{HIDDEN}", line)
    line = _PASSWORD.sub(rf"\1{HIDDEN}@", line)
    return _CREDENTIALS.sub(rf"\1{HIDDEN}", line)


def clean_rendered_line(_logger: Any, _name: str, line: str) -> str:
    """Clean what a renderer made; the last processor of every formatter."""
    return clean_line(line)
