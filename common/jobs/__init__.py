"""One framework for every long work: the row is the job, and claim, lease, heartbeat, progress and sweep are here.

Trainings, imports, lists, generated playlists and trends use it; none has rules of its own.
"""

from common.jobs.conf import job_conf
from common.jobs.heartbeat import Heartbeat
from common.jobs.leases import Lease, LostLease, claim_job, get_owner_name, is_owner_dead
from common.jobs.models import JobFailed
from common.jobs.reporter import Cancelled, JobReporter
from common.jobs.sweeping import Swept, find_silent_jobs, release_jobs_of_worker, sweep_jobs

__all__ = [
    "Cancelled",
    "Heartbeat",
    "JobFailed",
    "JobReporter",
    "Lease",
    "LostLease",
    "Swept",
    "claim_job",
    "find_silent_jobs",
    "get_owner_name",
    "is_owner_dead",
    "job_conf",
    "release_jobs_of_worker",
    "sweep_jobs",
]
