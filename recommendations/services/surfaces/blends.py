"""Blends: a list for two to six listeners of the site, in which nobody's least liked song is.

Only who joined counts, and only their order of songs is used. A member sees who a song is for and their own reason for
it, never what another member played.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.models import User
from catalog.listening.same_play import lock_listener
from catalog.models import Song
from common.transactions import lock_rows
from recommendations.engine import History, Recommender, rank_for_group
from recommendations.models import Blend, BlendMember, ModelVersion
from recommendations.services.lists import exclusions
from recommendations.services.lists.artist_order import space_songs
from recommendations.services.lists.listener_context import ListenerContext, Unwanted
from recommendations.services.lists.served_list import ServedSong
from recommendations.services.serving import history_loader, list_cache

MOST_MEMBERS = 6
LEAST_MEMBERS = 2
MOST_BLENDS = 20
N_SONGS = 30
N_CANDIDATES = 100
"""The best songs of each member that a blend chooses from."""
FOR_ALL = 0.2
"""Members whose shares are no further apart like a song about equally."""
KEPT_SECONDS = 24 * 3600
BlendRow = tuple[int, list[int], int]
"""A song as it is kept in the cache, which outlives accounts and so names nobody: its id, the numbers of the members
that it is for, and the percent of the least content one."""
NO_TASTE: list[BlendRow] = [(0, [], 0)]
"""What is kept where nothing is known of anybody's taste."""


