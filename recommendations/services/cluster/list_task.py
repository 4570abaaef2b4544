"""Makes the lists of one shard on a machine of the cluster: what a worker of this site would, without a database."""

import secrets
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from recommendations.engine import Recommender, cut_blocks
from recommendations.services.cluster.job_folder import JobFolder
from recommendations.services.cluster.shard_reader import ShardReader
from recommendations.services.lists.batch_lists import (
    WorkVersions,
    make_batch_lists,
    mark_dislikes,
    mark_hidden,
    select_events,
)

LISTS_TOGETHER = 2_000


def list_shard(folder: str, number: int) -> None:
    """Write the lists of a shard's listeners, unless they are there already."""
    job = JobFolder(Path(folder))
    path = job.name_lists(number)
    if path.exists():
        return
    request, exclusions = job.read_lists_request(), job.read_arrays("exclusions")
    wanted = job.read_arrays("listeners")["ids"]
    recommender = Recommender.load(Path(request.artifact), verify=False)
    events = select_events(wanted, ShardReader(job).read(number))
    histories, disliked = recommender.histories(events), mark_dislikes(events, recommender)
    versions = WorkVersions(exclusions["works"])
    ids = events.listeners.ids
    columns: dict[str, list[object]] = {"listener": [], "items": [], "segment": []}
    for block in cut_blocks(len(ids), LISTS_TOGETHER):
        hidden = mark_hidden(exclusions["hidden"], ids[block], recommender)
        lists = make_batch_lists(
            recommender,
            histories[block],
            disliked[block] + hidden,
            exclusions["unavailable"],
            versions,
            request.length,
        )
        positions = range(block.stop - block.start)
        columns["listener"] += ids[block].tolist()
        columns["items"] += [lists.pack_json(position) for position in positions]
        columns["segment"] += [lists.segment(position) for position in positions]
    types = {"listener": pa.int64(), "items": pa.string(), "segment": pa.string()}
    table = pa.table({name: pa.array(columns[name], type_) for name, type_ in types.items()})
    arriving = path.with_suffix(f".{secrets.token_hex(4)}")
    pq.write_table(table, arriving, compression="zstd")
    arriving.rename(path)
