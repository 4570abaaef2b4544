"""The one way to a list of recommendations: cache, precomputed, live from the history, popular.

Every answer says which step gave it (`Served.step`) and, where it is not what a listener would expect, why
(`Served.reason`).
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from catalog.models import Song
from recommendations import telemetry
from recommendations.conf import conf
from recommendations.engine import Explanation, History, RecommendedList, Recommender
from recommendations.models import ModelVersion, RecommendationList, Taste
from recommendations.services.experiments import lifecycle
from recommendations.services.serving import (
    cold_items,
    exclusions,
    history_loader,
    list_cache,
    pick_candidates,
    popularity_fallback,
)
from recommendations.services.serving.exclusions import NOTHING_UNWANTED
from recommendations.services.serving.listener_context import ListenerContext, Picks, Unwanted
from recommendations.services.serving.work_versions import recommend_without_repeats
from recommendations.services.versions import registry

AS_CONFIGURED = 0.5
"""The middle of the discovery scale: as varied as the model's configuration says."""
MOST_VARIED = 0.8
"""What the far end means to the engine; at 1.0 a list would no longer be about the listener."""

NO_MODEL = "No model has been trained yet, so these are the songs played here."
NOBODY_PLAYED = "Nobody has played anything yet, so these are simply songs of the catalog."
NO_SONGS = "There are no songs to recommend."
NOT_PERSONALISED = "Personalisation is off, so everybody gets these songs."
NOTHING_KNOWN = "Your taste isn't known here yet, so these are songs for a start."
NEWER_THAN_MODEL = (
    "The songs you played are newer than the model; they count after the next training."
)
STOOD_IN_FOR = "The songs you played are newer than the model, so songs like them stand in until the next training."
NO_COMPARISON = "No model has been trained yet, so songs can't be compared."
# About a song that the model does not know, with its title.
SONG_NEWER = "“%(title)s” is newer than the model; it can be compared after the next training."
SONG_STOOD_IN_FOR = (
    "“%(title)s” is newer than the model, so songs like it stand in until the next training."
)


@dataclass(frozen=True)
class ServedSong:
    """One song of a list with the numbers that say why."""

    song: Song
    score: float
    explanation: Explanation
    position: int


@dataclass(frozen=True)
class Served:
    """An answered request.

    `step`: precomputed · live · cold (from the taste a listener named) · popular · empty. `reason` is empty when the
    list is what was asked for. `about` is the song that all songs are like, `picks` what a visitor picked.
    """

    items: list[ServedSong]
    step: str
    version: ModelVersion | None = None
    segment: str = "none"
    reason: str = ""
    computed_at: datetime | None = None
    from_cache: bool = False
    arm: str = ""
    about: Song | None = None
    picks: Picks | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[ServedSong]:
        return iter(self.items)

    @property
    def songs(self) -> list[Song]:
        return [item.song for item in self.items]


@dataclass(frozen=True)
class _Draft:
    """A list before its songs are read from the catalog; what the cache and the precomputed table keep."""

    packed: dict[str, Any]
    step: str
    computed_at: datetime = field(default_factory=timezone.now)
    reason: str = ""
    from_cache: bool = False


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


def recommend_for(
    listener,
    n: int | None = None,
    *,
    discovery: float | None = None,
    version: ModelVersion | None = None,
    context: ListenerContext | None = None,
) -> Served:
    """Recommend at most n songs to a listener.

    `discovery` is 0 (familiar) to 1 (adventurous), by default as the listener set it; `version` is the active one
    unless an experiment wants another; `context` is what was read of the listener already.
    Raises ValueError for n below 1.
    """
    started = time.perf_counter()
    asked = version is not None or discovery is not None
    treatment = lifecycle.AS_USUAL if asked else lifecycle.find_treatment(listener)
    request = _request(listener, n, discovery, treatment, context or ListenerContext(listener))
    answered = _answer(request, version or treatment.version)
    served = replace(answered, arm=treatment.arm)
    kept = served.computed_at if served.step == "precomputed" else None
    age = None if kept is None else (timezone.now() - kept).total_seconds()
    telemetry.count_recommendation(served.step, time.perf_counter() - started, list_age_seconds=age)
    return served


def _request(
    listener,
    n: int | None,
    discovery: float | None,
    treatment: lifecycle.Treatment,
    context: ListenerContext,
) -> _Request:
    """What a listener set themselves comes before what an experiment would try on them."""
    n = length(n)
    taste = None
    if discovery is None:
        taste = Taste.objects.filter(listener=listener).values_list("discovery", flat=True).first()
    wanted = next((value for value in (discovery, taste) if value is not None), AS_CONFIGURED)
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
    found = _recommender(version)
    if found is None:
        return _without_model(request.n, request.context.unwanted)
    version, recommender = found
    generation = list_cache.generation(request.listener.pk)
    cache_key = list_cache.key(
        request.listener.pk, generation, request.settings | {"version": version.pk}
    )
    for draft in _kept_drafts(request, version, generation, cache_key):
        served = _read_songs(draft, version, request.context.unwanted, request.n)
        if served is not None:
            return served
    return _live(request, version, recommender, cache_key)


