"""Alternating least squares whose regularisation differs from row to row: the sweeps over both sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.training_data import Progress
from recommendations.engine.core.arrays import count_per_row

N_GROUPS = 8
"""Rows are solved in so many groups of about equal regularisation."""
N_THREADS = 2
CG_STEPS = 3
START = 0.1
"""Deviation of the first factors' lengths."""


def weigh_regularization(
    counts: NDArray[np.integer], regularization: float, added: float = 0.0
) -> tuple[NDArray[np.float64], float]:
    """Return each row's regularisation, and how much of it a unit of frequency is.

    A row's frequency is the number of its entries, `counts`, and `added`; a row of mean frequency gets
    `regularization`.
    """
    frequencies: NDArray[np.float64] = counts + np.float64(added)
    unit = float(regularization / frequencies[counts > 0].mean())
    return frequencies * unit, unit


def count_entries(cells: csr_matrix) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return the entries of each listener and of each song, without turning the matrix round."""
    return count_per_row(cells), np.bincount(cells.indices, minlength=cells.shape[1])


def draw_factors(rng: np.random.Generator, n_rows: int, n_factors: int) -> NDArray[np.float32]:
    """Return factors to begin with, float32 (n_rows, n_factors)."""
    return rng.normal(0, START / np.sqrt(n_factors), (n_rows, n_factors)).astype(np.float32)


def solve_in_turn(
    cells: csr_matrix,
    factors: tuple[NDArray[np.float32], NDArray[np.float32]],
    regularizations: tuple[NDArray[np.float64], NDArray[np.float64]],
    n_iterations: int,
    on_progress: Progress,
) -> None:
    """Solve the listeners' factors for the songs' and these for the listeners', in place.

    An iteration costs nnz * n_factors + (n_listeners + n_items) * n_factors^2.

    Parameters
    ----------
    cells : (n_listeners, n_items)
        Confidences, negative where disliked.
    factors, regularizations
        Of the listeners, and of the songs.
    """
    sides = ((0, cells), (1, cells.T.tocsr()))
    on_progress(0, n_iterations)
    with threadpool_limits(1, "blas"):
        for iteration in range(n_iterations):
            for side, matrix in sides:
                _solve(matrix, factors[side], factors[1 - side], regularizations[side])
            on_progress(iteration + 1, n_iterations)


def _solve(
    cells: csr_matrix,
    factors: NDArray[np.float32],
    others: NDArray[np.float32],
    regularizations: NDArray[np.float64],
) -> None:
    """Solve each row's factors for the other side's, in place, in groups of about equal regularisation."""
    from implicit.cpu._als import least_squares_cg

    occurring = np.flatnonzero(count_per_row(cells))
    order = occurring[np.argsort(regularizations[occurring], kind="stable")]
    bounds = np.geomspace(
        regularizations[order[0]], regularizations[order[-1]] * (1 + 1e-9), N_GROUPS + 1
    )
    group = np.searchsorted(bounds, regularizations[order], side="right")
    for rows in np.split(order, np.flatnonzero(np.diff(group)) + 1):
        own = factors[rows]
        least_squares_cg(
            cells[rows], own, others, float(regularizations[rows].mean()), N_THREADS, CG_STEPS
        )
        factors[rows] = own
