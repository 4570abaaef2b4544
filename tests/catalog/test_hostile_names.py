"""No name stops the site: whatever reads a name reads it in a time that grows with the name, not faster."""

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from catalog.imports import ingest
from catalog.models import ImportRun
from catalog.names import text
from catalog.names.artist_credits import get_main_artist
from catalog.names.artist_keys import build_artist_key
from catalog.names.external_ids import clean_isrc
from catalog.names.song_keys import build_match_key
from catalog.names.title_keys import build_title_key
from catalog.records import ListenRecord, SongRecord
from catalog.songs import resolver
from common import jobs, stored_text

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("accounts", "catalog", "common", "recommendations", "musicrec_site")
LONG, SHORT = 2000, 500
# Four times the letters cost four times the work; a square would cost sixteen times, a cube sixty-four times.
MOST_GROWTH = 9
# below this a measure is the clock's own grain
GRAIN_SECONDS = 0.0005

PIECES = [
    " ", "(", ")", "[", "{(", ")(", "()", "( ", " (", "- ", " - ", "–", " - - ", " -a", "-a", "a", "a ", "1", "_1",
    "feat", "feat ", " feat", " (feat", "(feat. ", "ft.", "ft ", "with ", "(with ", "live ", " - live", "(live)",
    "Remastered 2011 ", " - Remastered 2011", "part ", "pt 1 ", "vol. 2 ", "and ", " and", "& ", ", ", " x ", " vs ",
    "the ", "\u0301", "a\u0301", "\u0301\u0316", "\u3099", "か\u3099", "\ufdfa", "'", '"', '"a" ', "From ", ".", "!",
    "$", "c#", "2011 ", "9", "\u00a0", "\t", "\n", ";", "|", "=", "'=", "\\ud8",
]  # fmt: skip


def _modules() -> Iterator:
    for package in PACKAGES:
        root = importlib.import_module(package)
        yield root
        for module in pkgutil.walk_packages(root.__path__, f"{package}."):
            if ".migrations" in module.name:
                continue
            try:
                yield importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                # a cluster's own, not installed here
                assert error.name.partition(".")[0] == "pyspark", error


def _patterns() -> dict[str, re.Pattern]:
    """Return every regular expression of the project: compiled by a module, or written inside a call."""
    patterns = {
        f"{module.__name__}.{name}": value
        for module in _modules()
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            code = path.read_text(encoding="utf-8")
            if "re." not in code:
                continue
            for node in ast.walk(ast.parse(code)):
                if _is_call_of_re(node) and isinstance(node.args[0], ast.Constant):
                    patterns[f"{path.relative_to(ROOT)}:{node.lineno}"] = re.compile(
                        node.args[0].value
                    )
    return patterns


def _is_call_of_re(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and bool(node.args)
    )


PATTERNS = _patterns()


def _seconds(act: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        act()
        best = min(best, time.process_time() - start)
        if best < GRAIN_SECONDS:
            break
    return max(best, GRAIN_SECONDS)


def _assert_linear(act: Callable[[str], object], make_name: Callable[[int], str]) -> None:
    before = _seconds(lambda: act(make_name(SHORT)))
    after = _seconds(lambda: act(make_name(LONG)))
    assert after <= before * MOST_GROWTH, (
        f"4 times the letters cost {after / before:.0f} times the work"
    )


def _names(piece: str) -> list[Callable[[int], str]]:
    def repeat(n: int) -> str:
        return (piece * n)[:n]

    return [
        repeat,
        lambda n: f"x{repeat(n)}",
        lambda n: f"{repeat(n)}x",
        lambda n: f"(feat. x - {repeat(n)}\n",
    ]


@pytest.mark.parametrize("where", sorted(PATTERNS))
def test_every_regular_expression_is_linear(where):
    pattern = PATTERNS[where]

    def apply(name: str) -> None:
        given = name.encode() if isinstance(pattern.pattern, bytes) else name
        pattern.search(given)
        pattern.sub(given[:0], given)

    for piece in PIECES:
        for make_name in _names(piece):
            _assert_linear(apply, make_name)


def test_every_regular_expression_is_looked_at():
    """A pattern built inside a function could not be found above: it has to be a constant of its module."""
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef | ast.Lambda)
        # names as they are, each sign a letter
        and getattr(function, "name", "") != "match_names"
        for node in ast.walk(function)
        if _is_call_of_re(node) and not isinstance(node.args[0], ast.Constant)
    ]
    assert not hidden
    assert "catalog.names.external_ids._ISRC" in PATTERNS


