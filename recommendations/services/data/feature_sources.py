"""Where each known audio feature of the songs comes from, as numbers for the engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from catalog.models import AUDIO_FEATURES, Song
from recommendations.engine import NO_SOURCE

_AT_ONCE = 5_000


@dataclass(frozen=True)
class FeatureSources:
    """Sources of features.

    Attributes
    ----------
    names
        The sources; a number is a place in it.
    numbers : int32 (n_songs, 8)
        `NO_SOURCE` where nobody said, or nothing is known.
    """

    names: Sequence[str]
    numbers: NDArray[np.int32]


def read_feature_sources(song_ids: NDArray[Any]) -> FeatureSources:
    """Read the sources of the features of songs, whose ids ascend, in their order; one pass over the songs."""
    numbers = np.full((len(song_ids), len(AUDIO_FEATURES)), NO_SOURCE, dtype=np.int32)
    number_by_name: dict[str, int] = {}
    rows = (
        Song.objects.exclude(Q(features_source="") & Q(other_sources=None))
        .order_by("pk")
        .values_list("pk", "features_source", "other_sources")
    )
    for song_id, source, others in rows.iterator(_AT_ONCE):
        row = int(np.searchsorted(song_ids, song_id))
        if row == len(song_ids) or song_ids[row] != song_id:
            continue
        if source:
            numbers[row] = number_by_name.setdefault(source, len(number_by_name))
        for feature, other in (others or {}).items():
            if feature in AUDIO_FEATURES and other:
                number = number_by_name.setdefault(str(other), len(number_by_name))
                numbers[row, AUDIO_FEATURES.index(feature)] = number
    return FeatureSources(list(number_by_name), numbers)
