"""Which history a file is, found out from the file itself."""

from catalog.importers.base import Importer, Opened
from catalog.importers.registry import importers_of
from catalog.records import WrongFile


def detect_history(opened: Opened) -> Importer:
    """Return the first importer of histories that accepts the file; WrongFile when none does."""
    for importer in importers_of("history"):
        try:
            importer.read(opened, {})
        except WrongFile:
            continue
        return importer
    known = "; ".join(importer.title for importer in importers_of("history"))
    raise WrongFile(f"{opened.name} is no listening history that is known here ({known}).")
