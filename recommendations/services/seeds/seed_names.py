"""MusicBrainz ids and names for the numbers a seed pack was counted with, from a second reading of the files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recommendations.engine import Labels
from recommendations.services.seeds import canonical_tables, listen_dump
from recommendations.services.seeds.canonical_tables import Redirects
from recommendations.services.seeds.listen_dump import DumpFile, Names


@dataclass(frozen=True)
class PackNames:
    """What the songs and artists of a pack are called, in the order of their numbers, and former ids of its songs."""

    song_keys: list[str]
    labels: Labels
    artist_keys: list[str]
    artist_names: list[str]
    redirects: dict[str, str]


def read_names(
    files: list[DumpFile],
    redirects: Redirects,
    redirects_path: Path | None,
    song_ids: NDArray[np.uint64],
    artist_ids: NDArray[np.uint64],
    on_progress: Callable[[str, int, int], None],
) -> PackNames:
    """Read the files again and return the first name of each id; some 500 bytes a song."""
    songs: dict[int, tuple[str, str, str, str]] = {}
    artists: dict[int, tuple[str, str]] = {}
    credited: dict[int, tuple[str, str]] = {}
    for number, file in enumerate(files):
        for names in listen_dump.read_names(file):
            _collect_songs(names, redirects.follow(names.recordings), song_ids, songs)
            # the name of a credit of several is not the name of the first of them
            _collect_artists(
                names, np.where(names.n_artists == 1, names.artists, 0), artist_ids, artists
            )
            _collect_artists(names, names.artists, artist_ids, credited)
        on_progress("name", number + 1, len(files))
    canonical, former = _select_redirects(redirects_path, song_ids)
    labels = [songs[row] for row in range(len(song_ids))]
    artist_labels = [artists.get(row, credited[row]) for row in range(len(artist_ids))]
    return PackNames(
        [canonical.get(row, label[0]) for row, label in enumerate(labels)],
        Labels(*([label[column] for label in labels] for column in (1, 2, 3))),
        [mbid for mbid, _ in artist_labels],
        [name for _, name in artist_labels],
        former,
    )


def _collect_songs(
    names: Names,
    numbers: NDArray[np.uint64],
    song_ids: NDArray[np.uint64],
    songs: dict[int, tuple[str, str, str, str]],
) -> None:
    columns = (
        pc.utf8_lower(names.mbids),
        names.titles,
        names.artist_names,
        pc.utf8_lower(names.artist_mbids),
    )
    for row, texts in _read_new(numbers, song_ids, songs, columns):
        songs[row] = (texts[0], texts[1], texts[2], texts[3])


def _collect_artists(
    names: Names,
    numbers: NDArray[np.uint64],
    artist_ids: NDArray[np.uint64],
    artists: dict[int, tuple[str, str]],
) -> None:
    columns = (pc.utf8_lower(names.artist_mbids), names.artist_names)
    for row, texts in _read_new(numbers, artist_ids, artists, columns):
        artists[row] = (texts[0], texts[1])


def _read_new(
    numbers: NDArray[np.uint64],
    ids: NDArray[np.uint64],
    named: Mapping[int, tuple[str, ...]],
    columns: tuple[pa.Array, ...],
) -> Iterator[tuple[int, list[str]]]:
    """Yield (row, texts of the columns) of the first place of each id that has no name yet."""
    if not len(ids):
        return
    rows = np.minimum(np.searchsorted(ids, numbers), len(ids) - 1)
    positions = np.flatnonzero(ids[rows] == numbers)
    unique, first = np.unique(rows[positions], return_index=True)
    new = np.array([row not in named for row in unique.tolist()], dtype=bool)
    takes = pa.array(positions[first][new])
    texts = [pc.fill_null(column.take(takes), "").to_pylist() for column in columns]
    for row, *labels in zip(unique[new].tolist(), *texts, strict=True):
        yield row, labels


def _select_redirects(
    path: Path | None, song_ids: NDArray[np.uint64]
) -> tuple[dict[int, str], dict[str, str]]:
    """Return the present id of each redirected song by its row, and former id -> present id."""
    canonical: dict[int, str] = {}
    former: dict[str, str] = {}
    for sources, targets in canonical_tables.read_columns(path, canonical_tables.REDIRECT_COLUMNS):
        numbers = listen_dump.hash_mbids(targets)
        rows = np.minimum(np.searchsorted(song_ids, numbers), len(song_ids) - 1)
        for position in np.flatnonzero(song_ids[rows] == numbers).tolist():
            source, target = sources[position].as_py().lower(), targets[position].as_py().lower()
            canonical[int(rows[position])] = target
            if source != target:
                former[source] = target
    return canonical, former
