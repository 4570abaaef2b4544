"""A recommender learned on Spark: shards are worked on by our own code, factors by MLlib.

Each stage leaves a file in the job's folder; a job that is begun again goes on behind the last one that is there.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.ml import recommendation
from pyspark.sql import DataFrame, SparkSession

from recommendations.engine import Algorithm, IdMap, NotEnoughData, Recommender, shards
from recommendations.services.cluster import list_task, shard_tasks
from recommendations.services.cluster.job_folder import (
    MEASURED,
    Arrays,
    JobFolder,
    unpack_arrays,
)
from recommendations.services.cluster.shard_reader import ShardReader
from recommendations.services.cluster.shard_tasks import read_survey

Tell = Callable[[str], None]
"""Called with the name of each stage that begins."""

RATINGS_A_BLOCK = 1_000_000
CHECKPOINT_EVERY = 5
"""Iterations after which factors are written to the shared folder: what is lost is computed from there."""
_PACKED = "number int, packed binary"


class SparkFit:
    """One fit of a job: of all its events, or of what is left when songs are held out (`MEASURED`)."""

    def __init__(self, spark: SparkSession, folder: JobFolder, fit: str, tell: Tell) -> None:
        self._spark, self._folder, self._fit, self._tell = spark, folder, fit, tell
        self._reader = ShardReader(folder)
        self._request = self._reader.request
        self._config = self._request.recommender_config
        self._algorithms: dict[str, Any] = dict(Recommender(self._config).algorithms)
        self._path = str(folder.path)

    def run(self) -> None:
        """Fit what is missing and save the artifact under the fit's name.

        Raises
        ------
        NotEnoughData
            Nobody liked or played anything.
        """
        artifact = self._folder.path / self._fit
        if artifact.exists():
            return
        survey = self._survey()
        if not survey.n_liked.any():
            raise NotEnoughData(
                "Nobody liked or played anything yet, so there is nothing to learn from."
            )
        sums = self._keep("sums", lambda: self._sum_up(shard_tasks.sum_shard))
        features = self._folder.read_features()
        algorithms = {
            name: self._fit_component(name, algorithm, survey, sums, features)
            for name, algorithm in self._algorithms.items()
        }
        if self._fit == MEASURED:
            self._keep("sample", self._collect_sample)
        crowd = survey.describe_crowd(float(sums["n_shared"][0]))
        metadata = shards.describe_parts(self._config, survey, crowd, self._request.seed)
        metadata |= {"cluster": self._describe(survey), "data_sha256": survey.digest}
        items = IdMap(self._reader.item_ids)
        self._tell("save")
        shards.assemble(self._config, items, features, algorithms, metadata).save(artifact)

    def _describe(self, survey: shards.Survey) -> dict[str, Any]:
        """Return what was computed otherwise than in one process, for the manifest."""
        return {
            "engine": f"spark {self._spark.version}",
            "regularization_per_rating": {
                name: scale_regularization(algorithm.regularization, survey)
                for name, algorithm in self._algorithms.items()
                if algorithm.name == "als"
            },
        }

    def _fit_component(
        self, name: str, algorithm: Any, survey: shards.Survey, sums: Arrays, features: Any
    ) -> Algorithm:
        if algorithm.name == "als":
            factors = self._keep(name, lambda: self._factorise(name, algorithm, survey))["factors"]
            factors = scale_factors(factors, survey)
            return shards.make_als(algorithm, factors, survey, self._request.seed)
        if algorithm.name == "item_knn":
            links = self._keep(name, lambda: self._find_neighbours(name, survey))
            return shards.make_neighbours(algorithm, _read_links(links, survey.n_items), survey)
        if algorithm.name == "popularity":
            recency = None
            if f"{name}.trend" in sums:
                recency = shards.Recency(sums[f"{name}.trend"], sums[f"{name}.n_recent"])
            return shards.make_popularity(algorithm, survey, recency)
        return shards.make_content(algorithm, features, survey.n_items)

    def _keep(self, stage: str, compute: Callable[[], Arrays]) -> Arrays:
        """Return what a stage gives: from its file, or computed and written into it."""
        name = f"{self._fit}-{stage}"
        if not self._folder.has_arrays(name):
            self._tell(stage)
            self._folder.write_arrays(name, compute())
        return self._folder.read_arrays(name)

    # -- the stages -----------------------------------------------------------------------------------------

    def _survey(self) -> shards.Survey:
        self._keep("survey", self._measure_survey)
        return read_survey(self._folder, self._fit)

    def _measure_survey(self) -> Arrays:
        shares = self._collect(partial(shard_tasks.survey_shard, self._path, self._fit))
        surveys = [shard_tasks.unpack_survey(share) for share in shares]
        joined = shard_tasks.pack_survey(shards.Survey.join(surveys))
        return joined | {"listeners_by_shard": np.array([each.n_listeners for each in surveys])}

    def _sum_up(self, task: Callable[[str, str, int], bytes]) -> Arrays:
        shares = self._collect(partial(task, self._path, self._fit))
        return {name: np.sum([share[name] for share in shares], axis=0) for name in shares[0]}

    def _collect_sample(self) -> Arrays:
        shares = self._collect(partial(shard_tasks.sample_shard, self._path))
        return {name: np.concatenate([share[name] for share in shares]) for name in shares[0]}

    def _factorise(self, name: str, algorithm: Any, survey: shards.Survey) -> Arrays:
        """Alternating least squares by MLlib, which divides listeners and songs into blocks."""
        by_shard = self._folder.read_arrays(f"{self._fit}-survey")["listeners_by_shard"]
        first_rows = np.concatenate([[0], np.cumsum(by_shard)])[:-1].tolist()
        path, fit = self._path, self._fit

        def rate(number: int) -> Iterator[pa.RecordBatch]:
            columns = shard_tasks.rate_shard(path, fit, name, number, first_rows[number])
            yield pa.RecordBatch.from_pydict(columns)

        ratings = self._map(rate, "user int, item int, rating float")
        n_blocks = choose_n_blocks(survey.n_pairs, self._spark.sparkContext.defaultParallelism)
        model = recommendation.ALS(
            rank=algorithm.n_factors,
            maxIter=algorithm.n_iterations,
            regParam=scale_regularization(algorithm.regularization, survey),
            alpha=algorithm.alpha,
            implicitPrefs=True,
            numUserBlocks=n_blocks,
            numItemBlocks=n_blocks,
            seed=self._request.seed,
            checkpointInterval=CHECKPOINT_EVERY,
        ).fit(ratings)
        table = model.itemFactors.toArrow()
        factors = np.zeros((survey.n_items, algorithm.n_factors), dtype=np.float32)
        values = table.column("features").combine_chunks().flatten().to_numpy()
        factors[table.column("id").to_numpy()] = values.reshape(-1, algorithm.n_factors)
        return {"factors": factors}

    def _find_neighbours(self, name: str, survey: shards.Survey) -> Arrays:
        path, fit = self._path, self._fit

        def count(number: int) -> Iterator[pa.RecordBatch]:
            for block, packed in shard_tasks.count_shard(path, fit, name, number):
                yield _pack_batch([block], [packed])

        def select(shares: pa.Table) -> pa.Table:
            block = shares.column("number")[0].as_py()
            packed = shares.column("packed").to_pylist()
            chosen = shard_tasks.select_block(path, fit, name, block, packed)
            return pa.Table.from_batches([_pack_batch([block], [chosen])])

        blocks = self._map(count, _PACKED).groupBy("number").applyInArrow(select, _PACKED)
        rows = [shard_tasks.unpack_rows(number, packed) for number, packed in _list_packed(blocks)]
        links = shards.join_links(rows, survey.n_items)
        return {"values": links.data, "columns": links.indices, "starts": links.indptr}

    # -- Spark ----------------------------------------------------------------------------------------------

    def _map(self, work: Callable[[int], Iterator[pa.RecordBatch]], schema: str) -> DataFrame:
        return map_shards(self._spark, self._reader.n_shards, work, schema)

    def _collect(self, task: Callable[[int], bytes]) -> list[Arrays]:
        """Return what `task` gives for each shard, in their order."""

        def work(number: int) -> Iterator[pa.RecordBatch]:
            yield _pack_batch([number], [task(number)])

        packed = sorted(_list_packed(self._map(work, _PACKED)), key=lambda share: share[0])
        return [unpack_arrays(share) for _, share in packed]


def make_lists(spark: SparkSession, folder: JobFolder, tell: Tell) -> None:
    """Have the lists of each shard written into the job's folder; those that are there already stay."""
    tell("recommend")
    path = str(folder.path)

    def work(number: int) -> Iterator[pa.RecordBatch]:
        list_task.list_shard(path, number)
        yield _pack_batch([number], [b""])

    _list_packed(map_shards(spark, ShardReader(folder).n_shards, work, _PACKED))