def _recommender(version: ModelVersion | None) -> tuple[ModelVersion, Recommender] | None:
    """Return the wanted version loaded; a broken one gives way to the one that serves everybody else."""
    if version is not None and version.state == ModelVersion.State.READY:
        try:
            return version, registry.load_recommender(version)
        except registry.BrokenVersion as error:
            registry.mark_broken(version, str(error))
    return registry.serving_recommender()


def _kept_drafts(
    request: _Request, version: ModelVersion, generation: int, cache_key: str
) -> Iterator[_Draft]:
    """Yield what is at hand, quickest first; what is not wanted is not looked for."""
    cached = list_cache.get(cache_key)
    if cached is not None:
        yield _Draft(**cached, from_cache=True)
    if not request.is_ordinary or request.n > conf.precomputed_length:
        return
    kept = RecommendationList.objects.filter(
        listener=request.listener, version=version, generation=generation
    )
    row = kept.first()
    if row is not None:
        yield _Draft(row.items, "precomputed", row.computed_at)


def _live(
    request: _Request, version: ModelVersion, recommender: Recommender, cache_key: str
) -> Served:
    """Recommend from the history as it is now; a song that turns out to be gone is masked and the list made again."""
    history = _history(request, recommender)
    served = None
    for _again in range(3):
        draft = _make_draft(request, version, recommender, history)
        served = _read_songs(draft, version, request.context.unwanted, request.n)
        if served is not None:
            list_cache.put(cache_key, _load_cached(draft))
            return served
    return _without_model(request.n, request.context.unwanted)


def _load_cached(draft: _Draft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in ("packed", "step", "computed_at", "reason")}


def _history(request: _Request, recommender: Recommender) -> History:
    if not request.listener.personalised:
        return recommender.history([])
    return history_loader.load_history(request.listener, recommender, context=request.context)


def _make_draft(
    request: _Request, version: ModelVersion, recommender: Recommender, history: History
) -> _Draft:
    versions = exclusions.work_versions(version, recommender)
    mask = exclusions.build_mask(version, recommender, request.context.unwanted)
    mask[versions.find_versions(history.to_csr(recommender.n_items).indices)] = True
    if not history.n_positive and len(history.taste_rows):
        mask = _only_candidates(request.context.picks, request.n, recommender, mask)
    discovery = _variety(request, recommender)
    recommended = recommend_without_repeats(
        versions,
        mask,
        lambda exclude: recommender.recommend(
            history, request.n, exclude=exclude, discovery=discovery
        ),
        recommender,
    )
    step, reason = _how(request.listener, history)
    return _Draft(dict(recommended.to_dict()), step, reason=reason)


