"""A synthetic world of listeners and songs: one world for tests, benchmarks and the demo, with known tastes.

Songs belong to artists, artists to a scene, scenes to a genre; a song sounds like its genre, scene and artist.
A listener has favourite scenes (some of which give way to others over the year), a favourite artist in each, and
a sound they prefer. What they hear comes from there, from what is popular at the time, and from chance.
So there is something to learn for each kind of algorithm, and much that nobody could foresee.

The same seed gives the same world, however it is read: listeners come in blocks, each with its own stream of
random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.core.seeding import make_generator
from recommendations.engine.data.interactions import Interactions, Kind
from recommendations.engine.data.item_features import ItemFeatures, scale_audio
from recommendations.engine.synthetic.songs import Songs, make_songs, number_ids

DAY = 86_400
BLOCK = 2_048
"""Listeners whose events are made together; fixes the random streams, so it is no option."""

N_SCENES = 5
"""Favourite scenes of a listener, the last of which is only found in the course of time."""
N_CANDIDATES = 4
"""Songs among which a listener chooses by their sound."""
EXPLORING = 0.05
"""Mean share of listens outside one's taste."""
LOYALTY = 0.45
"""Share of listens within a scene that go to the favourite artist of it."""
PICKINESS = 16.0
"""How much the sound decides among the candidates; 0 is not at all."""
BORED = 0.85
REDRAWS = 3
"""A song heard before is given up for another of the scene with this chance, so many times; at last for any."""
LISTENS_A_SESSION = 11
MOST_LISTENS = 1_200
OPINIONS_PER_LISTEN = 0.065
"""Measured; what is asked for counts opinions, too."""


@dataclass(frozen=True)
class Events:
    """What a range of listeners did, ordered by listener; n parallel entries.

    Attributes
    ----------
    listener, song : int32 (n,)
        Number from 0: user_00001 is 0, song_00001 is 0.
    kind : int8 (n,)
        Values of `Kind`. A listener has at most one opinion of a song.
    played_ms : int32 (n,)
        How long it was heard; -1 for opinions.
    timestamp : int64 (n,)
        Unix seconds of the start.
    """

    listener: NDArray[np.int32]
    song: NDArray[np.int32]
    kind: NDArray[np.int8]
    played_ms: NDArray[np.int32]
    timestamp: NDArray[np.int64]

    @property
    def n(self) -> int:
        return len(self.listener)

    @classmethod
    def join(cls, chunks: list[Events]) -> Events:
        return cls(
            *(
                np.concatenate([getattr(chunk, field.name) for chunk in chunks])
                for field in fields(cls)
            )
        )


