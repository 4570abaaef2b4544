"""Analyses as jobs: songs that can be heard here and lack features are given to the analyser, a few at a time."""

import logging
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from catalog.analysis.analyser import (
    AnalyserFailed,
    AnalyserMissing,
    Features,
    analyse_files,
    get_analyser_name,
)
from catalog.analysis.models import AnalysisRun, SongAnalysis
from catalog.playback.sources import PlaySources, find_sources
from catalog.records import AUDIO_FEATURES
from catalog.servers.clients import ServerError, open_client
from catalog.songs.models import Song
from common import jobs
from common.jobs import Lease, Swept
from common.jobs.models import JobQuerySet

log = logging.getLogger(__name__)

Status = AnalysisRun.Status
OnProgress = Callable[[AnalysisRun], None]

TOGETHER = 4
MOST_BYTES = 300 * 2**20


# --- Asking for one, pausing it ---------------------------------------------------------------------------------------


def request_analysis() -> AnalysisRun:
    """Return the analysis that waits or runs, or a new one; raise AnalyserMissing without an analyser."""
    get_analyser_name()
    return jobs.request_job(AnalysisRun, {}, n_songs=list_waiting_songs().count())


def list_waiting_songs() -> QuerySet[Song]:
    """Return the songs that can be heard here, lack a feature and were not given to this analyser.

    Of several analysers, as one for the tempo, each gets what the others left.
    """
    lacks = Q()
    for name in AUDIO_FEATURES:
        lacks |= Q(**{name: None})
    given = SongAnalysis.objects.filter(analyser=get_analyser_name())
    return (
        Song.objects.filter(lacks, has_audio=True)
        .exclude(pk__in=given.values("song"))
        .order_by("pk")
    )


def set_paused(run: AnalysisRun, is_paused: bool) -> bool:
    """Pause a run after its present songs, or let it go on; False when it is over."""
    return AnalysisRun.objects.active().filter(pk=run.pk).update(is_paused=is_paused) == 1


def cancel_analysis(run: AnalysisRun) -> bool:
    """Stop a run; what was found stays. False when it is over."""
    return jobs.cancel_job(run)


def forget_failures() -> int:
    """Let the songs that failed be tried again by the next run; return how many."""
    return SongAnalysis.objects.exclude(problem="").delete()[0]


def sweep_analyses(*, wait: bool = False) -> Swept:
    """Requeue analyses whose worker is gone; those that wait and are not paused want a wake-up."""
    swept = jobs.sweep_jobs(AnalysisRun.objects.all(), wait=wait)
    swept.waiting[:] = [run for run in swept.waiting if not run.is_paused]
    return swept


# --- Doing it ---------------------------------------------------------------------------------------------------------


def run_next_analysis(owner: str = "") -> AnalysisRun | None:
    """Give the analysis that waits a turn of `job_slice_seconds`; None when none waits."""
    return jobs.run_next(_AnalysisKind(), owner)


def run_analysis(
    run_id: int,
    owner: str = "",
    *,
    max_seconds: float | None = None,
    on_progress: OnProgress = lambda run: None,
    take_over: bool = False,
) -> AnalysisRun | None:
    """Claim an analysis and do it; None when somebody else has it (see `common.jobs.run_job`)."""
    return jobs.run_job(
        _AnalysisKind(),
        run_id,
        owner,
        max_seconds=max_seconds,
        on_progress=on_progress,
        take_over=take_over,
    )


class _AnalysisKind(jobs.JobKind[AnalysisRun]):
    model = AnalysisRun
    log_name = "audio_analysis"
    final_errors = (AnalyserMissing,)

    def list_waiting(self) -> JobQuerySet:
        waiting: JobQuerySet = super().list_waiting().filter(is_paused=False)
        return waiting

    def work(self, turn: jobs.Turn[AnalysisRun]) -> bool:
        """Analyse songs until none is left, the turn is over or the run is paused."""
        run = turn.job
        analyser = get_analyser_name()
        n_left = list_waiting_songs().count()
        turn.lease.write(n_songs=run.n_done + run.n_failed + n_left)
        while songs := list(list_waiting_songs()[:TOGETHER]):
            began = time.monotonic()
            results = _analyse(songs)
            _store(run, turn.lease, analyser, songs, results, time.monotonic() - began)
            turn.on_progress(run)
            if run.is_paused or turn.is_over():
                return False
        return True


