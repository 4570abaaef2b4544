from catalog.imports.models import ImportRun, RejectedImportRow
from catalog.listening.models import Interaction
from catalog.songs.models import AUDIO_FEATURES, Album, Artist, Genre, Song
from catalog.playlists.models import Playlist, PlaylistItem
from catalog.listening.models import (
    HeardName,
    LatestImport,
    NowPlaying,
    Submission,
)

__all__ = [
    "AUDIO_FEATURES",
    "Album",
    "Artist",
    "Genre",
    "HeardName",
    "ImportRun",
    "Interaction",
    "LatestImport",
    "NowPlaying",
    "Playlist",
    "PlaylistItem",
    "RejectedImportRow",
    "Song",
    "Submission",
]
