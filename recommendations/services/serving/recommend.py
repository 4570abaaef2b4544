"""Recommend to a listener: cached, precomputed, live from the history, else popular.

Every answer says which step gave it (`Served.step`) and, where it is not what a listener would expect, why
(`Served.fallback`).
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from django.utils import timezone

from accounts.models import User
from accounts.time_zones import get_local_day
from recommendations import telemetry
from recommendations.conf import conf
from recommendations.engine import History, Recommender, judge_list
from recommendations.models import ModelVersion, RecommendationList
from recommendations.services.experiments import lifecycle
from recommendations.services.lists import exclusions
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.joint_list import (
    MOST_OF_ARTIST,
    PERSONAL_STEPS,
    TeamList,
    join_lists,
)
from recommendations.services.lists.list_query import (
    ListInputs,
    ListQuery,
    Trail,
    build_mask,
    draft_and_read,
    draft_list,
)
from recommendations.services.lists.list_request import (
    SongRequest,
    convert_discovery,
    make_request,
)
from recommendations.services.lists.list_rules import FactReader
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import (
    ListDraft,
    Served,
    read_list,
)
from recommendations.services.serving import (
    history_loader,
    list_cache,
    pick_candidates,
    popularity_fallback,
    recorder,
)
from recommendations.services.versions import registry

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
    request = make_request(listener, n, discovery, treatment, context or ListenerContext(listener))
    served = _answer_in_turns(request, treatment) if may_interleave else None
    if served is None:
        served = replace(
            _answer(request, version or treatment.version, treatment.arm), arm=treatment.arm
        )
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
    request = make_request(listener, n, discovery, treatment, context)
    turns = _may_take_turns(request, treatment)
    if turns is not None and (draft := _draft_in_turns(request, turns)) is not None:
        _count(draft.step, draft, started)
        _note(request, draft, turns.versions[0], turns.code)
        return turns.versions[0], draft, turns.code
    serving = _get_recommender(treatment.version, context)
    if serving is None:
        return None
    version, recommender = serving
    draft = _find_draft(request, version, recommender)
    _count(draft.step, draft, started)
    _note(request, draft, version, treatment.arm)
    return version, draft, treatment.arm


def _find_draft(request: SongRequest, version: ModelVersion, recommender: Recommender) -> ListDraft:
    """Return the list of one version: cached, precomputed, or made now and cached."""
    cache_key = _build_cache_key(request, version)
    draft = next(_list_kept_drafts(request, version, cache_key), None)
    if draft is None:
        draft = draft_list(_make_live_query(request, version, recommender), request.context)
        list_cache.put(cache_key, _pack_draft(draft))
    return draft


# --- In turns between two versions ------------------------------------------------------------------------------------


def _may_take_turns(request: SongRequest, treatment: lifecycle.Treatment) -> lifecycle.Turns | None:
    return treatment.turns if request.listener.personalised else None


def _answer_in_turns(request: SongRequest, treatment: lifecycle.Treatment) -> Served | None:
    """Answer from both versions; None where nothing is compared or one of them has no personal list."""
    turns = _may_take_turns(request, treatment)
    draft = _draft_in_turns(request, turns) if turns is not None else None
    if turns is None or draft is None:
        return None
    served = read_list(draft, turns.versions[0], request.context.unwanted, request.n)
    if served is None:
        return None
    _note(request, draft, turns.versions[0], turns.code)
    return replace(served, arm=turns.code)


def _draft_in_turns(request: SongRequest, turns: lifecycle.Turns) -> ListDraft | None:
    """Return the joint list of both versions; None when one is broken or has only a list that is for anybody.

    It stays for the listener's day and state. Made anew, it costs a list of the version that has none ahead of time,
    and one query.
    """
    day = get_local_day(request.listener)
    settings = request.settings | {"turns": turns.experiment_id, "day": day.toordinal()}
    cache_key = list_cache.make_key(request.listener.pk, request.context.generation, settings)
    cached = list_cache.get(cache_key)
    if cached is not None:
        return ListDraft(**cached, from_cache=True) if cached else None
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
    cap = request.terms.artist_cap if request.terms is not None else None
    draft = join_lists(
        turns.experiment_id,
        (teams[0], teams[1]),
        request.n,
        request.context,
        day,
        min(cap or MOST_OF_ARTIST, MOST_OF_ARTIST),
    )
    if request.terms is not None:
        judged = _judge_joint(request, teams[0], draft)
        if judged is None:
            list_cache.put(cache_key, {})
            return None
        draft = judged
    list_cache.put(cache_key, _pack_draft(draft))
    return draft


def _judge_joint(request: SongRequest, team: TeamList, draft: ListDraft) -> ListDraft | None:
    """Return a joint list with how it keeps the listener's rules; None where it does not keep them all.

    Which list that is does not depend on what the listener does with it, so leaving it out favours neither version.
    """
    terms = request.terms
    if terms is None:
        return draft
    recommender = team.recommender
    reader = FactReader(terms, request.listener, recommender, _load_history(request, recommender))
    ids = np.array([int(item.item_id) for item in draft.unpack().items], dtype=np.int64)
    reports = judge_list(reader.describe(recommender.items.rows(ids)), terms)
    if not all(report.is_kept for report in reports):
        return None
    packed = {**draft.packed, "contract": [report.to_list() for report in reports]}
    return replace(draft, packed=packed)


def find_query(
    listener: User, n: int, context: ListenerContext, version: ModelVersion | None = None
) -> ListQuery | None:
    """Return the query by which `recommend_songs` makes the listener's list; None without a model."""
    treatment = lifecycle.find_treatment(listener) if version is None else lifecycle.AS_USUAL
    request = make_request(listener, n, None, treatment, context)
    serving = _get_recommender(version or treatment.version, context)
    return None if serving is None else _make_live_query(request, *serving)


