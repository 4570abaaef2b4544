"""What importers hand over: songs, listens and rows that could not be read. Immutable, without a database.

Named tuples and not dataclasses: a file of a million rows makes a million of them.
"""

from enum import StrEnum
from typing import NamedTuple

# What happened; `Interaction.Kind` is made of these, and a test compares the engine's, which imports nothing of here.
PLAY, LIKE, DISLIKE, SKIP = range(4)
KIND_NAMES = ("play", "like", "dislike", "skip")
PLAYER_PREFIX = "listenbrainz:"
"""What a source begins with that is a player, before its own name."""

AUDIO_FEATURES = (
    "acousticness",
    "danceability",
    "energy",
    "instrumentalness",
    "liveness",
    "speechiness",
    "valence",
    "tempo",
)
"""All are shares of 0 to 1 but the tempo, in beats per minute."""
FASTEST_TEMPO = 400
"""More is an error of the program that measured it."""


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
    # in the order of AUDIO_FEATURES: seven of 0 to 1, then the tempo in BPM
    features: tuple[float | None, ...] = (None,) * 8
    features_source: str = ""
    mbid: str = ""
    isrc: str = ""
    spotify_id: str = ""
    artist_mbid: str = ""
    # the artists of a joint work, as the source splits the credit: (name, MusicBrainz id or "")
    credit: tuple[tuple[str, str], ...] = ()
    audio_url: str = ""
    # the artist that the whole album is filed under, where that is another than the song's
    album_artist: str = ""
    track_number: int | None = None
    disc_number: int | None = None


class ListenRecord(NamedTuple):
    """One fact about a listener and a song: a play, a skip, an opinion, or a number of plays.

    The song is named by `song_key`, or described by `song`, which then may be new to the catalog.
    `occurred_at` is the start in Unix seconds. `source` is the player that the file names, if it names one.
    `is_broken_off` says that something else than the listener ended the play: too short to be a play, it is no skip
    either.
    """

    line: int
    listener: str
    song_key: str = ""
    song: SongRecord | None = None
    kind: int = PLAY
    plays: int = 1
    played_ms: int | None = None
    occurred_at: int | None = None
    source: str = ""
    is_broken_off: bool = False
    # ListenBrainz's own message id of the recording, by which players speak of it later
    msid: str = ""


class PlaylistRecord(NamedTuple):
    """One entry of a playlist in its order; without a song, only the playlist. Its title names it in the file."""

    line: int
    title: str
    song: SongRecord | None = None
    description: str = ""
    reason: str = ""


class PreferenceRecord(NamedTuple):
    """One setting that a listener made of their recommendations.

    `kind` is a kind of control ("hide-song", "hide-artist", …), "pick-song", "pick-artist", "pick-genre", "discovery"
    or "rule". It names a song, or an artist, genre or rule by `name`, or has a `value`.
    """

    line: int
    kind: str
    song: SongRecord | None = None
    name: str = ""
    value: float | None = None


class LeftOut(StrEnum):
    """Why a row that can be read does not go in; `ImportRun` has the words for it."""

    PRIVATE = "private"
    PODCAST = "podcast"
    AUDIOBOOK = "audiobook"
    VIDEO = "video"
    UNTITLED = "untitled"
    UNHEARD = "unheard"
    BROKEN_OFF = "broken_off"
    NOW_PLAYING = "now_playing"
    NOT_MUSIC = "not_music"
    NO_PLAY = "no_play"
    UNWANTED = "unwanted"
    OTHER_USER = "other_user"
    UNREAD_KIND = "unread_kind"


class LeftOutRow(NamedTuple):
    """A row that is left out by a rule, and not because it is wrong."""

    line: int
    reason: LeftOut


class RejectedRow(NamedTuple):
    """A row that cannot go in, with the reason in a few words for the person who has the file."""

    line: int
    reason: str


Outcome = SongRecord | ListenRecord | PlaylistRecord | PreferenceRecord | LeftOutRow | RejectedRow


class WrongFile(Exception):
    """The file as a whole is not what it should be; the message is one sentence that says what to do."""


class NearMiss(WrongFile):
    """The file is of this family and still not right; of all that is wrong with it, this is what helps."""