class BlendRefused(Exception):
    """What was asked for is not possible; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class BlendedSong:
    """A song of a blend: whom it is for (empty: all of them) and how content the least content member is."""

    song: Song
    fans: tuple[str, ...]
    least_percent: int
    position: int


@dataclass(frozen=True)
class Blended:
    """The songs of a blend. `problem` says why there are none: few, model, unknown or taste."""

    songs: list[BlendedSong]
    problem: str = ""
    version: ModelVersion | None = None


# --- Members ----------------------------------------------------------------------------------------------------------


def list_blends(listener: User) -> QuerySet[Blend]:
    """Return the blends that the listener joined."""
    joined = Blend.objects.filter(members__listener=listener, members__joined_at__isnull=False)
    return joined.prefetch_related("members__listener")


def list_invitations(listener: User) -> QuerySet[BlendMember]:
    """Return the invitations that the listener has not answered."""
    open_ones = BlendMember.objects.filter(listener=listener, joined_at=None)
    return open_ones.select_related("blend", "invited_by")


def find_blend(listener: User, blend_id: UUID, *, has_joined: bool) -> Blend | None:
    """Return a blend that the listener is in or invited to, with `has_joined` only one they joined; None for others."""
    own = BlendMember.objects.filter(blend=blend_id, listener=listener)
    if has_joined:
        own = own.filter(joined_at__isnull=False)
    member = own.select_related("blend").first()
    return member.blend if member is not None else None


def list_members(blend: Blend) -> list[str]:
    """Return the names of who joined."""
    joined = blend.members.filter(joined_at__isnull=False)
    return list(joined.order_by("id").values_list("listener__username", flat=True))


def create_blend(listener: User, title: str) -> Blend:
    """Create a blend that its maker has joined; raise BlendRefused beyond `MOST_BLENDS`."""
    with transaction.atomic():
        lock_listener(listener)  # several requests at once are counted one after the other
        if BlendMember.objects.filter(listener=listener).count() >= MOST_BLENDS:
            raise BlendRefused("too_many_blends")
        blend = Blend.objects.create(title=title)
        blend.members.create(listener=listener, invited_by=listener, joined_at=timezone.now())
    return blend


def invite_listener(blend: Blend, inviter: User, username: str) -> None:
    """Invite a listener by name. A name that nobody has is no error: names of others stay unknown."""
    with transaction.atomic():
        if not lock_rows([blend]):  # its last member left meanwhile
            return
        if blend.members.count() >= MOST_MEMBERS:
            raise BlendRefused("full")
        invited = User.objects.with_name(username).filter(is_active=True).first()
        if invited is None or BlendMember.objects.filter(listener=invited).count() >= MOST_BLENDS:
            return
        blend.members.get_or_create(listener=invited, defaults={"invited_by": inviter})


def join_blend(blend: Blend, listener: User) -> bool:
    """Accept an invitation; return whether there was one.

    Who leaves at the same moment is waited for: the last one takes the blend along.
    """
    with transaction.atomic():
        lock_rows([blend])
        invited = blend.members.filter(listener=listener, joined_at=None)
        return invited.update(joined_at=timezone.now()) == 1


def leave_blend(blend: Blend, listener: User) -> None:
    """Leave a blend or decline an invitation; a blend that nobody has joined any more goes."""
    with transaction.atomic():
        _leave([blend], listener)


def leave_blends(listener: User) -> None:
    """Leave every blend and decline every invitation, in the transaction that deletes the account."""
    lock_listener(listener)  # a blend that they are making meanwhile is committed or refused
    _leave(list(Blend.objects.filter(members__listener=listener)), listener)


def _leave(left: Sequence[Blend], listener: User) -> None:
    """Delete memberships, with the blends locked: of several who leave at once the last one deletes the blend."""
    lock_rows(left)
    ids = [blend.pk for blend in left]
    BlendMember.objects.filter(blend__in=ids, listener=listener).delete()
    _select_empty_blends().filter(pk__in=ids).delete()


def delete_empty_blends() -> int:
    """Delete blends without anybody who joined; return how many."""
    n_deleted = 0
    for blend in _select_empty_blends():
        with transaction.atomic():
            lock_rows([blend])  # somebody may have joined since
            n_deleted += _select_empty_blends().filter(pk=blend.pk).delete()[0]
    return n_deleted


def _select_empty_blends() -> QuerySet[Blend]:
    joined = BlendMember.objects.filter(blend=OuterRef("pk"), joined_at__isnull=False)
    return Blend.objects.filter(~Exists(joined))


# --- Songs ------------------------------------------------------------------------------------------------------------


def blend_songs(blend: Blend) -> Blended:
    """Return the songs for all members who joined; computed once until something about one of them changes."""
    members = _load_members(blend)
    if len(members) < LEAST_MEMBERS:
        return Blended([], "few")
    contexts = [ListenerContext(member) for member in members]
    if contexts[0].serving is None:
        return Blended([], "model")
    version, recommender = contexts[0].serving
    for context in contexts:
        context.serving = (version, recommender)
    key = _build_key(version, members, contexts)
    rows = cache.get(key)
    if rows is None:
        rows = _choose_songs(version, recommender, members, contexts)
        list_cache.keep(key, rows, KEPT_SECONDS, [member.pk for member in members])
    names = [member.get_username() for member in members]
    if rows == NO_TASTE:
        return Blended([], "unknown", version)
    songs = _read_songs(rows, names, contexts)
    return Blended(songs, "" if songs else "taste", version)


def explain_for_member(listener: User, blended: Blended) -> list[ServedSong] | None:
    """Return the songs that are new to the listener with their own reasons; of others it would be the song itself.

    None for a member of whose taste nothing is known: no song has a reason that is theirs.
    """
    context = ListenerContext(listener)
    if context.serving is None or not listener.personalised:
        return []
    recommender = context.serving[1]
    history = history_loader.load_history(listener, recommender, context=context)
    if not _has_taste(history):
        return None
    heard = {row.song_id for row in context.history}
    new = [one for one in blended.songs if one.song.pk not in heard]
    rows = recommender.items.rows([one.song.pk for one in new])
    return [
        ServedSong(one.song, 0.0, recommender.explain(history, int(row)), one.position)
        for one, row in zip(new, rows, strict=True)
        if row >= 0
    ]


def _load_members(blend: Blend) -> list[User]:
    joined = blend.members.filter(joined_at__isnull=False, listener__is_active=True)
    with_taste = joined.filter(listener__personalised=True).select_related("listener")
    return [member.listener for member in with_taste.order_by("listener__username")]


def _build_key(
    version: ModelVersion, members: Sequence[User], contexts: Sequence[ListenerContext]
) -> str:
    states = [(member.pk, one.generation) for member, one in zip(members, contexts, strict=True)]
    digest = hashlib.sha256(repr((version.artifact, states)).encode()).hexdigest()
    return f"musicrec:blended:{digest[:32]}"


def _choose_songs(
    version: ModelVersion,
    recommender: Recommender,
    members: Sequence[User],
    contexts: Sequence[ListenerContext],
) -> list[BlendRow]:
    """Return the rows that are kept, the best song first."""
    masks = [exclusions.build_mask(version, recommender, one.unwanted) for one in contexts]
    mask = np.logical_or.reduce(masks)
    histories = [
        history_loader.load_history(member, recommender, context=context)
        for member, context in zip(members, contexts, strict=True)
    ]
    with_taste = np.array([_has_taste(history) for history in histories])
    best = [
        recommender.recommend(one, N_CANDIDATES, exclude=mask, exclude_history=False, discovery=0.0)
        for one in histories
    ]
    rows = recommender.items.rows(sorted({int(item.item_id) for one in best for item in one.items}))
    if not with_taste.any():
        return NO_TASTE
    if not len(rows):
        return []
    scores = _score_songs(recommender, histories, rows)
    ranking = rank_for_group(scores, N_SONGS)
    return [
        (
            int(recommender.item_ids[rows[column]]),
            _find_fans(ranking.shares[:, rank], with_taste),
            round(100 * float(ranking.shares[:, rank].min())),
        )
        for rank, column in enumerate(ranking.songs)
    ]


def _score_songs(
    recommender: Recommender, histories: Sequence[Any], rows: np.ndarray
) -> np.ndarray:
    """Return every member's score of every song of `rows`, NaN where there is none: float (n_members, n_rows)."""
    others = np.ones(recommender.n_items, dtype=bool)
    others[rows] = False
    columns = {int(recommender.item_ids[row]): column for column, row in enumerate(rows)}
    scores = np.full((len(histories), len(rows)), np.nan)
    for member, history in enumerate(histories):
        everything = recommender.recommend(
            history,
            len(rows),
            exclude=others,
            exclude_history=False,
            discovery=0.0,
            artist_cap=len(rows),
        )
        for item in everything.items:
            scores[member, columns[int(item.item_id)]] = item.score
    return scores


