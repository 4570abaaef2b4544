"""A world of records into the catalog, by the same way as files: safe to repeat, goes on where it was stopped."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from catalog.imports.ingest import OnProgress, announce_changed_listeners, ingest
from catalog.imports.models import ImportRun
from catalog.records import Outcome, SongRecord
from catalog.songs.models import Song
from common import jobs

SOURCE = "demo"
LISTENER = "user_00001"
PASSWORD = "demo-listener"  # noqa: S105  (a demo account on this machine; its password is meant to be known)
Status = ImportRun.Status


class DemoWorldConflict(Exception):
    """The database holds songs that the demo world would be mixed up with."""


def find_or_create_world_run(content: ImportRun.Content, options: dict[str, Any]) -> ImportRun:
    """Return a run for this world: the one that was not finished, or a new one."""
    runs = ImportRun.objects.filter(content=content, format=SOURCE, options=options)
    unfinished: ImportRun | None = runs.running().first()
    if unfinished is not None:
        return unfinished
    return ImportRun.objects.create(
        content=content,
        format=SOURCE,
        options=options,
        file_name=f"demo world, seed {options['seed']}",
    )


def find_earlier_now(options: dict[str, Any]) -> int | None:
    """Return the `now` with which the same world was made before."""
    for run in ImportRun.objects.filter(format=SOURCE).order_by("pk"):
        if {**run.options, "now": None} == {**options, "now": None}:
            earlier_now: int | None = run.options["now"]
            return earlier_now
    return None


def check_songs(records: Iterable[SongRecord]) -> None:
    """Raise AnotherWorld when a song of the world has the id of another song; changes nothing."""
    wanted = {record.key: record.title for record in records}
    for key, title in (
        Song.objects.filter(key__startswith="song_").values_list("key", "title").iterator()
    ):
        if wanted.get(key, title) != title:
            raise DemoWorldConflict(
                f"This database has another song with the id {key} ({title!r}), so the demo world does not fit in; "
                "use an empty database (set DATABASE_URL) or the seed and sizes it was made with."
            )


def write_world(
    run: ImportRun,
    outcomes: Iterable[Outcome],
    total: int,
    on_progress: Callable[[ImportRun], None] | None = None,
) -> ImportRun:
    """Ingest a stream of about `total` records."""
    lease = jobs.claim_job(ImportRun, run.pk, take_over=True)
    if lease is None:
        raise DemoWorldConflict(
            "The same demo world is being made by another process; wait until it is done."
        )
    claimed = ImportRun.objects.get(pk=run.pk)

    def measure_position() -> float:
        return min((claimed.resume_at + 1) / max(total, 1), 0.99)

    report: OnProgress = on_progress or (lambda run: None)
    left = islice(outcomes, claimed.resume_at, None)
    try:
        with jobs.Heartbeat(lease):
            ingest(
                claimed, lease, left, position=measure_position, source=SOURCE, on_progress=report
            )
    except Exception as error:
        lease.finish(Status.FAILED, error=str(error))
        raise
    announce_changed_listeners(claimed)
    lease.finish(Status.SUCCEEDED, progress=1.0)
    claimed.refresh_from_db()
    return claimed
