"""What a listener's lists have to keep, their own terms before the operator's, and the facts it is judged by."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from django.core.cache import cache
from django.db import transaction
from numpy.typing import NDArray

from catalog.models import Interaction, Song
from recommendations.engine import ContractTerms, History, ListContract, Recommender, SongFacts
from recommendations.models import SiteContract, Taste

CACHE_KEY = "site-contract"
CACHE_SECONDS = 60
NONE_ASKED = ContractTerms()
_SONGS_A_QUERY = 5_000

Values = dict[str, Any]
"""Each of `SiteContract.TERMS` -> its value, None where it is not set."""


def read_site_rules() -> Values:
    """Return the operator's terms; a cache look-up, a query once a minute."""
    values: Values | None = cache.get(CACHE_KEY)
    if values is None:
        values = _read_values(SiteContract.objects.filter(pk=SiteContract.ONLY).first())
        cache.set(CACHE_KEY, values, CACHE_SECONDS)
    return values


def forget_site_rules() -> None:
    """Let every process of this cache read the operator's terms anew.

    Once more when the change is committed: until then others read what was, and would keep it.
    """
    cache.delete(CACHE_KEY)
    transaction.on_commit(partial(cache.delete, CACHE_KEY))


def find_terms(taste: Taste | None) -> ContractTerms | None:
    """Return what a listener's lists have to keep, term by term theirs or the operator's; None where it is nothing."""
    own, site = _read_values(taste), read_site_rules()
    values = {name: own[name] if own[name] is not None else site[name] for name in own}
    terms = ContractTerms(
        new_artist_share=values["new_artist_share"] or 0.0,
        artist_cap=values["artist_cap"],
        # every mix is within 1
        genre_distance=None if values["genre_distance"] == 1 else values["genre_distance"],
        tail_share=values["tail_share"] or 0.0,
    )
    return None if terms == NONE_ASKED else terms


def _read_values(stored: Taste | SiteContract | None) -> Values:
    return {name: getattr(stored, name, None) for name in SiteContract.TERMS}


class FactReader:
    """Reads the facts of one list's candidates, in two to four queries; `facts` are the last ones, of `song_ids`."""

    def __init__(
        self, terms: ContractTerms, listener: Any, recommender: Recommender, history: History
    ) -> None:
        self._terms, self._listener = terms, listener
        self._recommender, self._history = recommender, history
        self.facts: SongFacts | None = None
        self.song_ids: list[int] = []

    @property
    def contract(self) -> ListContract:
        return ListContract(self._terms, self.describe)

    @property
    def terms(self) -> ContractTerms:
        return self._terms

    def describe(self, item_rows: NDArray[np.int32]) -> SongFacts:
        """Return the facts of songs by their rows, -1 for none."""
        self.facts = _read_facts(
            self._terms, self._listener, self._recommender, self._history, item_rows
        )
        ids = self._recommender.item_ids[item_rows]
        self.song_ids = np.where(item_rows >= 0, ids, -1).tolist()
        return self.facts


def _read_facts(
    terms: ContractTerms,
    listener: Any,
    recommender: Recommender,
    history: History,
    item_rows: NDArray[np.int32],
) -> SongFacts:
    is_song = item_rows >= 0
    ids = recommender.item_ids[item_rows]
    artist_of = dict(Song.objects.filter(pk__in=ids[is_song]).values_list("pk", "artist_id"))
    artists = np.array(
        [
            artist_of.get(pk, -1) if real else -1
            for pk, real in zip(ids.tolist(), is_song, strict=True)
        ],
        dtype=np.int64,
    )
    is_new = np.zeros(len(artists), dtype=bool)
    if terms.new_artist_share:
        is_new = ~np.isin(artists, _list_heard_artists(listener)) & (artists >= 0)
    genres, own = np.zeros((len(artists), 1), np.float32), np.zeros(1)
    if terms.genre_distance is not None:
        genres, own = _read_genres(recommender, history, item_rows)
    return SongFacts(artists, is_new, _find_tail(recommender)[item_rows], genres, own)


def _list_heard_artists(listener: Any) -> NDArray[np.int64]:
    """Return the artists of songs that the listener did anything with."""
    rows = Interaction.objects.for_listener(listener).order_by()
    return np.array(list(rows.values_list("song__artist_id", flat=True).distinct()), dtype=np.int64)


def _read_genres(
    recommender: Recommender, history: History, item_rows: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return the candidates' genres and the listener's mix: each song counts by its weight in the history."""
    is_liked = history.values > 0
    heard = history.item_rows[is_liked]
    weights = np.asarray(history.values[is_liked], dtype=np.float64)
    if not len(heard):
        heard, weights = history.taste_rows, np.ones(len(history.taste_rows))
    heard_ids = recommender.item_ids[heard].tolist()
    candidate_ids = recommender.item_ids[item_rows].tolist()
    genres_of = _read_song_genres({*heard_ids, *candidate_ids})
    names = {genre for genres in genres_of.values() for genre in genres}
    column = {genre: number for number, genre in enumerate(sorted(names))}
    mixes = _build_mixes(candidate_ids, genres_of, column)
    mixes[item_rows < 0] = 0
    own = weights @ _build_mixes(heard_ids, genres_of, column).astype(np.float64)
    return mixes, own / own.sum() if own.sum() else own


def _read_song_genres(song_ids: Iterable[int]) -> Mapping[int, list[int]]:
    """Return the genres of songs; one query for every 5,000."""
    through, genres = Song.genres.through.objects, defaultdict(list)
    ids = sorted(song_ids)
    for start in range(0, len(ids), _SONGS_A_QUERY):
        rows = through.filter(song__in=ids[start : start + _SONGS_A_QUERY])
        for song_id, genre_id in rows.values_list("song_id", "genre_id"):
            genres[song_id].append(genre_id)
    return genres


def _build_mixes(
    song_ids: Sequence[int], genres_of: Mapping[int, list[int]], column: Mapping[int, int]
) -> NDArray[np.float32]:
    """Return each song's genres in equal parts, float32 (n, n_genres); rows of 0 where none is known."""
    mixes = np.zeros((len(song_ids), max(len(column), 1)), dtype=np.float32)
    for row, song_id in enumerate(song_ids):
        genres = genres_of.get(song_id, ())
        for genre in genres:
            mixes[row, column[genre]] = 1 / len(genres)
    return mixes


_tails: WeakKeyDictionary[Recommender, NDArray[np.bool_]] = WeakKeyDictionary()


def _find_tail(recommender: Recommender) -> NDArray[np.bool_]:
    """Return the songs outside the most popular fifth, sorted once for each loaded version."""
    if recommender not in _tails:
        _tails[recommender] = recommender.find_tail()
    return _tails[recommender]
