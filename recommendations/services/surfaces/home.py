"""The home page: its sections, the lists of the week and today's mixes, their songs read together.

Each section is drafted as ids and explanations; then one query reads the songs of all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone

from accounts.time_zones import get_local_day
from catalog.models import Song
from recommendations.engine import Explanation
from recommendations.models import ModelVersion
from recommendations.services.lists import list_request
from recommendations.services.lists.artist_order import space_songs
from recommendations.services.lists.list_query import ListQuery, draft_list
from recommendations.services.lists.listener_context import ListenerContext, Unwanted
from recommendations.services.lists.served_list import (
    ListDraft,
    Served,
    ServedSong,
    assemble_list,
)
from recommendations.services.reasons.explanation_facts import (
    LEAST_CROWD,
    Facts,
    count_shared,
    read_content_parts,
    read_facts,
)
from recommendations.services.serving import popularity_fallback, recommend, similar_songs
from recommendations.services.surfaces import mixes, weekly
from recommendations.services.surfaces.artist_variety import limit_artists
from recommendations.services.surfaces.mixes import Mix
from recommendations.services.surfaces.weekly import WeeklyList

LENGTH = 12
N_SPARE = 4
"""So many songs wait behind a section for one that is hidden."""
N_POOL = 60
ADVENTUROUS = 0.9
N_ADVENTUROUS = 36
N_SEEDS = 10
N_FAVOURITES = 200
OFTEN, LONG_DAYS = 3, 14
N_COMPARED = 48
"""So many songs like one are looked at, so that a section is not of one artist."""
SHARED_SECONDS = 600
"""What is the same for everybody is kept so long."""
N_TRENDING = 30

LEAST_SIMILAR = 3
"""Fewer songs like a liked one make no section."""
MADE, BECAUSE, NEW, TRENDING, FAVOURITES = "made", "because", "new", "trending", "favourites"
SECTIONS = (MADE, BECAUSE, NEW, TRENDING, FAVOURITES)


@dataclass(frozen=True)
class HomeSection:
    """A row of songs with one reason to be there: `about` is the liked song it comes from."""

    name: str
    items: list[ServedSong]
    spare: list[ServedSong] = field(default_factory=list)
    about: Song | None = None

    @property
    def songs(self) -> list[Song]:
        return [item.song for item in self.items]


@dataclass(frozen=True)
class Home:
    """Everything that a listener's home page shows, and what its reasons are checked against."""

    served: Served
    sections: list[HomeSection]
    weekly: list[WeeklyList]
    mixes: list[Mix]
    facts: Facts
    facts_of_liked: Facts


@dataclass(frozen=True)
class _Drafts:
    """What the engine answered for one page, without songs."""

    main: tuple[ModelVersion, ListDraft, str]
    liked_id: int | None = None
    shared: tuple[ListDraft, Mapping[int, int]] | None = None
    new: ListDraft | None = None
    trending: ListDraft | None = None
    favourite_ids: list[int] = field(default_factory=list)

    @property
    def lists(self) -> list[ListDraft]:
        lists = [self.main[1], self.shared[0] if self.shared else None, self.new, self.trending]
        return [one for one in lists if one is not None]

    def list_song_ids(self) -> set[int]:
        items = [item for one in self.lists for item in one.unpack().items]
        named = {reference.item_id for item in items for reference in item.explanation.named}
        return (
            {int(item.item_id) for item in items}
            | {int(pk) for pk in named}
            | set(self.favourite_ids)
        )


def load_home(context: ListenerContext) -> Home:
    """Fill the home page; no song is on two of its sections."""
    return _load(context, SECTIONS, {}, is_whole=True)


def load_section(
    context: ListenerContext, name: str, turn: int = 0
) -> tuple[Home, HomeSection | None]:
    """Return one section with other songs for every `turn`, and the page it is part of; None where it is empty."""
    page = _load(context, (name,), {name: turn}, is_whole=False)
    return page, next((section for section in page.sections if section.name == name), None)


