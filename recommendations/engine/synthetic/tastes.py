"""What the listeners of a synthetic world like: favourite scenes, artists and a sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.synthetic.events import BLOCK, Events
from recommendations.engine.synthetic.song_index import SongIndex
from recommendations.engine.synthetic.songs import Songs

N_SCENES = 5
"""Favourite scenes of a listener, the last of which is only found in the course of time."""
EXPLORING = 0.05
"""Mean share of listens outside one's taste."""


@dataclass(frozen=True)
class Tastes:
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

    def sound_gap(self, index: SongIndex, listens: Events) -> NDArray[np.float32]:
        """Return how far each song heard is from the listener's sound, float32 (n,); 0.2 is near, 1 far."""
        return measure_gap(index.sound[listens.song], self.sound[listens.listener])


def draw_tastes(songs: Songs, index: SongIndex, rng: np.random.Generator) -> Tastes:
    """Draw what `BLOCK` listeners like: scenes, the shares they have at first and at last, artists, a sound."""
    scenes = _draw_favourite_scenes(songs, index, rng)
    early = rng.dirichlet([3.0, 1.2, 0.6, 0.4], BLOCK)
    then = np.column_stack([early, np.zeros(BLOCK)])
    # in the course of the time a part of the first scenes gives way to the last
    moved = rng.beta(1.2, 3, BLOCK)[:, None]
    now = np.column_stack([early * (1 - moved), moved])
    typical = _average_sound(songs, index)[scenes]
    sound = (typical * (then + now)[:, :, None] / 2).sum(axis=1) + rng.normal(0, 0.10, (BLOCK, 8))
    return Tastes(
        scenes=scenes,
        artists=_draw_favourite_artists(songs, scenes, rng),
        then=np.cumsum(then, axis=1),
        now=np.cumsum(now, axis=1),
        sound=sound.astype(np.float32),
        exploring=rng.beta(1.5, 1.5 / EXPLORING - 1.5, BLOCK),
    )


def _draw_favourite_scenes(
    songs: Songs, index: SongIndex, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Draw scenes by fame; most of the later ones are of the first one's genre or of a sound like it."""
    share = index.scene_fame**0.7
    reach = np.cumsum(share / share.sum())
    scenes = np.searchsorted(reach, rng.random((BLOCK, N_SCENES))).clip(max=len(reach) - 1)
    near = _order_similar_scenes(songs, index)
    step = rng.geometric(0.35, (BLOCK, N_SCENES)).clip(max=near.shape[1] - 1)
    related = near[scenes[:, :1], step]
    return np.where(rng.random((BLOCK, N_SCENES)) < [0, 0.6, 0.6, 0.6, 0.6], related, scenes)


def _order_similar_scenes(songs: Songs, index: SongIndex) -> NDArray[np.intp]:
    """Return for each scene the scenes nearest to it, itself first, int (n_scenes, at most 8)."""
    sound = _average_sound(songs, index)
    gap = ((sound[:, None] - sound) ** 2).sum(axis=2)
    gap -= 0.2 * (songs.scene_genre[:, None] == songs.scene_genre)
    np.fill_diagonal(gap, -np.inf)
    return np.argsort(gap, axis=1, kind="stable")[:, :8]


def _average_sound(songs: Songs, index: SongIndex) -> NDArray[np.float64]:
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
    songs_drawn: NDArray[np.intp] = order[
        start[scenes] + (rng.random(scenes.shape) * n[scenes]).astype(np.intp)
    ]
    return songs_drawn


def measure_gap(sound: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the Euclidean distances of the last axis' scaled features, float32 (...,) of (..., 8)."""
    distances: NDArray[np.float32] = np.sqrt(((sound - wanted) ** 2).sum(axis=-1))
    return distances
