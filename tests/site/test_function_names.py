"""A function's name begins with its verb; properties, columns of the admin and hooks of frameworks are nouns.

A new verb goes into `VERBS`, a name that a framework or a convention demands into the list of its reason.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("accounts", "catalog", "common", "musicrec_site", "recommendations")

VERBS = """
activate adapt add adopt allow analyse announce answer append apply ask assemble assign
authenticate average back beat begin bind blend boost bootstrap bound bring browse build cache
calibrate call cancel cap carry change chart check choose claim classify clean clear close cluster
collapse collect compact compare complete compute confirm connect continue contribute control
convert copy count create cut decay decide decode decrypt delete derive describe detect die
discover dislike dispatch divide do document download draft drain draw drop emit encode encrypt
end enqueue ensure enter escape estimate evaluate examine exchange execute exempt expect explain
export extend extract factor factorise fetch fill filter finalize find finish fit fix flatten flip
flush fold follow forget format gather get give group grow halve handle hash hide hold ignore
import index ingest initialize insert install invalidate invert invite isolate issue iterate join
judge keep kill learn leave like limit linger link list listen lists load lock log look make map
mark mask match measure merge mix move multiply name narrow neutralise normalise note number offer
open order pack pad paginate parse pass patch pause peek perform permit pick ping place plan play
poll pop post precompute predict prepare present preview print process profile project promote
propose prune publish pull push put query queue quote raise rank rate read rebuild recommend
record redirect rediscover reduce refresh refuse register regress reject release remember remove
rename render renew renumber reorder repeat replace replay report request require rerank resample
reserve reset resolve respond restore resume retrace retrain retry revoke rewrite roll rotate
round run salt sample save say scale scan scatter score scrobble search seed seek select send
separate serialize serve set shard share shift shorten show shrink shuffle sign simplify skip slice
solve sort space split spread square stack standardise star start step stop store stream strip suggest
sum summarise survey swap sweep sync take tell test throw tidy toss touch trace train transfer
transform translate truncate try tune turn undo unhide unignore unlike unload unpack unstar update upload
use validate vary verify wait wake walk warm warn watch weigh withdraw work wrap write
"""

PREDICATES = """
accepts agrees allows answers are begins can could covers differ fits has holds is keeps likes may
names needs says shares takes uses
"""
"""Verbs in the third person, and with an object: whether something holds (`fits_layout`, `has_scope`)."""

CONVERSIONS = {"about", "as", "from", "of", "over", "to", "with", "without"}
"""Of methods: conversions and changed copies, as in Python and numpy (`to_dict`, `from_ids`, `with_steps`)."""

HOOKS = {
    "addQuickElement": "of Django's feeds",
    "changelist_view": "of Django's admin",
    "choices": "of Django's filters",
    "each_context": "of Django's admin",
    "form_invalid": "of Django's views",
    "form_valid": "of Django's views",
    "initial": "of Django REST framework's views",
    "lookups": "of Django's filters",
    "options": "an HTTP method",
    "main": "what a program starts with",
    "maintenance": "of waitress",
    "on_close": "of billiard",
    "page": "of Django's paginator",
    "pre_save": "of Django's columns",
    "queryset": "of Django's filters",
    "readable": "of files",
    "readinto": "of files",
    "ready": "of Django's apps",
    "received": "of waitress",
    "response_add": "of Django's admin",
    "seekable": "of files",
    "service": "of waitress",
    "setup": "of gunicorn's log",
    "writable": "of waitress",
}

ARRAYS = "recommendations/engine/"
"""There a method is named by the array that it returns, as numpy's and scipy's are (`scores`, `contributions`)."""

METRICS = "recommendations/engine/evaluation/metrics.py"
"""Functions with the names of the metrics that they compute."""

IN_ENGINE_TERMS = {"segment": "a batch of lists answers like the engine's"}


def find_nouns(source: str, path: str = "") -> list[str]:
    """Return the functions and methods whose names begin with no verb."""
    return [
        function.name
        for owner, function in _list_functions(ast.parse(source))
        if not _has_verb(function, owner) and not _may_be_noun(function, owner, path)
    ]


def _list_functions(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.FunctionDef]]:
    for owner in ast.walk(tree):
        for node in ast.iter_child_nodes(owner):
            if isinstance(node, ast.FunctionDef):
                yield owner, node


def _has_verb(function: ast.FunctionDef, owner: ast.AST) -> bool:
    word = function.name.strip("_").split("_")[0]
    return word in (VERBS + PREDICATES).split() or (
        isinstance(owner, ast.ClassDef) and word in CONVERSIONS
    )


def _may_be_noun(function: ast.FunctionDef, owner: ast.AST, path: str) -> bool:
    if function.name.startswith("__") or function.name in HOOKS or path == METRICS:
        return True
    decorators = " ".join(ast.unparse(one) for one in function.decorator_list)
    # a property is an attribute, and a template's filter or tag reads as what it shows
    if any(word in decorators for word in ("property", ".setter", "register.")):
        return True
    if not isinstance(owner, ast.ClassDef):
        return False
    bases = f"{owner.name} {[ast.unparse(base) for base in owner.bases]}"
    # a query says what it selects, a column of the admin what it shows
    is_named_by_content = "QuerySet" in bases or "Admin" in bases
    return is_named_by_content or path.startswith(ARRAYS) or function.name in IN_ENGINE_TERMS


@pytest.mark.parametrize("room", ROOMS)
def test_functions_are_named_by_verbs(room):
    findings = {
        path.as_posix(): nouns
        for path in sorted((ROOT / room).rglob("*.py"))
        if "migrations" not in path.parts
        and (nouns := find_nouns(path.read_text("utf-8"), path.relative_to(ROOT).as_posix()))
    }
    assert findings == {}


def test_a_noun_is_seen():
    source = """
class Song:
    def title(self): ...
    @property
    def artist(self): ...
    def to_dict(self): ...
class SongQuerySet(QuerySet):
    def available(self): ...
def played_share(): ...
def load_songs(): ...
"""
    assert find_nouns(source) == ["played_share", "title"]
