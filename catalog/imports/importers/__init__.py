"""Files from elsewhere as records: one module a source, pure, without a database.

An importer is registered by name. It looks at the head of the file at once, and raises WrongFile if it is not what
it should be; then it reads as a stream. A row that cannot be read becomes a RejectedRow, one that a rule leaves out a
LeftOutRow, and the rest goes on.
"""

# Importing one registers it. Each accepts its own files only; what may take another's is `is_last_resort`, tried last.
from catalog.imports.importers import (
    csv_listens,
    csv_songs,
    hetrec,
    json_histories,
    json_lists,
    lastfm,
    listenbrainz,
    own_export,
    player_logs,
    playlists,
    record_tables,
    several,
    song_lists,
    spotify,
    youtube_music,
)
from catalog.imports.importers.detection import detect_history
from catalog.imports.importers.registry import Importer, get_importer, list_importers
from catalog.imports.reading.source_files import SourceFile, open_file

__all__ = [
    "Importer",
    "SourceFile",
    "csv_listens",
    "csv_songs",
    "detect_history",
    "get_importer",
    "hetrec",
    "json_histories",
    "json_lists",
    "lastfm",
    "list_importers",
    "listenbrainz",
    "open_file",
    "own_export",
    "player_logs",
    "playlists",
    "record_tables",
    "several",
    "song_lists",
    "spotify",
    "youtube_music",
]
