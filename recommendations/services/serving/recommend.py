"""Recommend to a listener: cached, precomputed, live from the history, else popular.

Every answer says which step gave it (`Served.step`) and, where it is not what a listener would expect, why
(`Served.fallback`).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from accounts.models import User
from accounts.time_zones import get_local_day
from catalog.models import Song
from recommendations import telemetry
from recommendations.conf import conf
from recommendations.engine import Explanation, History, Recommender
from recommendations.models import ModelVersion, RecommendationList
from recommendations.services.experiments import lifecycle
from recommendations.services.serving import (
    cold_items,
    history_loader,
    list_cache,
    pick_candidates,
    popularity_fallback,
)
from recommendations.services.serving.fallback import Fallback
from recommendations.services.serving.joint_list import PERSONAL_STEPS, TeamList, join_lists
from recommendations.services.serving.list_query import (
    ListQuery,
    Mask,
    draft_and_read,
    draft_list,
    serve_list,
)
from recommendations.services.serving.listener_context import ListenerContext, Picks, Unwanted
from recommendations.services.serving.served_list import (
    ListDraft,
    Served,
    ServedSong,
    read_list,
)
from recommendations.services.versions import registry

AS_CONFIGURED = 0.5
"""The middle of the discovery scale: as varied as the model's configuration says."""
MOST_VARIED = 0.8
"""What the far end means to the engine; at 1.0 a list would no longer be about the listener."""


@dataclass(frozen=True)
class _Request:
    """Who wants how long a list, made how."""

    listener: Any
    n: int
    discovery: float
    context: ListenerContext
    is_ordinary: bool
    relevance: float | None = None

    @property
    def settings(self) -> dict[str, Any]:
        varied = {"discovery": self.discovery, "relevance": self.relevance}
        return {"n": self.n, "personalised": self.listener.personalised} | varied


# --- For a listener ---------------------------------------------------------------------------------------------------


def recommend_songs(
    listener: User,
    n: int | None = None,
    *,
    discovery: float | None = None,
    version: ModelVersion | None = None,
    context: ListenerContext | None = None,
    may_interleave: bool = False,
) -> Served:
    """Recommend at most n songs to a listener.

    `discovery` is 0 (familiar) to 1 (adventurous), by default as the listener set it; `version` is the active one
    unless an experiment wants another; `context` is what was read of the listener already; `may_interleave` is for
    the listener's own list, which takes turns between two versions while an experiment compares them.
    Raises ValueError for n below 1.
    """
    started = time.perf_counter()
    asked = version is not None or discovery is not None
    treatment = lifecycle.AS_USUAL if asked else lifecycle.find_treatment(listener)
    request = _request(listener, n, discovery, treatment, context or ListenerContext(listener))
    served = _answer_in_turns(request, treatment) if may_interleave else None
    if served is None:
        served = replace(_answer(request, version or treatment.version), arm=treatment.arm)
    _count(served.step, served, started)
    return served


def draft_songs(
    listener: Any, n: int, context: ListenerContext, *, discovery: float | None = None
) -> tuple[ModelVersion, ListDraft, str] | None:
    """Return (version, list, arm of the experiment) for a page that reads the songs of several lists together.

    The same list as `recommend_songs` answers a listener who asks for their own, and counted as it; None without a
    model. What is not offered any more is left out by `assemble_list`.
    """
    started = time.perf_counter()
    treatment = lifecycle.AS_USUAL if discovery is not None else lifecycle.find_treatment(listener)
    request = _request(listener, n, discovery, treatment, context)
    turns = _may_take_turns(request, treatment)
    if turns is not None and (draft := _draft_in_turns(request, turns)) is not None:
        _count(draft.step, draft, started)
        return turns.versions[0], draft, turns.code
    found = _recommender(treatment.version, context)
    if found is None:
        return None
    version, recommender = found
    draft = _find_draft(request, version, recommender)
    _count(draft.step, draft, started)
    return version, draft, treatment.arm


