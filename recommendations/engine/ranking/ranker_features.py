"""The features that the learned ranker reads of each candidate of a listener."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from recommendations.engine.algorithms.base import Algorithm
from recommendations.engine.algorithms.training_data import TrainingData
from recommendations.engine.core.arrays import (
    NO_SONG,
    count_per_row,
    gather_entries,
    keep_positive,
    list_entry_rows,
)
from recommendations.engine.data.item_features import (
    UNKNOWN_ARTIST,
    ItemFeatures,
    weigh_genres,
)
from recommendations.engine.ranking.candidates import CandidateBatch
from recommendations.engine.ranking.genre_features import (
    AFFINITY,
    NEAREST,
    compute_affinity,
    compute_nearest,
)
from recommendations.engine.ranking.score_features import (
    AMONG_LISTENERS,
    PER_COMPONENT,
    TOGETHER,
    TOGETHER_GROUP,
    compute_agreement,
    compute_score_features,
)
from recommendations.engine.ranking.score_scales import ScoreScales

POPULARITY = ("log_listeners", "popularity_difference")
LISTENER = ("history_length", "mean_log_listeners", "spread_log_listeners")
AUDIO = (
    "distance_to_mean",
    "distance_in_spreads",
    "nearest_song",
    "nearest_three",
    "cosine_to_mean",
)
ARTIST = (
    "artist_songs_heard",
    "artist_share_of_history",
    "artist_share_heard",
    "artist_songs",
    "artist_log_listeners",
    "artist_songs_a_listener",
    "share_of_artist_listeners",
)
YEAR = ("year_difference",)


@dataclass(frozen=True)
class ArtistsHeard:
    """How many songs of which artists are in some histories.

    Attributes
    ----------
    keys : int64 (m,)
        row of the listener * n_artists + artist, ascending.
    counts : int64 (m,)
    """

    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    n_artists: int

    @property
    def listeners(self) -> NDArray[np.int64]:
        return self.keys // self.n_artists

    @property
    def artists(self) -> NDArray[np.int64]:
        return self.keys % self.n_artists

    def look_up(
        self, listeners: NDArray[np.int64], artists: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Return the counts of pairs (m,), 0 where there is none."""
        if not len(self.keys):
            return np.zeros(len(listeners), dtype=np.int64)
        wanted = listeners * np.int64(self.n_artists) + artists
        positions = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[positions] == wanted, self.counts[positions], 0)


