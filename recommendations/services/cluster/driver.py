"""The program that spark-submit starts: does one job of the cluster and ends.

It ends itself when the process that asked is gone (`JobFolder.is_wanted`), so that nothing runs on unasked.
"""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import SparkSession

from recommendations.engine import NotEnoughData
from recommendations.services.cluster.job_folder import (
    FINAL,
    LISTS,
    MEASURED,
    JobFolder,
    ListsRequest,
    Progress,
)
from recommendations.services.cluster.spark_fit import SparkFit, make_lists

UNWANTED = 3
"""Exit code of a driver whose asker is gone."""
LOOK_EVERY = 0.5


class Watch:
    """Reports progress and checks that the job is still wanted, from a thread of its own."""

    def __init__(self, spark: SparkSession, folder: JobFolder, token: str) -> None:
        self._spark, self._folder, self._token = spark, folder, token
        self._fit, self._stage = FINAL, "start"
        self._seen: dict[int, int] = {}
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def end(self) -> None:
        """Stop looking, before Spark is stopped."""
        self._ended.set()

    def begin(self, fit: str) -> Callable[[str], None]:
        def tell(stage: str) -> None:
            self._fit, self._stage = fit, stage
            self._spark.sparkContext.setJobGroup(f"{fit}-{stage}", stage)
            self._seen = {}
            self._write()

        return tell

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            if not self._folder.is_wanted(self._token):
                os._exit(UNWANTED)
            self._write()

    def _write(self) -> None:
        done, total = self._count_tasks()
        self._folder.write_progress(Progress(self._fit, self._stage, done, total))

    def _count_tasks(self) -> tuple[int, int]:
        """Return how many tasks of the stage are done, of those that are known; a task that is lost is done again."""
        tracker = self._spark.sparkContext.statusTracker()
        n_tasks: dict[int, int] = {}
        for job_id in tracker.getJobIdsForGroup(f"{self._fit}-{self._stage}"):
            job = tracker.getJobInfo(job_id)
            for stage_id in job.stageIds if job else ():
                stage = tracker.getStageInfo(stage_id)
                if stage:
                    n_tasks[stage_id] = stage.numTasks
                    done = max(self._seen.get(stage_id, 0), stage.numCompletedTasks)
                    self._seen[stage_id] = done
        return sum(self._seen.values()), max(sum(n_tasks.values()), 1)


def run_driver(path: str, token: str) -> None:
    folder = JobFolder(Path(path))
    spark = SparkSession.builder.getOrCreate()
    spark.sparkContext.setCheckpointDir(str(folder.path / "checkpoints"))
    watch = Watch(spark, folder, token)
    watch.start()
    request = folder.read_any_request()
    try:
        if isinstance(request, ListsRequest):
            make_lists(spark, folder, watch.begin(LISTS))
        else:
            fits = (MEASURED, FINAL) if request.held_out_share > 0 else (FINAL,)
            for fit in fits:
                SparkFit(spark, folder, fit, watch.begin(fit)).run()
    except NotEnoughData as error:
        folder.write_result({"not_enough_data": str(error)})
    else:
        folder.write_result({})
    watch.end()
    spark.stop()


if __name__ == "__main__":
    run_driver(*sys.argv[1:])