def _find_draft(request: _Request, version: ModelVersion, recommender: Recommender) -> ListDraft:
    """Return the list of one version: cached, precomputed, or made now and cached."""
    cache_key = _cache_key(request, version)
    draft = next(_kept_drafts(request, version, cache_key), None)
    if draft is None:
        draft = draft_list(_live_query(request, version, recommender), request.context)
        list_cache.put(cache_key, _pack_draft(draft))
    return draft


# --- In turns between two versions ------------------------------------------------------------------------------------


def _may_take_turns(request: _Request, treatment: lifecycle.Treatment) -> lifecycle.Turns | None:
    return treatment.turns if request.listener.personalised else None


def _answer_in_turns(request: _Request, treatment: lifecycle.Treatment) -> Served | None:
    """Answer from both versions; None where nothing is compared or one of them has no personal list."""
    turns = _may_take_turns(request, treatment)
    draft = _draft_in_turns(request, turns) if turns is not None else None
    if turns is None or draft is None:
        return None
    served = read_list(draft, turns.versions[0], request.context.unwanted, request.n)
    return None if served is None else replace(served, arm=turns.code)


def _draft_in_turns(request: _Request, turns: lifecycle.Turns) -> ListDraft | None:
    """Return the joint list of both versions; None when one is broken or has only a list that is for anybody.

    It stays for the listener's day and state. Made anew, it costs a list of the version that has none ahead of time,
    and one query.
    """
    day = get_local_day(request.listener)
    settings = request.settings | {"turns": turns.experiment_id, "day": day.toordinal()}
    cache_key = list_cache.key(request.listener.pk, request.context.generation, settings)
    cached = list_cache.get(cache_key)
    if cached is not None:
        return ListDraft(**cached, from_cache=True)
    teams = []
    for version in turns.versions:
        try:
            recommender = registry.load_recommender(version)
        except registry.BrokenVersion as error:
            registry.mark_broken(version, str(error))
            return None
        draft = _find_draft(request, version, recommender)
        if draft.step not in PERSONAL_STEPS:
            return None
        teams.append(TeamList(version, recommender, draft))
    draft = join_lists(turns.experiment_id, (teams[0], teams[1]), request.n, request.context, day)
    list_cache.put(cache_key, _pack_draft(draft))
    return draft


def _count(step: str, draft: ListDraft | Served, started: float) -> None:
    kept = draft.computed_at if step == "precomputed" else None
    age = None if kept is None else (timezone.now() - kept).total_seconds()
    telemetry.count_recommendation(step, time.perf_counter() - started, list_age_seconds=age)


def _request(
    listener: Any,
    n: int | None,
    discovery: float | None,
    treatment: lifecycle.Treatment,
    context: ListenerContext,
) -> _Request:
    """What a listener set themselves comes before what an experiment would try on them."""
    n = length(n)
    taste = context.taste if discovery is None else None
    wanted = discovery if discovery is not None else taste.discovery if taste else AS_CONFIGURED
    relevance = None
    if wanted == AS_CONFIGURED:
        wanted = AS_CONFIGURED if treatment.discovery is None else treatment.discovery
        relevance = treatment.relevance
    ordinary = wanted == AS_CONFIGURED and relevance is None and listener.personalised
    return _Request(listener, n, wanted, context, ordinary, relevance)


def length(n: int | None) -> int:
    """Return how long a list will at most be when n songs are asked for."""
    if n is None:
        return conf.list_length
    if n < 1:
        raise ValueError(f"A list has at least 1 song; {n} were asked for.")
    return min(n, conf.longest_list)


def _answer(request: _Request, version: ModelVersion | None) -> Served:
    found = _recommender(version, request.context)
    if found is None:
        return serve_without_model(request.n, request.context.unwanted)
    version, recommender = found
    cache_key = _cache_key(request, version)
    for draft in _kept_drafts(request, version, cache_key):
        served = read_list(draft, version, request.context.unwanted, request.n)
        if served is not None:
            return served
    made = draft_and_read(_live_query(request, version, recommender), request.context)
    if made is None:
        return serve_without_model(request.n, request.context.unwanted)
    list_cache.put(cache_key, _pack_draft(made[0]))
    return made[1]


