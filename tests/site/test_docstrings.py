"""A docstring or comment that points at a name points at one that exists."""

import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("accounts", "catalog", "common", "musicrec_site", "recommendations", "benchmarks")
NAMED = re.compile(r"(?<!`)`([A-Za-z_][\w.]*)(?:\(\))?`(?!`)")
ELSEWHERE = {
    "nullable": "of OpenAPI",
    "als_2": "a name that a configuration may give",
    "update_session_auth_hash": "of Django",
}


def list_files(*rooms: str) -> list[Path]:
    paths = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    return [path for path in paths if "migrations" not in path.parts]


def is_prose(token: tokenize.TokenInfo) -> bool:
    return token.type == tokenize.COMMENT or (
        token.type == tokenize.STRING and token.string.startswith('"""')
    )


def read_tokens(path: Path) -> list[tokenize.TokenInfo]:
    with tokenize.open(path) as file:
        return list(tokenize.generate_tokens(file.readline))


def list_unknown(tokens: list[tokenize.TokenInfo], existing: set[str]) -> list[str]:
    """Return the names between backticks in prose that are not among the existing ones."""
    named = [name for token in tokens if is_prose(token) for name in NAMED.findall(token.string)]
    return [name for name in named if not set(name.strip(".").split(".")) <= existing]


@cache
def collect_names() -> set[str]:
    """Return every word of the code and of what it is configured with, but for prose."""
    words = set(ELSEWHERE)
    for path in list_files(*ROOMS):
        for token in read_tokens(path):
            if not is_prose(token):
                words.update(re.findall(r"\w+", token.string))
    for pattern in ("templates/**/*.html", "static/js/*.js", "pyproject.toml", "compose.yaml"):
        for path in ROOT.glob(pattern):
            words.update(re.findall(r"\w+", path.read_text("utf-8")))
    return words


@pytest.mark.parametrize("room", ROOMS)
def test_names_in_docstrings_exist(room):
    unknown = {
        path.relative_to(ROOT).as_posix(): names
        for path in list_files(room)
        if (names := list_unknown(read_tokens(path), collect_names()))
    }
    assert unknown == {}


def test_a_name_that_is_gone_is_seen(tmp_path):
    file = tmp_path / "songs.py"
    file.write_text('"""See `load_song`, `Song.title` and `sing()`."""\n# as `dance` does\n')
    assert list_unknown(read_tokens(file), {"load_song", "Song"}) == ["Song.title", "sing", "dance"]
