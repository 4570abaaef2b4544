"""The one way to ask the serving model for a list: the same masks, versions, filter and counts for every list.

Lists for a listener, similar songs, picks, mixes, continued playlists and previews all pass here.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from recommendations import telemetry
from recommendations.engine import History, RecommendedList, Recommender, SongTrace
from recommendations.models import ModelVersion
from recommendations.services.lists import exclusions
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.list_rules import FactReader
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import ListDraft, Served, read_list
from recommendations.services.lists.work_versions import recommend_without_repeats

Mask = NDArray[np.bool_]
_ATTEMPTS = 3


@dataclass(frozen=True)
class ListInputs:
    """What a list is made from besides the model and what must not come; `reader` where it has rules to keep."""

    history: History
    discovery: float | None
    reader: FactReader | None = None


@dataclass(frozen=True)
class Trail:
    """How one list was made: its inputs, its length, what must not come, and what it was chosen from (id, score)."""

    recommender: Recommender
    inputs: ListInputs
    n: int
    mask: Mask
    candidates: Sequence[tuple[int | str, float]] = ()


@dataclass(frozen=True)
class ListQuery:
    """A request for a list from one model version.

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
    trace
        Says what becomes of one song, by its row, in the list that `ask` gives for a mask.
    inputs
        What `ask` makes the list from, for the record of a listener's own list.
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
    trace: Callable[[Mask, int], SongTrace] | None = None
    inputs: ListInputs | None = None
    step: str = "live"
    fallback: Fallback = Fallback.NONE


def draft_list(query: ListQuery, context: ListenerContext) -> ListDraft:
    """Ask the engine for a list, without what the listener does not want and without two versions of a song."""
    recommended, mask = _make_list(query, build_mask(query, context))
    draft = ListDraft(dict(recommended.to_dict()), query.step, fallback=query.fallback)
    if query.inputs is None:
        return draft
    trail = Trail(query.recommender, query.inputs, query.n, mask, recommended.candidates)
    return replace(draft, trail=trail)


def trace_song(query: ListQuery, context: ListenerContext, row: int) -> SongTrace:
    """Say at which step of `draft_list` a song that the model has in `row` falls out.

    To the steps of the engine it adds, in their order: `unavailable` · `unwanted` · `heard` · `other_version_heard` ·
    `outside` it is not of the songs that the list is of · `other_version_listed` the list has another version of it.
    Costs two lists.
    """
    if query.trace is None:
        raise ValueError("This list can't be traced.")
    recommender = query.recommender
    song_id = int(recommender.items.ids[row])
    versions = exclusions.get_work_versions(query.version, recommender)
    if exclusions.build_catalog_mask(query.version, recommender, context.unwanted.listener_id)[row]:
        return SongTrace("unavailable")
    if exclusions.build_mask(query.version, recommender, context.unwanted)[row]:
        return SongTrace("unwanted")
    if song_id in set(query.exclude):
        return SongTrace("heard")
    if row in versions.find_versions(exclusions.find_model_rows(recommender, query.exclude)):
        return SongTrace("other_version_heard")
    mask = build_mask(query, context)
    if mask[row]:
        return SongTrace("outside")
    _made, final = _make_list(query, mask)
    return SongTrace("other_version_listed") if final[row] else query.trace(final, row)


def build_mask(query: ListQuery, context: ListenerContext) -> Mask:
    """Return what must not come, bool (n_items,)."""
    versions = exclusions.get_work_versions(query.version, query.recommender)
    mask = exclusions.build_mask(
        query.version, query.recommender, context.unwanted, also=query.exclude, only=query.only
    )
    if query.exclude:
        rows = exclusions.find_model_rows(query.recommender, query.exclude)
        mask[versions.find_versions(rows)] = True
    return mask if query.narrow is None else query.narrow(mask)


def _make_list(query: ListQuery, mask: Mask) -> tuple[RecommendedList, Mask]:
    """Return the list without two versions of a song, and the mask it was made with."""
    versions = exclusions.get_work_versions(query.version, query.recommender)
    return recommend_without_repeats(versions, mask, query.ask, query.recommender)


def draft_and_read(query: ListQuery, context: ListenerContext) -> tuple[ListDraft, Served] | None:
    """Ask the engine for a list and read its songs, again without those that are gone; None when that does not end."""
    for _attempt in range(_ATTEMPTS):
        draft = draft_list(query, context)
        served = read_list(draft, query.version, context.unwanted, query.n)
        if served is not None:
            return draft, served
    return None


def serve_list(query: ListQuery, context: ListenerContext) -> Served:
    """Answer a query now, without a cache, and count it."""
    started = time.perf_counter()
    answer = draft_and_read(query, context)
    served = answer[1] if answer else Served([], "empty", query.version)
    telemetry.count_recommendation(served.step, time.perf_counter() - started)
    return served
