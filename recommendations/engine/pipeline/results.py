"""What comes out of a recommender: explained lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recommendations.engine.core.arrays import NO_SONG
from recommendations.engine.data.item_features import AUDIO_FEATURES
from recommendations.engine.ranking.ensemble import MILLION
from recommendations.engine.ranking.explanations import (
    BASE,
    NO_COMPONENT,
    NO_FEATURE,
    NO_NOTE,
    TRENDING,
    Evidence,
    Explanation,
    FeatureMatch,
    PopularityNote,
    compute_shares,
)
from recommendations.engine.reranking.list_contract import TermReport

ZERO = ord("0")
"""Small numbers are stored as one letter each, the digits as themselves and -1 as the letter before them."""

THOUSAND = 1000
"""Audio features are kept in thousandths: no file tells them more exactly than people could hear."""


@dataclass(frozen=True)
class RecommendedItem:
    """One song of a list; `score` is the sum of the explanation's contributions.

    `item_row` is -1 where the list was stored: rows belong to a model.
    """

    item_row: int
    item_id: int | str
    score: float
    explanation: Explanation


@dataclass(frozen=True)
class RecommendedList:
    """Songs, best first, and how the listener was treated.

    Attributes
    ----------
    segment
        One of `SEGMENTS`.
    weights
        Component -> weight as used for this listener.
    contract
        How it keeps each term that was asked for.
    candidates
        (item id, score before variety, see `Candidates.totals`) of each, best first, where the request keeps them.
    """

    items: tuple[RecommendedItem, ...]
    segment: str
    weights: Mapping[str, float]
    _packed: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    contract: tuple[TermReport, ...] = ()
    candidates: tuple[tuple[int | str, float], ...] = field(default=(), repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[RecommendedItem]:
        return iter(self.items)

    def to_dict(self) -> Mapping[str, Any]:
        """Return compact JSON types: flat columns of whole numbers, as `RecommendedBatch.pack` writes them."""
        return self._packed

    @classmethod
    def from_dict(cls, packed: Mapping[str, Any]) -> RecommendedList:
        """Return the list that `to_dict` or `RecommendedBatch.pack` wrote down."""
        names = packed["components"]
        weights = {
            name: weight / MILLION
            for name, weight in zip(names, packed["weights"], strict=True)
            if weight
        }
        n = len(packed["ids"])
        ids, amounts, components = packed["because"]
        which, values = packed["features"]
        named = (ids, amounts, _decode_letters(components))
        songs = zip(
            packed.get("rows") or [NO_SONG] * n,
            packed["ids"],
            _cut_column(packed["contributions"], n),
            zip(*(_cut_column(column, n) for column in named), strict=True),
            zip(
                *(_cut_column(column, n) for column in (_decode_letters(which), values)),
                strict=True,
            ),
            _cut_column(packed["popularity"], n),
            _decode_letters(packed["decisive"]),
            strict=True,
        )
        sound = [value / THOUSAND for value in packed["sound"]]
        items = tuple(_make_item(names, weights, sound, *song) for song in songs)
        contract = tuple(TermReport(*row) for row in packed.get("contract", ()))
        return cls(items, packed["segment"], weights, packed, contract)


def _decode_letters(letters: str) -> list[int]:
    """Return the small numbers that `_encode_letters` wrote."""
    return [ord(letter) - ZERO for letter in letters]


def _cut_column(column: Sequence[Any], n: int) -> list[Sequence[Any]]:
    """Cut a column that holds equally many values for each of n songs."""
    width = len(column) // n if n else 1
    return [column[start : start + width] for start in range(0, len(column), width)]


def _make_item(
    names: Sequence[str],
    weights: Mapping[str, float],
    sound: Sequence[float],
    item_row: int,
    item_id: int | str,
    amounts: Sequence[int],
    named: Sequence[Sequence[Any]],
    features: Sequence[Sequence[Any]],
    note: Sequence[int],
    decisive: int,
) -> RecommendedItem:
    contributions = {
        name: amount / MILLION for name, amount in zip(names, amounts, strict=True) if amount
    }
    evidence = _make_evidence(named, names)
    explanation = Explanation(
        contributions=contributions,
        shares=compute_shares(contributions, weights),
        because=evidence[:decisive],
        goes_with=evidence[decisive:],
        features=_make_features(features, sound) if "content" in contributions else (),
        popularity=_make_note(note) if "popularity" in contributions else None,
        scored_by="ranker" if BASE in names else "blend",
    )
    return RecommendedItem(item_row, item_id, sum(contributions.values()), explanation)


def _make_evidence(columns: Sequence[Sequence[Any]], names: Sequence[str]) -> tuple[Evidence, ...]:
    return tuple(
        [
            Evidence(item_id, amount / MILLION, names[component])
            for item_id, amount, component in zip(*columns, strict=True)
            if component != NO_COMPONENT
        ]
    )


def _make_features(
    columns: Sequence[Sequence[Any]], sound: Sequence[float]
) -> tuple[FeatureMatch, ...]:
    return tuple(
        [
            FeatureMatch(AUDIO_FEATURES[which], song / THOUSAND, sound[which])
            for which, song in zip(*columns, strict=True)
            if which != NO_FEATURE
        ]
    )


def _make_note(note: Sequence[int]) -> PopularityNote | None:
    kind, count = note
    if kind == NO_NOTE:
        return None
    return PopularityNote("trending" if kind == TRENDING else "all_time", count)
