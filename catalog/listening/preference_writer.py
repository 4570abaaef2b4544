"""Settings that a file tells of a listener's recommendations: what they name is looked up here.

What is stored and how is not the catalog's: it sends `preferences_imported`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from accounts.models import User
from catalog.names.text import normalise
from catalog.records import PreferenceRecord, RejectedRow, SongRecord
from catalog.signals import preferences_imported
from catalog.songs import credits
from catalog.songs.models import Genre
from common.bulk_sql import load_ids

_NAMES_ARTIST = ("hide-artist", "pick-artist")


class ImportedPreference(NamedTuple):
    """A setting with what it names: the id of a song, an artist or a genre, or a value, of a rule by its `name`."""

    kind: str
    named_id: int | None
    value: float | None
    name: str = ""


class WrittenPreferences(NamedTuple):
    n_added: int
    n_known: int
    rejected: list[RejectedRow]


def write_preferences(
    listener: User, records: Sequence[PreferenceRecord], song_ids: Mapping[object, int]
) -> WrittenPreferences:
    """Hand on the settings of one chunk; call it inside a transaction. `song_ids` has the ids by the records' songs."""
    of_artists = [one for one in records if one.kind in _NAMES_ARTIST]
    artist_ids = credits.find_or_add_artists([SongRecord(0, "", one.name) for one in of_artists])
    named: dict[PreferenceRecord, int] = dict(zip(of_artists, artist_ids, strict=True))
    genres = load_ids(
        Genre, "search_text", [normalise(one.name) for one in records if one.kind == "pick-genre"]
    )
    rejected, accepted = [], []
    for record in records:
        named_id = named.get(record)
        if record.song is not None:
            named_id = song_ids.get(record.song)
        elif record.kind == "pick-genre":
            named_id = genres.get(normalise(record.name))
        if named_id is None and record.value is None:
            what = record.song.title if record.song else record.name
            reason = f"what it names, {what[:60]!r}, is not in the catalog"
            rejected.append(RejectedRow(record.line, reason))
        else:
            accepted.append(ImportedPreference(record.kind, named_id, record.value, record.name))
    answers = preferences_imported.send(sender=User, listener=listener, preferences=accepted)
    n_added = sum(cast(int, n) for _receiver, n in answers)
    return WrittenPreferences(n_added, len(accepted) - n_added, rejected)