def _only_candidates(
    picks: Picks, n: int, recommender: Recommender, mask: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Exclude what is not like the picks; without picks, or anything like them, the mask stays as it is."""
    if not picks:
        return mask
    seeds = pick_candidates.choose_seeds(picks, recommender)
    allowed = pick_candidates.find_candidates(picks, seeds, n, recommender, mask)
    return ~allowed if allowed.any() else mask


def _variety(request: _Request, recommender: Recommender) -> float | None:
    if request.relevance is not None:
        return 1 - request.relevance
    return engine_discovery(request.discovery, recommender)


def _how(listener, history: History) -> tuple[str, str]:
    """Return the step and the reason for a list made from this history."""
    if not listener.personalised:
        return "popular", NOT_PERSONALISED
    if history.n_positive:
        return "live", ""
    if len(history.taste_rows) and history.n_unknown:
        return "cold", STOOD_IN_FOR
    if len(history.taste_rows):
        return "cold", ""
    return "popular", NEWER_THAN_MODEL if history.n_unknown else NOTHING_KNOWN


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


def _read_songs(draft: _Draft, version: ModelVersion, unwanted: Unwanted, n: int) -> Served | None:
    """Read the songs of a draft; None when one that should be in it is not offered any more.

    Whatever the draft says, nothing unavailable, hidden or disliked passes here.
    """
    found = RecommendedList.from_dict(draft.packed)
    wanted = found.items[:n]
    songs = Song.objects.available().for_cards().in_bulk([item.item_id for item in wanted])
    gone = [int(item.item_id) for item in wanted if item.item_id not in songs]
    if gone:
        exclusions.note_missing(version, gone)
        return None
    if not all(unwanted.allows(song) for song in songs.values()):
        return None
    return Served(
        items=[
            ServedSong(songs[item.item_id], item.score, item.explanation, position)
            for position, item in enumerate(wanted, start=1)
        ],
        step=draft.step if wanted else "empty",
        version=version,
        segment=found.segment,
        reason=draft.reason if wanted else NO_SONGS,
        computed_at=draft.computed_at,
        from_cache=draft.from_cache,
    )


def _without_model(n: int, unwanted: Unwanted) -> Served:
    played = popularity_fallback.list_most_played(n, unwanted)
    if played:
        items = [
            ServedSong(song, float(count), popularity_fallback.explanation(count), position)
            for position, (song, count) in enumerate(played, start=1)
        ]
        return Served(items, "popular", reason=NO_MODEL)
    songs = popularity_fallback.unheard(n, unwanted)
    items = [
        ServedSong(song, 0.0, Explanation({}, {}), position)
        for position, song in enumerate(songs, start=1)
    ]
    return Served(
        items, "popular" if items else "empty", reason=NOBODY_PLAYED if items else NO_SONGS
    )


# --- Without a listener, and one song ---------------------------------------------------------------------------------


def recommend_from_songs(songs: Sequence[Song], n: int | None = None) -> Served:
    """Recommend to somebody of whom only some liked songs are known; nobody needs an account for it."""
    return recommend_from_picks(Picks(tuple(songs)), n)


def recommend_from_picks(picks: Picks, n: int | None = None) -> Served:
    """Recommend to somebody who picked songs, artists and genres and has no history."""
    n = length(n)
    named = [song.pk for song in picks.songs]
    found = registry.serving_recommender()
    if found is None:
        return _without_model(n, Unwanted(song_ids=frozenset(named)))
    version, recommender = found
    seeds = pick_candidates.choose_seeds(picks, recommender)
    history = recommender.history(
        [], taste=[*seeds, *cold_items.find_proxy_songs(named, recommender)]
    )
    known = len(history.taste_rows)

    def recommended() -> RecommendedList:
        versions = exclusions.work_versions(version, recommender)
        mask = exclusions.build_mask(version, recommender, NOTHING_UNWANTED)
        rows = exclusions.find_model_rows(recommender, named)
        mask[rows] = True
        mask[versions.find_versions(rows)] = True
        mask = _only_candidates(picks, n, recommender, mask)
        return recommend_without_repeats(
            versions,
            mask,
            lambda exclude: recommender.recommend(history, n, exclude=exclude),
            recommender,
        )

    how = ("cold", "") if known else ("popular", NEWER_THAN_MODEL)
    return replace(made_now(version, n, recommended, *how), picks=picks)


def similar_songs(
    song: Song,
    n: int | None = None,
    *,
    unwanted: Unwanted = NOTHING_UNWANTED,
    only: NDArray[np.int64] | None = None,
) -> Served:
    """Return the songs most like this one, without what is unwanted and, if `only` is given, of those song ids."""
    n = length(n)
    found = registry.serving_recommender()
    if found is None:
        return Served([], "empty", reason=NO_COMPARISON)
    version, recommender = found
    row = recommender.items.row(song.pk)
    if row < 0:
        return replace(_like_newcomer(song, n, version, recommender, unwanted, only), about=song)

    def recommended() -> RecommendedList:
        return recommender.similar(
            row, n, exclude=exclusions.build_mask(version, recommender, unwanted, only=only)
        )

    return replace(made_now(version, n, recommended, unwanted=unwanted), about=song)


def _like_newcomer(
    song: Song,
    n: int,
    version: ModelVersion,
    recommender: Recommender,
    unwanted: Unwanted,
    only: NDArray[np.int64] | None,
) -> Served:
    """Return what goes with a song that the model does not know: what goes with songs like it."""
    taste = cold_items.find_proxy_songs([song.pk], recommender)
    if not taste:
        return Served([], "empty", version, reason=SONG_NEWER % {"title": song.title})
    history = recommender.history([], taste=taste)
    return made_now(
        version,
        n,
        # The songs that stand in are themselves what is most like it.
        lambda: recommender.recommend(
            history,
            n,
            exclude=exclusions.build_mask(version, recommender, unwanted, only=only),
            exclude_history=False,
        ),
        "cold",
        SONG_STOOD_IN_FOR % {"title": song.title},
        unwanted=unwanted,
    )


def made_now(
    version: ModelVersion,
    n: int,
    recommended,
    step: str = "live",
    reason: str = "",
    *,
    unwanted: Unwanted = NOTHING_UNWANTED,
) -> Served:
    """Serve what `recommended` answers, asking it again when a song turns out to be gone; nothing is cached."""
    for _again in range(3):
        found = recommended()
        draft = _Draft(found.to_dict(), step, reason=reason)
        served = _read_songs(draft, version, unwanted, n)
        if served is not None:
            return served
    return _without_model(n, unwanted)


def explain_song(listener, song: Song) -> Explanation | None:
    """Explain any song for a listener; None when there is no model or it does not know the song."""
    return explain_with_sound(listener, song)[0]


def explain_with_sound(listener, song: Song) -> tuple[Explanation | None, Mapping[str, float]]:
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
