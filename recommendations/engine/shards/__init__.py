"""Learning from listeners in parts: each shard says its share, and the sums are what a fit of everybody would learn.

A shard is the events of some listeners, all of them, over the whole catalogue (`Interactions` whose listener rows
begin at 0). Nothing here says where shards are worked on; `services.cluster` sends them to a Spark cluster.
"""

from recommendations.engine.shards.assembly import (
    CannotBeSharded,
    assemble,
    describe_parts,
    make_als,
    make_content,
    make_neighbours,
    make_popularity,
    require_shardable,
    transform_for_als,
)
from recommendations.engine.shards.neighbours import (
    PartialRows,
    count_together,
    join_links,
    select_neighbours,
    sum_squares,
)
from recommendations.engine.shards.survey import Recency, Survey

__all__ = [
    "CannotBeSharded",
    "PartialRows",
    "Recency",
    "Survey",
    "assemble",
    "count_together",
    "describe_parts",
    "join_links",
    "make_als",
    "make_content",
    "make_neighbours",
    "make_popularity",
    "require_shardable",
    "select_neighbours",
    "sum_squares",
    "transform_for_als",
]
