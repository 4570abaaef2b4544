"""Matrix factorisation with cosine factors and a full softmax: a row of `benchmarks/families.py`.

The form of the literature: it learns a vector for each listener of the training by thousands of gradient steps, so a
listener who is new, or a like of this minute, has no closed-form answer. The engine's component `softmax` is another
form of it, in which a listener is the mean of what they heard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

BATCH = 256
BETA1, BETA2, TINY = 0.9, 0.99, 1e-8


class SoftmaxMF:
    """Maximise the mean over listeners of log softmax(cos(x_u, y_i) / temperature) over their songs i.

    Parameters
    ----------
    n_factors, n_epochs, learning_rate
        Of Adam (Kingma and Ba, 2015).
    temperature
        What a cosine is divided by: plain dot products learn far worse.

    Notes
    -----
    Cost: n_epochs * n_listeners * n_items * n_factors * 6 operations.
    """

    def __init__(
        self,
        n_factors: int = 128,
        n_epochs: int = 40,
        temperature: float = 0.14,
        learning_rate: float = 0.02,
        seed: int = 0,
    ) -> None:
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.temperature = temperature
        self.learning_rate = learning_rate
        self.seed = seed

    def fit(self, heard: csr_matrix) -> SoftmaxMF:
        """Learn from a listeners x items matrix; what is stored counts as heard."""
        rng = np.random.default_rng(self.seed)
        shapes = [(n, self.n_factors) for n in heard.shape]
        self.factors = [rng.normal(0, 0.1, shape).astype(np.float32) for shape in shapes]
        self._moments = [
            (np.zeros(shape, np.float32), np.zeros(shape, np.float32)) for shape in shapes
        ]
        active = np.flatnonzero(np.diff(heard.indptr))
        step = 0
        for epoch in range(self.n_epochs):
            rate = self.learning_rate * (1 - epoch / self.n_epochs)
            order = rng.permutation(active)
            for start in range(0, len(order), BATCH):
                step += 1
                self._step(heard, order[start : start + BATCH], rate, step)
        return self

    def score(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Return the cosines of the listeners with all items, float32 (n, n_items)."""
        listeners, items = (_normalise(factors)[0] for factors in self.factors)
        return np.asarray(listeners[rows] @ items.T)

    def _step(self, heard: csr_matrix, rows: NDArray[np.intp], rate: float, step: int) -> None:
        own, own_length = _normalise(self.factors[0][rows])
        items, item_length = _normalise(self.factors[1])
        chance = own @ items.T
        chance /= self.temperature
        chance -= chance.max(axis=1, keepdims=True)
        np.exp(chance, out=chance)
        chance /= chance.sum(axis=1, keepdims=True)
        batch = heard[rows]
        counts = np.diff(batch.indptr)
        batch_rows = np.repeat(np.arange(len(rows)), counts)
        # the slope of -log softmax: the chances less the shares of what was heard
        chance[batch_rows, batch.indices] -= 1 / counts[batch_rows]
        chance /= len(rows) * self.temperature
        own_slope = np.asarray(chance @ items, dtype=np.float32)
        item_slope = np.asarray(chance.T @ own, dtype=np.float32)
        self._adam(0, rows, _project(own_slope, own, own_length), rate, step)
        self._adam(1, slice(None), _project(item_slope, items, item_length), rate, step)

    def _adam(
        self,
        side: int,
        rows: NDArray[np.intp] | slice,
        slope: NDArray[np.float32],
        rate: float,
        step: int,
    ) -> None:
        first, second = self._moments[side]
        first[rows] = BETA1 * first[rows] + (1 - BETA1) * slope
        second[rows] = BETA2 * second[rows] + (1 - BETA2) * slope**2
        mean = first[rows] / (1 - BETA1**step)
        deviation = np.sqrt(second[rows] / (1 - BETA2**step)) + TINY
        self.factors[side][rows] -= rate * mean / deviation


def _normalise(
    factors: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    length = np.sqrt(np.einsum("nd,nd->n", factors, factors))[:, None] + TINY
    return factors / length, length


def _project(
    slope: NDArray[np.float32], unit: NDArray[np.float32], length: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the slope by the factors from the slope by their directions."""
    along = np.einsum("nd,nd->n", slope, unit)[:, None]
    projected: NDArray[np.float32] = (slope - along * unit) / length
    return projected
