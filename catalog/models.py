from catalog.imports.models import ImportRun, RejectedImportRow
from catalog.listening.models import (
    Interaction,
    LatestImport,
    NowPlaying,
    RecordingMsid,
    Submission,
)
from catalog.playlists.models import Playlist, PlaylistItem
from catalog.songs.models import AUDIO_FEATURES, Album, Artist, ArtistCredit, Genre, Song, SongAlias

__all__ = [
    "AUDIO_FEATURES",
    "Album",
    "Artist",
    "ArtistCredit",
    "Genre",
    "ImportRun",
    "Interaction",
    "LatestImport",
    "NowPlaying",
    "Playlist",
    "PlaylistItem",
    "RecordingMsid",
    "RejectedImportRow",
    "Song",
    "SongAlias",
    "Submission",
]
