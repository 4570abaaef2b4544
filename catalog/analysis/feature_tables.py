"""Audio features from tables by MusicBrainz id, such as those of AcousticBrainz' last dumps (CC0).

Songs get what they lack; known values stay. A recording that was submitted several times gets the median.
"""

import csv
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from django.db import transaction
from django.db.models import Q

from catalog.imports.reading import values
from catalog.names.external_ids import parse_uuid
from catalog.records import AUDIO_FEATURES
from catalog.songs.aliases import SongAlias
from catalog.songs.models import Song
from common.bulk_sql import cut_chunks

ACOUSTICBRAINZ = "acousticbrainz"
MOST_SUBMISSIONS = 25
"""So many rows of one recording are looked at."""
KEPT_PROBLEMS = 20
LONGEST_LINE = 100_000
_TOGETHER = 500
_MBID_COLUMNS = ("mbid", "recording_mbid")
# The column `danceability` of the low-level table is Essentia's, without an upper bound: no share, and not read.
_LOW_LEVEL_SIGNS = {
    "bpm_histogram_first_peak_bpm_mean",
    "onset_rate",
    "average_loudness",
    "key_key",
}
# Probabilities by AcousticBrainz' classifiers, as the high-level documents name them.
_HIGH_LEVEL = {
    "danceability": "danceability.all.danceable",
    "acousticness": "mood_acoustic.all.acoustic",
    "instrumentalness": "voice_instrumental.all.instrumental",
}


class TableRefused(Exception):
    """A file is no table of features; the message says what is missing."""


@dataclass
class TableReport:
    """What came of a table. `n_known` rows are of recordings of the catalog; `n_songs` were given something."""

    n_rows: int = 0
    n_known: int = 0
    n_songs: int = 0
    n_rejected: int = 0
    problems: list[str] = field(default_factory=list)

    def reject(self, line: int, reason: str) -> None:
        self.n_rejected += 1
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(f"line {line}: {reason}")


def import_features(lines: Iterable[str], source: str = ACOUSTICBRAINZ) -> TableReport:
    """Read a table and give songs the features that they lack; raise TableRefused when it has none.

    A file that breaks off or is damaged is refused as a whole, and no song is given anything of it.
    Memory grows with the songs that lack something, not with the table; a table is read once, line by line.
    """
    report = TableReport()
    rows = _read_rows(lines)
    mbid_column, columns = _find_columns([name.strip().lower() for name in next(rows, [])])
    song_ids = _load_song_ids(list(columns))
    values_by_song: dict[int, dict[str, list[float]]] = {}
    for line, row in enumerate(rows, 2):
        if not row:
            continue
        report.n_rows += 1
        mbid = parse_uuid(row[mbid_column]) if mbid_column < len(row) else None
        if mbid is None:
            report.reject(line, "there is no MusicBrainz id in it")
            continue
        song_id = song_ids.get(mbid)
        if song_id is None:
            continue
        report.n_known += 1
        try:
            _collect(values_by_song.setdefault(song_id, {}), row, columns)
        except values.BadValue as error:
            report.reject(line, str(error))
    medians = {
        pk: {name: median(many) for name, many in one.items()} for pk, one in values_by_song.items()
    }
    report.n_songs = _store({pk: one for pk, one in medians.items() if one}, source)
    return report


def _read_rows(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the rows; raise TableRefused where the file behind `lines` is damaged or no CSV."""
    reader = csv.reader(_cut_lines(lines))
    try:
        yield from reader
    except csv.Error as error:
        raise TableRefused(
            f"Line {reader.line_num} can't be read as CSV ({error}): a quote may be open. Export the table again."
        ) from None
    except zlib.error:
        raise TableRefused(
            f"It is damaged behind line {reader.line_num}: it can't be unpacked. Download it again."
        ) from None


def _cut_lines(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines without NUL, cut where a broken file has one without an end."""
    for line in lines:
        yield line[:LONGEST_LINE].replace("\0", "")


def _find_columns(header: Sequence[str]) -> tuple[int, dict[str, int]]:
    """Return the column of the MusicBrainz id and those of features by name."""
    column_numbers = {name.removeprefix("highlevel."): number for number, name in enumerate(header)}
    mbid = next((column_numbers[name] for name in _MBID_COLUMNS if name in column_numbers), None)
    if mbid is None:
        raise TableRefused(
            "The first line names no column mbid: this is no table of features by MusicBrainz id."
        )
    columns: dict[str, int] = {}
    for name in AUDIO_FEATURES:
        own = "bpm" if name == "tempo" and "bpm" in column_numbers else name
        if own in column_numbers and not (
            name != "tempo" and _LOW_LEVEL_SIGNS & column_numbers.keys()
        ):
            columns[name] = column_numbers[own]
        elif _HIGH_LEVEL.get(name) in column_numbers:
            columns[name] = column_numbers[_HIGH_LEVEL[name]]
    if not columns:
        raise TableRefused(
            f"No column of it is read here. There are: {', '.join(header)[:300]}; "
            f"read are bpm, {', '.join(AUDIO_FEATURES)} and {', '.join(_HIGH_LEVEL.values())}."
        )
    return mbid, columns


def _load_song_ids(features: Sequence[str]) -> dict[uuid.UUID, int]:
    """Return the songs that lack one of the features, by their own and other MusicBrainz ids."""
    lacks = Q()
    for name in features:
        lacks |= Q(**{name: None})
    songs = Song.objects.filter(lacks)
    ids: dict[uuid.UUID, int] = {}
    aliases = SongAlias.objects.filter(kind=SongAlias.Kind.MBID, song__in=songs).order_by("-pk")
    for value, song_id in aliases.values_list("value", "song_id").iterator(5_000):
        if mbid := parse_uuid(value):
            ids[mbid] = song_id
    own = songs.exclude(mbid=None).values_list("mbid", "pk")
    ids.update((mbid, pk) for mbid, pk in own.iterator(5_000) if mbid is not None)
    return ids


def _collect(
    collected: dict[str, list[float]], row: Sequence[str], columns: Mapping[str, int]
) -> None:
    """Add the values of a row; raise BadValue where one is none."""
    for name, number in columns.items():
        text = row[number] if number < len(row) else ""
        value = values.parse_tempo(text) if name == "tempo" else values.parse_share(text, name)
        many = collected.setdefault(name, []) if value is not None else []
        if value is not None and len(many) < MOST_SUBMISSIONS:
            many.append(value)


def _store(features_by_song: Mapping[int, Mapping[str, float]], source: str) -> int:
    """Write what songs lack still; return how many songs were given something."""
    n_songs = 0
    for some_ids in cut_chunks(sorted(features_by_song), _TOGETHER):
        with transaction.atomic():
            changed = []
            for song in Song.objects.select_for_update().filter(pk__in=some_ids):
                lacked = {
                    name: value
                    for name, value in features_by_song[song.pk].items()
                    if getattr(song, name) is None
                }
                if lacked:
                    song.learn_features(lacked, source)
                    changed.append(song)
            fields = [*AUDIO_FEATURES, "features_source", "other_sources"]
            Song.objects.bulk_update(changed, fields, batch_size=50)
        n_songs += len(changed)
    return n_songs