def _analyse(songs: Sequence[Song]) -> dict[int, Features | str]:
    """Return for each song its features, or what went wrong."""
    sources = find_sources(song.pk for song in songs)
    results: dict[int, Features | str] = {}
    with ExitStack() as stack:
        paths: dict[int, Path] = {}
        for song in songs:
            path = stack.enter_context(_open_as_file(sources.get(song.pk, PlaySources())))
            if path is None:
                results[song.pk] = _("its audio can't be read right now")
            else:
                paths[song.pk] = path
        results |= _ask(paths)
    return results


def _ask(paths: dict[int, Path]) -> dict[int, Features | str]:
    """Ask about some files at once; when that fails, one by one, so that one bad file costs only itself."""
    if not paths:
        return {}
    try:
        features_by_path = analyse_files(list(paths.values()))
    except AnalyserFailed as error:
        if len(paths) == 1:
            return dict.fromkeys(paths, str(error))
        return {pk: one for key, path in paths.items() for pk, one in _ask({key: path}).items()}
    unread = _("it found nothing in the file")
    return {song_id: features_by_path.get(path) or unread for song_id, path in paths.items()}


@contextmanager
def _open_as_file(sources: PlaySources) -> Iterator[Path | None]:
    """Yield the song as a file: ours, else a copy of the server's that is deleted at the end; None for neither."""
    for file in sources.files:
        path = Path(file.folder.path) / file.path
        if path.is_file():
            yield path
            return
    with tempfile.TemporaryDirectory(dir=settings.INCOMING_DIR) as folder:
        for item in sources.items:
            path = Path(folder) / f"song.{item.suffix if item.suffix.isalnum() else 'bin'}"
            try:
                with (
                    open_client(item.server).open_stream(item.item_id) as opened,
                    path.open("wb") as copy,
                ):
                    n_bytes = 0
                    for chunk in opened.chunks:
                        n_bytes += len(chunk)
                        if n_bytes > MOST_BYTES:
                            break
                        copy.write(chunk)
            except (ServerError, OSError) as error:
                log.warning("A song of %s can't be fetched: %s", item.server, type(error).__name__)
                continue
            if 0 < n_bytes <= MOST_BYTES:
                yield path
                return
        yield None


def _store(
    run: AnalysisRun,
    lease: Lease,
    analyser: str,
    songs: Sequence[Song],
    results: dict[int, Features | str],
    seconds: float,
) -> None:
    """Write what was found, in one transaction that also moves the counts; known values are never overwritten."""
    n_failed = sum(1 for one in results.values() if isinstance(one, str))
    with transaction.atomic():
        lease.lock()
        fresh = {song.pk: song for song in Song.objects.filter(pk__in=[song.pk for song in songs])}
        for song in fresh.values():
            result = results[song.pk]
            if not isinstance(result, str):
                lacked = {
                    name: value for name, value in result.items() if getattr(song, name) is None
                }
                song.learn_features(lacked, analyser)
        Song.objects.bulk_update(
            fresh.values(), [*AUDIO_FEATURES, "features_source", "other_sources"]
        )
        SongAnalysis.objects.bulk_create(
            (
                SongAnalysis(
                    song=song,
                    analyser=analyser,
                    problem=result[:300] if isinstance(result := results[song.pk], str) else "",
                )
                for song in fresh.values()
            ),
            update_conflicts=True,
            unique_fields=["song"],
            update_fields=["analyser", "problem", "analysed_at"],
        )
        lease.write(
            n_done=F("n_done") + len(results) - n_failed,
            n_failed=F("n_failed") + n_failed,
            busy_seconds=F("busy_seconds") + seconds,
        )
        run.refresh_from_db()
        if run.n_songs:
            lease.write(progress=min((run.n_done + run.n_failed) / run.n_songs, 1.0))
    run.refresh_from_db()
