"""Which statements read a whole table, as the database itself plans them."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

SMALL = frozenset(
    {
        "django_content_type",
        "django_migrations",
        "auth_permission",
        "auth_group",
        "auth_group_permissions",
        "accounts_user_groups",
        "accounts_user_user_permissions",
        "django_celery_beat_periodictask",
        "django_celery_beat_periodictasks",
        "django_celery_beat_crontabschedule",
        "django_celery_beat_intervalschedule",
        "django_celery_beat_clockedschedule",
        "django_celery_beat_solarschedule",
        "recommendations_modelversion",
        "recommendations_activation",
        "recommendations_trainingrun",
        "recommendations_backgroundjob",
        "recommendations_workerheartbeat",
        "recommendations_experiment",
        "recommendations_arm",
        "recommendations_trends",
        "recommendations_sitecontract",
        "recommendations_columncopystate",
        "catalog_musicserver",
        "catalog_musicfolder",
        "catalog_folderscan",
        "catalog_analysisrun",
        "catalog_genre",
        "catalog_serversync",
    }
)
"""Tables with rows for what an operator does, or for each genre. All others grow with listeners, plays or songs."""


PASSED_OVER = (
    # songs that are withdrawn, or that one other listener brought
    ("catalog_song", '"catalog_song"."is_available"'),
    # artists with no song but what other listeners brought
    ("catalog_artist", 'EXISTS(SELECT 1 AS "a" FROM "catalog_song" U0 WHERE'),
    # jobs that wait or run
    ("catalog_importrun", 'NOT ("catalog_importrun"."status" IN'),
)
"""Conditions by which a walk in the order of an index passes over few rows, by table."""


def find_scans(work: Callable[[], object]) -> list[str]:
    """Do something and return each growing table that one of its statements read whole, with the statement."""
    connection.queries_log.clear()  # it holds 9,000 statements and drops what is beyond
    with CaptureQueriesContext(connection) as asked:
        work()
    statements = dict.fromkeys(one["sql"] for one in asked.captured_queries)
    growing = list_growing_tables()
    return [
        f"{table}: {sql}"
        for sql in statements
        if sql.startswith(("SELECT", "UPDATE", "DELETE", "WITH"))
        for table in dict.fromkeys(list_scanned(sql))
        if table in growing and not is_passed_over(table, sql)
    ]


def list_growing_tables() -> set[str]:
    return {model._meta.db_table for model in apps.get_models(include_auto_created=True)} - SMALL


@cache
def list_partial_indexes() -> set[str]:
    """Return the indexes that hold a part of their table: to read one whole is to read that part."""
    return {
        index.name
        for model in apps.get_models()
        for index in (*model._meta.indexes, *model._meta.constraints)
        if getattr(index, "condition", None) is not None
    }


def is_passed_over(table: str, sql: str) -> bool:
    """Return whether a statement walks a table in an order and stops, with conditions that nearly every row meets."""
    conditions = re.findall(r" WHERE (.*?)(?= ORDER BY | LIMIT | GROUP BY |$)", sql)
    return " LIMIT " in sql and any(
        name == table and pattern in condition
        for name, pattern in PASSED_OVER
        for condition in conditions
    )


def list_scanned(sql: str) -> Iterator[str]:
    """Yield each table that a statement reads from one end to the other, as far as it is not stopped by a LIMIT."""
    yield from (_scan_sqlite if connection.vendor == "sqlite" else _scan_postgresql)(sql)


# --- SQLite -----------------------------------------------------------------------------------------------------------


def _scan_sqlite(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = [(parent, detail) for _, parent, _, detail in cursor.fetchall()]
    # "for the last term of ORDER BY" sorts only what is equal by the index
    sorting = {
        parent for parent, detail in plan if re.match(r"USE TEMP B-TREE FOR [A-Z]+( BY)?$", detail)
    }
    for parent, detail in plan:
        match = re.match(r"SCAN (\w+)(?!.*VIRTUAL TABLE)", detail)
        if match is None or detail.split()[-1] in list_partial_indexes():
            continue
        table, select = find_select(sql, match[1])
        is_stopped = " LIMIT " in select and " WHERE " not in select and parent not in sorting
        if table and not is_stopped:
            yield table


def find_select(sql: str, alias: str) -> tuple[str, str]:
    """Return the table behind an alias and the SELECT that reads it, without its parentheses."""
    named = re.search(rf'(?:FROM|JOIN) "(\w+)" (?:AS )?"?{alias}"?\b', sql)
    named = named or re.search(rf'(?:FROM|JOIN|UPDATE) "?({alias})"?\b', sql)
    if named is None:
        return "", sql
    begin = _find_open(sql, named.start())
    depth, kept = 0, []
    for letter in sql[begin:]:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        if not depth:
            kept.append(letter)
    return named[1], "".join(kept)


def _find_open(sql: str, offset: int) -> int:
    """Return where the parenthesis around an offset begins, 0 where there is none."""
    depth = 0
    for at in range(offset - 1, -1, -1):
        depth += (sql[at] == ")") - (sql[at] == "(")
        if depth < 0:
            return at + 1
    return 0


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def pretend_large_tables() -> None:
    """Have PostgreSQL plan as for ten million rows in each growing table, up to the end of the transaction."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            # of what has no page yet, PostgreSQL itself expects some
            "UPDATE pg_class SET reltuples = 1e7, relpages = 1 WHERE pg_relation_size(oid) > 0 AND oid IN ("
            "SELECT oid FROM pg_class WHERE relname = ANY(%s) UNION "
            "SELECT indexrelid FROM pg_index WHERE indrelid IN "
            "(SELECT oid FROM pg_class WHERE relname = ANY(%s)))",
            [sorted(list_growing_tables())] * 2,
        )


