"""Daily mixes: for each part of a listener's taste a list of known and new songs that stays the same for the day."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import numpy as np
from django.core.cache import cache

from accounts.models import User
from accounts.time_zones import get_local_day, get_time_zone
from catalog.models import Song
from catalog.playlists.covers import choose_covers
from recommendations.engine import Explanation, RecommendedList, Recommender, space_artists
from recommendations.models import ListenerControl, ModelVersion
from recommendations.services.lists import exclusions
from recommendations.services.lists.joint_list import MOST_OF_ARTIST
from recommendations.services.lists.list_query import ListQuery, draft_list
from recommendations.services.lists.listener_context import ListenerContext, Unwanted
from recommendations.services.lists.served_list import ServedSong
from recommendations.services.preferences import taste_clusters
from recommendations.services.preferences.taste_clusters import Cluster
from recommendations.services.serving import list_cache

N_MIXES = 5
N_SONGS = 24
N_FAMILIAR = 8
N_COVERS = 6  # some may have been hidden since the mix was made; four are shown
LEAST_SONGS = 5
KEPT_SECONDS = 36 * 3600


@dataclass(frozen=True)
class Mix:
    """One mix of one day. `heard_ids` are its songs that the listener has heard."""

    number: int
    name: str
    artists: tuple[str, ...]
    items: list[ServedSong]
    heard_ids: frozenset[int]

    @property
    def covers(self) -> list[Song]:
        """The songs whose covers are its picture."""
        return choose_covers(self.songs)

    @property
    def unnamed_artists(self) -> list[str]:
        """The artists that its name does not say."""
        return [artist for artist in self.artists if artist not in self.name]

    @property
    def has_new(self) -> bool:
        """Whether the listener has not heard all of it."""
        return any(item.song.pk not in self.heard_ids for item in self.items)

    @property
    def songs(self) -> list[Song]:
        return [item.song for item in self.items]


def list_daily_mixes(listener: User, context: ListenerContext | None = None) -> list[Mix]:
    """Return today's mixes, largest part of the taste first; what the listener hid since is taken out.

    `context` is what was read of the listener already.
    """
    context = context or ListenerContext(listener)
    drafts = load_drafts(listener, context)
    entries = [_make_entries(draft) for draft in drafts]
    ids = [song_id for mix in entries for song_id, _score, _why in mix]
    songs = Song.objects.available().for_cards().in_bulk(ids) if ids else {}
    return _read_mixes(
        drafts, entries, songs, context.unwanted if ids else exclusions.NOTHING_UNWANTED
    )


def list_cover_ids(drafts: Iterable[dict[str, Any]]) -> set[int]:
    """Return the songs whose covers the home page shows for the mixes."""
    return {
        song_id for draft in drafts for song_id, _score, _why in _make_entries(draft)[:N_COVERS]
    }


def read_covers(
    drafts: Sequence[dict[str, Any]], songs: Mapping[int, Song], unwanted: Unwanted
) -> list[Mix]:
    """Return the mixes with only their first songs, of those that were read already."""
    return _read_mixes(
        drafts, [_make_entries(draft)[:N_COVERS] for draft in drafts], songs, unwanted
    )


def _read_mixes(
    drafts: Sequence[dict[str, Any]],
    entries: Sequence[list[tuple[int, float, Explanation]]],
    songs: Mapping[int, Song],
    unwanted: Unwanted,
) -> list[Mix]:
    mixes = [
        _build_mix(number, draft, rows, songs, unwanted)
        for number, (draft, rows) in enumerate(zip(drafts, entries, strict=True), start=1)
    ]
    return [mix for mix in mixes if mix.items]


def get_daily_mix(listener: User, number: int) -> Mix | None:
    """Return one of today's mixes by its number, from 1."""
    return next((mix for mix in list_daily_mixes(listener) if mix.number == number), None)


def load_drafts(listener: User, context: ListenerContext) -> list[dict[str, Any]]:
    """Return what the mixes are made of, kept for the day; until there is enough to mix nothing is kept."""
    today = get_local_day(listener)
    moods = [sorted(song_ids) for song_ids in context.moods]
    state = hashlib.sha256(f"{listener.pk}:{today}:{moods}".encode()).hexdigest()[:24]
    key = f"musicrec:daily-mixes:{state}"
    drafts: list[dict[str, Any]] | None = cache.get(key)
    if drafts is None:
        drafts = _make_mixes(listener, today, context)
        if drafts:
            list_cache.keep(key, drafts, KEPT_SECONDS, [listener.pk])
    return drafts


