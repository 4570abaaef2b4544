"""Randomness from one seed: every part of a computation gets its own stream, named by what it is for.

A part that is added, left out or computed in another order leaves all other parts' numbers as they were.
"""

from __future__ import annotations

import hashlib

import numpy as np


def make_generator(seed: int, *stream: str | int) -> np.random.Generator:
    """Return the generator of the stream that `stream` names, e.g. ``generator(7, "songs", 3)``."""
    return np.random.default_rng(_make_sequence(seed, stream))


def derive_seed(seed: int, *stream: str | int) -> int:
    """Return a seed of 31 bits for libraries that take a number (implicit, LightGBM)."""
    return int(_make_sequence(seed, stream).generate_state(1)[0] >> 1)


def _make_sequence(seed: int, stream: tuple[str | int, ...]) -> np.random.SeedSequence:
    if seed < 0:
        raise ValueError(f"A seed is a whole number from 0 up, not {seed}.")
    return np.random.SeedSequence(seed, spawn_key=tuple(_encode_number(name) for name in stream))


def _encode_number(name: str | int) -> int:
    if isinstance(name, int):
        return name
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big")
