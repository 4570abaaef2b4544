"""Tiny worlds whose answers are known."""

import numpy as np
from scipy.sparse import csr_matrix

from recommendations.engine import (
    AUDIO_FEATURES,
    Interactions,
    ItemFeatures,
    TrainingData,
    Weighting,
)

DAY = 86_400
NOW = 1_700_000_000


def checkerboard(n: int = 20) -> csr_matrix:
    """Even listeners heard all even songs, odd ones all odd songs, but each not the song of their own number."""
    matrix = (np.add.outer(np.arange(n), np.arange(n)) % 2 == 0).astype(np.float32)
    np.fill_diagonal(matrix, 0)
    return csr_matrix(matrix)


def checkerboard_features(n: int = 20) -> ItemFeatures:
    """Even songs are loud and fast, odd ones quiet and slow."""
    audio = np.full((n, len(AUDIO_FEATURES)), 0.2, dtype=np.float32)
    audio[::2, 2], audio[1::2, 2] = 0.9, 0.1
    audio[::2, 7], audio[1::2, 7] = 160, 70
    audio[:, 0] = np.linspace(0.2, 0.21, n)
    return ItemFeatures.build(audio, np.arange(n) // 2)


def checkerboard_data(n: int = 20) -> TrainingData:
    events = Interactions.from_matrix(checkerboard(n))
    return TrainingData(events.to_matrix(Weighting()), checkerboard_features(n), events)


def taste_world(
    n_listeners: int = 240, n_items: int = 120, n_tastes: int = 4, seed: int = 0
) -> tuple[Interactions, ItemFeatures]:
    """Listeners hear mostly songs of their taste; songs of a taste sound alike; some songs are popular."""
    rng = np.random.default_rng(seed)
    taste_of_song = np.arange(n_items) % n_tastes
    appeal = 1 / (1 + np.arange(n_items)) ** 0.6
    listeners, songs = [], []
    for listener in range(n_listeners):
        weight = appeal * np.where(taste_of_song == listener % n_tastes, 12, 1)
        n_songs = int(rng.integers(1, 30))
        heard = rng.choice(n_items, size=n_songs, replace=False, p=weight / weight.sum())
        listeners += [listener] * n_songs
        songs += heard.tolist()
    centres = rng.random((n_tastes, len(AUDIO_FEATURES)))
    audio = np.clip(
        centres[taste_of_song] + rng.normal(0, 0.08, (n_items, len(AUDIO_FEATURES))), 0, 1
    )
    audio[:, 7] = 60 + 120 * audio[:, 7]
    interactions = Interactions.from_ids(
        np.array(listeners),
        np.array(songs),
        plays=rng.integers(1, 6, len(songs)),
        timestamps=NOW - rng.integers(0, 90 * DAY, len(songs)),
        all_item_ids=np.arange(n_items),
    )
    return interactions, ItemFeatures.build(audio, np.arange(n_items) // 3)
