"""The words of the code: functions are named by verb and object, docstrings and comments are plain English.

`CLEAN` holds every room; docs/glossary.md has the terms. A test's name is a sentence, so its words are free, and it may
name the case that it proves by number.
"""

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CLEAN = (
    "accounts",
    "benchmarks",
    "catalog",
    "common",
    "docs",
    "musicrec_site",
    "recommendations",
    "tests",
)

BANNED = {
    r"\bwhoever\b": "name the person: the caller, the operator, the listener",
    r"\bof whom\b": "make two sentences",
    r"\b(is|are|be|was|were) told\b": "say what is passed, shown or sent",
    r"\bknows\b": "say what it holds, stores or reads",
    r"\bcomes? to be\b": "say what makes it",
    r"\bstands? (in|for|at|behind|beside|alone|under|still)\b": "say what it is or where it is kept",
}

CASE_NUMBERS = {r"\bT\d\d\b": "write the words for the case, not its number"}

BANNED_VARIABLES = {
    "found", "known", "made", "part", "parts", "place", "places", "rival", "rivals", "said", "taken", "thing", "things",
    "told", "took", "wish", "wishes",
}  # fmt: skip
"""What could be anything: a variable says what it holds."""

PUBLIC_FIELDS = {
    "catalog/api/serializers.py": {"known"},
    "recommendations/api/serializers/me.py": {"part", "parts"},
}
"""Fields of the API: rows that were there already, and the parts of a taste as its page calls them."""

PREPOSITIONS = {"of", "as", "by", "with", "for", "from", "to", "into", "at", "on", "about"}

PARTICIPLES = {
    "chosen", "drawn", "found", "given", "heard", "held", "kept", "known", "left", "lost", "made", "put", "said",
    "seen", "sent", "shown", "taken", "told", "written",
}  # fmt: skip

FIELD_TERMS = {
    "grouped": "a template filter that reads as one: n|grouped",
    "created": "a column of Django's admin",
    "get_sortable_by": "a hook of Django's admin",
    "queued": "a state of a job, as a filter of rows",
    "wait_for": "as in asyncio",
    "put": "an HTTP method, a hook of Django REST framework",
    "_put": "a hook of kombu",
    "received": "a hook of waitress",
}


@cache
def _read_modules(room: str) -> list[tuple[str, str]]:
    """Return the path and the text of a room's modules."""
    paths = [
        path
        for path in sorted((ROOT / room).rglob("*.py"))
        if not {"migrations", "node_modules"} & set(path.parts)
    ]
    modules = [
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths
    ]
    assert modules, room
    return modules


@cache
def _parse(source: str) -> tuple[ast.AST, ...]:
    """Return the nodes of a module, kept for the other tests of the same one."""
    return tuple(ast.walk(ast.parse(source)))


def find_bare_names(source: str) -> list[str]:
    """Return the functions whose name is a preposition or participle alone, or ends with a preposition."""
    functions = [node for node in _parse(source) if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if _is_bare(node)]


def _is_bare(function: ast.FunctionDef) -> bool:
    words = function.name.strip("_").split("_")
    if function.name.strip("_") in FIELD_TERMS or any(
        "property" in ast.unparse(one) for one in function.decorator_list
    ):
        return False
    if words[0] == "test":
        return False
    is_participle = len(words) == 1 and (words[0] in PARTICIPLES or words[0].endswith("ed"))
    return is_participle or (
        words[-1] in PREPOSITIONS and not function.name.startswith("validate_")
    )


def find_vague_variables(source: str) -> list[str]:
    """Return the variables and parameters named by one of the words above."""
    nodes = _parse(source)
    names = [
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    names += [node.arg for node in nodes if isinstance(node, ast.arg)]
    return sorted(BANNED_VARIABLES.intersection(names))


def find_banned_words(source: str, *, may_name_cases: bool = False) -> list[str]:
    """Return what docstrings and comments say in words of the list above, with the line and a better way."""
    banned = BANNED if may_name_cases else BANNED | CASE_NUMBERS
    return [
        f"{line}: {match[0]!r} in {text.strip()[:80]!r}: {advice}"
        for line, text in _prose(source)
        for pattern, advice in banned.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


def _prose(source: str) -> list[tuple[int, str]]:
    holders = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = [
        (node.body[0].lineno, text)
        for node in _parse(source)
        if isinstance(node, holders) and (text := ast.get_docstring(node))
    ]
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return docstrings + [
        (token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT
    ]


@pytest.mark.parametrize("room", CLEAN)
def test_it_is_written_in_plain_words(room):
    findings = {}
    for path, source in _read_modules(room):
        findings[path] = find_bare_names(source)
        findings[path] += find_banned_words(source, may_name_cases=room == "tests")
    assert {path: words for path, words in findings.items() if words} == {}


@pytest.mark.parametrize("room", CLEAN)
def test_variables_say_what_they_hold(room):
    findings = {
        path: set(find_vague_variables(source)) - PUBLIC_FIELDS.get(path, set())
        for path, source in _read_modules(room)
    }
    assert {path: names for path, names in findings.items() if names} == {}


TEXTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")]
    if path.name != "CHANGELOG.md"
)
"""What is written for readers; the changelog says what was so at the time of each version."""


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_written_for_readers_is_in_plain_words(text):
    prose = " ".join(text.read_text(encoding="utf-8").split())
    findings = [
        f"{match[0]!r} in {prose[match.start() - 40 : match.end() + 40]!r}: {advice}"
        for pattern, advice in BANNED.items()
        for match in re.finditer(pattern, prose, re.IGNORECASE)
    ]
    assert findings == []


def test_a_vague_variable_is_seen():
    assert find_vague_variables("def f(place, rows):\n    found = rows[place]") == [
        "found",
        "place",
    ]


def test_a_bare_name_is_seen():
    assert find_bare_names("def songs_of(): ...\ndef _told(): ...\ndef load_songs(): ...") == [
        "songs_of",
        "_told",
    ]


def test_a_banned_word_is_seen():
    assert len(find_banned_words('"""What the model knows."""\nx = 1  # whoever asks (T17)')) == 3
