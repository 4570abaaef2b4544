"""What the listeners of a synthetic world hear: sessions, songs, skips and opinions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.data.interactions import Kind
from recommendations.engine.synthetic.events import BLOCK, DAY, Events
from recommendations.engine.synthetic.song_index import SongIndex
from recommendations.engine.synthetic.songs import Songs
from recommendations.engine.synthetic.tastes import N_SCENES, Tastes, measure_gap

N_CANDIDATES = 4
"""Songs among which a listener chooses by their sound."""
LOYALTY = 0.45
"""Share of listens within a scene that go to the favourite artist of it."""
PICKINESS = 16.0
"""How much the sound decides among the candidates; 0 is not at all."""
BORED = 0.85
REDRAWS = 3
"""A song heard before is given up for another of the scene with this chance, so many times; at last for any."""
LISTENS_A_SESSION = 11
MOST_LISTENS = 1_200


@dataclass(frozen=True)
class ListeningSetting:
    """What the listening of every block depends on.

    Attributes
    ----------
    songs, index
    now
        Unix seconds at which the world ends.
    n_days
        Length of the world's time.
    mean_listens
        Plays and skips of a listener on average.
    """

    songs: Songs
    index: SongIndex
    now: int
    n_days: int
    mean_listens: float


def draw_listens(setting: ListeningSetting, tastes: Tastes, rng: np.random.Generator) -> Events:
    """Make the plays and skips of a block, in sessions."""
    n_listens = _draw_n_listens(setting.mean_listens, rng)
    listener = np.repeat(np.arange(BLOCK, dtype=np.int32), n_listens)
    session, session_start = _draw_sessions(setting, n_listens, rng)
    start = session_start[session]
    progress = (start - (setting.now - setting.n_days * DAY)) / (setting.n_days * DAY)
    song = _choose_songs(setting, tastes, listener, rng.random(len(listener)) < progress, rng)
    kind, played_ms = _draw_outcomes(setting, tastes, listener, song, rng)
    return Events(
        listener=listener,
        song=song,
        kind=kind,
        played_ms=played_ms,
        timestamp=start + _draw_session_offsets(session, played_ms, rng),
    )


def _draw_n_listens(mean: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw how much each listener listens: a power law cut at MOST_LISTENS, at least 1."""
    shape = 2.5
    quantiles = (1 - (np.arange(4000) + 0.5) / 4000) ** (-1 / shape) - 1
    low, high = 0.0, 100.0 * mean
    for _ in range(60):  # the scale at which the cut law has the wanted mean
        scale = (low + high) / 2
        if np.minimum(1 + quantiles * scale, MOST_LISTENS).mean() < mean:
            low = scale
        else:
            high = scale
    drawn = 1 + (rng.random(BLOCK) ** (-1 / shape) - 1) * scale
    return np.minimum(drawn, MOST_LISTENS).round().astype(np.int64)


