"""Reads a server's library into the catalog, page by page, and notices what is gone.

A page is one short transaction that also moves the sync's cursor. A song that a complete reading did not see is looked
for by its id before it counts as removed; where more than a few hundred are missing at once, the next reading must
miss them as well, because a server that forgets half of its library has more often a bad day than less music.
"""

import time
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from catalog.servers.clients import ServerClient, SongPage, open_client
from catalog.servers.models import MusicServer, ServerSong, ServerSync
from catalog.servers.song_writer import SongWriter, store_rejected
from catalog.songs.sources import refresh_sources
from common.bulk_sql import cut_chunks, read_without_memory_map
from common.jobs import JobReporter

ASKED_FOR = 500
"""So many missing songs are asked for one by one."""
_STALE_PAGES = {"search": 20, "albums": 2_000}
_TOGETHER = 500


def read_library(sync: ServerSync, reporter: JobReporter, ends_at: float | None) -> bool:
    """Read on at the sync's cursor; return False when the turn is over first. Raises ServerError."""
    client = open_client(sync.server)
    state = sync.cursor or _begin(sync, client, reporter)
    if state["phase"] == "songs":
        with read_without_memory_map():
            if not _read_songs(sync, client, reporter, state, ends_at):
                return False
    if state["phase"] == "missing":
        _handle_missing(sync, client, reporter)
        is_same_scan = client.get_scan_mark() == state["mark"]
        MusicServer.objects.filter(pk=sync.server_id).update(
            last_scan=state["mark"] if is_same_scan else ""
        )
    return True


def _begin(sync: ServerSync, client: ServerClient, reporter: JobReporter) -> dict[str, Any]:
    """Return the state of a new reading, which is over where the server scanned nothing since the last one."""
    software = client.ping()
    MusicServer.objects.filter(pk=sync.server_id).update(software=software[:100])
    mark = client.get_scan_mark()[:100]
    is_unchanged = bool(mark) and mark == sync.server.last_scan and not sync.is_forced
    n_expected = ServerSong.objects.present().filter(server=sync.server_id).count()
    state = {
        "phase": "done" if is_unchanged else "songs",
        "page": None,
        "mark": mark,
        "n_expected": n_expected,
        "n_stale": 0,
        "is_whole": True,
    }
    note = _("The server has scanned nothing new since the last time.") if is_unchanged else ""
    reporter.write(cursor=state, note=note)
    return state


def _read_songs(
    sync: ServerSync,
    client: ServerClient,
    reporter: JobReporter,
    state: dict[str, Any],
    ends_at: float | None,
) -> bool:
    writer = SongWriter(sync)
    while state["phase"] == "songs":
        reporter.stop_if_asked()
        page = client.list_songs(state["page"])
        writer.prepare(page.items)
        with transaction.atomic():
            reporter.lease.lock()
            _write_page(sync, reporter, writer, page, state)
        sync.refresh_from_db()
        if state["phase"] == "songs" and ends_at is not None and time.monotonic() >= ends_at:
            return False
    return True


def _write_page(
    sync: ServerSync,
    reporter: JobReporter,
    writer: SongWriter,
    page: SongPage,
    state: dict[str, Any],
) -> None:
    """Write a page and move the cursor behind it, in one transaction."""
    counts = writer.write(page.items)
    rejected = [*page.rejected, *counts.rejected]
    store_rejected(sync, rejected, sync.n_rejected)
    notes = [sync.note, page.note]
    state["page"] = page.cursor
    state["n_stale"] = 0 if counts.n_fresh or not page.items else state["n_stale"] + 1
    if page.cursor is None:
        state["phase"] = "missing"
    elif state["n_stale"] > _STALE_PAGES.get(page.cursor.get("way", ""), 20):
        state["phase"], state["is_whole"] = "missing", False
        notes.append(_("The server kept repeating songs; reading ended there."))
    n_read = sync.n_read + counts.n_fresh
    expected = max(state["n_expected"], n_read + 1)
    reporter.lease.write(
        cursor=state,
        n_read=n_read,
        n_added=F("n_added") + counts.n_added,
        n_changed=F("n_changed") + counts.n_changed,
        n_rejected=F("n_rejected") + len(rejected),
        note="\n".join(filter(None, notes))[:2000],
        stage=_("%(number)d songs read") % {"number": n_read},
        progress=min(0.95, n_read / expected) if state["n_expected"] else 0.0,
    )


def _handle_missing(sync: ServerSync, client: ServerClient, reporter: JobReporter) -> None:
    """Mark what this reading did not see: as removed where that is sure, else as missing."""
    if not sync.cursor["is_whole"]:
        return
    missing = ServerSong.objects.present().filter(server=sync.server_id).exclude(seen_in=sync.pk)
    n_missing = missing.count()
    if n_missing <= ASKED_FOR:
        gone = _find_gone(sync, client, reporter, list(missing))
    else:
        gone = list(missing.exclude(missing_since=None).values_list("pk", flat=True))
        missing.filter(missing_since=None).update(missing_since=timezone.now())
    for some_ids in cut_chunks(gone, _TOGETHER):
        with transaction.atomic():
            reporter.lease.lock()
            _remove(some_ids)
            reporter.lease.write(n_removed=F("n_removed") + len(some_ids))
    n_left = n_missing - len(gone)
    if n_missing > ASKED_FOR and n_left:
        note = _(
            "%(number)d songs are missing at once. They stay until the next sync misses them, too."
        )
        reporter.write(note="\n".join(filter(None, [sync.note, note % {"number": n_left}])))


def _find_gone(
    sync: ServerSync, client: ServerClient, reporter: JobReporter, missing: list[ServerSong]
) -> list[int]:
    """Ask for each missing song by its id; return the rows of those that the server does not have any more."""
    gone = []
    for row in missing:
        reporter.stop_if_asked()
        if not client.has_song(row.item_id):
            gone.append(row.pk)
    return gone


def _remove(row_ids: list[int]) -> None:
    rows = ServerSong.objects.filter(pk__in=row_ids)
    song_ids = list(rows.values_list("song_id", flat=True))
    rows.update(removed_at=timezone.now())
    refresh_sources(song_ids)
