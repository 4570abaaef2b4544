"""What is trending, counted anew between trainings: kept with the version, taken over by each process that serves it.

A nightly training counts too; but it may fail, be held back by the gate or be switched off, and yesterday's hits
would stay for as long.
"""

import copy
import io
import threading
import time
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np
from django.utils import timezone

from recommendations.engine import Interactions, Popularity, Recommender, TrainingData
from recommendations.models import ModelVersion, Trends

LOOKED_FOR_SECONDS = 60.0
_COUNTS = ("trend_", "n_listeners_", "n_recent_", "is_trending_")

# Of each recommender in this process: when its trends were looked up, and when those that it has were counted.
_looked_up: WeakKeyDictionary[Recommender, tuple[float, datetime | None]] = WeakKeyDictionary()
_lock = threading.Lock()


def count(version: ModelVersion, recommender: Recommender, interactions: Interactions) -> bool:
    """Count what is trending in `interactions` and keep it with the version; False when its model has no use for it."""
    learned = _find_popularity(recommender)
    if learned is None:
        return False
    events = interactions.over_items(recommender.items)
    fresh = Popularity(learned[1].half_life_days)
    fresh.fit(TrainingData(events.to_matrix(recommender.config.weighting), None, events))
    packed = io.BytesIO()
    np.savez_compressed(packed, **{name: getattr(fresh, name) for name in _COUNTS})
    values = {"computed_at": timezone.now(), "counts": packed.getvalue()}
    Trends.objects.update_or_create(version=version, defaults=values)
    with _lock:
        _looked_up.pop(recommender, None)  # the lists that this process makes next count by them
    return True


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