@dataclass(frozen=True)
class ItemTable:
    """The songs' side of the ranker's features, learned from the training data.

    Attributes
    ----------
    log_listeners : float32 (n_items,)
        log(1 + listeners).
    audio : float32 (n_items, 8)
        Scaled, mean 0 and deviation 1 a feature; NaN unknown. No columns without audio.
    artist : int32 (n_items,)
        0 .. n_artists - 1, -1 unknown. Empty without artists.
    artist_numbers : float32 (n_artists, 3)
        Songs in the catalogue, log(1 + listeners), mean number of their songs a listener of theirs has.
    share_of_artist : float32 (n_items,)
        The song's part of its artist's listens.
    genres : float32 csr (n_items, n_genres), rows of length 1; no columns without genres
    year : float32 (n_items,)
        Empty without years.
    scales : ScoreScales
        Of the components whose scores are described; none in an artifact of an older release.
    compares_genres
        Whether genres are compared with each song of the history, too; a ranker of an older release does not.
    """

    log_listeners: NDArray[np.float32]
    audio: NDArray[np.float32]
    artist: NDArray[np.int32]
    artist_numbers: NDArray[np.float32]
    share_of_artist: NDArray[np.float32]
    genres: csr_matrix
    year: NDArray[np.float32]
    scales: ScoreScales
    compares_genres: bool = True

    @classmethod
    def learn(cls, data: TrainingData, fitted: Mapping[str, Algorithm], seed: int) -> ItemTable:
        """Count and scale; cost linear in the listens, and some listeners' scores.

        Parameters
        ----------
        fitted
            The components that the ranker looks at, in its order, fitted with these data.
        """
        liked = keep_positive(data.strengths)
        n_listeners = np.bincount(liked.indices, minlength=data.n_items)
        artist, numbers, share = _list_artists(liked, data.features, n_listeners)
        return cls(
            log_listeners=np.log1p(n_listeners).astype(np.float32),
            audio=_standardise(data.features, data.n_items),
            artist=artist,
            artist_numbers=numbers,
            share_of_artist=share,
            genres=weigh_genres(
                None if data.features is None else data.features.genres, data.n_items
            ),
            year=_list_years(data.features),
            scales=ScoreScales.measure(fitted, data.strengths, seed),
        )

    @property
    def n_items(self) -> int:
        return len(self.log_listeners)

    def feature_names(self, components: Sequence[str]) -> list[tuple[str, str]]:
        """Return (group, name) of each column of `describe`: the group is whom a contribution is credited to."""
        names = [
            (component, group_names) for component in components for group_names in PER_COMPONENT
        ]
        names += [(TOGETHER_GROUP, group_names) for group_names in TOGETHER]
        if self.scales.is_measured:
            names += [(component, AMONG_LISTENERS) for component in components]
        names += [("popularity", group_names) for group_names in POPULARITY] + [
            ("base", group_names) for group_names in LISTENER
        ]
        for group, group_names, is_known in self._content_parts():
            if is_known:
                names += [(group, name) for name in group_names]
        return names

    def _content_parts(self) -> list[tuple[str, tuple[str, ...], bool]]:
        """(group, names, whether it is known of any song)."""
        return [
            ("content", AUDIO, self.audio.shape[1] > 0),
            ("artist", ARTIST, len(self.artist) > 0),
            (
                "content",
                (*AFFINITY, *NEAREST) if self.compares_genres else AFFINITY,
                self.genres.shape[1] > 0,
            ),
            ("content", YEAR, len(self.year) > 0),
        ]

    # -- candidates ----------------------------------------------------------------------------------------

    def list_artist_candidates(
        self, histories: csr_matrix, may_come: NDArray[np.bool_], n: int
    ) -> list[NDArray[np.int32]]:
        """Return the most popular songs of the artists heard most, one int32 (n_listeners, n), or nothing."""
        if n < 1 or not len(self.artist):
            return []
        heard = self._artists_heard(histories)
        songs, _, lengths = gather_entries(self._songs_by_artist, heard.artists)
        listeners = np.repeat(heard.listeners, lengths)
        order = (
            np.repeat(heard.counts, lengths)
            + (self.log_listeners / (1 + self.log_listeners.max()))[songs]
        )
        keep = may_come[listeners, songs]
        songs, listeners, order = songs[keep], listeners[keep], order[keep]
        best_first = np.lexsort((songs, -order, listeners))
        songs, listeners = songs[best_first], listeners[best_first]
        positions = np.arange(len(songs)) - np.searchsorted(listeners, listeners)
        lists = np.full((histories.shape[0], n), NO_SONG, dtype=np.int32)
        near = positions < n
        lists[listeners[near], positions[near]] = songs[near]
        return [lists]

    @cached_property
    def _songs_by_artist(self) -> csr_matrix:
        """(n_artists, n_items): one where the song is the artist's."""
        songs = np.flatnonzero(self.artist >= 0)
        shape = (len(self.artist_numbers), self.n_items)
        return csr_matrix(
            (np.ones(len(songs), dtype=np.float32), (self.artist[songs], songs)), shape=shape
        )

    def _artists_heard(self, histories: csr_matrix) -> ArtistsHeard:
        artists = self.artist[histories.indices]
        is_known = artists >= 0
        n_artists = len(self.artist_numbers)
        keys = list_entry_rows(histories)[is_known] * np.int64(n_artists) + artists[is_known]
        distinct, counts = np.unique(keys, return_counts=True)
        return ArtistsHeard(distinct, counts, n_artists)

    # -- features -----------------------------------------------------------------------------------------

    def describe(
        self,
        histories: csr_matrix,
        candidates: CandidateBatch,
        scores: Sequence[NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """Return the features of each candidate, float32 (m, n_features); NaN unknown.

        Parameters
        ----------
        histories
            (n, n_items); only what was liked is looked at.
        scores
            One (m,) a component: the candidates' scores, NaN where it cannot score.
        """
        liked = keep_positive(histories)
        liked = csr_matrix(
            (np.ones_like(liked.data), liked.indices, liked.indptr), shape=liked.shape
        )
        columns: list[NDArray[Any]] = []
        for component in scores:
            columns += compute_score_features(component, candidates)
        columns += compute_agreement(columns) + self._among_listeners(columns, candidates)
        columns += self._popularity(liked, candidates)
        for compute_group, (_, _, is_known) in zip(
            (self._audio, self._artist, self._genre, self._year), self._content_parts(), strict=True
        ):
            if is_known:
                columns += compute_group(liked, candidates)
        return np.column_stack(columns).astype(np.float32)

    def _among_listeners(
        self, score_features: Sequence[NDArray[Any]], candidates: CandidateBatch
    ) -> list[NDArray[Any]]:
        if not self.scales.is_measured:
            return []
        shares = score_features[PER_COMPONENT.index("share") :: len(PER_COMPONENT)]
        return [
            self.scales.compare(component, values, candidates.item_rows)
            for component, values in enumerate(shares)
        ]

    def _popularity(self, liked: csr_matrix, candidates: CandidateBatch) -> list[NDArray[Any]]:
        n = np.maximum(count_per_row(liked), 1)
        mean = liked @ self.log_listeners / n
        spread = np.sqrt(np.maximum(liked @ self.log_listeners**2 / n - mean**2, 0))
        rows, own = candidates.listener_rows, self.log_listeners[candidates.item_rows]
        return [own, own - mean[rows], count_per_row(liked)[rows], mean[rows], spread[rows]]

    def _audio(self, liked: csr_matrix, candidates: CandidateBatch) -> list[NDArray[Any]]:
        columns = [np.full(len(candidates), np.nan, dtype=np.float32) for _ in AUDIO]
        for row in range(liked.shape[0]):
            rows_of_listener = slice(candidates.starts[row], candidates.starts[row + 1])
            history = self.audio[liked.indices[liked.indptr[row] : liked.indptr[row + 1]]]
            history = history[np.isfinite(history).all(axis=1)]
            if len(history):
                for column, values in zip(
                    columns,
                    _compute_audio_fit(history, self.audio[candidates.item_rows[rows_of_listener]]),
                    strict=True,
                ):
                    column[rows_of_listener] = values
        return columns

    def _artist(self, liked: csr_matrix, candidates: CandidateBatch) -> list[NDArray[Any]]:
        rows = candidates.listener_rows
        artist = self.artist[candidates.item_rows]
        is_known = artist >= 0
        heard = self._artists_heard(liked).look_up(rows, np.maximum(artist, 0))
        songs, listeners, depth = self.artist_numbers[np.maximum(artist, 0)].T
        length = np.maximum(count_per_row(liked), 1)[rows]
        columns = [heard, heard / length, heard / songs, songs, listeners, depth]
        columns.append(self.share_of_artist[candidates.item_rows])
        return [np.where(is_known, column, np.nan) for column in columns]

    def _genre(self, liked: csr_matrix, candidates: CandidateBatch) -> list[NDArray[Any]]:
        columns = compute_affinity(self.genres, liked, candidates)
        if self.compares_genres:
            columns += compute_nearest(self.genres, liked, candidates)
        return columns

    def _year(self, liked: csr_matrix, candidates: CandidateBatch) -> list[NDArray[Any]]:
        is_known = np.isfinite(self.year)
        n = liked @ is_known.astype(np.float32)
        mean = np.where(n > 0, liked @ np.where(is_known, self.year, 0) / np.maximum(n, 1), np.nan)
        return [self.year[candidates.item_rows] - mean[candidates.listener_rows]]

    # -- saving -------------------------------------------------------------------------------------------

    def state(self) -> dict[str, NDArray[Any]]:
        """Return everything as plain arrays."""
        return {
            "log_listeners": self.log_listeners,
            "audio": self.audio,
            "artist": self.artist,
            "artist_numbers": self.artist_numbers,
            "share_of_artist": self.share_of_artist,
            "genre_values": self.genres.data,
            "genre_columns": self.genres.indices.astype(np.int32),
            "genre_starts": self.genres.indptr.astype(np.int64),
            "n_genres": np.array([self.genres.shape[1]], dtype=np.int64),
            "year": self.year,
            "compares_genres": np.array([self.compares_genres]),
            "score_means": self.scales.means,
            "score_deviations": self.scales.deviations,
        }

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> ItemTable:
        """Return the table whose `state()` this is."""
        genres = csr_matrix(
            (state["genre_values"], state["genre_columns"], state["genre_starts"]),
            shape=(len(state["log_listeners"]), int(state["n_genres"][0])),
        )
        genres.check_format(full_check=True)
        plain = ("log_listeners", "audio", "artist", "artist_numbers", "share_of_artist", "year")
        compares_genres = "compares_genres" in state and bool(state["compares_genres"][0])
        scales = ScoreScales.empty(len(state["log_listeners"]))
        if "score_means" in state:
            scales = ScoreScales(
                np.asarray(state["score_means"]), np.asarray(state["score_deviations"])
            )
        return cls(
            **{name: np.asarray(state[name]) for name in plain},
            genres=genres,
            scales=scales,
            compares_genres=compares_genres,
        )


def _compute_audio_fit(
    history: NDArray[np.float32], songs: NDArray[np.float32]
) -> list[NDArray[Any]]:
    """How near songs (m, 8) are to the songs of a history (h, 8): the columns of `AUDIO`."""
    mean, variance = history.mean(axis=0), history.var(axis=0)
    off = songs - mean
    squares = (songs**2).sum(axis=1)[:, None] + (history**2).sum(axis=1) - 2 * (songs @ history.T)
    squares = np.maximum(squares, 0)
    nearest = np.sort(np.partition(squares, min(2, len(history) - 1), axis=1)[:, :3], axis=1)
    length = np.sqrt((songs**2).sum(axis=1)) * np.sqrt((mean**2).sum())
    return [
        np.sqrt((off**2).sum(axis=1)),
        (off**2 / (variance + 0.3)).sum(axis=1),
        nearest[:, 0],
        nearest.mean(axis=1),
        songs @ mean / np.where(length > 0, length, 1),
    ]


def _standardise(features: ItemFeatures | None, n_items: int) -> NDArray[np.float32]:
    if features is None or not np.isfinite(features.audio).any():
        return np.zeros((n_items, 0), dtype=np.float32)
    audio = features.scaled[:, np.isfinite(features.audio).any(axis=0)]
    deviation = np.nanstd(audio, axis=0)
    standardised: NDArray[np.float32] = (
        (audio - np.nanmean(audio, axis=0)) / np.where(deviation > 0, deviation, 1)
    ).astype(np.float32)
    return standardised


def _list_artists(
    liked: csr_matrix, features: ItemFeatures | None, n_listeners: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    nothing = np.zeros(0, np.int32), np.zeros((0, 3), np.float32), np.zeros(0, np.float32)
    if features is None or (features.artist == UNKNOWN_ARTIST).all():
        return nothing
    numbers, artist = np.unique(features.artist, return_inverse=True)
    artist = (artist - int(numbers[0] == UNKNOWN_ARTIST)).astype(np.int32)
    known_rows = np.flatnonzero(artist >= 0)
    n_artists = int(artist.max()) + 1
    of_artist = csr_matrix(
        (np.ones(len(known_rows), np.float32), (known_rows, artist[known_rows])),
        shape=(len(artist), n_artists),
    )
    ones = csr_matrix((np.ones_like(liked.data), liked.indices, liked.indptr), shape=liked.shape)
    listens = np.bincount(artist[known_rows], weights=n_listeners[known_rows], minlength=n_artists)
    listeners = np.bincount(csr_matrix(ones @ of_artist).indices, minlength=n_artists)
    songs = np.bincount(artist[known_rows], minlength=n_artists)
    table = np.column_stack([songs, np.log1p(listeners), listens / np.maximum(listeners, 1)])
    share = np.where(artist >= 0, n_listeners / np.maximum(listens, 1)[artist], np.nan)
    return artist.astype(np.int32), table.astype(np.float32), share.astype(np.float32)


def _list_years(features: ItemFeatures | None) -> NDArray[np.float32]:
    if features is None or features.year is None or not np.isfinite(features.year).any():
        return np.zeros(0, dtype=np.float32)
    return np.asarray(features.year, dtype=np.float32)
