"""What a training says about itself while it works: stage, progress, log, at most once a second to the database."""

import time
from collections.abc import Callable, Collection

from django.utils import timezone

from common.jobs import JobReporter, Lease
from common.jobs.reporter import WRITE_EVERY

# How much of a training each part takes, roughly; only the progress bar depends on it.
PARTS = {
    "reading": 5,
    "estimating": 5,
    "evaluating": 45,
    "fitting": 25,
    "saving": 2,
    "activating": 1,
    "precomputing": 22,
}

STEP = 0.3
"""What a step of a part takes of what is left of the part: the number of steps of a search is not known before."""


class Reporter(JobReporter):
    """Takes `on_progress(stage, done, total)` from the engine and writes it to the run; raises Cancelled, LostLease."""

    def __init__(
        self,
        lease: Lease,
        log: str = "",
        on_progress: Callable[[str, float], None] | None = None,
        skipped: Collection[str] = (),
    ) -> None:
        super().__init__(lease)
        # A part that is left out must not count as done: the time left is reckoned from what is.
        self._parts = {stage: weight for stage, weight in PARTS.items() if stage not in skipped}
        self.log = log
        self.stage = ""
        self.fraction = 0.0
        self._on_progress = on_progress
        self._part = next(iter(PARTS))
        self._step, self._begun, self._within = ("", 0.0), 0.0, 0.0

    def leave_out(self, stage: str) -> None:
        """Take out a part that turned out to have nothing to do, before it would begin."""
        del self._parts[stage]

    def enter(self, stage: str) -> Callable[[str, int, int], None]:
        """Begin a part of the training and return the callback for it."""
        self._part = stage
        self._step, self._begun, self._within = ("", 0.0), 0.0, 0.0
        self._tell(stage, self._sum_before())
        self._write()
        return self._report_progress

    def say(self, sentence: str) -> None:
        """Add a line to the run's log."""
        self.log += f"{timezone.now():%H:%M:%S} {sentence}\n"

    def _report_progress(self, stage: str, done: int, total: int) -> None:
        share = self._parts[self._part] / sum(self._parts.values())
        label = self._part if stage in ("", self._part) else f"{self._part}: {stage}"
        self._tell(
            label,
            self._sum_before() + share * self._measure_part(stage, min(1.0, done / max(total, 1))),
        )
        self.stop_if_asked()
        if time.monotonic() - self._written >= WRITE_EVERY:
            self._write()

    def _measure_part(self, stage: str, done: float) -> float:
        """Return how much of the part is done, 0 to 1; a step that begins anew takes its share of what is left."""
        if stage in ("", self._part):
            return done
        name, so_far = self._step
        if stage != name or done < so_far:
            self._begun = self._within
        self._step = (stage, done)
        self._within = self._begun + STEP * (1 - self._begun) * done
        return self._within

    def _sum_before(self) -> float:
        stages = list(self._parts)
        done = stages[: stages.index(self._part)]
        return sum(self._parts[stage] for stage in done) / sum(self._parts.values())

    def _tell(self, stage: str, fraction: float) -> None:
        self.stage = stage[:60]
        self.fraction = max(self.fraction, fraction)
        if self._on_progress is not None:
            self._on_progress(self.stage, self.fraction)

    def _write(self) -> None:
        self.write(stage=self.stage, progress=self.fraction, log=self.log)