def _find_fans(shares: np.ndarray, with_taste: np.ndarray) -> list[int]:
    """Return which members like a song most; nobody in particular where all like it about equally.

    A member of whose taste nothing is known likes no song more than another: `with_taste`, bool (n_members,), says
    who is not one of them.
    """
    most = shares[with_taste].max(initial=0.0)
    if with_taste.all() and most - shares.min() <= FOR_ALL:
        return []
    return np.flatnonzero(with_taste & (shares >= most - FOR_ALL)).tolist()


def _has_taste(history: History) -> bool:
    """Return whether something was played, liked or picked."""
    return history.n_positive > 0 or len(history.taste_rows) > 0


def _read_songs(
    rows: Sequence[BlendRow], names: Sequence[str], contexts: Sequence[ListenerContext]
) -> list[BlendedSong]:
    songs = Song.objects.available().for_cards().in_bulk([song_id for song_id, _, _ in rows])
    unwanted: list[Unwanted] = [context.unwanted for context in contexts]
    allowed = [
        (songs[song_id], tuple(names[member] for member in fans), percent)
        for song_id, fans, percent in rows
        if song_id in songs and all(one.allows(songs[song_id]) for one in unwanted)
    ]
    spaced = space_songs(allowed, lambda row: row[0])
    return [
        BlendedSong(song, fans, percent, position)
        for position, (song, fans, percent) in enumerate(spaced, start=1)
    ]
