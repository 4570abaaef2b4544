"""What the listeners of a synthetic world did."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

DAY = 86_400
BLOCK = 2_048
"""Listeners whose events are made together; fixes the random streams, so it is no option."""


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
