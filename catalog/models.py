from catalog.analysis.models import AnalysisRun, SongAnalysis
from catalog.files.models import FolderScan, MusicFile, MusicFolder
from catalog.imports.models import ImportRun, RejectedImportRow
from catalog.listening.models import (
    Interaction,
    LatestImport,
    NowPlaying,
    RecordingMsid,
    Submission,
)
from catalog.listening.sum_tables import (
    DayTotal,
    EntityTotal,
    ListeningSums,
    OutdatedMonth,
    RegroupedSong,
    SongMonth,
    SongTotal,
    SourceMonth,
)
from catalog.playlists.models import Playlist, PlaylistItem
from catalog.records import AUDIO_FEATURES
from catalog.servers.models import (
    MusicServer,
    RejectedServerSong,
    ServerAccount,
    ServerAccountSong,
    ServerSong,
    ServerSync,
    WrittenPlaylist,
)
from catalog.songs.aliases import SongAlias
from catalog.songs.former_artists import ArtistAlias
from catalog.songs.kept_figures import KeptFigure
from catalog.songs.models import Album, Artist, ArtistCredit, Genre, Song
from catalog.statistics.year_reviews import SharedReview

__all__ = [
    "AUDIO_FEATURES",
    "Album",
    "AnalysisRun",
    "Artist",
    "ArtistAlias",
    "ArtistCredit",
    "DayTotal",
    "EntityTotal",
    "FolderScan",
    "Genre",
    "ImportRun",
    "Interaction",
    "KeptFigure",
    "LatestImport",
    "ListeningSums",
    "MusicFile",
    "MusicFolder",
    "MusicServer",
    "NowPlaying",
    "OutdatedMonth",
    "Playlist",
    "PlaylistItem",
    "RecordingMsid",
    "RegroupedSong",
    "RejectedImportRow",
    "RejectedServerSong",
    "ServerAccount",
    "ServerAccountSong",
    "ServerSong",
    "ServerSync",
    "SharedReview",
    "Song",
    "SongAlias",
    "SongAnalysis",
    "SongMonth",
    "SongTotal",
    "SourceMonth",
    "Submission",
    "WrittenPlaylist",
]