def _recommender(
    version: ModelVersion | None, context: ListenerContext
) -> tuple[ModelVersion, Recommender] | None:
    """Return the wanted version loaded; a broken one gives way to the one that serves everybody else."""
    if version is not None and version.state == ModelVersion.State.READY:
        try:
            return version, registry.load_recommender(version)
        except registry.BrokenVersion as error:
            registry.mark_broken(version, str(error))
    return context.serving


def _cache_key(request: _Request, version: ModelVersion) -> str:
    settings = request.settings | {"version": version.pk}
    return list_cache.key(request.listener.pk, request.context.generation, settings)


def _kept_drafts(request: _Request, version: ModelVersion, cache_key: str) -> Iterator[ListDraft]:
    """Yield what is at hand, quickest first; what is not wanted is not looked for."""
    cached = list_cache.get(cache_key)
    if cached is not None:
        yield ListDraft(**cached, from_cache=True)
    if not request.is_ordinary or request.n > conf.precomputed_length:
        return
    kept = RecommendationList.objects.filter(
        listener=request.listener, version=version, generation=request.context.generation
    )
    row = kept.first()
    if row is not None:
        yield ListDraft(row.items, "precomputed", row.computed_at)


def _pack_draft(draft: ListDraft) -> dict[str, Any]:
    names = ("packed", "step", "computed_at", "fallback", "interleaved")
    return {name: getattr(draft, name) for name in names}


def _history(request: _Request, recommender: Recommender) -> History:
    if not request.listener.personalised:
        return recommender.history([])
    return history_loader.load_history(request.listener, recommender, context=request.context)


def _live_query(request: _Request, version: ModelVersion, recommender: Recommender) -> ListQuery:
    """Return the query for a list from the history as it is now."""
    history = _history(request, recommender)
    discovery = _variety(request, recommender)
    heard = recommender.items.ids[history.to_csr(recommender.n_items).indices].tolist()
    step, fallback = _choose_step(request.listener, history)
    narrow = None
    if not history.n_positive and len(history.taste_rows):
        narrow = _narrow_to_picks(request.context.picks, request.n, recommender)
    return ListQuery(
        version,
        recommender,
        request.n,
        lambda mask: recommender.recommend(history, request.n, exclude=mask, discovery=discovery),
        exclude=heard,
        narrow=narrow,
        step=step,
        fallback=fallback,
    )


def _narrow_to_picks(picks: Picks, n: int, recommender: Recommender) -> Callable[[Mask], Mask]:
    """Return what excludes all that is not like the picks; nothing without picks, or anything like them."""

    def narrow(mask: Mask) -> Mask:
        if not picks:
            return mask
        seeds = pick_candidates.choose_seeds(picks, recommender)
        allowed = pick_candidates.find_candidates(picks, seeds, n, recommender, mask)
        return ~allowed if allowed.any() else mask

    return narrow


def _variety(request: _Request, recommender: Recommender) -> float | None:
    if request.relevance is not None:
        return 1 - request.relevance
    return engine_discovery(request.discovery, recommender)


def _choose_step(listener: Any, history: History) -> tuple[str, Fallback]:
    """Return the step and the fallback for a list made from this history."""
    if not listener.personalised:
        return "popular", Fallback.NOT_PERSONALISED
    if history.n_positive:
        return "live", Fallback.NONE
    if len(history.taste_rows) and history.n_unknown:
        return "cold", Fallback.PROXY_SONGS
    if len(history.taste_rows):
        return "cold", Fallback.NONE
    return "popular", Fallback.NEWER_THAN_MODEL if history.n_unknown else Fallback.NO_HISTORY


def engine_discovery(discovery: float, recommender: Recommender) -> float | None:
    """Translate the listener's scale (middle = as configured) into the engine's share of variety."""
    if not 0 <= discovery <= 1:
        raise ValueError(f"Discovery is from 0 (familiar) to 1 (adventurous), not {discovery}.")
    if discovery == AS_CONFIGURED:
        return None
    configured = 1 - recommender.config.relevance
    if discovery < AS_CONFIGURED:
        return configured * discovery / AS_CONFIGURED
    return configured + (max(MOST_VARIED, configured) - configured) * (
        discovery - AS_CONFIGURED
    ) / (1 - AS_CONFIGURED)


