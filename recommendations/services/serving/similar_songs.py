"""The songs most like one song."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from catalog.models import Song
from recommendations.services.lists import cold_items
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.list_query import (
    ListQuery,
    serve_list,
)
from recommendations.services.lists.list_request import limit_length
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import (
    Served,
)


def find_similar(
    song: Song,
    n: int | None = None,
    *,
    only: NDArray[np.int64] | None = None,
    context: ListenerContext | None = None,
) -> Served:
    """Return the songs most like this one, without what `context` does not want, of the song ids `only` if given.

    Without `context` it is for nobody in particular.
    """
    context = context or ListenerContext()
    query = query_similar(song.pk, limit_length(n), context, only)
    if query is None:
        fallback = Fallback.SONG_NEWER if context.serving else Fallback.NO_COMPARISON
        version = context.serving[0] if context.serving else None
        return Served([], "empty", version, fallback=fallback, about=song)
    return replace(serve_list(query, context), about=song)


def query_similar(
    song_id: int,
    n: int,
    context: ListenerContext,
    only: NDArray[np.int64] | None = None,
) -> ListQuery | None:
    """Return the query for the songs most like this one; None without a model, or anything like it."""
    if context.serving is None:
        return None
    version, recommender = context.serving
    row = recommender.items.row(song_id)
    if row >= 0:
        return ListQuery(
            version,
            recommender,
            n,
            lambda mask: recommender.similar(row, n, exclude=mask),
            only=only,
        )
    taste = cold_items.find_proxy_songs([song_id], recommender, context.listener)
    if not taste:
        return None
    history = recommender.history([], taste=taste)
    return ListQuery(
        version,
        recommender,
        n,
        # the proxy songs are themselves what is most like it
        lambda mask: recommender.recommend(history, n, exclude=mask, exclude_history=False),
        only=only,
        step="cold",
        fallback=Fallback.SONG_PROXIES,
    )