def _load(
    context: ListenerContext, names: Iterable[str], turns: Mapping[str, int], *, is_whole: bool
) -> Home:
    listener = context.listener
    is_whole = is_whole and listener.personalised
    if listener.personalised:
        context.heard  # noqa: B018  (read first: dislikes, artists and opinions all come from it)
    if context.serving is None:
        return _load_without_model(context, names, turns, is_whole)
    drafts = _draft_sections(context, names, turns)
    weekly_drafts = weekly.load_drafts(listener, context) if is_whole else []
    mix_drafts = mixes.load_drafts(listener, context) if is_whole else []
    ids = (
        drafts.list_song_ids()
        | weekly.list_cover_ids(weekly_drafts)
        | mixes.list_cover_ids(mix_drafts)
    )
    if drafts.liked_id is not None:
        ids.add(drafts.liked_id)
    songs = Song.objects.for_cards().in_bulk(ids)
    available = {pk: song for pk, song in songs.items() if song.is_available}
    version, draft, arm = drafts.main
    served = replace(assemble_list(draft, version, available, context.unwanted, N_POOL), arm=arm)
    if not served.items and listener.personalised and (newer := _find_newer(context)):
        served = replace(newer, segment=served.segment)
    sections = _fill_sections(context, drafts, served, songs, turns)
    explained = [
        item
        for section in sections
        if section.name != BECAUSE
        for item in [*section.items, *section.spare]
    ]
    return Home(
        served,
        [section for section in sections if section.name in names],
        weekly.read_lists(weekly_drafts, available),
        mixes.read_covers(mix_drafts, available, context.unwanted),
        read_facts(listener, explained, context=context, songs=songs),
        Facts(
            named=songs,
            content=read_content_parts(context),
            n_shared=drafts.shared[1] if drafts.shared else {},
        ),
    )


def _find_newer(context: ListenerContext) -> Served | None:
    """Return songs that came after the training for a listener who has heard everything else; None without such."""
    if context.serving is None:
        return None
    recommender = context.serving[1]
    return popularity_fallback.serve_newer(N_POOL, context.unwanted, context.heard, recommender)


def _load_without_model(
    context: ListenerContext, names: Iterable[str], turns: Mapping[str, int], is_whole: bool
) -> Home:
    listener = context.listener
    served = recommend.recommend_songs(listener, N_POOL, context=context)
    sections = [_cut(MADE, served.items, turns)]
    if listener.personalised:
        ids = find_favourites(context)
        songs = Song.objects.available().for_cards().in_bulk(ids)
        sections.append(_cut(FAVOURITES, _place(ids, songs, context.unwanted), turns))
    shown = [section for section in sections if section.name in names and section.items]
    drafts = weekly.load_drafts(listener, context) if is_whole else []
    covers = (
        Song.objects.available().for_cards().in_bulk(weekly.list_cover_ids(drafts))
        if drafts
        else {}
    )
    items = [item for section in shown for item in [*section.items, *section.spare]]
    facts = read_facts(listener, items, context=context)
    return Home(served, shown, weekly.read_lists(drafts, covers), [], facts, Facts())


# --- What the engine is asked -------------------------------------------------------------------------------


def _draft_sections(
    context: ListenerContext, names: Iterable[str], turns: Mapping[str, int]
) -> _Drafts:
    listener, wanted = context.listener, set(names)
    n = N_POOL if turns.get(MADE) else list_request.limit_length(None)
    main = recommend.draft_songs(listener, n, context)
    if main is None:  # the last usable version broke a moment ago
        raise RuntimeError("There is no usable version any more.")
    if not listener.personalised:
        return _Drafts(main)
    liked_id, shared = None, None
    if BECAUSE in wanted:
        liked_id, shared = _draft_similar(context, turns.get(BECAUSE, 0))
    new = None
    if NEW in wanted:
        adventurous = recommend.draft_songs(listener, N_ADVENTUROUS, context, discovery=ADVENTUROUS)
        new = (
            adventurous[1]
            if adventurous and adventurous[1].step in ("live", "precomputed")
            else None
        )
    return _Drafts(
        main,
        liked_id,
        shared,
        new,
        draft_trending(context) if TRENDING in wanted else None,
        find_favourites(context) if FAVOURITES in wanted else [],
    )


def _draft_similar(
    context: ListenerContext, turn: int
) -> tuple[int | None, tuple[ListDraft, Mapping[int, int]] | None]:
    """Return one of the latest liked songs, another one each day and turn, and the songs like it."""
    likes = [
        (one.opinion_at.timestamp() if one.opinion_at else 0.0, song_id)
        for song_id, one in context.heard.items()
        if one.opinion == "like"
    ]
    latest = [song_id for _at, song_id in sorted(likes, reverse=True)[:N_SEEDS]]
    if not latest or context.serving is None:
        return None, None
    liked_id = latest[(get_local_day(context.listener).toordinal() + turn) % len(latest)]
    key = f"musicrec:similar:{context.serving[0].artifact}:{liked_id}"
    kept = cache.get(key)
    if kept is None:
        kept = _draft_for_everybody(liked_id, context.without_listener())
        cache.set(key, kept, SHARED_SECONDS)
    return liked_id, kept or None


def _draft_for_everybody(
    liked_id: int, context: ListenerContext
) -> tuple[ListDraft, Mapping[int, int]] | tuple[()]:
    """Return the songs like one song, with how many listeners played both; empty where nothing can be compared."""
    query = similar_songs.query_similar(liked_id, N_COMPARED, context)
    if query is None:
        return ()
    draft = draft_list(query, context)
    return draft, count_shared(liked_id, [int(item.item_id) for item in draft.unpack().items])