def _count(step: str, draft: ListDraft | Served, started: float) -> None:
    kept = draft.computed_at if step == "precomputed" else None
    age = None if kept is None else (timezone.now() - kept).total_seconds()
    telemetry.count_recommendation(step, time.perf_counter() - started, list_age_seconds=age)


def _answer(request: SongRequest, version: ModelVersion | None, arm: str) -> Served:
    serving = _get_recommender(version, request.context)
    if serving is None:
        heard = request.context.heard if request.listener.personalised else None
        return popularity_fallback.serve_without_model(request.n, request.context.unwanted, heard)
    version, recommender = serving
    cache_key = _build_cache_key(request, version)
    for draft in _list_kept_drafts(request, version, cache_key):
        served = read_list(draft, version, request.context.unwanted, request.n)
        if served is not None:
            _note(request, draft, version, arm)
            return served if served.items else _serve_newer(request, recommender) or served
    answer = draft_and_read(_make_live_query(request, version, recommender), request.context)
    if answer is None:
        return popularity_fallback.serve_without_model(request.n, request.context.unwanted)
    list_cache.put(cache_key, _pack_draft(answer[0]))
    _note(request, answer[0], version, arm)
    return answer[1] if answer[1].items else _serve_newer(request, recommender) or answer[1]


def _serve_newer(request: SongRequest, recommender: Recommender) -> Served | None:
    """Return songs newer than the model for a listener who has heard all it has; None without such songs."""
    if not request.listener.personalised:
        return None
    context = request.context
    return popularity_fallback.serve_newer(request.n, context.unwanted, context.heard, recommender)


def _note(request: SongRequest, draft: ListDraft, version: ModelVersion, arm: str) -> None:
    """Have a list recorded that is served for the first time, after the answer to the request was sent."""
    if draft.from_cache or not request.listener.personalised:
        return
    recorder.note(
        recorder.Note(
            request.listener.pk,
            request.context.generation,
            version,
            draft,
            arm,
            request.n,
            request.settings,
            partial(_retrace, request),
        )
    )


def _retrace(request: SongRequest, version: ModelVersion, draft: ListDraft) -> Trail | None:
    """Compute again how a stored list was made; None where the listener did something since."""
    context = ListenerContext(request.listener)
    if context.generation != request.context.generation:
        return None
    query = _make_live_query(
        replace(request, context=context), version, registry.load_recommender(version)
    )
    if query.inputs is None or ListenerContext(request.listener).generation != context.generation:
        return None
    if draft.step != "precomputed":
        trail: Trail | None = draft_list(query, context).trail
        return trail
    # lists are computed ahead at one length and without anybody's own songs
    mask = build_mask(query, context) | exclusions.build_catalog_mask(version, query.recommender)
    return Trail(query.recommender, query.inputs, conf.precomputed_length, mask)


def _get_recommender(
    version: ModelVersion | None, context: ListenerContext
) -> tuple[ModelVersion, Recommender] | None:
    """Return the wanted version loaded; a broken one gives way to the one that serves everybody else."""
    if version is not None and version.state == ModelVersion.State.READY:
        try:
            return version, registry.load_recommender(version)
        except registry.BrokenVersion as error:
            registry.mark_broken(version, str(error))
    return context.serving


def _build_cache_key(request: SongRequest, version: ModelVersion) -> str:
    settings = request.settings | {"version": version.pk}
    return list_cache.make_key(request.listener.pk, request.context.generation, settings)


def _list_kept_drafts(
    request: SongRequest, version: ModelVersion, cache_key: str
) -> Iterator[ListDraft]:
    """Yield the stored lists that answer the request: the cached one, then the precomputed one."""
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


def _load_history(request: SongRequest, recommender: Recommender) -> History:
    return history_loader.load_history(request.listener, recommender, context=request.context)


def _make_live_query(
    request: SongRequest, version: ModelVersion, recommender: Recommender
) -> ListQuery:
    """Return the query for a list from the history as it is now."""
    history = _load_history(request, recommender)
    discovery = _choose_variety(request, recommender)
    heard = recommender.items.ids[history.to_csr(recommender.n_items).indices].tolist()
    step, fallback = _choose_step(request.listener, history)
    narrow = None
    if not history.n_positive and len(history.taste_rows):
        narrow = pick_candidates.narrow_to_picks(
            request.context.picks, request.n, recommender, request.listener
        )
    reader = contract = None
    if request.terms is not None:
        reader = FactReader(request.terms, request.listener, recommender, history)
        contract = reader.contract
    return ListQuery(
        version,
        recommender,
        request.n,
        lambda mask: recommender.recommend(
            history,
            request.n,
            exclude=mask,
            discovery=discovery,
            contract=contract,
            keeps_candidates=True,
        ),
        trace=lambda mask, row: recommender.trace_song(
            history, row, request.n, exclude=mask, discovery=discovery, contract=contract
        ),
        exclude=heard,
        narrow=narrow,
        inputs=ListInputs(history, discovery, reader),
        step=step,
        fallback=fallback,
    )


def _choose_variety(request: SongRequest, recommender: Recommender) -> float | None:
    if request.relevance is not None:
        return 1 - request.relevance
    return convert_discovery(request.discovery, recommender)


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
