"""What counts as a play, and when two reports are the same play: rules stated once for files, players and the API.

Pure: no database. `catalog.listening.same_play` applies the second rule to stored plays.
"""

FIRST_MOMENT = 1_033_410_600
"""2002-09-30: the first scrobble ever. An earlier "time" is a count, a year or a clock that was never set."""
LAST_MOMENT = 4_102_444_800
"""The year 2100; what lies beyond tomorrow is refused where rows are written."""

LEAST_HEARD_MS = 30_000
USUAL_SECONDS = 210
"""How long a song is taken to be while nobody says it."""
LONGEST_SECONDS = 3 * 3600
"""A mix of many hours is compared over this much only."""
COARSE_SECONDS = {"apple-daily": 3600}
"""Sources that say in which hour a song was played and not when, by how far their times may be off."""
SAME_MINUTE = 60
"""Seconds within which two sources mean the same play of a song, however short the song is."""


def compute_enough_ms(duration_ms: int | None) -> int:
    """Return how much of a song must be heard for a play: 30 s, or half of a song shorter than a minute."""
    return min(LEAST_HEARD_MS, duration_ms // 2) if duration_ms else LEAST_HEARD_MS


def is_play(played_ms: int | None, duration_ms: int | None) -> bool:
    """Return whether so much of a song is a play; a source that does not say how much is believed."""
    return played_ms is None or played_ms >= compute_enough_ms(duration_ms)


def compute_same_play_seconds(duration_ms: int | None, played_ms: int | None = None) -> int:
    """Return how far apart the starts of one play may be in two sources.

    One source gives the start, another the end, a third the end less what was heard, so that a pause moves the start:
    all lie within the song's length. Without a length, the played time is taken as the length where that is more
    than usual.
    """
    seconds = (
        -(-duration_ms // 1000) if duration_ms else max(USUAL_SECONDS, (played_ms or 0) // 1000)
    )
    return min(max(SAME_MINUTE - 1, seconds), LONGEST_SECONDS)
