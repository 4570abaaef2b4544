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
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from recommendations.engine.core.seeding import make_generator
from recommendations.engine.data.interactions import Interactions
from recommendations.engine.data.item_features import ItemFeatures
from recommendations.engine.synthetic.events import BLOCK, DAY, Events
from recommendations.engine.synthetic.listens import ListeningSetting, draw_listens, draw_opinions
from recommendations.engine.synthetic.song_index import SongIndex
from recommendations.engine.synthetic.songs import Songs, make_songs, number_ids
from recommendations.engine.synthetic.tastes import draw_tastes

OPINIONS_PER_LISTEN = 0.065
"""Measured; what is asked for counts opinions, too."""


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

    def events_elsewhere(self) -> Events:
        """Return the events of `BLOCK` listeners who hear the same songs and are not in this world."""
        first = -(-self.n_listeners // BLOCK) * BLOCK
        larger = replace(self, n_listeners=first + BLOCK, n_interactions=None)
        return larger._make_block(first)

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
    def _song_index(self) -> SongIndex:
        return SongIndex.build(self.songs)

    @property
    def _listening_setting(self) -> ListeningSetting:
        return ListeningSetting(
            self.songs, self._song_index, self.now, self.n_days, self._mean_listens
        )

    @property
    def _mean_listens(self) -> float:
        wanted = 50 * self.n_listeners if self.n_interactions is None else self.n_interactions
        return wanted / self.n_listeners / (1 + OPINIONS_PER_LISTEN)

    def _make_block(self, first: int) -> Events:
        """Make the events of the listeners first … first + BLOCK; the last block is cut, not made smaller."""
        rng = make_generator(self.seed, "listeners", first // BLOCK)
        n_kept = min(BLOCK, self.n_listeners - first)
        tastes = draw_tastes(self.songs, self._song_index, rng)
        listens = draw_listens(self._listening_setting, tastes, rng)
        events = Events.join(
            [listens, draw_opinions(listens, tastes.sound_gap(self._song_index, listens), rng)]
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
