"""The songs of a synthetic world by scene and artist, to draw some by popularity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommendations.engine.data.item_features import scale_audio
from recommendations.engine.synthetic.songs import Songs


@dataclass(frozen=True)
class SongIndex:
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
    def build(cls, songs: Songs) -> SongIndex:
        """Order the songs by scene and artist, and sum up how popular they are, at first and at last."""
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
