"""Factors learned by a softmax over the catalogue: they predict a listener's songs from a part of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recommendations.engine.algorithms.latent_factors import LatentFactors
from recommendations.engine.algorithms.training_data import (
    DataSize,
    Progress,
    TrainingData,
    find_heard_songs,
    require_listens,
)
from recommendations.engine.core.arrays import (
    count_per_row,
    gather_entries,
    keep_positive,
    list_entry_rows,
    pack_columns,
)
from recommendations.engine.core.ordered import check_decay, decay_values
from recommendations.engine.core.weighting import Transform, transform_values
from recommendations.engine.data.side_information import add_side_information

BETA1, BETA2, TINY = 0.9, 0.99, 1e-8
START = 0.1
"""Deviation of the first factors."""
LISTENS_A_BATCH = 2000
BATCH_SIZES = (16, 512)
"""Listeners of a step: as many as have `LISTENS_A_BATCH` listens, within these limits."""
FEWEST_STEPS = 300


class Softmax(LatentFactors):
    """A softmax over all songs of the cosine between what a listener heard and a song, divided by a temperature.

    Each song has two vectors: x, with which it counts in a history, and y, by which it is found. A listener is
    h = sum over the history of value * x, and the chance of song i is softmax(cos(h, y_i) / temperature). Learned is
    the mean over listeners of the log chance of their songs, given a random part of them (the denoising multinomial
    autoencoder of Liang et al., 2018, without hidden layers; cosines and temperature as in Wu et al., "On the
    effectiveness of sampled softmax loss", 2022). A batch's softmax is over its listeners' songs and `n_sampled`
    random ones, each corrected by its chance to be there (Bengio and Senécal, 2008), with Adam (Kingma and Ba, 2015).

    A score is h . y_i / |y_i|, a sum over the songs of the history: reasons are exact, and listeners who were not in
    the training are scored as all others are.

    Parameters
    ----------
    n_factors, n_epochs, learning_rate
        The rate falls to 0 in a line.
    temperature
        What a cosine is divided by while learning.
    kept
        Share of the songs from which all of a listener's songs are predicted.
    n_sampled
        Random songs a batch. Catalogues that are not larger than twice that are not sampled.
    transform
        From strength to value.
    side_information
        What an artist or genre counts in the mean, as one more listener who heard its songs; 0 = listens only.
    history_decay
        What a song of the history counts for each step back when it scores, 1 = no decay.

    Attributes
    ----------
    inputs_ : float32 (n_items, n_factors)
        x; 0 where nothing was learned.

    Notes
    -----
    Cost: n_epochs * n_listens * (n_sampled + songs a batch) / batch size * n_factors * 6 operations.
    """

    name = "softmax"
    item_arrays = ("learned", "inputs")

    def __init__(
        self,
        n_factors: int = 128,
        n_epochs: int = 8,
        temperature: float = 0.14,
        learning_rate: float = 0.02,
        kept: float = 0.5,
        n_sampled: int = 3000,
        transform: Transform = "binary",
        side_information: float = 0.0,
        history_decay: float = 1.0,
    ) -> None:
        if min(n_factors, n_epochs, n_sampled) < 1:
            raise ValueError(
                "n_factors, n_epochs and n_sampled must be at least 1, "
                f"not {n_factors}, {n_epochs} and {n_sampled}."
            )
        if temperature <= 0 or learning_rate <= 0:
            raise ValueError(
                f"temperature and learning_rate must be above 0, not {temperature} and {learning_rate}."
            )
        if not 0 < kept < 1:
            raise ValueError(f"kept must be above 0 and below 1, not {kept}.")
        self.n_factors = n_factors
        self.n_epochs = n_epochs
        self.temperature = temperature
        self.learning_rate = learning_rate
        self.kept = kept
        self.n_sampled = n_sampled
        self.transform = transform
        self.side_information = side_information
        self.history_decay = check_decay(history_decay)

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        require_listens(data.strengths)
        strengths = add_side_information(data.strengths, data.features, self.side_information)
        learned = find_heard_songs(strengths)
        songs = np.flatnonzero(learned)
        liked = keep_positive(strengths)[:, songs]
        weights = np.ones(liked.shape[0], dtype=np.float32)
        weights[data.strengths.shape[0] :] = self.side_information
        with threadpool_limits(1, "blas"):
            inputs, outputs = self._learn(csr_matrix(liked), weights, rng, on_progress)
        self.inputs_ = np.zeros((len(learned), self.n_factors), dtype=np.float32)
        self.inputs_[songs] = inputs
        units = np.zeros_like(self.inputs_)
        units[songs] = _normalise(outputs)[0]
        self._keep_factors(pack_columns(units), learned)

    def _learn(
        self,
        liked: csr_matrix,
        weights: NDArray[np.float32],
        rng: np.random.Generator,
        on_progress: Progress,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return x and y of the songs, (n_items, n_factors) each."""
        shape = (liked.shape[1], self.n_factors)
        inputs = rng.normal(0, START, shape).astype(np.float32)
        outputs = inputs + rng.normal(0, START / 10, shape).astype(np.float32)
        adam = _Adam(inputs), _Adam(outputs)
        lengths = count_per_row(liked)
        # one song tells nothing of another one
        active = np.flatnonzero(lengths > 1) if lengths.max() > 1 else np.flatnonzero(lengths)
        size = int(np.clip(LISTENS_A_BATCH / lengths[active].mean(), *BATCH_SIZES))
        n_batches = -(-len(active) // size)
        n_epochs = max(self.n_epochs, -(-FEWEST_STEPS // n_batches))
        in_catalogue = _Sampler.count(liked[active], size, self.n_sampled)
        on_progress(0, n_epochs)
        for epoch in range(n_epochs):
            for number, rows in enumerate(np.array_split(rng.permutation(active), n_batches)):
                rate = self.learning_rate * (1 - (epoch + number / n_batches) / n_epochs)
                batch = _Batch.draw(liked, rows, self.transform, self.kept, in_catalogue, rng)
                slopes = batch.compute_slopes(
                    inputs[batch.given_songs],
                    outputs[batch.songs],
                    weights[rows],
                    self.temperature,
                )
                adam[0].step(batch.given_songs, slopes[0], rate)
                adam[1].step(batch.songs, slopes[1], rate)
            on_progress(epoch + 1, n_epochs)
        return inputs, outputs

    def _fit_bytes(self, size: DataSize) -> float:
        """Both vectors of each song with their two moments, what comes of them, and the largest batch."""
        return 8.0 * 4 * self.n_factors * size.n_items + 30.0 * size.n_pairs

    def _learned_bytes(self, size: DataSize) -> float:
        return (8.0 * self.n_factors + 5) * size.n_items + self._index_bytes(size, self.n_factors)

    def _values(self, histories: csr_matrix) -> NDArray[np.float32]:
        return decay_values(histories, self.transform, self.history_decay)

    def _listener_factors(self, histories: csr_matrix) -> NDArray[np.float32]:
        values = self._values(histories)
        rows = list_entry_rows(histories)
        listeners = csr_matrix((values, histories.indices, histories.indptr), histories.shape)
        vectors = np.asarray(listeners @ self.inputs_, dtype=np.float32)
        is_known = (values > 0) & self.learned_[histories.indices]
        vectors[np.bincount(rows[is_known], minlength=len(vectors)) == 0] = np.nan
        return vectors

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        return self._multiply_factors(self._listener_factors(histories))

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Value * x_j . y_i / |y_i|: they sum to the score exactly."""
        values = self._values(histories)
        amounts = np.zeros(
            (*item_rows.shape, int(count_per_row(histories).max(initial=0))), dtype=np.float32
        )
        for row, items in enumerate(item_rows):
            own = slice(histories.indptr[row], histories.indptr[row + 1])
            given = self.inputs_[histories.indices[own]] * values[own, None]
            amounts[row, :, : len(given)] = self._take_factors(items) @ given.T
        return amounts

    def _state(self) -> dict[str, NDArray[Any]]:
        return self._factor_state() | {"inputs": self.inputs_}

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        self.inputs_ = np.asarray(state["inputs"])
        self._restore_factors(state, self.n_factors)


@dataclass(frozen=True)
class _Sampler:
    """Which songs a batch's softmax is over.

    Attributes
    ----------
    n_sampled
        Random songs; 0: always all songs.
    correction : float32 (n_items,)
        -log of the chance of each song to be in a batch.
    """

    n_sampled: int
    correction: NDArray[np.float32]

    @classmethod
    def count(cls, liked: csr_matrix, batch_size: int, n_sampled: int) -> _Sampler:
        """Return it for batches of so many of these listeners."""
        n_listeners, n_items = liked.shape
        if n_items <= 2 * n_sampled:
            return cls(0, np.zeros(n_items, dtype=np.float32))
        shares = np.bincount(liked.indices, minlength=n_items) / n_listeners
        missed = (1 - 1 / n_items) ** n_sampled * np.maximum(1 - shares, 0) ** batch_size
        return cls(n_sampled, -np.log1p(-missed).astype(np.float32))

    def draw(self, heard: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.integer]:
        """Return the songs of a batch, ascending: those heard and random ones, or all."""
        n_items = len(self.correction)
        if not self.n_sampled:
            return np.arange(n_items)
        return np.unique(np.concatenate([heard, rng.integers(0, n_items, self.n_sampled)]))


@dataclass(frozen=True)
class _Batch:
    """Some listeners: their songs that are given, and those to predict from them.

    Attributes
    ----------
    given : float32 csr (n, n_given)
        Values of the given songs.
    given_songs : int (n_given,)
        Their numbers, ascending.
    songs : int (n_songs,)
        Those that the softmax is over.
    rows, columns : int (n_heard,)
        Each heard song's listener, and its place in `songs`.
    correction : float32 (n_songs,)
    """

    given: csr_matrix
    given_songs: NDArray[np.integer]
    songs: NDArray[np.integer]
    rows: NDArray[np.integer]
    columns: NDArray[np.integer]
    correction: NDArray[np.float32]

    @classmethod
    def draw(
        cls,
        liked: csr_matrix,
        listeners: NDArray[np.intp],
        transform: Transform,
        kept: float,
        sampler: _Sampler,
        rng: np.random.Generator,
    ) -> _Batch:
        """Draw what is given of each of the listeners, one song at least, and the songs of the softmax."""
        heard, strengths, lengths = gather_entries(liked, listeners)
        rows = np.repeat(np.arange(len(listeners)), lengths)
        chance = rng.random(len(heard))
        least = np.minimum.reduceat(chance, np.concatenate([[0], np.cumsum(lengths)[:-1]]))
        is_given = (chance < kept) | (chance == least[rows])
        given_songs, columns = np.unique(heard[is_given], return_inverse=True)
        values = transform_values(strengths[is_given], transform)
        given = csr_matrix(
            (values, (rows[is_given], columns)), shape=(len(listeners), len(given_songs))
        )
        songs = sampler.draw(heard, rng)
        return cls(
            given,
            given_songs,
            songs,
            rows,
            np.searchsorted(songs, heard),
            sampler.correction[songs],
        )

    def compute_slopes(
        self,
        inputs: NDArray[np.float32],
        outputs: NDArray[np.float32],
        weights: NDArray[np.float32],
        temperature: float,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the slopes of the loss, the weighted mean over listeners, by the inputs and by the outputs."""
        own, own_length = _normalise(np.asarray(self.given @ inputs))
        units, length = _normalise(outputs)
        chance = own @ units.T
        chance /= np.float32(temperature)
        chance += self.correction
        chance -= chance.max(axis=1, keepdims=True)
        np.exp(chance, out=chance)
        chance /= chance.sum(axis=1, keepdims=True)
        # the slope of -log softmax: the chances less the shares of what was heard
        n_heard = np.bincount(self.rows, minlength=len(weights))
        chance[self.rows, self.columns] -= (1 / n_heard)[self.rows].astype(np.float32)
        chance *= (weights / (len(weights) * temperature))[:, None].astype(np.float32)
        by_own = _project(np.asarray(chance @ units, np.float32), own, own_length)
        by_output = _project(np.asarray(chance.T @ own, np.float32), units, length)
        return np.asarray(self.given.T @ by_own), by_output


class _Adam:
    """Adam that only touches the rows of a batch; their moments stay as they were in between."""

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.values = values
        self.first, self.second = np.zeros_like(values), np.zeros_like(values)
        self.n_steps = 0

    def step(self, rows: NDArray[np.integer], slope: NDArray[np.float32], rate: float) -> None:
        """Change these rows of the values, in place."""
        self.n_steps += 1
        first = BETA1 * self.first[rows] + np.float32(1 - BETA1) * slope
        second = BETA2 * self.second[rows] + np.float32(1 - BETA2) * slope**2
        self.first[rows], self.second[rows] = first, second
        deviation = np.sqrt(second / np.float32(1 - BETA2**self.n_steps))
        deviation += np.float32(TINY)
        self.values[rows] -= np.float32(rate / (1 - BETA1**self.n_steps)) * first / deviation


def _normalise(
    vectors: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the directions and the lengths, (n, d) and (n, 1)."""
    length = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None] + np.float32(TINY)
    return vectors / length, length


def _project(
    slope: NDArray[np.float32], unit: NDArray[np.float32], length: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the slope by vectors from the slope by their directions."""
    along = np.einsum("nd,nd->n", slope, unit)[:, None]
    projected: NDArray[np.float32] = (slope - along * unit) / length
    return projected
