"""The lists of everybody who was active lately as a job of the cluster, and into the database."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from django.conf import settings
from django.utils import timezone

from accounts.models import User
from recommendations.conf import conf
from recommendations.engine import cut_blocks
from recommendations.models import ModelVersion
from recommendations.services.cluster import fit_jobs, submission
from recommendations.services.cluster.job_folder import JobFolder, ListsRequest
from recommendations.services.data import training_rows
from recommendations.services.data.column_reader import make_reader
from recommendations.services.data.training_rows import Generations
from recommendations.services.lists import exclusions
from recommendations.services.serving import precompute
from recommendations.services.versions import registry

MOST_LISTENERS = 2**62


def precompute_on_cluster(
    version: ModelVersion, *, on_progress: precompute.OnProgress, keep: precompute.Keep
) -> int:
    """Have the lists made on the cluster and write them; return how many were written.

    A list is what `precompute.precompute` makes of the same history. `keep` is called in each transaction that wrote
    lists; their order is that of the shards, so what it gets as the last listener is 0.
    """
    folder = JobFolder(fit_jobs.get_root() / f"lists-{version.pk}")
    folder.remove()
    try:
        if not _prepare(folder, version):
            return 0
        submission.run_job(
            folder, lambda progress: on_progress(precompute.STAGE, progress.done, progress.total)
        )
        return sum(_write_shard(folder, path, version, keep) for path in folder.find_lists())
    finally:
        folder.remove()


def _prepare(folder: JobFolder, version: ModelVersion) -> bool:
    """Write what the cluster needs, and return whether anybody gets a list.

    The state of listeners is read before what they did.
    """
    everybody = np.fromiter(User.objects.values_list("pk", flat=True).iterator(), dtype=np.int64)
    listener_ids = precompute.select_listeners(np.sort(everybody))
    if not len(listener_ids):
        return False
    read_at = timezone.now()
    with make_reader() as source:
        generations = training_rows.read_generations(source)
    fit_jobs.write_events(folder, lambda done, total: None)
    recommender = registry.load_recommender(version)
    folder.write_arrays("listeners", {"ids": listener_ids})
    folder.write_arrays(
        "exclusions",
        {
            "unavailable": exclusions.build_catalog_mask(version, recommender),
            "works": exclusions.get_work_versions(version, recommender).works,
            "hidden": precompute.list_hidden_pairs(0, MOST_LISTENERS),
        },
    )
    folder.write_arrays(
        "generations",
        {
            "ids": generations.listener_ids,
            "values": generations.values,
            "read_at": np.array([read_at.timestamp()]),
        },
    )
    artifact = str(Path(settings.ARTIFACTS_DIR) / version.artifact)
    folder.write_request(ListsRequest(artifact, conf.precomputed_length))
    return True


def _write_shard(
    folder: JobFolder, path: Path, version: ModelVersion, keep: Callable[[int, int], None]
) -> int:
    stored = folder.read_arrays("generations")
    generations = Generations(stored["ids"], stored["values"])
    read_at = datetime.fromtimestamp(float(stored["read_at"][0]), tz=UTC)
    table = pq.read_table(path)
    ids = table.column("listener").to_numpy()
    items, segments = (table.column(name).to_pylist() for name in ("items", "segment"))
    numbers = generations.look_up(ids).tolist()
    rows = [
        (listener_id, version.pk, each, generation, segment)
        for listener_id, each, generation, segment in zip(
            ids.tolist(), items, numbers, segments, strict=True
        )
    ]
    return sum(
        precompute.write_lists(rows[chunk], read_at, lambda _last, n: keep(0, n))
        for chunk in cut_blocks(len(rows), precompute.WRITTEN_TOGETHER)
    )
