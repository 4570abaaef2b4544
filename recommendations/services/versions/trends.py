"""What is trending, counted anew between trainings: kept with the version, taken over by each process that serves it.

A nightly training counts too; but it may fail, be held back by the gate or be switched off, and yesterday's hits
would stay for as long.
"""

import copy
import io
import threading
import time
from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from weakref import WeakKeyDictionary

import numpy as np
from django.utils import timezone

from recommendations.engine import Interactions, Popularity, Recommender, shards
from recommendations.models import ModelVersion, Trends

LOOKED_FOR_SECONDS = 60.0
_COUNTS = ("trend_", "n_listeners_", "n_recent_", "is_trending_")

# Of each recommender in this process: when its trends were looked up, and when those that it has were counted.
_looked_up: WeakKeyDictionary[Recommender, tuple[float, datetime | None]] = WeakKeyDictionary()
_lock = threading.Lock()


def measure(recommender: Recommender, events: Iterable[Interactions]) -> Popularity | None:
    """Return what is trending now, counted shard by shard; None where the model has no use for it.

    `events` is gone through twice: how old a play is follows from the newest of all.
    """
    learned = _find_popularity(recommender)
    if learned is None:
        return None
    half_life_days = learned[1].half_life_days
    weighting, items = recommender.config.weighting, recommender.items
    surveys = (shards.Survey.measure(each.over_items(items), weighting) for each in events)
    survey = reduce(lambda total, one: shards.Survey.join([total, one]), surveys)
    recency = None
    if (ends := survey.ends) is not None:
        recencies = (
            shards.Recency.measure(each.over_items(items), ends, half_life_days) for each in events
        )
        recency = reduce(lambda total, one: shards.Recency.join([total, one]), recencies)
    return shards.make_popularity(Popularity(half_life_days), survey, recency)


def keep(version: ModelVersion, recommender: Recommender, measured: Popularity) -> None:
    """Keep with a version what `measure` counted for its recommender."""
    packed = io.BytesIO()
    np.savez_compressed(packed, **{name: getattr(measured, name) for name in _COUNTS})
    values = {"computed_at": timezone.now(), "counts": packed.getvalue()}
    Trends.objects.update_or_create(version=version, defaults=values)
    with _lock:
        _looked_up.pop(recommender, None)  # the lists that this process makes next count by them


def take_over(version: ModelVersion, recommender: Recommender) -> None:
    """Let a recommender count by the newest trends of its version; they are looked for once a minute."""
    looked, current = _looked_up.get(recommender, (-LOOKED_FOR_SECONDS, None))
    if time.monotonic() - looked < LOOKED_FOR_SECONDS:
        return
    with _lock:
        _looked_up[recommender] = (time.monotonic(), current)
    newest = (
        Trends.objects.filter(version_id=version.pk).values_list("computed_at", flat=True).first()
    )
    if newest is not None and newest != current:
        _exchange(recommender, bytes(Trends.objects.get(version_id=version.pk).counts))
        _looked_up[recommender] = (time.monotonic(), newest)


def find_moment(recommender: Recommender) -> datetime | None:
    """Return when the trends were counted that a recommender of this process has; None for those of its training."""
    return _looked_up.get(recommender, (0.0, None))[1]


def _find_popularity(recommender: Recommender) -> tuple[str, Popularity] | None:
    algorithms = recommender.algorithms.items()
    return next(((name, one) for name, one in algorithms if isinstance(one, Popularity)), None)


def _exchange(recommender: Recommender, packed: bytes) -> None:
    """Put a copy with the new counts in the place of the old one; a list that is being made has one or the other."""
    learned = _find_popularity(recommender)
    if learned is None:
        return
    name, old = learned
    with np.load(io.BytesIO(packed), allow_pickle=False) as counts:
        fresh = {count: counts[count] for count in _COUNTS}
    if any(len(values) != recommender.n_items for values in fresh.values()):
        return  # of another artifact under the same number
    new = copy.copy(old)
    for count, values in fresh.items():
        setattr(new, count, values)
    recommender.algorithms = {**recommender.algorithms, name: new}