def _make_mixes(listener: User, today: date, context: ListenerContext) -> list[dict[str, Any]]:
    if context.serving is None:
        return []
    # What was heard before today decides, so that the same mixes come back should the cache lose them.
    begin = datetime.combine(today, time.min, tzinfo=get_time_zone(listener))
    clusters = _filter_worth_a_mix(
        taste_clusters.find_clusters(listener, begin, context, with_songs=False)
    )
    if not clusters:
        clusters = _filter_worth_a_mix(
            taste_clusters.find_clusters(listener, None, context, with_songs=False)
        )
    version, recommender = context.serving
    excluded = _list_all_songs(clusters)
    drafts = []
    for cluster in clusters[:N_MIXES]:
        new = draft_list(_build_query(version, recommender, cluster, excluded), context).unpack()
        # A song is new in one mix only: what many like would otherwise begin all of them.
        excluded = [*excluded, *(int(item.item_id) for item in new)]
        drafts.append(_build_draft(cluster, new, today))
    return [_order_songs(draft, recommender) for draft in drafts]


def _build_query(
    version: ModelVersion, recommender: Recommender, cluster: Cluster, excluded: list[int]
) -> ListQuery:
    history = recommender.history(list(cluster.song_ids))
    n = N_SONGS - N_FAMILIAR
    return ListQuery(
        version,
        recommender,
        n,
        lambda mask: recommender.recommend(history, n, exclude=mask, artist_cap=MOST_OF_ARTIST),
        exclude=excluded,
    )


def _filter_worth_a_mix(clusters: Sequence[Cluster]) -> list[Cluster]:
    return [
        cluster
        for cluster in clusters
        if len(cluster.song_ids) >= LEAST_SONGS
        and cluster.mood not in ListenerControl.NOT_LEARNED_FROM
    ]


def _list_all_songs(clusters: Sequence[Cluster]) -> list[int]:
    return [song_id for cluster in clusters for song_id in cluster.song_ids]


def _build_draft(cluster: Cluster, new: RecommendedList, today: date) -> dict[str, Any]:
    return {
        "name": cluster.name,
        "artists": list(cluster.artists),
        "new": new.to_dict(),
        # who has heard everything gets the songs they love
        "known": _choose_of_the_day(cluster.song_ids, today)[: N_FAMILIAR if len(new) else N_SONGS],
    }


def _order_songs(draft: dict[str, Any], recommender: Recommender) -> dict[str, Any]:
    """Return the draft with an order of its songs that keeps artists apart, where the model has the song."""
    song_ids = [song_id for song_id, _score, _why in _mix_in_known(draft)]
    rows = recommender.items.rows(np.array(song_ids, dtype=np.int64))
    return draft | {"order": space_artists(recommender.find_artists(rows).tolist())}


def _choose_of_the_day(song_ids: Sequence[int], today: date) -> list[int]:
    """Return the best-loved songs of a part in another order every day."""
    best = song_ids[: 3 * N_FAMILIAR]
    turn = today.toordinal() % max(len(best), 1)
    return [*best[turn:], *best[:turn]]


def _make_entries(draft: dict[str, Any]) -> list[tuple[int, float, Explanation]]:
    """Return the songs of a mix in their order: (song id, score, explanation)."""
    entries = _mix_in_known(draft)
    return [entries[position] for position in draft["order"]]


def _mix_in_known(draft: dict[str, Any]) -> list[tuple[int, float, Explanation]]:
    """Put a known song after every two new ones; where none is new, all are known: (song id, score, explanation)."""
    familiar = list(draft["known"])
    new = RecommendedList.from_dict(draft["new"]).items
    if not new:
        return [(song_id, 0.0, Explanation({}, {})) for song_id in familiar]
    entries: list[tuple[int, float, Explanation]] = []
    for position, item in enumerate(new):
        entries.append((int(item.item_id), item.score, item.explanation))
        if position % 2 and familiar:
            entries.append((familiar.pop(0), 0.0, Explanation({}, {})))
    return entries


def _build_mix(
    number: int,
    draft: dict[str, Any],
    entries: list[tuple[int, float, Explanation]],
    songs: Mapping[int, Song],
    unwanted: Unwanted,
) -> Mix:
    items = [
        ServedSong(songs[song_id], score, explanation, position)
        for position, (song_id, score, explanation) in enumerate(entries, start=1)
        if song_id in songs and unwanted.allows(songs[song_id])
    ]
    return Mix(number, draft["name"], tuple(draft["artists"]), items, frozenset(draft["known"]))
