"""Songs that are like the listener's songs: in sound, and where it is asked for in artist and genre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.base import N_WORST, Algorithm
from recommendations.engine.algorithms.indexes import (
    COSINE,
    draw_rows,
    drop_weak,
    index_state,
    restore_indexes,
)
from recommendations.engine.algorithms.song_groups import SongGroups, build_groups
from recommendations.engine.algorithms.training_data import (
    CAPPING_BYTES_A_PAIR,
    DataSize,
    Progress,
    TrainingData,
)
from recommendations.engine.core.arrays import (
    count_per_row,
    cut_blocks,
    keep_songs,
    make_empty_rows,
    multiply_rows,
    normalise_rows,
    pad_rows,
    select_top_columns,
)
from recommendations.engine.core.vector_index import (
    EXACT_BELOW,
    GRAPH_BYTES,
    N_COMPARED,
    Recall,
    VectorIndex,
    iterate_blocks,
)
from recommendations.engine.core.weighting import Transform, apply_transform
from recommendations.engine.data.item_features import (
    AUDIO_FEATURES,
)

SONGS_AT_A_TIME = 8_192


class Content(Algorithm):
    """Cosine between the listener's mean song and each song, over the features that both have.

    The profile of a listener is the mean of the features of what they liked, weighted by the transformed
    strength, each feature over the songs that have it. Missing features are left out, not filled in; a song
    without any is not scored. Costs n_listeners * n_items * 8; no song-by-song matrix is made.

    Parameters
    ----------
    transform
        From strength to weight in the mean; `log` keeps one much-played song from being the whole profile.
    artist
        Added to the cosine: this times the part of the listener's songs that are by the song's artist.
    genre
        Added: this times the part of the listener's genres that the song has, by the cosine of both.

    Attributes
    ----------
    audio_ : float32 (n_items, 8)
        Scaled features, 0 to 1, NaN unknown.
    values_ : float32 (8, n_items rounded up to 16)
        The features with 0 for the unknown ones, a column a song.
    squares_, knowns_ : float32, shaped like `values_`, or None where every feature is known
        The features' squares, and 1 where they are known.
    inverse_lengths_ : float32 (n_items,)
        1 / length of each song's features.
    groups_ : SongGroups
        Artists and genres, each song's parts of length `artist` and `genre`; no columns where neither counts.
        What is unknown of a song adds nothing.
    indexes_ : dict
        `cosine` -> VectorIndex of the features at length 1, where it was built; empty otherwise.
    """

    name = "content"
    names_songs = True
    item_arrays = ("audio",)

    def __init__(
        self, transform: Transform = "log", artist: float = 0.0, genre: float = 0.0
    ) -> None:
        if artist < 0 or genre < 0:
            raise ValueError("artist and genre must be at least 0.")
        self.transform = transform
        self.artist = artist
        self.genre = genre

    def _fit(self, data: TrainingData, rng: np.random.Generator, on_progress: Progress) -> None:
        on_progress(0, 1)
        unknown = np.full((data.n_items, len(AUDIO_FEATURES)), np.nan, dtype=np.float32)
        groups = build_groups(data.features, data.n_items, artist=self.artist, genre=self.genre)
        self._learn(unknown if data.features is None else data.features.scaled, groups)
        on_progress(1, 1)

    def _fit_bytes(self, size: DataSize) -> float:
        return CAPPING_BYTES_A_PAIR * size.n_pairs + (130 + 32 * self._has_groups) * size.n_items

    def _learned_bytes(self, size: DataSize) -> float:
        is_indexed = size.n_items >= EXACT_BELOW
        index = 2.0 * (4 * len(AUDIO_FEATURES) + GRAPH_BYTES) * is_indexed
        return (73 + 18 * self._has_groups + index) * size.n_items

    @property
    def _has_groups(self) -> bool:
        return bool(self.artist or self.genre)

    def _learn(self, audio: NDArray[np.float32], groups: csr_matrix) -> None:
        self.audio_ = audio
        self.indexes_: dict[str, VectorIndex] = {}
        self.groups_ = SongGroups(groups)
        self._learn_columns(audio)

    def _learn_columns(self, audio: NDArray[np.float32]) -> None:
        """Bring the features into the layout of scoring, a block of songs at a time: no large copy is made."""
        n_items, n_features = audio.shape
        shape = (n_features, -(-n_items // 16) * 16)
        values, known_mask = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
        for rows in cut_blocks(n_items, SONGS_AT_A_TIME):
            known_mask[:, rows] = np.isfinite(audio[rows]).T
            np.copyto(values[:, rows], audio[rows].T, where=known_mask[:, rows])
        is_complete = bool(known_mask[:, :n_items].all())
        self.values_ = values
        self.squares_ = None if is_complete else values**2
        self.known_mask_ = None if is_complete else known_mask.astype(np.float32)
        self.has_audio_ = bool(known_mask.any())
        self.silent_ = np.flatnonzero(~values[:, :n_items].any(axis=0))
        lengths = np.sqrt(np.einsum("dn,dn->n", values, values))[:n_items]
        self.inverse_lengths_ = np.divide(1, lengths, out=np.ones_like(lengths), where=lengths > 0)
        n_known = np.maximum(known_mask.sum(axis=1), 1)
        self.mean_ = (values.sum(axis=1) / n_known).astype(np.float32)
        squares = [
            np.square(value[is_known] - mean).sum(dtype=np.float64)
            for value, is_known, mean in zip(values, known_mask, self.mean_, strict=True)
        ]
        spread = np.sqrt(squares / n_known)
        self.spread_ = np.where(spread > 0, spread, 1).astype(np.float32)

    def profiles(self, histories: csr_matrix) -> NDArray[np.float32]:
        """Return each listener's mean song, float32 (n, 8), NaN where no liked song has the feature."""
        weights = self._weights(histories.data)
        if histories.shape[0] == 1:
            # the same sums without the sparse matrix's overhead, which a single request would feel
            is_known, filled = _split_unknown(self.audio_[histories.indices])
            total, weight = (weights @ filled)[None], (weights @ is_known)[None]
        else:
            heard, positions = np.unique(histories.indices, return_inverse=True)
            is_known, filled = _split_unknown(self.audio_[heard])
            shape = (histories.shape[0], len(heard))
            matrix = csr_matrix((weights, positions, histories.indptr), shape=shape)
            total, weight = matrix @ filled, matrix @ is_known
        return np.where(weight > 0, total / np.where(weight > 0, weight, 1), np.nan).astype(
            np.float32
        )

    def _weights(self, strengths: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the weight of each song in the mean, 0 for what was not liked."""
        return np.where(
            strengths > 0, apply_transform(strengths.astype(np.float64), self.transform), 0
        )

    def _score(self, histories: csr_matrix) -> NDArray[np.float32]:
        scores = self._cosines(self.profiles(histories))
        return self.groups_.add_alike(scores, self._shares(histories)) if self.groups_ else scores

    def _shares(self, histories: csr_matrix) -> csr_matrix:
        """Return each liked song's part of the history, float32 csr; a row sums to 1."""
        weights = self._weights(histories.data)
        rows = np.repeat(np.arange(histories.shape[0]), count_per_row(histories))
        total = np.bincount(rows, weights=weights, minlength=histories.shape[0])
        shares = (weights / np.where(total > 0, total, 1)[rows]).astype(np.float32)
        result = csr_matrix(
            (shares, histories.indices, histories.indptr), shape=histories.shape, copy=True
        )
        result.eliminate_zeros()
        return result

    def _cosines(self, profiles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of each profile to each song over the features known in both, NaN where there are none."""
        is_known = np.isfinite(profiles)
        filled = np.where(is_known, profiles, np.float32(0))
        if self.squares_ is None or self.known_mask_ is None:
            return self._complete_cosines(filled)
        n = len(self.audio_)
        song_lengths = multiply_rows(is_known.astype(np.float32), self.squares_, n)
        lengths = multiply_rows(filled**2, self.known_mask_, n) * song_lengths
        products = multiply_rows(filled, self.values_, n)
        values: NDArray[np.float32] = np.divide(
            products,
            np.sqrt(lengths),
            out=np.full(products.shape, np.nan, np.float32),
            where=lengths > 0,
        )
        return values

    def _complete_cosines(self, profiles: NDArray[np.float32]) -> NDArray[np.float32]:
        scores = multiply_rows(normalise_rows(profiles), self.values_, len(self.audio_))
        scores *= self.inverse_lengths_
        if len(self.silent_):
            scores[:, self.silent_] = np.nan
        scores[~profiles.any(axis=1)] = np.nan
        return scores

    def _contributions(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """How fast the cosine would rise with more of each song, times what there is of it.

        The cosine does not change with the length of the profile, so these sum to 0 over a history: above 0
        are the songs that pull the profile towards the recommended one.
        """
        history = pad_rows(histories)
        weights = self._weights(history.values).astype(np.float32)
        pulls = _split_unknown(self.audio_[history.columns])[1] * weights[:, :, None]
        total = pulls.sum(axis=1, dtype=np.float64)
        length = np.sqrt(np.einsum("nd,nd->n", total, total))[:, None]
        direction = total / np.where(length > 0, length, 1)
        # what is left of a song's direction after the profile's own: only that turns the profile
        songs = (
            _split_unknown(self.audio_[item_rows])[1] * self.inverse_lengths_[item_rows][:, :, None]
        )
        across = songs - np.matmul(songs, direction[:, :, None]) * direction[:, None, :]
        across /= np.where(length > 0, length, 1)[:, :, None]
        pulled: NDArray[np.float32] = np.matmul(across.astype(np.float32), pulls.transpose(0, 2, 1))
        return pulled

    def _similar(self, item_row: int) -> NDArray[np.float32]:
        scores = self._cosines(self.audio_[item_row : item_row + 1])
        own = csr_matrix(([1.0], [item_row], [0, 1]), shape=(1, len(self.audio_)), dtype=np.float32)
        values: NDArray[np.float32] = self.groups_.add_alike(scores, own)[0]
        return values

    # -- a part of the songs ------------------------------------------------------------------------------

    def _propose(
        self, histories: csr_matrix, counts: NDArray[np.integer]
    ) -> list[NDArray[np.int32]]:
        """Songs near in sound by the index, and those of the same artists and of rare genres, best first.

        Without an index of the sound all songs are scored, unless nothing is known of any song's sound.
        """
        if self.has_audio_ and COSINE not in self.indexes_:
            return super()._propose(histories, counts)
        profiles, shares = self.profiles(histories), self._shares(histories)
        proposed = []
        for row, n in enumerate(counts):
            nearby = self._find_nearby(profiles[row], int(n))
            pool = np.union1d(nearby, self.groups_.list_songs(shares[[row]]))[None, :]
            scores = self._score_chosen(profiles[[row]], shares[[row]], pool)
            best = keep_songs(select_top_columns(scores, int(n))[0])
            proposed.append(pool[0, best].astype(np.int32))
        return proposed

    def _propose_worst(self, histories: csr_matrix) -> list[NDArray[np.int32]]:
        """The songs of the opposite sound, where there is an index."""
        return [self._find_nearby(-profile, N_WORST) for profile in self.profiles(histories)]

    def _propose_least_similar(self, item_row: int) -> NDArray[np.int32]:
        return self._find_nearby(-self.audio_[item_row], N_WORST)

    def _find_nearby(self, profile: NDArray[np.float32], n: int) -> NDArray[np.int32]:
        index = self.indexes_.get(COSINE)
        filled = np.nan_to_num(profile)
        if index is None or not filled.any():
            return np.zeros(0, dtype=np.int32)
        return index.search(normalise_rows(filled[None, :])[0], n)

    def _score_items(
        self, histories: csr_matrix, item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        return self._score_chosen(self.profiles(histories), self._shares(histories), item_rows)

    def _score_chosen(
        self,
        profiles: NDArray[np.float32],
        shares: csr_matrix,
        item_rows: NDArray[np.int32],
    ) -> NDArray[np.float32]:
        """Score chosen songs, int (n, m), for each profile (n, 8) and its shares, as `_score` does all songs."""
        scores = np.empty(item_rows.shape, dtype=np.float32)
        for row, rows in enumerate(item_rows):
            cosines = self._compute_cosines(profiles[row], rows)
            if self.groups_:
                cosines = self.groups_.add_chosen_alike(cosines, shares, row, rows)
            scores[row] = cosines
        return scores

    def _compute_cosines(
        self, profile: NDArray[np.float32], item_rows: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """Return the cosines of one profile (8,) to chosen songs, (m,), NaN where no feature is known of both."""
        is_known = np.isfinite(profile)
        filled = np.where(is_known, profile, np.float32(0))
        known_mask, songs = _split_unknown(self.audio_[item_rows])
        if self.squares_ is None:
            lengths = (filled @ filled) * np.einsum("md,md->m", songs, songs)
        else:
            lengths = (known_mask @ filled**2) * (songs**2 @ is_known.astype(np.float32))
        values: NDArray[np.float32] = np.divide(
            songs @ filled,
            np.sqrt(lengths),
            out=np.full(len(songs), np.nan, dtype=np.float32),
            where=lengths > 0,
        )
        return values

    def _propose_similar(self, item_row: int, n: int) -> NDArray[np.int32]:
        return self._propose(self._make_history(item_row), np.array([n + 1]))[0]

    def _similar_items(self, item_row: int, item_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        own = self._make_history(item_row)
        scores: NDArray[np.float32] = self._score_chosen(
            self.audio_[[item_row]], own, item_rows[None, :]
        )[0]
        return scores

    def _make_history(self, item_row: int) -> csr_matrix:
        return csr_matrix(
            ([1.0], [item_row], [0, 1]), shape=(1, len(self.audio_)), dtype=np.float32
        )

    def drop_indexes(self) -> None:
        self.indexes_ = {}

    def build_indexes(
        self, histories: csr_matrix | None, rng: np.random.Generator, on_progress: Progress
    ) -> dict[str, dict[str, Any]]:
        self.drop_indexes()
        heard = np.flatnonzero(self.values_[:, : len(self.audio_)].any(axis=0)).astype(np.int32)
        if not len(heard):
            return {}
        on_progress(0, len(heard))
        index = VectorIndex.build(
            iterate_blocks(heard, self._list_directions),
            len(self.values_),
            lambda done: on_progress(done, len(heard)),
        )
        recall = self._measure(index, draw_rows(heard, rng))
        self.indexes_, about = drop_weak({COSINE: (index, recall)})
        return about

    def _list_directions(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the features at length 1, unknown ones as 0, float32 (m, 8)."""
        return normalise_rows(self.values_[:, item_rows].T)

    def _measure(self, index: VectorIndex, rows: NDArray[np.int32]) -> Recall:
        exact = []
        for row in rows:
            cosines = self._cosines(self.audio_[row : row + 1])
            cosines[0, row] = np.nan
            exact.append(keep_songs(select_top_columns(cosines, N_COMPARED)[0]))
        return index.tune(self._list_directions(rows), exact, own=rows)

    def item_vectors(self, item_rows: NDArray[np.integer]) -> NDArray[np.float32] | None:
        """Return the features' distance from the catalogue's mean, at length 1; unknown counts as the mean."""
        if not self.has_audio_:
            return None
        is_known, filled = _split_unknown(self.audio_[item_rows.ravel()])
        return normalise_rows((filled - self.mean_) * is_known).reshape(
            *item_rows.shape, filled.shape[1]
        )

    def _state(self) -> dict[str, NDArray[Any]]:
        own = {"audio": self.audio_} | index_state(self.indexes_)
        if not self.groups_:
            return own
        groups = self.groups_.by_item
        return own | {
            "groups": groups.data,
            "group_columns": groups.indices.astype(np.int32, copy=False),
            "group_starts": groups.indptr.astype(np.int64, copy=False),
            "n_groups": np.array([groups.shape[1]], dtype=np.int64),
        }

    def _restore(self, state: dict[str, NDArray[Any]]) -> None:
        audio = state["audio"]
        groups = make_empty_rows(len(audio), 0)
        if "groups" in state:
            arrays = (state["groups"], state["group_columns"], state["group_starts"])
            groups = csr_matrix(arrays, shape=(len(audio), int(state["n_groups"][0])))
            groups.check_format(full_check=True)
        self._learn(audio, groups)
        self.indexes_ = restore_indexes(self.name, state, {COSINE: len(AUDIO_FEATURES)})


def _split_unknown(audio: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return 1 where a feature is known and 0 where not, and the features with 0 for the unknown ones."""
    is_known = np.isfinite(audio)
    return is_known.astype(np.float32), np.where(is_known, audio, np.float32(0))
