"""What can be tuned about long jobs and the workers that do them."""

from common.tunables import Tunable, TunableGroup


class JobTunables(TunableGroup):
    """The tunables of jobs; the same for every kind of job."""

    job_lease_seconds = Tunable(
        30.0, "s", "A worker silent for so long has lost its job.", least=0.2
    )
    job_attempts = Tunable(
        3, "attempts", "A job that kills its worker so often has failed.", least=1
    )
    sweep_patience_seconds = Tunable(
        10.0,
        "s",
        "An ended lease is watched for so long, because a clock that jumped looks the same.",
        least=0,
    )
    job_slice_seconds = Tunable(
        15.0,
        "s",
        "An import or a computation of lists gives way to others that wait after so long.",
        least=0,
    )
    task_time_limit = Tunable(
        900,
        "s",
        "A short task, such as a mail or a sweep, is killed after so long; a job never is.",
        least=1,
    )
    worker_heartbeat_seconds = Tunable(
        15.0, "s", "How often a worker says that it lives.", least=0.1
    )
    worker_silent_seconds = Tunable(
        60.0, "s", "A worker that said nothing for so long counts as gone.", least=0.2
    )


job_conf = JobTunables()
