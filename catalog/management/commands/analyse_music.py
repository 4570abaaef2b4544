"""Have the operator's analyser find the audio features that songs lack."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from catalog.analysis import analysis_jobs
from catalog.analysis.analyser import AnalyserMissing
from catalog.models import AnalysisRun, SongAnalysis
from common.commands.progress_bars import show_progress_bar
from common.commands.sentences import ResumableCommand

SHOWN_PROBLEMS = 20


class Command(ResumableCommand):
    help = "Give songs that lack audio features to the analyser of ANALYSER_COMMAND; typed again, it goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--retry", action="store_true", help="Try songs again that failed before."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retry"]:
            analysis_jobs.forget_failures()
        try:
            asked = analysis_jobs.request_analysis()
            analysis_jobs.set_paused(asked, False)
            with show_progress_bar() as bar:
                run = analysis_jobs.run_analysis(
                    asked.pk,
                    on_progress=lambda run: bar.show(f"{run.n_done:,} songs", run.progress),
                    take_over=True,
                )
        except AnalyserMissing as error:
            raise CommandError(str(error)) from None
        if run is None:
            raise CommandError(
                "Another process is at it; wait until it is done, or pause it on the dashboard."
            )
        if run.status == AnalysisRun.Status.FAILED:
            raise CommandError(run.error)
        self._report(run)

    def _report(self, run: AnalysisRun) -> None:
        rate = f", {run.songs_an_hour:,.0f} songs an hour" if run.songs_an_hour else ""
        self.stdout.write(
            f"{run.get_status_display()}: {run.n_done:,} songs analysed, {run.n_failed:,} failed{rate}."
        )
        failed = SongAnalysis.objects.exclude(problem="").select_related("song__artist")
        for one in failed[:SHOWN_PROBLEMS]:
            self.stdout.write(f"  {one.song}: {one.problem}")
