"""What importers hand over: songs, listens and rows that could not be read. Immutable, without a database.

Named tuples and not dataclasses: a file of a million rows makes a million of them.
"""

from typing import NamedTuple

# What happened; the same numbers as Interaction.Kind, which importers may not import. A test compares them.
PLAY, LIKE, DISLIKE, SKIP = range(4)

FEATURES = (
    "acousticness",
    "danceability",
    "energy",
    "instrumentalness",
    "liveness",
    "speechiness",
    "valence",
    "tempo",
)


class SongRecord(NamedTuple):
    """A song as a source describes it. Empty text and None mean: the source does not say."""

    line: int
    title: str
    artist: str
    key: str = ""
    album: str = ""
    genres: tuple[str, ...] = ()
    year: int | None = None
    duration_ms: int | None = None
    # in the order of FEATURES: seven of 0 to 1, then the tempo in BPM
    features: tuple[float | None, ...] = (None,) * 8
    features_source: str = ""
    mbid: str = ""
    isrc: str = ""
    spotify_id: str = ""
    artist_mbid: str = ""
    audio_url: str = ""


class ListenRecord(NamedTuple):
    """One fact about a listener and a song: a play, a skip, an opinion, or a number of plays.

    The song is named by `song_key`, or described by `song`, which then may be new to the catalog.
    `occurred_at` is the start in Unix seconds.
    """

    line: int
    listener: str
    song_key: str = ""
    song: SongRecord | None = None
    kind: int = PLAY
    plays: int = 1
    played_ms: int | None = None
    occurred_at: int | None = None


class RejectedRow(NamedTuple):
    """A row that cannot go in, with the reason in a few words for the person who has the file."""

    line: int
    reason: str


Outcome = SongRecord | ListenRecord | RejectedRow


class WrongFile(Exception):
    """The file as a whole is not what it should be; the message is one sentence that says what to do."""
