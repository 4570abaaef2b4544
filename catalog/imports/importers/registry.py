"""The shape of an importer, and the importers by name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.imports.reading.source_files import SourceFile
from catalog.records import Outcome

ReadFunction = Callable[[SourceFile, Mapping[str, Any]], Iterator[Outcome]]


@dataclass(frozen=True)
class Importer:
    """One format: `content` is songs, listens, or history (one listener's own listens).

    A last resort goes by general names; it is tried only when no other format fits.
    """

    name: str
    content: str
    title: str
    extensions: tuple[str, ...]
    read: ReadFunction
    is_last_resort: bool = False


_IMPORTERS: dict[tuple[str, str], Importer] = {}


def register_importer(
    name: str,
    content: str,
    title: str,
    *,
    extensions: tuple[str, ...],
    is_last_resort: bool = False,
) -> Callable[[ReadFunction], ReadFunction]:
    """Register the decorated function as the reader of format `name`."""

    def register(read: ReadFunction) -> ReadFunction:
        _IMPORTERS[content, name] = Importer(
            name, content, title, extensions, read, is_last_resort=is_last_resort
        )
        return read

    return register


def get_importer(content: str, name: str) -> Importer:
    """Return the importer of songs, listens or history by its name; KeyError for a name that is none."""
    return _IMPORTERS[content, name]


def list_importers(content: str) -> list[Importer]:
    """Return the importers of "songs", "listens" or "history"."""
    return [importer for importer in _IMPORTERS.values() if importer.content == content]
