"""Which statements read a whole table, as the database itself plans them."""

import json
import re
from collections.abc import Callable, Iterator

from django.db import connection
from django.test.utils import CaptureQueriesContext

GROWING = (
    "accounts_user",
    "catalog_interaction",
    "recommendations_recommendationlist",
    "recommendations_impression",
)
"""Tables with rows for each listener or play."""


def find_scans(work: Callable[[], object]) -> list[str]:
    """Do something and return each growing table that one of its statements read whole, with the statement."""
    with CaptureQueriesContext(connection) as asked:
        work()
    statements = [one["sql"] for one in asked.captured_queries]
    return [
        f"{table}: {sql}"
        for sql in statements
        if sql.startswith(("SELECT", "UPDATE", "DELETE"))
        for table in _list_scanned(sql)
        if table in GROWING
    ]


def _list_scanned(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            for row in cursor.fetchall():
                if match := re.match(r"SCAN (\w+)", row[3]):
                    yield match[1]
            return
        # a few rows are always read whole, unless there is an index and reading whole is forbidden
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}")
        plan = cursor.fetchone()[0]
        cursor.execute("RESET enable_seqscan")
        yield from _walk(plan if isinstance(plan, list) else json.loads(plan))


def _walk(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _walk(one)
    elif isinstance(node, dict):
        is_whole_index = node.get("Node Type", "").startswith("Index") and not node.get(
            "Index Cond"
        )
        if node.get("Node Type") == "Seq Scan" or (is_whole_index and "Relation Name" in node):
            yield node["Relation Name"]
        for value in node.values():
            if isinstance(value, list | dict):
                yield from _walk(value)
