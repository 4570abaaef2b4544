"""One list from the lists of two versions, for an experiment that compares them on the same listeners.

Every rule of a list is kept by the joint one: what is unavailable, hidden or disliked is in neither team's list, one
team's song and its other versions are gone for both, an artist has at most three songs over both teams, and each
song keeps the reasons of the version that proposed it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from catalog.models import Song
from recommendations.engine import (
    RecommendedItem,
    RecommendedList,
    Recommender,
    Slot,
    Team,
    draft_teams,
    space_artists,
)
from recommendations.models import ModelVersion
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import Interleaved, ListDraft

PERSONAL_STEPS = ("precomputed", "live")
MOST_OF_ARTIST = 3


@dataclass(frozen=True)
class TeamList:
    """One version's list for a listener."""

    version: ModelVersion
    recommender: Recommender
    draft: ListDraft


class SongKeys(NamedTuple):
    """What the rules of a list look at: the artist, and what all versions of a song share."""

    artist_id: int
    work: Any


@dataclass(frozen=True)
class JointTrail:
    """How a joint list was made: of which lists, by which keys of their songs, how long, and the seed of the coins."""

    teams: tuple[TeamList, TeamList]
    keys: Mapping[int, SongKeys]
    n: int
    seed: int
    artist_cap: int


def join_lists(
    experiment_id: int,
    teams: tuple[TeamList, TeamList],
    n: int,
    context: ListenerContext,
    day: date,
    artist_cap: int = MOST_OF_ARTIST,
) -> ListDraft:
    """Return the joint list of two versions, at most n songs; one query.

    The coins are a hash of experiment, listener and day: the list stays for the day, and the next day the
    coins are tossed anew.
    """
    lists = [team.draft.unpack() for team in teams]
    keys = _read_keys(lists, context)
    seed = _toss_seed(experiment_id, context.listener.pk, day)
    recommenders = (teams[0].recommender, teams[1].recommender)
    slots = choose_slots(lists, recommenders, keys, n, seed, artist_cap)
    positions = [[slot.source, slot.position] for slot in slots]
    credited = {int(lists[slot.source].items[slot.position].item_id): slot.team for slot in slots}
    drafts = [team.draft for team in teams]
    is_live = any(draft.step == "live" for draft in drafts)
    return ListDraft(
        {"lists": [dict(draft.packed) for draft in drafts], "slots": positions},
        "live" if is_live else "precomputed",
        computed_at=min(draft.computed_at for draft in drafts),
        interleaved=Interleaved(
            experiment_id, day, (teams[0].version.name, teams[1].version.name), credited
        ),
        trail=JointTrail(teams, keys, n, seed, artist_cap),
    )


def choose_slots(
    lists: Sequence[RecommendedList],
    recommenders: Sequence[Recommender],
    keys: Mapping[int, SongKeys],
    n: int,
    seed: int,
    artist_cap: int,
) -> list[Slot]:
    """Return whose song takes each place; songs without keys are not offered. Positions are in the team's list."""
    offered = [
        [position for position, item in enumerate(one.items) if int(item.item_id) in keys]
        for one in lists
    ]
    items = [
        [one.items[position] for position in positions]
        for one, positions in zip(lists, offered, strict=True)
    ]
    first, second = (
        _make_team(recommender, own, other, keys)
        for recommender, own, other in zip(recommenders, items, reversed(items), strict=True)
    )
    slots = draft_teams((first, second), n, artist_cap=artist_cap, seed=seed)
    # the coins are tossed, and who proposed a song does not matter to its place: the order favours neither team
    artists = [keys[int(items[slot.source][slot.position].item_id)].artist_id for slot in slots]
    return [
        replace(slots[index], position=offered[slots[index].source][slots[index].position])
        for index in space_artists(artists)
    ]


def _read_keys(lists: list[RecommendedList], context: ListenerContext) -> dict[int, SongKeys]:
    """Return the keys of all songs of both lists that are available and wanted."""
    ids = {int(item.item_id) for one in lists for item in one.items}
    songs = Song.objects.available().filter(pk__in=ids).only("pk", "artist_id", "work_key")
    return {
        song.pk: SongKeys(song.artist_id, song.work_key or song.pk)
        for song in songs
        if context.unwanted.allows(song)
    }


def _make_team(
    recommender: Recommender,
    own: list[RecommendedItem],
    other: list[RecommendedItem],
    keys: Mapping[int, SongKeys],
) -> Team:
    of_songs = [keys[int(item.item_id)] for item in own]
    return Team(
        [one.work for one in of_songs],
        [one.artist_id for one in of_songs],
        _read_vectors(recommender, own),
        _read_vectors(recommender, other),
    )


def _read_vectors(recommender: Recommender, items: list[RecommendedItem]) -> NDArray[np.float32]:
    """Return the songs' vectors, float32 (n, d); zeros for songs that the recommender does not have."""
    ids = np.array([int(item.item_id) for item in items], dtype=np.int64)
    rows = recommender.items.rows(ids)
    vectors = recommender.item_vectors(np.maximum(rows, 0))
    return np.where((rows >= 0)[:, None], vectors, 0).astype(np.float32)


def _toss_seed(experiment_id: int, listener_id: int, day: date) -> int:
    text = f"interleaving-{experiment_id}:{listener_id}:{day.isoformat()}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
