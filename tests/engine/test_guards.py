"""Guards around implicit and the numeric libraries that no other test speaks of; docs/algorithms.md lists them all."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from threadpoolctl import threadpool_info, threadpool_limits

from recommendations.engine import Recommender
from recommendations.engine.algorithms import ALGORITHMS
from recommendations.engine.algorithms.als import ALS
from recommendations.engine.pipeline.component_scoring import ComponentScoring
from tests.engine.worlds import checkerboard_data, taste_world

ROOT = Path(__file__).parents[2]


def test_the_seed_implicit_gets_is_an_integer_of_our_generator_and_is_saved():
    """A Generator given as a seed makes a model that can't be read again, a RandomState ends in a crash."""
    data = checkerboard_data()
    als = ALS(n_factors=4).fit(data, seed=5)
    assert als.seed_ == int(np.random.default_rng(5).integers(2**31))
    again = ALS.from_state(als.options(), als.state())
    assert type(again.seed_) is int and again.seed_ == als.seed_


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_a_csr_array_is_as_good_as_a_csr_matrix(name):
    """implicit refuses one."""
    data = checkerboard_data()
    array = replace(data, strengths=csr_array(data.strengths))
    of_array, of_matrix = (ALGORITHMS[name]().fit(given, seed=1) for given in (array, data))
    history = data.strengths[:1]
    np.testing.assert_array_equal(of_array.score(csr_array(history)), of_matrix.score(history))


def test_a_large_catalogue_is_scored_for_few_listeners_at_a_time(monkeypatch):
    """implicit's top-k makes a dense block of 100 listeners by all songs in each thread."""
    recommender = Recommender().fit(*taste_world())
    seen = []
    score = ComponentScoring.score_components

    def seeing(self, block, **how):
        seen.append(len(block))
        return score(self, block, **how)

    monkeypatch.setattr(ComponentScoring, "score_components", seeing)
    monkeypatch.setattr(
        "recommendations.engine.pipeline.block_pipeline.BLOCK_BYTES", 4 * 3 * recommender.n_items
    )
    lists = recommender.recommend_batch(recommender.histories(taste_world()[0]), 5)
    assert len(lists) == sum(seen)
    assert max(seen) == 3


def test_blas_has_one_thread_while_implicit_fits():
    """OpenBLAS with several threads makes a fit up to ten times slower."""
    threads = {}

    def look(done: int, total: int) -> None:
        threads[done] = {
            pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
        }

    with threadpool_limits(2, "blas"):
        ALS(n_factors=4, n_iterations=3).fit(checkerboard_data(), on_progress=look)
    assert threads[1] == threads[2] == {1}


SET_UP = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "musicrec_site.settings"
import django
django.setup()
import musicrec_site.celery, musicrec_site.wsgi
from django.conf import settings
from threadpoolctl import threadpool_info, threadpool_limits
import numpy
assert settings.CELERY_WORKER_POOL_START_METHOD == "spawn"
assert not [name for name in sys.modules if name.split(".")[0] == "implicit"], "implicit is imported at start"
assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {1}
"""


def test_a_started_site_has_not_touched_implicit_and_has_one_blas_thread(tmp_path):
    """Its OpenMP threads don't survive a fork; `OPENBLAS_NUM_THREADS` only counts before the first import."""
    environment = {"PATH": os.environ["PATH"], "SECRET_KEY": "x", "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", SET_UP],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_web_server_loads_the_site_after_its_forks():
    from musicrec_site.ops.supervisor import list_children

    served = [word for child in list_children("127.0.0.1", 8000) for word in child.command]
    deployed = (ROOT / "compose.yaml").read_text() + (ROOT / "Dockerfile").read_text()
    assert "--preload" not in served and "preload" not in deployed
