"""Which lists of a listener are up to date: a generation that rises with every change.

The generation is part of every cache key and of every precomputed list, so an outdated list is never read again.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.models import User
from common.bulk_sql import cut_chunks
from recommendations.conf import conf
from recommendations.models import ListenerState

_LISTENERS_A_STATEMENT = 5_000
_REMEMBERED_KEYS = 100
_LONGEST_SECONDS = 2 * 24 * 3600
"""Nothing of a listener is cached for longer."""


def invalidate_lists(listener_ids: Iterable[int]) -> None:
    """Invalidate all cached and precomputed lists of these listeners.

    One upsert for every 5,000 listeners. It writes no row for an account that is gone or being
    deleted: on PostgreSQL it waits for the deletion, on SQLite transactions write one by one.
    """
    for batch in cut_chunks(sorted(set(listener_ids)), _LISTENERS_A_STATEMENT):
        _raise_generations(batch)


def _raise_generations(listener_ids: list[int]) -> None:
    states = connection.ops.quote_name(ListenerState._meta.db_table)
    users = connection.ops.quote_name(User._meta.db_table)
    is_postgresql = connection.vendor == "postgresql"
    moment = "%s::timestamptz" if is_postgresql else "%s"
    lock = " FOR KEY SHARE" if is_postgresql else ""
    ids = ", ".join(["%s"] * len(listener_ids))
    sql = (
        f"INSERT INTO {states} (listener_id, generation, changed_at) "  # noqa: S608
        f"SELECT id, 1, {moment} FROM {users} WHERE id IN ({ids}) ORDER BY id{lock} "
        f"ON CONFLICT (listener_id) DO UPDATE SET generation = {states}.generation + 1, "
        "changed_at = excluded.changed_at"
    )
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(sql, [now, *listener_ids])


def read_generation(listener_id: int) -> int:
    """Return how often this listener's history or controls have changed."""
    stored = (
        ListenerState.objects.filter(listener_id=listener_id)
        .values_list("generation", flat=True)
        .first()
    )
    return stored or 0


def make_key(listener_id: int, generation: int, settings: dict[str, Any]) -> str:
    """Return the cache key of one list: the listener, their generation, a digest of what was asked."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:24]
    return f"musicrec:list:{listener_id}:{generation}:{digest}"


def get(cache_key: str) -> Any | None:
    return cache.get(cache_key)


def put(cache_key: str, value: Any, seconds: float | None = None) -> None:
    """Cache a list by the key that `make_key` gave it."""
    seconds = conf.list_cache_seconds if seconds is None else seconds
    keep(cache_key, value, seconds, [int(cache_key.split(":")[2])])


def keep(cache_key: str, value: Any, seconds: float, listener_ids: Iterable[int]) -> None:
    """Cache what was made of these listeners' histories: with the account of any of them it goes."""
    cache.set(cache_key, value, timeout=seconds)
    for listener_id in listener_ids:
        keys_key = _make_keys_key(listener_id)
        keys = [one for one in cache.get(keys_key, []) if one != cache_key]
        cache.set(keys_key, [*keys, cache_key][-_REMEMBERED_KEYS:], timeout=_LONGEST_SECONDS)
        # asked after the write: who is under way writes before the deletion looks, or sees that it has been
        if cache.get(_make_gone_key(listener_id)):
            cache.delete_many([*keys, cache_key, keys_key])


def delete_lists(listener_id: int) -> None:
    """Delete what is cached of a listener who is gone, and let no request that is still under way keep anything.

    A process with a cache of its own keeps its entries until they expire; nobody can ask for them.
    """
    cache.set(_make_gone_key(listener_id), True, timeout=_LONGEST_SECONDS)
    keys_key = _make_keys_key(listener_id)
    cache.delete_many([*cache.get(keys_key, []), keys_key])


def _make_gone_key(listener_id: int) -> str:
    return f"musicrec:list-gone:{listener_id}"


def _make_keys_key(listener_id: int) -> str:
    return f"musicrec:list-keys:{listener_id}"
