"""A zip of several files of the kinds that are read alone, such as Exportify's "export all": one after the other."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from catalog.imports.importers.detection import detect_history
from catalog.imports.importers.registry import register_importer
from catalog.imports.reading.archives import list_member_names
from catalog.imports.reading.source_files import SourceFile, open_member
from catalog.records import NearMiss, Outcome, RejectedRow, WrongFile

_READABLE = re.compile(r"^.*\.(?:csv|tsv|txt|json|jsonl|log|m3u|m3u8|xspf|jspf)$", re.IGNORECASE)
_TEXT = re.compile(r"\.txt$", re.IGNORECASE)
_MOST_MEMBERS = 500
_LOOKED_AT = 10
# all of those that are looked at are no more work than the head of one file
_HEAD_OF_A_MEMBER = 2**16
_LONGEST_REASON = 260
# what Apple tells a second time, and less exactly, where the daily tracks are there
_APPLE_DAILY = re.compile(r"^.*Apple Music - Play History Daily Tracks\.csv$")
_TOLD_TWICE = ("apple-tracks", "apple-activity")


@register_importer(
    "several", "history", "Zip of several files", extensions=(".zip",), is_last_resort=True
)
def read(opened: SourceFile, options: Mapping[str, Any]) -> Iterator[Outcome]:
    """Read each file of a zip by the importer that accepts it; a file that none accepts is rejected by its name."""
    names = list_member_names(opened, _READABLE) if opened.kind == "zip" else []
    if not any(_is_known(opened, name) for name in names[:_LOOKED_AT]):
        raise WrongFile(f"{opened.name} is no zip of files that are known here.")
    return _read_members(opened, names)


def _read_members(opened: SourceFile, names: list[str]) -> Iterator[Outcome]:
    """Yield the outcomes of all files, whose lines are counted on from file to file."""
    passed_over = _TOLD_TWICE if list_member_names(opened, _APPLE_DAILY) else ()
    before = last = 0
    for n_done, name in enumerate(names[:_MOST_MEMBERS], start=1):
        try:
            for outcome in _open_member(opened, name, passed_over):
                last = max(last, before + outcome.line)
                yield outcome._replace(line=before + outcome.line)
        except WrongFile as error:
            # a text that is no list at all is a readme
            if isinstance(error, NearMiss) or not _TEXT.search(name):
                last += 1
                yield RejectedRow(last, _shorten(str(error), name))
        before = last
        opened.set_position(n_done / len(names))
    if len(names) > _MOST_MEMBERS:
        yield RejectedRow(
            last + 1,
            f"only the first {_MOST_MEMBERS} of the {len(names)} files in the zip are read",
        )


def _shorten(reason: str, name: str) -> str:
    """Return a reason that fits into a rejected row: the one that lists all that is known here does not."""
    is_short = len(reason) <= _LONGEST_REASON
    return (
        reason
        if is_short
        else f"{name[-80:]} holds no history, likes or playlist that is known here"
    )


def _open_member(opened: SourceFile, name: str, passed_over: Collection[str]) -> Iterator[Outcome]:
    """Return the outcomes of a file of a zip; WrongFile where no importer accepts it."""
    importer = detect_history(open_member(opened, name), _HEAD_OF_A_MEMBER)
    if importer.name in passed_over:
        return iter(())
    return importer.read(open_member(opened, name), {})


def _is_known(opened: SourceFile, name: str) -> bool:
    try:
        detect_history(open_member(opened, name), _HEAD_OF_A_MEMBER)
    except WrongFile:
        return False
    return True