@dataclass(frozen=True)
class World:
    """A synthetic world; everything follows from these numbers.

    Parameters
    ----------
    n_listeners, n_songs
    seed
        From 0 up.
    now
        Unix seconds at which the world ends; its time is the `n_days` before.
    n_interactions
        About how many there shall be; 50 a listener when left out.
    """

    n_listeners: int = 10_000
    n_songs: int = 5_000
    seed: int = 7
    now: int = 1_767_225_600
    n_interactions: int | None = None
    n_days: int = 365

    def __post_init__(self) -> None:
        if self.n_listeners < 1 or self.n_songs < 1:
            raise ValueError(
                f"A world needs a listener and a song, not {self.n_listeners} listeners and {self.n_songs} songs."
            )
        if self.n_interactions is not None and self.n_interactions < 1:
            raise ValueError(f"n_interactions must be at least 1, not {self.n_interactions}.")

    @cached_property
    def songs(self) -> Songs:
        return make_songs(self.n_songs, self.seed, int(1970 + self.now / (365.2425 * DAY)))

    def item_features(self) -> ItemFeatures:
        return self.songs.features()

    def events(self, chunk_listeners: int = 8 * BLOCK) -> Iterator[Events]:
        """Yield the events of about `chunk_listeners` listeners at a time; memory does not grow with the world."""
        ends = [
            *range(0, self.n_listeners, max(BLOCK, chunk_listeners // BLOCK * BLOCK)),
            self.n_listeners,
        ]
        for start, end in pairwise(ends):
            yield Events.join([self._make_block(first) for first in range(start, end, BLOCK)])

    def to_interactions(self) -> Interactions:
        """Return the whole world's events with the ids user_00001 and song_00001."""
        events = Events.join(list(self.events()))
        listeners = number_ids("user", self.n_listeners)
        duration = self.songs.duration_ms[events.song]
        return Interactions.from_ids(
            listeners[events.listener],
            self.songs.ids[events.song],
            kinds=events.kind,
            played_share=np.where(events.played_ms < 0, np.nan, events.played_ms / duration),
            timestamps=events.timestamp,
            all_item_ids=self.songs.ids,
        )

    @cached_property
    def _song_index(self) -> _SongIndex:
        return _SongIndex.build(self.songs)

    @property
    def _mean_listens(self) -> float:
        wanted = 50 * self.n_listeners if self.n_interactions is None else self.n_interactions
        return wanted / self.n_listeners / (1 + OPINIONS_PER_LISTEN)

    def _make_block(self, first: int) -> Events:
        """Make the events of the listeners first … first + BLOCK; the last block is cut, not made smaller."""
        rng = make_generator(self.seed, "listeners", first // BLOCK)
        n_kept = min(BLOCK, self.n_listeners - first)
        tastes = _draw_tastes(self.songs, self._song_index, rng)
        listens = _draw_listens(self, tastes, rng)
        events = Events.join(
            [listens, _draw_opinions(listens, tastes.sound_gap(self._song_index, listens), rng)]
        )
        order = np.lexsort((events.timestamp, events.listener))
        order = order[events.listener[order] < n_kept]
        return Events(
            listener=events.listener[order] + np.int32(first),
            song=events.song[order],
            kind=events.kind[order],
            played_ms=events.played_ms[order],
            timestamp=events.timestamp[order],
        )


@dataclass(frozen=True)
class _SongIndex:
    """The songs sorted by scene and artist, so that a scene or an artist is a range of places.

    `reach_then` and `reach_now` are the cumulated popularity over the places: a number drawn between the reach of
    two places is a song between them, by popularity.
    """

    order: NDArray[np.intp]
    reach_then: NDArray[np.float64]
    reach_now: NDArray[np.float64]
    scene_ends: NDArray[np.intp]
    artist_starts: NDArray[np.intp]
    artist_ends: NDArray[np.intp]
    scene_fame: NDArray[np.float64]
    sound: NDArray[np.float32]

    @classmethod
    def build(cls, songs: Songs) -> _SongIndex:
        order = np.lexsort((songs.artist, songs.scene))
        n_scenes = len(songs.scene_genre)
        starts, ends = _find_ranges(songs.artist[order], len(songs.artist_scene))
        fame = np.zeros(n_scenes)
        np.add.at(fame, songs.scene, songs.popularity_now + songs.popularity_then)
        return cls(
            order=order,
            reach_then=np.concatenate([[0], np.cumsum(songs.popularity_then[order])]),
            reach_now=np.concatenate([[0], np.cumsum(songs.popularity_now[order])]),
            scene_ends=np.concatenate(
                [[0], np.cumsum(np.bincount(songs.scene, minlength=n_scenes))]
            ),
            artist_starts=starts,
            artist_ends=ends,
            scene_fame=fame,
            sound=scale_audio(songs.audio),
        )

    def draw(
        self, start: NDArray[Any], end: NDArray[Any], is_late: NDArray[Any], u: NDArray[Any]
    ) -> NDArray[np.intp]:
        """Draw a song between each pair of places, int (n, n_candidates); u is uniform of that shape."""
        picked = np.empty(u.shape, dtype=np.intp)
        for reach, which in ((self.reach_then, ~is_late), (self.reach_now, is_late)):
            low, high = reach[start[which], None], reach[end[which], None]
            position = np.searchsorted(reach, low + u[which] * (high - low), side="right") - 1
            picked[which] = np.clip(position, start[which, None], end[which, None] - 1)
        return self.order[picked]


def _find_ranges(
    sorted_by_scene: NDArray[np.int32], n: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each artist's songs start and end; artists without songs get an empty range."""
    starts, ends = np.zeros(n, dtype=np.intp), np.zeros(n, dtype=np.intp)
    change = np.flatnonzero(np.diff(sorted_by_scene, prepend=-1))
    starts[sorted_by_scene[change]] = change
    ends[sorted_by_scene[change]] = np.append(change[1:], len(sorted_by_scene))
    return starts, ends


@dataclass(frozen=True)
class _Tastes:
    """What the listeners of a block like.

    scenes, artists : int (BLOCK, N_SCENES); then, now : cumulated shares of the scenes at the start and the end;
    sound : float32 (BLOCK, 8) scaled; exploring : float (BLOCK,).
    """

    scenes: NDArray[np.intp]
    artists: NDArray[np.intp]
    then: NDArray[np.float64]
    now: NDArray[np.float64]
    sound: NDArray[np.float32]
    exploring: NDArray[np.float64]

    def sound_gap(self, index: _SongIndex, listens: Events) -> NDArray[np.float32]:
        """Return how far each song heard is from the listener's sound, float32 (n,); 0.2 is near, 1 far."""
        return _measure_gap(index.sound[listens.song], self.sound[listens.listener])


def _draw_tastes(songs: Songs, index: _SongIndex, rng: np.random.Generator) -> _Tastes:
    scenes = _draw_favourite_scenes(songs, index, rng)
    early = rng.dirichlet([3.0, 1.2, 0.6, 0.4], BLOCK)
    then = np.column_stack([early, np.zeros(BLOCK)])
    # in the course of the time a part of the first scenes gives way to the last
    moved = rng.beta(1.2, 3, BLOCK)[:, None]
    now = np.column_stack([early * (1 - moved), moved])
    typical = _average_sound(songs, index)[scenes]
    sound = (typical * (then + now)[:, :, None] / 2).sum(axis=1) + rng.normal(0, 0.10, (BLOCK, 8))
    return _Tastes(
        scenes=scenes,
        artists=_draw_favourite_artists(songs, scenes, rng),
        then=np.cumsum(then, axis=1),
        now=np.cumsum(now, axis=1),
        sound=sound.astype(np.float32),
        exploring=rng.beta(1.5, 1.5 / EXPLORING - 1.5, BLOCK),
    )


def _draw_favourite_scenes(
    songs: Songs, index: _SongIndex, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw scenes by fame; most of the later ones are of the first one's genre or of a sound like it."""
    share = index.scene_fame**0.7
    reach = np.cumsum(share / share.sum())
    scenes = np.searchsorted(reach, rng.random((BLOCK, N_SCENES))).clip(max=len(reach) - 1)
    near = _order_similar_scenes(songs, index)
    step = rng.geometric(0.35, (BLOCK, N_SCENES)).clip(max=near.shape[1] - 1)
    related = near[scenes[:, :1], step]
    return np.where(rng.random((BLOCK, N_SCENES)) < [0, 0.6, 0.6, 0.6, 0.6], related, scenes)


def _order_similar_scenes(songs: Songs, index: _SongIndex) -> NDArray[np.intp]:
    """Return for each scene the scenes nearest to it, itself first, int (n_scenes, at most 8)."""
    sound = _average_sound(songs, index)
    gap = ((sound[:, None] - sound) ** 2).sum(axis=2)
    gap -= 0.2 * (songs.scene_genre[:, None] == songs.scene_genre)
    np.fill_diagonal(gap, -np.inf)
    return np.argsort(gap, axis=1, kind="stable")[:, :8]


def _average_sound(songs: Songs, index: _SongIndex) -> NDArray[np.float64]:
    n_scenes = len(songs.scene_genre)
    n_songs = np.maximum(np.bincount(songs.scene, minlength=n_scenes), 1)
    columns = [np.bincount(songs.scene, column, n_scenes) / n_songs for column in index.sound.T]
    return np.column_stack(columns)


def _draw_favourite_artists(
    songs: Songs, scenes: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw an artist of each scene, evenly: fame is in how much they are heard already."""
    order = np.argsort(songs.artist_scene, kind="stable")
    n = np.bincount(songs.artist_scene, minlength=len(songs.scene_genre))
    start = np.cumsum(n) - n
    values: NDArray[np.intp] = order[
        start[scenes] + (rng.random(scenes.shape) * n[scenes]).astype(np.intp)
    ]
    return values


def _draw_listens(world: World, tastes: _Tastes, rng: np.random.Generator) -> Events:
    """Make the plays and skips of a block, in sessions."""
    n_listens = _draw_n_listens(world._mean_listens, rng)
    listener = np.repeat(np.arange(BLOCK, dtype=np.int32), n_listens)
    session, session_start = _draw_sessions(world, n_listens, rng)
    start = session_start[session]
    progress = (start - (world.now - world.n_days * DAY)) / (world.n_days * DAY)
    song = _choose_songs(world, tastes, listener, rng.random(len(listener)) < progress, rng)
    kind, played_ms = _draw_outcomes(world, tastes, listener, song, rng)
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
    world: World, n_listens: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return the session of each listen and the start of each session, Unix seconds, rising a listener."""
    length = 3 + rng.poisson(LISTENS_A_SESSION - 3, BLOCK)
    n_sessions = -(-n_listens // length)
    listener = np.repeat(np.arange(BLOCK), n_sessions)
    joined = rng.beta(0.6, 1.6, BLOCK)[listener]
    day = (joined + (1 - joined) * rng.random(len(listener))) * (world.n_days - 2)
    hour = (rng.normal(18, 4, BLOCK)[listener] + rng.normal(0, 2, len(listener))) % 24
    start = (world.now // DAY - world.n_days) * DAY + np.floor(day) * DAY + hour * 3600
    starts = start[np.lexsort((start, listener))].astype(np.int64)
    position = np.arange(n_listens.sum()) - np.repeat(np.cumsum(n_listens) - n_listens, n_listens)
    first_session = np.cumsum(n_sessions) - n_sessions
    session = np.repeat(first_session, n_listens) + position // np.repeat(length, n_listens)
    return session.astype(np.intp), starts


def _choose_songs(
    world: World,
    tastes: _Tastes,
    listener: NDArray[np.int32],
    is_late: NDArray[Any],
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """Choose the song of each listen: from an artist, a scene or everything, then by sound."""
    index = world._song_index
    n = len(listener)
    shares = np.where(is_late[:, None], tastes.now[listener], tastes.then[listener])
    slot = (rng.random(n)[:, None] > shares).sum(axis=1).clip(max=N_SCENES - 1)
    scene, artist = tastes.scenes[listener, slot], tastes.artists[listener, slot]
    is_anything = rng.random(n) < tastes.exploring[listener]
    start = np.where(is_anything, 0, index.scene_ends[scene])
    end = np.where(is_anything, world.n_songs, index.scene_ends[scene + 1])
    start, end = np.where(start == end, 0, start), np.where(start == end, world.n_songs, end)
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
            start, end = np.zeros_like(start), np.full_like(end, world.n_songs)
        wanted = tastes.sound[listener[again]]
        song[again] = _choose_by_sound(index, start[again], end[again], is_late[again], wanted, rng)
    return song


def _choose_by_sound(
    index: _SongIndex,
    start: NDArray[Any],
    end: NDArray[Any],
    is_late: NDArray[Any],
    wanted: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.int32]:
    """Draw some songs between two places and choose one, rather one that sounds as wanted."""
    candidates = index.draw(start, end, is_late, rng.random((len(start), N_CANDIDATES)))
    gap = _measure_gap(index.sound[candidates], wanted[:, None])
    best = np.argmax(rng.gumbel(size=gap.shape) - PICKINESS * gap, axis=1)
    values: NDArray[np.int32] = candidates[np.arange(len(start)), best].astype(np.int32)
    return values


def _find_repeats(listener: NDArray[np.int32], song: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the listens whose listener has heard the song before."""
    pair = listener.astype(np.int64) << 32 | song
    is_repeat = np.ones(len(pair), dtype=bool)
    is_repeat[np.unique(pair, return_index=True)[1]] = False
    return np.flatnonzero(is_repeat)


def _measure_gap(sound: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.sqrt(((sound - wanted) ** 2).sum(axis=-1))
    return values


def _draw_outcomes(
    world: World,
    tastes: _Tastes,
    listener: NDArray[np.int32],
    song: NDArray[np.int32],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    """Decide what is skipped, the sooner and oftener the less the sound is liked, and how long it is heard."""
    n = len(song)
    gap = _measure_gap(world._song_index.sound[song], tastes.sound[listener])
    skipped = rng.random(n) < 1 / (1 + np.exp(-(-3.4 + 3.2 * gap)))
    share = np.where(
        skipped, rng.beta(1.1, 4, n), np.where(rng.random(n) < 0.85, 1.0, rng.uniform(0.6, 1, n))
    )
    kind = np.where(skipped, Kind.SKIP, Kind.PLAY).astype(np.int8)
    return kind, np.maximum(world.songs.duration_ms[song] * share, 1_000).astype(np.int32)


def _draw_session_offsets(
    session: NDArray[np.intp], played_ms: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return when in its session each listen starts: after the songs before it and a breath."""
    took = played_ms // 1000 + rng.integers(1, 6, len(played_ms))
    before = np.cumsum(took) - took
    first = np.flatnonzero(np.diff(session, prepend=-1))
    values: NDArray[np.int64] = (
        before - before[first][np.cumsum(np.diff(session, prepend=-1) != 0) - 1]
    )
    return values


def _draw_opinions(listens: Events, gap: NDArray[np.float32], rng: np.random.Generator) -> Events:
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