def draft_trending(context: ListenerContext) -> ListDraft | None:
    """Return what is played most at the moment, the same for everybody."""
    if context.serving is None:
        return None
    version, recommender = context.serving
    key = f"musicrec:trending:{version.artifact}"
    draft: ListDraft | None = cache.get(key)
    if draft is None:
        nothing = recommender.history([])
        query = ListQuery(
            version,
            recommender,
            N_TRENDING,
            lambda mask: recommender.recommend(nothing, N_TRENDING, exclude=mask),
        )
        draft = draft_list(query, context.without_listener())
        cache.set(key, draft, SHARED_SECONDS)
    return draft


def find_favourites(context: ListenerContext) -> list[int]:
    """Return songs the listener played at least three times and not for two weeks, longest ago first."""
    often = sorted(
        ((pk, one) for pk, one in context.heard.items() if one.n_plays >= OFTEN),
        key=lambda row: (-row[1].n_plays, row[0]),
    )
    long_ago = timezone.now() - timedelta(days=LONG_DAYS)
    rested = [
        (last, pk)
        for pk, one in often[:N_FAVOURITES]
        if one.opinion != "dislike" and (last := one.last_positive) is not None and last < long_ago
    ]
    return [pk for _last, pk in sorted(rested)[: 2 * LENGTH]]


# --- Songs into sections -------------------------------------------------------------------------------------


def _fill_sections(
    context: ListenerContext,
    drafts: _Drafts,
    served: Served,
    songs: Mapping[int, Song],
    turns: Mapping[str, int],
) -> list[HomeSection]:
    unwanted = context.unwanted
    for_you = _cut(MADE, limit_artists(served.items, len(served)), turns)
    if not context.listener.personalised:
        return [for_you]
    seen = set(_list_ids(for_you))
    sections = [for_you]
    heard = context.heard
    liked = songs.get(drafts.liked_id) if drafts.liked_id is not None else None
    if drafts.shared and liked is not None:
        items = [
            item
            for item in _read(drafts.shared[0], songs, unwanted)
            if item.song.pk not in heard and item.song.pk not in seen
        ]
        if len(items) >= LEAST_SIMILAR:
            sections.append(
                replace(_cut(BECAUSE, limit_artists(items, len(items)), {}), about=liked)
            )
            seen.update(_list_ids(sections[-1]))
    artist_ids = {one.artist_id for one in heard.values()}
    new = _read(drafts.new, songs, unwanted)
    new = [
        item for item in new if item.song.artist_id not in artist_ids and item.song.pk not in seen
    ]
    sections.append(_cut(NEW, limit_artists(new, len(new)), turns))
    seen.update(_list_ids(sections[-1]))
    trending = [
        item
        for item in _read(drafts.trending, songs, unwanted)
        if is_played_by_crowd(item) and item.song.pk not in seen
    ]
    sections.append(_cut(TRENDING, trending, turns))
    sections.append(_cut(FAVOURITES, _place(drafts.favourite_ids, songs, unwanted), turns))
    return [section for section in sections if section.items]


def is_played_by_crowd(item: ServedSong) -> bool:
    """Whether enough listeners play a song to call it popular: what only a few play is not."""
    note = item.explanation.popularity
    return note is not None and note.count >= LEAST_CROWD


def _cut(name: str, items: list[ServedSong], turns: Mapping[str, int]) -> HomeSection:
    """Take the songs of a turn from all that fit; the ones behind them wait."""
    first = (turns.get(name, 0) * LENGTH) % max(len(items), 1)
    turned = space_songs([*items[first:], *items[:first]])
    return HomeSection(name, turned[:LENGTH], turned[LENGTH : LENGTH + N_SPARE])


def _list_ids(section: HomeSection) -> list[int]:
    return [item.song.pk for item in [*section.items, *section.spare]]


def _read(
    draft: ListDraft | None, songs: Mapping[int, Song], unwanted: Unwanted
) -> list[ServedSong]:
    items = draft.unpack().items if draft else []
    return [
        ServedSong(song, item.score, item.explanation, position)
        for position, item in enumerate(items, start=1)
        if (song := songs.get(int(item.item_id))) is not None
        and song.is_available
        and unwanted.allows(song)
    ]


def _place(
    song_ids: Iterable[int], songs: Mapping[int, Song], unwanted: Unwanted
) -> list[ServedSong]:
    """Return songs that were not recommended as rows of a section."""
    wanted = [songs[pk] for pk in song_ids if pk in songs and songs[pk].is_available]
    return [
        ServedSong(song, 0.0, Explanation({}, {}), position)
        for position, song in enumerate((song for song in wanted if unwanted.allows(song)), start=1)
    ]
