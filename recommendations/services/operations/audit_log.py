"""Who did what in the operator's pages: the admin's log, in the language of who reads it.

The log keeps the name that a row had for who changed it: with the words of this site in that one's language, and with
the state that a job was in. Such rows are named anew as long as they are there; what a listener or an operator named
is left as it was.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django_celery_beat.models import PeriodicTask

from catalog.models import Interaction, Playlist
from common.jobs.models import JobRow
from common.stored_text import translate_stored
from recommendations.models import Activation, ListenerControl, SiteContract

IN_OUR_WORDS = (Activation, Interaction, ListenerControl, SiteContract)
"""Models whose rows are named by words of this site."""


@dataclass(frozen=True)
class AuditEntry:
    """One line: who changed what, and what kind of row that is."""

    at: datetime
    user: str
    name: str
    kind: str
    change: str


def list_entries(n: int) -> list[AuditEntry]:
    """Return the newest entries; one query, and one for each model whose rows are named anew."""
    entries = list(LogEntry.objects.select_related("user", "content_type").order_by("-pk")[:n])
    names = _name_rows(entries)
    return [
        AuditEntry(
            entry.action_time,
            entry.user.get_username(),
            names.get((entry.content_type_id, entry.object_id)) or _shorten(entry),
            entry.content_type.name if entry.content_type else "",
            translate_stored(entry.get_change_message()),
        )
        for entry in entries
    ]


def _name_rows(entries: Iterable[LogEntry]) -> dict[tuple[int | None, str | None], str]:
    """Return the names of rows that are there, by content type and id, where they have words of this site."""
    ids: dict[ContentType, set[str]] = {}
    for entry in entries:
        if entry.content_type is not None and entry.object_id:
            ids.setdefault(entry.content_type, set()).add(entry.object_id)
    names: dict[tuple[int | None, str | None], str] = {}
    for content_type, wanted in ids.items():
        model = content_type.model_class()
        if model is None or not issubclass(model, (JobRow, Playlist, PeriodicTask, *IN_OUR_WORDS)):
            continue
        manager: Any = model._default_manager
        for row in manager.filter(pk__in=wanted):
            name = _name_row(row)
            if name:
                names[content_type.pk, str(row.pk)] = name
    return names


def _name_row(row: Model) -> str:
    """Return what a row is called, empty where the log has it right."""
    if isinstance(row, JobRow):
        return row.label
    if isinstance(row, PeriodicTask):
        return translate_stored(row.name)
    if isinstance(row, Playlist) and row.kind == Playlist.Kind.OWN:
        return ""
    return str(row)


def _shorten(entry: LogEntry) -> str:
    """Return the stored name, of a job that is gone without the state it was in."""
    model = entry.content_type.model_class() if entry.content_type else None
    if model is not None and issubclass(model, JobRow) and entry.object_repr.endswith(")"):
        return entry.object_repr.rpartition(" (")[0] or entry.object_repr
    return entry.object_repr
