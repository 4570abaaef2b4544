"""The parts of a history: one plain file, or those files of a zip that hold it."""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, cast

from catalog.imports.reading.json_files import BrokenJson
from catalog.imports.reading.source_files import SourceFile, split_member_path
from catalog.records import RejectedRow

_NUMBER = re.compile(r"(\d+)")


def match_names(names: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for these names as they are written; all of its signs are letters, so it can't be slow."""
    return re.compile(f"^(?:{'|'.join(re.escape(name) for name in names)})$")


def list_member_names(opened: SourceFile, pattern: re.Pattern[str]) -> list[str]:
    """Return the files of a zip whose last path part matches, in natural order (2 before 10).

    What macOS adds to a zip that it makes (`__MACOSX/…/._name`) is never among them.
    """
    with zipfile.ZipFile(opened.path) as archive:
        names = [
            name
            for name in archive.namelist()
            if pattern.match((folders := split_member_path(name))[-1])
            and folders[0] != "__MACOSX"
            and not folders[-1].startswith("._")
        ]
    return sorted(names, key=_build_natural_sort_key)


def open_parts(opened: SourceFile, pattern: re.Pattern[str]) -> Iterator[tuple[str, BinaryIO]]:
    """Yield (name, bytes) of each part; a plain file is its only part. The position follows by parts."""
    if opened.kind != "zip":
        with opened.stream() as stream:
            yield opened.name, stream
        return
    names = list_member_names(opened, pattern)
    with zipfile.ZipFile(opened.path) as archive:
        for done, name in enumerate(names):
            with archive.open(name) as stream:
                yield name, opened.read_as_text(cast(BinaryIO, stream))
            opened.set_position((done + 1) / len(names))


def read_entries(
    opened: SourceFile,
    pattern: re.Pattern[str],
    read: Callable[[BinaryIO], Iterator[Any]],
    *,
    with_name: bool = False,
) -> Iterator[tuple[int, Any]]:
    """Yield (number, entry) over all parts, counted from 1; a part that breaks off gives a RejectedRow.

    `with_name` gives (part's name, entry) in place of the entry.
    """
    number = 0
    for name, stream in open_parts(opened, pattern):
        try:
            for entry in read(stream):
                number += 1
                if isinstance(entry, RejectedRow):
                    yield number, _number_row(entry, number, name)
                else:
                    yield number, (name, entry) if with_name else entry
        except (BrokenJson, zipfile.BadZipFile, zlib.error, EOFError) as error:
            number += 1
            reason = str(error) if isinstance(error, BrokenJson) else "it is damaged"
            yield number, RejectedRow(number, f"{name[-80:]} cannot be read further: {reason}")


def _number_row(row: RejectedRow, number: int, name: str) -> RejectedRow:
    position = f"{name[-80:]}, line {row.line}" if row.line else name[-80:]
    return RejectedRow(number, f"{row.reason} ({position})")


def _build_natural_sort_key(name: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdecimal() else (0, piece) for piece in _NUMBER.split(name)]
