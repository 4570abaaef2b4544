"""A sonic path: songs that lead from one song to another in small steps of sound."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from catalog.models import Song
from recommendations.engine import LONGEST_PATH, PathUnknown, Recommender
from recommendations.models import ModelVersion
from recommendations.services.lists import exclusions
from recommendations.services.lists.exclusions import NOTHING_UNWANTED
from recommendations.services.lists.listener_context import Unwanted
from recommendations.services.versions import registry

USUAL_LENGTH = 12
_ATTEMPTS = 3


@dataclass(frozen=True)
class SonicPath:
    """The songs in order and the length of each step (0 same sound, 2 opposite); `reason` says why there are none."""

    songs: Sequence[Song]
    steps: Sequence[float] = ()
    reason: str = ""

    @property
    def length(self) -> float:
        return sum(self.steps)


def find_sonic_path(
    start: Song,
    end: Song,
    n: int = USUAL_LENGTH,
    *,
    unwanted: Unwanted = NOTHING_UNWANTED,
    only: NDArray[np.int64] | None = None,
) -> SonicPath:
    """Return a path of at most n songs, both ends included, or one without songs that says why.

    What is unavailable, unwanted or, if `only` is given, not of those song ids is not on the way; the ends may be.
    """
    serving = registry.load_serving_recommender()
    if serving is None:
        return SonicPath(
            [],
            reason=_("This site hasn't learned anything yet, so there is no path between songs."),
        )
    if start.pk == end.pk:
        return SonicPath([], reason=_("Choose two different songs."))
    version, recommender = serving
    for song in (start, end):
        if recommender.items.row(song.pk) < 0:
            return SonicPath([], reason=_say_too_new(song))
    for _again in range(_ATTEMPTS):
        mask = exclusions.build_mask(version, recommender, unwanted, only=only)
        try:
            path = _compute_path(version, recommender, (start, end), n, mask)
        except PathUnknown as error:
            unknown = start if recommender.items.row(start.pk) == error.row else end
            return SonicPath([], reason=_say_unknown_sound(unknown))
        if path is not None and all(unwanted.allows(song) for song in path.songs[1:-1]):
            return path
    return SonicPath([], reason=_("The songs between the two are not available any more."))


def _compute_path(
    version: ModelVersion,
    recommender: Recommender,
    ends: tuple[Song, Song],
    n: int,
    mask: NDArray[np.bool_],
) -> SonicPath | None:
    """Return the path with its songs read; None when one of them turned out to be gone, which is then masked."""
    first, last = (recommender.items.row(song.pk) for song in ends)
    works = exclusions.get_work_versions(version, recommender).works
    n = min(max(n, 2), LONGEST_PATH)
    rows, steps = recommender.find_path(first, last, n, exclude=mask, works=works)
    ids = [int(song_id) for song_id in recommender.item_ids[rows[1:-1]]]
    songs = Song.objects.available().for_cards().in_bulk(ids)
    gone = [song_id for song_id in ids if song_id not in songs]
    if gone:
        exclusions.note_missing(version, gone)
        return None
    return SonicPath(
        [ends[0], *(songs[song_id] for song_id in ids), ends[1]], [float(step) for step in steps]
    )


def _say_too_new(song: Song) -> str:
    return _("“%(title)s” is new here; it can be part of a path after the next update.") % {
        "title": song.title
    }


def _say_unknown_sound(song: Song) -> str:
    return _("Nothing is known of how “%(title)s” sounds, so there is no path from or to it.") % {
        "title": song.title
    }
