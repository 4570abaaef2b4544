"""Files from elsewhere as records: one module a source, pure, without a database.

An importer is registered by name. It looks at the head of the file at once, and raises WrongFile if it is not what
it should be; then it reads as a stream. A row that cannot be read becomes a RejectedRow and the rest goes on.
"""

from catalog.importers import csv_listens, csv_songs, hetrec, lastfm, listenbrainz, spotify
from catalog.importers.base import Importer, Opened, open_file
from catalog.importers.detection import detect_history
from catalog.importers.registry import importer_named, importers_of

__all__ = [
    "Importer",
    "Opened",
    "csv_listens",
    "csv_songs",
    "detect_history",
    "hetrec",
    "importer_named",
    "importers_of",
    "lastfm",
    "listenbrainz",
    "open_file",
    "spotify",
]