def serve_without_model(n: int, unwanted: Unwanted) -> Served:
    played = popularity_fallback.list_most_played(n, unwanted)
    if played:
        items = [
            ServedSong(song, float(count), popularity_fallback.explanation(count), position)
            for position, (song, count) in enumerate(played, start=1)
        ]
        return Served(items, "popular", fallback=Fallback.NO_MODEL)
    songs = popularity_fallback.unheard(n, unwanted)
    items = [
        ServedSong(song, 0.0, Explanation({}, {}), position)
        for position, song in enumerate(songs, start=1)
    ]
    return Served(
        items,
        "popular" if items else "empty",
        fallback=Fallback.NOBODY_PLAYED if items else Fallback.NO_SONGS,
    )


# --- Without a listener, and one song ---------------------------------------------------------------------------------


def recommend_from_songs(songs: Sequence[Song], n: int | None = None) -> Served:
    """Recommend to a visitor from some songs they like; it needs no account."""
    return recommend_from_picks(Picks(tuple(songs)), n)


def recommend_from_picks(picks: Picks, n: int | None = None) -> Served:
    """Recommend to somebody who picked songs, artists and genres and has no history."""
    n = length(n)
    context = ListenerContext()
    named = [song.pk for song in picks.songs]
    if context.serving is None:
        return serve_without_model(n, Unwanted(song_ids=frozenset(named)))
    version, recommender = context.serving
    seeds = pick_candidates.choose_seeds(picks, recommender)
    history = recommender.history(
        [], taste=[*seeds, *cold_items.find_proxy_songs(named, recommender)]
    )
    step, fallback = (
        ("cold", Fallback.NONE)
        if len(history.taste_rows)
        else ("popular", Fallback.NEWER_THAN_MODEL)
    )
    query = ListQuery(
        version,
        recommender,
        n,
        lambda mask: recommender.recommend(history, n, exclude=mask),
        exclude=named,
        narrow=_narrow_to_picks(picks, n, recommender),
        step=step,
        fallback=fallback,
    )
    return replace(serve_list(query, context), picks=picks)


def explain_for_picks(picks: Picks, song: Song) -> Explanation | None:
    """Explain a song for somebody who picked songs, artists and genres; None where the model can't say anything."""
    context = ListenerContext()
    if context.serving is None:
        return None
    _version, recommender = context.serving
    row = recommender.items.row(song.pk)
    seeds = pick_candidates.choose_seeds(picks, recommender)
    seeds += cold_items.find_proxy_songs([one.pk for one in picks.songs], recommender)
    history = recommender.history([], taste=seeds)
    return recommender.explain(history, row) if row >= 0 and len(history.taste_rows) else None


def similar_songs(
    song: Song,
    n: int | None = None,
    *,
    unwanted: Unwanted | None = None,
    only: NDArray[np.int64] | None = None,
    context: ListenerContext | None = None,
) -> Served:
    """Return the songs most like this one, without what is unwanted and, if `only` is given, of those song ids.

    `context` is what was read already for this request.
    """
    context = context or ListenerContext()
    if unwanted is not None:
        context.unwanted = unwanted
    query = query_similar(song.pk, length(n), context, only)
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
    taste = cold_items.find_proxy_songs([song_id], recommender)
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


def explain_song(listener: User, song: Song) -> Explanation | None:
    """Explain any song for a listener; None when there is no model or it does not know the song."""
    return explain_with_sound(listener, song)[0]


def explain_with_sound(
    listener: User, song: Song
) -> tuple[Explanation | None, Mapping[str, float]]:
    """Explain a song as `explain_song` does, and return the listener's mean of each audio feature beside it."""
    found = registry.serving_recommender()
    if found is None:
        return None, {}
    _version, recommender = found
    row = recommender.items.row(song.pk)
    if row < 0:
        return None, {}
    history = history_loader.load_history(listener, recommender)
    return recommender.explain(history, row), recommender.describe_sound(history)
