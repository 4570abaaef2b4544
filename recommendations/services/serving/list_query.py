"""The one way to ask the serving model for a list: the same masks, versions, filter and counts for every list.

Lists for a listener, similar songs, picks, mixes, continued playlists and previews all pass here.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations import telemetry
from recommendations.engine import RecommendedList, Recommender
from recommendations.models import ModelVersion
from recommendations.services.serving import exclusions
from recommendations.services.serving.fallback import Fallback
from recommendations.services.serving.listener_context import ListenerContext
from recommendations.services.serving.served_list import ListDraft, Served, read_list
from recommendations.services.serving.work_versions import recommend_without_repeats

Mask = NDArray[np.bool_]
_ATTEMPTS = 3


@dataclass(frozen=True)
class ListQuery:
    """A list that is wanted of one version.

    Attributes
    ----------
    ask
        Asks the engine; gets what must not come, bool (n_items,).
    exclude
        Song ids that must not come, and no other version of them.
    only
        Song ids of which the list is; None for all.
    narrow
        Excludes more than the mask does, by the mask.
    step, fallback
        What the list is called, and why it is not what one would expect.
    """

    version: ModelVersion
    recommender: Recommender
    n: int
    ask: Callable[[Mask], RecommendedList]
    exclude: Collection[int] = ()
    only: NDArray[np.int64] | None = None
    narrow: Callable[[Mask], Mask] | None = None
    step: str = "live"
    fallback: Fallback = Fallback.NONE


def draft_list(query: ListQuery, context: ListenerContext) -> ListDraft:
    """Ask the engine for a list, without what the listener does not want and without two versions of a song."""
    versions = exclusions.work_versions(query.version, query.recommender)
    mask = exclusions.build_mask(
        query.version, query.recommender, context.unwanted, also=query.exclude, only=query.only
    )
    if query.exclude:
        rows = exclusions.find_model_rows(query.recommender, query.exclude)
        mask[versions.find_versions(rows)] = True
    if query.narrow is not None:
        mask = query.narrow(mask)
    made = recommend_without_repeats(versions, mask, query.ask, query.recommender)
    return ListDraft(dict(made.to_dict()), query.step, fallback=query.fallback)


def draft_and_read(query: ListQuery, context: ListenerContext) -> tuple[ListDraft, Served] | None:
    """Ask the engine, again without it when a song turns out to be gone; None when that does not end."""
    for _attempt in range(_ATTEMPTS):
        draft = draft_list(query, context)
        served = read_list(draft, query.version, context.unwanted, query.n)
        if served is not None:
            return draft, served
    return None


def serve_list(query: ListQuery, context: ListenerContext) -> Served:
    """Answer a query now, without a cache, and count it."""
    started = time.perf_counter()
    found = draft_and_read(query, context)
    served = found[1] if found else Served([], "empty", query.version)
    telemetry.count_recommendation(served.step, time.perf_counter() - started)
    return served
