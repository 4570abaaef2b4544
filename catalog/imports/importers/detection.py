"""Which history a file is, found out from the file's first megabyte."""

from catalog.imports.importers.base import Importer, Opened
from catalog.imports.importers.registry import importers_of
from catalog.records import NearMiss, WrongFile


def detect_history(opened: Opened) -> Importer:
    """Return the first importer of histories that accepts the file; WrongFile when none does.

    Each looks at the first megabyte at most, however long the file is.
    """
    near_miss: NearMiss | None = None
    for importer in importers_of("history"):
        try:
            with opened.only_head():
                importer.read(opened, {})
        except NearMiss as error:
            near_miss = near_miss or error
        except WrongFile:
            continue
        else:
            return importer
    if near_miss is not None:
        raise near_miss
    known = "; ".join(importer.title for importer in importers_of("history"))
    raise WrongFile(f"{opened.name} is no listening history that is known here ({known}).")
