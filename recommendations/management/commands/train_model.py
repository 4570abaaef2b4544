"""Train a model in this process, as the worker does."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from common.commands.progress_bars import show_progress_bar
from recommendations.conf import conf
from recommendations.management.output import SentenceCommand
from recommendations.models import ModelVersion, TrainingRun
from recommendations.services.training import pipeline, training_requests


class Command(SentenceCommand):
    help = "Train a model from the database, measure it, activate it if it is good enough, and precompute the lists."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--preset", default=None, help=f"What to train (default: {conf.preset})."
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="The same seed and data give the same model."
        )
        parser.add_argument(
            "--engine",
            choices=training_requests.ENGINES,
            default=training_requests.LOCAL,
            help="Where: in this process, or on the Spark cluster of SPARK_MASTER.",
        )
        parser.add_argument("--no-evaluation", action="store_true", help="Don't measure it first.")
        parser.add_argument(
            "--no-activation", action="store_true", help="Only register the version."
        )
        parser.add_argument(
            "--no-precompute",
            action="store_true",
            help="Leave the lists to be made when asked for.",
        )

    def handle(self, *args: Any, preset: str | None, seed: int, **options: Any) -> None:
        requested = {
            "seed": seed,
            "evaluate": not options["no_evaluation"],
            "activate": not options["no_activation"],
            "precompute": not options["no_precompute"],
        }
        requested |= training_requests.make_engine_options(options["engine"])
        training_requests.sweep()
        run = training_requests.find_interrupted_run(
            preset, requested
        ) or training_requests.request_training(
            preset=preset, trigger=TrainingRun.Trigger.COMMAND, options=requested
        )
        try:
            with show_progress_bar() as bar:
                run = pipeline.run_training(run.pk, on_progress=bar.show)
        except KeyboardInterrupt:
            training_requests.cancel(run)
            raise
        self.stdout.write(run.log.rstrip())
        if run.status != TrainingRun.Status.SUCCEEDED:
            raise CommandError(run.error or f"Training #{run.pk} is {run.get_status_display()}.")
        self.stdout.write(f"{ModelVersion.objects.get(training_run=run).name} is trained.")
