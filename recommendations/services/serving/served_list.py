"""What a request for recommendations is answered with, and the sentences that say why a list is not as expected."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from catalog.models import Song
from recommendations.engine import Explanation, RecommendedList
from recommendations.models import ModelVersion
from recommendations.services.serving import exclusions
from recommendations.services.serving.listener_context import Picks, Unwanted

NO_MODEL = "No model has been trained yet, so these are the songs played here."
NOBODY_PLAYED = "Nobody has played anything yet, so these are simply songs of the catalog."
NO_SONGS = "There are no songs to recommend."
NOT_PERSONALISED = "Personalisation is off, so everybody gets these songs."
NOTHING_KNOWN = "Your taste isn't known here yet, so these are songs for a start."
NEWER_THAN_MODEL = (
    "The songs you played are newer than the model; they count after the next training."
)
STOOD_IN_FOR = "The songs you played are newer than the model, so songs like them stand in until the next training."
NO_COMPARISON = "No model has been trained yet, so songs can't be compared."
# About a song that the model does not know, with its title.
SONG_NEWER = "“%(title)s” is newer than the model; it can be compared after the next training."
SONG_STOOD_IN_FOR = (
    "“%(title)s” is newer than the model, so songs like it stand in until the next training."
)


@dataclass(frozen=True)
class ServedSong:
    """One song of a list with the numbers that say why."""

    song: Song
    score: float
    explanation: Explanation
    position: int


@dataclass(frozen=True)
class Served:
    """An answered request.

    `step`: precomputed · live · cold (from the taste a listener named) · popular · empty. `reason` is empty when the
    list is what was asked for. `about` is the song that all songs are like, `picks` what a visitor picked.
    """

    items: list[ServedSong]
    step: str
    version: ModelVersion | None = None
    segment: str = "none"
    reason: str = ""
    computed_at: datetime | None = None
    from_cache: bool = False
    arm: str = ""
    about: Song | None = None
    picks: Picks | None = None

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[ServedSong]:
        return iter(self.items)

    @property
    def songs(self) -> list[Song]:
        return [item.song for item in self.items]


@dataclass(frozen=True)
class ListDraft:
    """A list before its songs are read from the catalog; what the cache and the precomputed table keep."""

    packed: Mapping[str, Any]
    step: str
    computed_at: datetime = field(default_factory=timezone.now)
    reason: str = ""
    from_cache: bool = False

    def unpack(self) -> RecommendedList:
        return RecommendedList.from_dict(self.packed)


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
        By id: all of the draft's songs that are available.
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
        reason=draft.reason if wanted else NO_SONGS,
        computed_at=draft.computed_at,
        from_cache=draft.from_cache,
    )
