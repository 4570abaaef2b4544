"""Every kind of job of the site: each table that derives from `JobRow` is counted and released here, by itself."""

from collections import Counter
from typing import Any

from django.apps import apps
from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast

from common.jobs.models import JobQuerySet, JobRow


def list_job_models() -> list[type[JobRow]]:
    """Return the tables of jobs."""
    return [model for model in apps.get_models() if issubclass(model, JobRow)]


def describe_queues() -> dict[str, str]:
    """Return the plural of each kind of job, in the language of the reader, by its name in `count_waiting`."""
    return {
        name: str(words)
        for model in list_job_models()
        for name, words in model.describe_queues().items()
    }


def count_waiting() -> dict[str, int]:
    """Return how many jobs wait for a worker, by kind; one query."""
    first, *others = [_list_waiting(model) for model in list_job_models()]
    waiting = Counter(first.union(*others, all=True).values_list("job", flat=True))
    return {name: waiting[name] for name in describe_queues()}


def _list_waiting(model: type[JobRow]) -> QuerySet[Any]:
    jobs: JobQuerySet = model._default_manager.all()
    name = Cast(model.get_queue_expression(), CharField(max_length=20))
    return jobs.queued().order_by().values(job=name)
