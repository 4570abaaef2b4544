from catalog.imports.models import ImportRun, RejectedImportRow
from catalog.listening.models import (
    HeardName,
    Interaction,
    LatestImport,
    NowPlaying,
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
    "HeardName",
    "ImportRun",
    "Interaction",
    "LatestImport",
    "NowPlaying",
    "Playlist",
    "PlaylistItem",
    "RejectedImportRow",
    "Song",
    "SongAlias",
    "Submission",
]
