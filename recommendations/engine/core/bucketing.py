"""Who gets which arm of an experiment: a stable hash, so that it needs no storing and never changes."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

N_BUCKETS = 10_000


def assign_bucket(salt: str, listener_id: int) -> int:
    """Return a number from 0 to N_BUCKETS - 1, uniform over listeners and independent between salts."""
    digest = blake2b(f"{salt}:{listener_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) % N_BUCKETS


def pick_share(shares: Sequence[float], bucket_number: int) -> int | None:
    """Return the position of the share that a bucket falls into, None when it falls into none.

    Parameters
    ----------
    shares
        Shares of the traffic, each at least 0, together at most 1.
    """
    if any(share < 0 for share in shares) or sum(shares) > 1 + 1e-9:
        raise ValueError(f"Shares must be at least 0 and together at most 1, not {list(shares)}.")
    upper = 0.0
    for position, share in enumerate(shares):
        upper += share
        if bucket_number < round(upper * N_BUCKETS):
            return position
    return None