@pytest.mark.parametrize(
    "act",
    [
        text.normalise,
        build_title_key,
        build_artist_key,
        get_main_artist,
        lambda name: build_match_key(name, name),
        clean_isrc,
    ],
    ids=["normalise", "title_key", "artist_key", "main_artist", "match_key", "clean_isrc"],
)
def test_a_name_is_read_in_linear_time(act):
    for piece in PIECES:
        for make_name in _names(piece):
            _assert_linear(act, make_name)
            act(make_name(100_000))


SENTENCES = sorted({pattern.message for pattern in stored_text._patterns})


@pytest.mark.parametrize("message", SENTENCES)
def test_a_stored_sentence_is_recognised_in_linear_time(message):
    """The names in it are a stranger's, who has read the sentences: each was found by an expression of many `.+?`."""
    literals = [piece for piece in re.split(r"%\(\w+\)s", message) if piece]
    for piece in {max(literals, key=len), "".join(literals), "("}:

        def fill_in(name: str) -> str:
            return re.sub(r"%\(\w+\)s", lambda _match: name, message) + "x"

        _assert_linear(
            lambda name: stored_text.find_translation(fill_in(name)),
            lambda n, piece=piece: (piece * n)[:n],
        )


def test_a_stored_sentence_in_thousands_of_others_is_left_as_it_is():
    """Each bracket was a sentence more, up to the end of the interpreter's stack."""
    text = "it (" * 2000 + ")" * 2000
    assert stored_text.find_translation(text) == text


def _record(title: str, artist: str = "Band") -> SongRecord:
    return SongRecord(1, title, artist)


@pytest.mark.django_db
def test_keys_are_computed_before_the_transaction_opens(monkeypatch):
    """T65: no lock is held while a name is read; what is computed for one song is computed outside."""
    inside = []
    original = resolver.build_song_keys

    def watch(artist: str, title: str) -> str:
        inside.append(len(connection.savepoint_ids))
        return original(artist, title)

    outside = len(connection.savepoint_ids)
    monkeypatch.setattr(resolver, "build_song_keys", watch)
    resolver.find_or_add_song(_record("( " * 200))
    resolver.find_or_add_songs([_record("One"), _record("Two")])
    assert inside
    assert set(inside) == {outside}


@pytest.mark.django_db
def test_a_file_of_hostile_names_is_read_before_its_transaction(monkeypatch, django_user_model):
    """T65: an import holds the database for its rows only, not while it reads names."""
    inside = []
    original = resolver.build_song_keys

    def watch(artist: str, title: str) -> str:
        inside.append(len(connection.savepoint_ids))
        return original(artist, title)

    outside = len(connection.savepoint_ids)
    monkeypatch.setattr(resolver, "build_song_keys", watch)
    listener = django_user_model.objects.create_user("ada")
    run = ImportRun.objects.create(content="listens", format="test", listener=listener)
    lease = jobs.claim_job(ImportRun, run.pk, take_over=True, error="")
    run.refresh_from_db()
    names = [(piece * 500)[:500] for piece in PIECES]
    listens = [
        ListenRecord(n, "", song=_record(f"{name} {n}", name), occurred_at=1_700_000_000 + n * 1000)
        for n, name in enumerate(names)
        if name.strip()
    ]
    ingest.ingest(run, lease, iter(listens))
    run.refresh_from_db()
    assert run.n_added == len(listens)
    assert set(inside) == {outside}