def _scan_postgresql(sql: str) -> Iterator[str]:
    yield from _walk(_plan_postgresql(sql), is_stopped=False)


def _plan_postgresql(sql: str) -> dict[str, Any]:
    """Return the plan by indexes, one row after the other, where there is one: few rows are else read whole."""
    with connection.cursor() as cursor:
        for way in _OTHER_WAYS:
            cursor.execute(f"SET {way} = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        plan = cursor.fetchone()[0]
        for way in _OTHER_WAYS:
            cursor.execute(f"RESET {way}")
    (whole,) = plan if isinstance(plan, list) else json.loads(plan)
    root: dict[str, Any] = whole["Plan"]
    return root


def _walk(node: dict[str, Any], is_stopped: bool) -> Iterator[str]:
    """Yield the tables that a node reads whole; `is_stopped` says whether a LIMIT above it ends its reading."""
    kind = node["Node Type"]
    if node.get("Parent Relationship") in ("InitPlan", "SubPlan"):
        is_stopped = True  # EXISTS, whose LIMIT PostgreSQL leaves out: it stops at the first row
    if kind in _READ_ALL_FIRST:
        is_stopped = False
    is_stopped |= kind == "Limit"
    is_whole = kind == "Seq Scan" or (kind in _BY_INDEX and not node.get("Index Cond"))
    is_whole = is_whole and node.get("Index Name") not in list_partial_indexes()
    if is_whole and not _finds_by_index(node) and not (is_stopped and "Filter" not in node):
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        is_inner = kind == "Nested Loop" and child["Parent Relationship"] == "Inner"
        yield from _walk(child, is_stopped and not is_inner)


def _finds_by_index(node: dict[str, Any]) -> bool:
    """Return whether an index serves a node's condition, though the plan walks in another order."""
    condition = node.get("Filter", "")
    if not condition or "SubPlan" in condition:
        return False
    table = f"{node['Relation Name']} AS {node['Alias']}"
    alone = _plan_postgresql(f"SELECT FROM {table} WHERE {condition}")
    return "Index Cond" in json.dumps(alone)


_OTHER_WAYS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
_BY_INDEX = ("Index Scan", "Index Only Scan")
_READ_ALL_FIRST = ("Sort", "Hash", "Aggregate", "WindowAgg", "SetOp", "Materialize")
"""Nodes that read everything below them before they give a row."""