def _draw_sessions(
    setting: ListeningSetting, n_listens: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the session of each listen and the start of each session, Unix seconds, rising a listener."""
    length = 3 + rng.poisson(LISTENS_A_SESSION - 3, BLOCK)
    n_sessions = -(-n_listens // length)
    listener = np.repeat(np.arange(BLOCK), n_sessions)
    joined = rng.beta(0.6, 1.6, BLOCK)[listener]
    day = (joined + (1 - joined) * rng.random(len(listener))) * (setting.n_days - 2)
    hour = (rng.normal(18, 4, BLOCK)[listener] + rng.normal(0, 2, len(listener))) % 24
    start = (setting.now // DAY - setting.n_days) * DAY + np.floor(day) * DAY + hour * 3600
    starts = start[np.lexsort((start, listener))].astype(np.int64)
    position = np.arange(n_listens.sum()) - np.repeat(np.cumsum(n_listens) - n_listens, n_listens)
    first_session = np.cumsum(n_sessions) - n_sessions
    session = np.repeat(first_session, n_listens) + position // np.repeat(length, n_listens)
    return session.astype(np.intp), starts


def _choose_songs(
    setting: ListeningSetting,
    tastes: Tastes,
    listener: NDArray[np.int32],
    is_late: NDArray[Any],
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """Choose the song of each listen: from an artist, a scene or everything, then by sound."""
    index = setting.index
    n = len(listener)
    shares = np.where(is_late[:, None], tastes.now[listener], tastes.then[listener])
    slot = (rng.random(n)[:, None] > shares).sum(axis=1).clip(max=N_SCENES - 1)
    scene, artist = tastes.scenes[listener, slot], tastes.artists[listener, slot]
    is_anything = rng.random(n) < tastes.exploring[listener]
    start = np.where(is_anything, 0, index.scene_ends[scene])
    end = np.where(is_anything, setting.songs.n, index.scene_ends[scene + 1])
    start, end = np.where(start == end, 0, start), np.where(start == end, setting.songs.n, end)
    is_loyal = (
        (rng.random(n) < LOYALTY)
        & ~is_anything
        & (index.artist_ends[artist] > index.artist_starts[artist])
    )
    song = _choose_by_sound(
        index,
        np.where(is_loyal, index.artist_starts[artist], start),
        np.where(is_loyal, index.artist_ends[artist], end),
        is_late,
        tastes.sound[listener],
        rng,
    )
    for attempt in range(REDRAWS):
        again = _find_repeats(listener, song)
        again = again[rng.random(len(again)) < BORED]
        if attempt == REDRAWS - 1:  # the scene is exhausted
            start, end = np.zeros_like(start), np.full_like(end, setting.songs.n)
        wanted = tastes.sound[listener[again]]
        song[again] = _choose_by_sound(index, start[again], end[again], is_late[again], wanted, rng)
    return song


def _choose_by_sound(
    index: SongIndex,
    start: NDArray[Any],
    end: NDArray[Any],
    is_late: NDArray[Any],
    wanted: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """Draw some songs between two places and choose one, rather one that sounds as wanted."""
    candidates = index.draw(start, end, is_late, rng.random((len(start), N_CANDIDATES)))
    gap = measure_gap(index.sound[candidates], wanted[:, None])
    best = np.argmax(rng.gumbel(size=gap.shape) - PICKINESS * gap, axis=1)
    chosen: NDArray[np.int32] = candidates[np.arange(len(start)), best].astype(np.int32)
    return chosen


def _find_repeats(listener: NDArray[np.int32], song: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the listens whose listener has heard the song before."""
    pair = listener.astype(np.int64) << 32 | song
    is_repeat = np.ones(len(pair), dtype=bool)
    is_repeat[np.unique(pair, return_index=True)[1]] = False
    return np.flatnonzero(is_repeat)


def _draw_outcomes(
    setting: ListeningSetting,
    tastes: Tastes,
    listener: NDArray[np.int32],
    song: NDArray[np.int32],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Decide what is skipped, the sooner and oftener the less the sound is liked, and how long it is heard."""
    n = len(song)
    gap = measure_gap(setting.index.sound[song], tastes.sound[listener])
    skipped = rng.random(n) < 1 / (1 + np.exp(-(-3.4 + 3.2 * gap)))
    share = np.where(
        skipped, rng.beta(1.1, 4, n), np.where(rng.random(n) < 0.85, 1.0, rng.uniform(0.6, 1, n))
    )
    kind = np.where(skipped, Kind.SKIP, Kind.PLAY).astype(np.int8)
    return kind, np.maximum(setting.songs.duration_ms[song] * share, 1_000).astype(np.int32)


def _draw_session_offsets(
    session: NDArray[np.intp], played_ms: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return when in its session each listen starts: after the songs before it and a breath."""
    durations = played_ms // 1000 + rng.integers(1, 6, len(played_ms))
    before = np.cumsum(durations) - durations
    first = np.flatnonzero(np.diff(session, prepend=-1))
    positions: NDArray[np.int64] = (
        before - before[first][np.cumsum(np.diff(session, prepend=-1) != 0) - 1]
    )
    return positions


def draw_opinions(listens: Events, gap: NDArray[np.float32], rng: np.random.Generator) -> Events:
    """Make likes of songs that fit and dislikes of skipped ones that don't; one opinion a pair, at the song's end."""
    is_play = listens.kind == Kind.PLAY
    chance = rng.random(listens.n)
    liked = is_play & (chance < 0.13 * np.exp(-1.5 * gap))
    disliked = ~is_play & (chance < 0.06)
    which = np.flatnonzero(liked | disliked)
    pair = listens.listener[which].astype(np.int64) << 32 | listens.song[which]
    which = which[np.sort(np.unique(pair, return_index=True)[1])]
    return Events(
        listener=listens.listener[which],
        song=listens.song[which],
        kind=np.where(liked[which], Kind.LIKE, Kind.DISLIKE).astype(np.int8),
        played_ms=np.full(len(which), -1, dtype=np.int32),
        timestamp=listens.timestamp[which] + listens.played_ms[which] // 1000,
    )
