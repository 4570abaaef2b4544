"""What a request for recommendations is answered with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from catalog.models import Song
from recommendations.engine import Explanation, RecommendedList, TermReport
from recommendations.models import ModelVersion
from recommendations.services.lists import exclusions
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.listener_context import Picks, Unwanted


@dataclass(frozen=True)
class ServedSong:
    """One song of a list with the numbers that say why."""

    song: Song
    score: float
    explanation: Explanation
    position: int


@dataclass(frozen=True)
class Interleaved:
    """That a list takes turns between two versions: of which experiment and day, and the team of each song id.

    A team is 0 for the experiment's first arm, 1 for the second, -1 for a song that counts for neither.
    """

    experiment_id: int
    day: date
    names: tuple[str, str]
    teams: Mapping[int, int]


@dataclass(frozen=True)
class Served:
    """An answered request.

    `step`: precomputed · live · cold (from the taste a listener named) · popular · empty. `fallback` says why the
    list is not what was asked for. `about` is the song that all songs are like, `picks` what a visitor picked.
    `contract` says how the list keeps what the listener or the operator asked of it.
    `interleaved` is set for lists that take turns between two versions; `version` is then the first of them.
    """

    items: list[ServedSong]
    step: str
    version: ModelVersion | None = None
    segment: str = "none"
    fallback: Fallback = Fallback.NONE
    computed_at: datetime | None = None
    from_cache: bool = False
    arm: str = ""
    about: Song | None = None
    picks: Picks | None = None
    interleaved: Interleaved | None = None
    contract: tuple[TermReport, ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[ServedSong]:
        return iter(self.items)

    @property
    def reason(self) -> str:
        """Why the list is not what was asked for, in the reader's language; empty when it is."""
        label = str(self.fallback.label)
        return label % {"title": self.about.title} if self.about and "%(" in label else label

    @property
    def version_name(self) -> str | None:
        """The version that made the list, both of an interleaved one; None without a model."""
        if self.interleaved is not None:
            return " + ".join(self.interleaved.names)
        return self.version.name if self.version else None

    @property
    def songs(self) -> list[Song]:
        return [item.song for item in self.items]


@dataclass(frozen=True)
class ListDraft:
    """A list before its songs are read from the catalog; what the cache and the precomputed table keep.

    `trail` says how it was made where it was made now (`list_query.Trail`, `joint_list.JointTrail`); it is not kept.
    `packed` is one list, or for an interleaved one `{"lists": [two lists], "slots": [[list, position], ...]}`.
    """

    packed: Mapping[str, Any]
    step: str
    computed_at: datetime = field(default_factory=timezone.now)
    fallback: Fallback = Fallback.NONE
    from_cache: bool = False
    interleaved: Interleaved | None = None
    trail: Any = field(default=None, compare=False, repr=False)

    def unpack(self) -> RecommendedList:
        """Return the list; each song of an interleaved one with the reasons of the version that proposed it."""
        if self.interleaved is None:
            return RecommendedList.from_dict(self.packed)
        lists = [RecommendedList.from_dict(one) for one in self.packed["lists"]]
        items = tuple(lists[source].items[position] for source, position in self.packed["slots"])
        contract = tuple(TermReport(*row) for row in self.packed.get("contract", ()))
        return RecommendedList(items, lists[0].segment, lists[0].weights, self.packed, contract)


def read_list(draft: ListDraft, version: ModelVersion, unwanted: Unwanted, n: int) -> Served | None:
    """Read the songs of a draft; None when one that should be in it is not offered any more.

    Whatever the draft says, nothing unavailable, hidden or disliked passes here.
    """
    wanted = draft.unpack().items[:n]
    songs = Song.objects.available().for_cards().in_bulk([item.item_id for item in wanted])
    served = assemble_list(draft, version, songs, unwanted, n)
    return served if len(served) == len(wanted) else None


def assemble_list(
    draft: ListDraft, version: ModelVersion, songs: Mapping[int, Song], unwanted: Unwanted, n: int
) -> Served:
    """Put songs that were read already into the places of a draft; what is not offered any more is left out.

    Parameters
    ----------
    songs
        By id: all of the draft's songs that are available; what only others may see is left out here.
    """
    unpacked = draft.unpack()
    wanted = unpacked.items[:n]
    gone = [int(item.item_id) for item in wanted if item.item_id not in songs]
    if gone:
        exclusions.note_missing(version, gone)
    items = [
        ServedSong(song, item.score, item.explanation, position)
        for position, item in enumerate(wanted, start=1)
        if (song := songs.get(int(item.item_id))) is not None and unwanted.allows(song)
    ]
    return Served(
        items=items,
        step=draft.step if wanted else "empty",
        version=version,
        segment=unpacked.segment,
        fallback=draft.fallback if wanted else Fallback.NO_SONGS,
        computed_at=draft.computed_at,
        from_cache=draft.from_cache,
        interleaved=draft.interleaved,
        contract=unpacked.contract,
    )
