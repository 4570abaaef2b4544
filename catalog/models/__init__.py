from catalog.models.import_run import ImportRun, RejectedImportRow
from catalog.models.interaction import Interaction
from catalog.models.music import AUDIO_FEATURES, Album, Artist, Genre, Song
from catalog.models.playlist import Playlist, PlaylistItem
from catalog.models.submission import HeardName, LatestImport, NowPlaying, Submission

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