def map_shards(
    spark: SparkSession,
    n_shards: int,
    work: Callable[[int], Iterator[pa.RecordBatch]],
    schema: str,
) -> DataFrame:
    """Return what `work` gives for each shard, one task a shard."""

    def work_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from work(number)

    return spark.range(0, n_shards, 1, n_shards).mapInArrow(work_batches, schema)


def scale_regularization(regularization: float, survey: shards.Survey) -> float:
    """Return MLlib's regularisation, which it multiplies by the ratings of each listener and song.

    Only the product of both sides' matters, because factors of one side can be made larger and those of the other
    smaller: dividing by the root of their mean numbers of ratings makes the product what it is in one process.
    """
    by_listener, by_item = _count_mean_ratings(survey)
    return regularization / math.sqrt(by_listener * by_item)


def scale_factors(factors: NDArray[np.float32], survey: shards.Survey) -> NDArray[np.float32]:
    """Return the songs' factors as large as one process makes them.

    A listener is solved for with the regularisation of one process, and for MLlib's factors it would weigh otherwise:
    a listener of the mean number of ratings has it with factors (ratings a song / ratings a listener)^(1/4) times as
    large.
    """
    by_listener, by_item = _count_mean_ratings(survey)
    return factors * np.float32((by_item / by_listener) ** 0.25)


def _count_mean_ratings(survey: shards.Survey) -> tuple[float, float]:
    """Return the mean ratings of a listener and of a song, of those that have any."""
    n_ratings = max(int(survey.n_liked.sum()), 1)
    by_listener = n_ratings / max(survey.n_who_like, 1)
    by_item = n_ratings / max(int((survey.n_liked > 0).sum()), 1)
    return by_listener, by_item


def choose_n_blocks(n_ratings: int, n_cores: int) -> int:
    """Return into how many blocks listeners and songs are divided: enough for the cores and for their memory."""
    return max(2, n_cores, -(-n_ratings // RATINGS_A_BLOCK))


def _pack_batch(numbers: list[int], packed: list[bytes]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {"number": pa.array(numbers, pa.int32()), "packed": pa.array(packed, pa.binary())}
    )


def _list_packed(frame: DataFrame) -> list[tuple[int, bytes]]:
    table = frame.toArrow()
    numbers, packed = table.column("number").to_pylist(), table.column("packed").to_pylist()
    return list(zip(numbers, packed, strict=True))


def _read_links(links: Arrays, n_items: int) -> Any:
    from scipy.sparse import csr_matrix

    return csr_matrix((links["values"], links["columns"], links["starts"]), (n_items, n_items))
