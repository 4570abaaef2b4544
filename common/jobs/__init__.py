"""One framework for every long work: the row is the job, and claim, lease, heartbeat, progress and sweep are here.

Trainings, imports, lists, generated playlists and trends use it; none has rules of its own.
"""

from common.jobs.conf import job_conf
from common.jobs.heartbeat import Heartbeat
from common.jobs.leases import Lease, LostLease, claim, owner_is_dead, owner_name
from common.jobs.reporter import Cancelled, JobReporter
from common.jobs.sweeping import Swept, release_jobs_of_worker, silent_jobs, sweep

__all__ = [
    "Cancelled",
    "Heartbeat",
    "JobReporter",
    "Lease",
    "LostLease",
    "Swept",
    "claim",
    "job_conf",
    "owner_is_dead",
    "owner_name",
    "release_jobs_of_worker",
    "silent_jobs",
    "sweep",
]
