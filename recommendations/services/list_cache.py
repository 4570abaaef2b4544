"""Which lists of a listener are still true: a generation that rises with every change.

The generation is part of every cache key and of every precomputed list, so nobody has to delete anything.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from recommendations.conf import conf
from recommendations.models import ListenerState

_BATCH = 500


def forget(listener_id: int) -> None:
    """Make every list computed for this listener so far untrue."""
    if _raise_generation([listener_id]):
        return
    try:
        with transaction.atomic():
            ListenerState.objects.create(listener_id=listener_id, generation=1, changed_at=timezone.now())
    except IntegrityError:
        # Another request made the row first, or the listener is gone: then there is nothing to forget.
        _raise_generation([listener_id])


def forget_many(listener_ids: Iterable[int]) -> None:
    """The same for the listeners of an import, in a few statements a thousand of them."""
    ids = sorted(set(listener_ids))
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        with transaction.atomic():
            ListenerState.objects.bulk_create(
                [ListenerState(listener_id=id_, generation=0, changed_at=timezone.now()) for id_ in batch],
                ignore_conflicts=True,
            )
            _raise_generation(batch)


def _raise_generation(listener_ids: list[int]) -> int:
    states = ListenerState.objects.filter(listener_id__in=listener_ids)
    return states.update(generation=F("generation") + 1, changed_at=timezone.now())


def generation(listener_id: int) -> int:
    """Return how often this listener's history or wishes have changed."""
    found = ListenerState.objects.filter(listener_id=listener_id).values_list("generation", flat=True).first()
    return found or 0


def key(listener_id: int, generation: int, settings: dict[str, Any]) -> str:
    """Return the cache key of one list: who, as of which change, asked how."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:24]
    return f"musicrec:list:{listener_id}:{generation}:{digest}"


def get(cache_key: str) -> Any | None:
    return cache.get(cache_key)


def put(cache_key: str, value: Any, seconds: float | None = None) -> None:
    cache.set(cache_key, value, timeout=conf.list_cache_seconds if seconds is None else seconds)
