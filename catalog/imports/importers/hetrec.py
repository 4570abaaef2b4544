"""HetRec 2011 Last.fm-2k, the published zip: artists are read as songs, weights as play counts, tags as genres."""

import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, cast

from catalog.imports.importers.registry import register_importer
from catalog.imports.reading import values
from catalog.imports.reading.lines import read_numbered_lines
from catalog.imports.reading.source_files import SourceFile
from catalog.records import ListenRecord, Outcome, RejectedRow, SongRecord, WrongFile

_MEMBERS = ("artists.dat", "tags.dat", "user_artists.dat", "user_taggedartists.dat")
_LATIN1_MEMBERS = ("tags.dat",)
TAGS_AN_ARTIST = 20
LISTENER, ARTIST = "lastfm-user-{}", "lastfm-artist-{}"


@register_importer("hetrec", "listens", "HetRec 2011 Last.fm-2k (zip)", extensions=(".zip",))
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read listens; each brings the artist along as a song."""
    if opened.kind != "zip":
        raise WrongFile(f"{opened.name} is not a zip file; the HetRec set is published as one.")
    with zipfile.ZipFile(opened.path) as archive:
        members = {name.rsplit("/", 1)[-1]: name for name in archive.namelist()}
    missing = [name for name in _MEMBERS if name not in members]
    if missing:
        raise WrongFile(
            f"{opened.name} is not the HetRec Last.fm set: {', '.join(missing)} is missing."
        )
    return _read_listens(opened, {name: members[name] for name in _MEMBERS})


def _read_listens(opened: SourceFile, members: Mapping[str, str]) -> Iterator[Outcome]:
    with zipfile.ZipFile(opened.path) as archive:
        songs = dict(_read_songs(archive, members))
        n_bytes = max(archive.getinfo(members["user_artists.dat"]).file_size, 1)
        done = 0
        for line, row in _read_rows(archive, members["user_artists.dat"]):
            if isinstance(row, RejectedRow):
                yield row
                continue
            done += sum(map(len, row)) + 3
            opened.set_position(done / n_bytes)
            yield _build_listen(line, row, songs)


def _build_listen(line: int, row: list[str], songs: Mapping[str, SongRecord]) -> Outcome:
    try:
        listener, artist, weight = row
        plays = values.parse_whole_number(weight, "weight", 1, values.MOST_PLAYS)
        song = songs[artist]
    except (ValueError, KeyError) as error:
        return RejectedRow(
            line, str(error) if isinstance(error, values.BadValue) else "the row has unknown ids"
        )
    return ListenRecord(line, LISTENER.format(listener), song=song, plays=plays or 1)


def _read_songs(
    archive: zipfile.ZipFile, members: Mapping[str, str]
) -> Iterator[tuple[str, SongRecord]]:
    genres = _read_genres(archive, members)
    for line, row in _read_rows(archive, members["artists.dat"]):
        if isinstance(row, RejectedRow) or len(row) < 2:
            continue  # its listens are rejected, each with its line
        try:
            artist = values.parse_name(row[1], "artist")
        except values.BadValue:
            continue
        key = ARTIST.format(row[0])
        yield (
            row[0],
            SongRecord(line, title=artist, artist=artist, key=key, genres=genres.get(row[0], ())),
        )


def _read_genres(
    archive: zipfile.ZipFile, members: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return the tags that most people gave each artist."""
    words = {
        row[0]: row[1].strip()[:100]
        for _, row in _read_rows(archive, members["tags.dat"])
        if not isinstance(row, RejectedRow) and len(row) > 1
    }
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for _, row in _read_rows(archive, members["user_taggedartists.dat"]):
        if not isinstance(row, RejectedRow) and len(row) > 2 and words.get(row[2]):
            counts[row[1]][words[row[2]]] += 1
    return {
        artist: tuple(tag for tag, _ in tags.most_common(TAGS_AN_ARTIST))
        for artist, tags in counts.items()
    }


def _read_rows(
    archive: zipfile.ZipFile, member: str
) -> Iterator[tuple[int, list[str] | RejectedRow]]:
    """Yield the tab-separated rows behind the header."""
    encoding = "latin-1" if member.rsplit("/", 1)[-1] in _LATIN1_MEMBERS else "utf-8"
    with archive.open(member) as stream:
        text = io.TextIOWrapper(stream, encoding, newline="\n") if encoding != "utf-8" else None
        lines = enumerate(text, 1) if text else read_numbered_lines(cast(BinaryIO, stream))
        for number, line in lines:
            if number > 1:
                yield (
                    number,
                    line if isinstance(line, RejectedRow) else line.rstrip("\r\n").split("\t"),
                )
