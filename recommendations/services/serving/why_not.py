"""Why a song is not on a listener's list: the first step at which it falls out."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from accounts.models import User
from catalog.models import Interaction, Song
from recommendations.models import ListenerControl
from recommendations.services.serving import exclusions, history_loader, list_request, recommend
from recommendations.services.serving.fallback import Fallback
from recommendations.services.serving.listener_context import ListenerContext
from recommendations.services.versions import registry

LISTED = "listed"


@dataclass(frozen=True)
class WhyNot:
    """The step at which a song falls out, in a word and in a sentence; `rank` from 1 among all songs if known."""

    step: str
    sentence: str
    rank: int | None = None


def explain_absence(listener: User, song: Song, n: int | None = None) -> WhyNot:
    """Say why a song is not among the first n recommended to a listener, or that it is."""
    n = list_request.limit_length(n)
    if not song.is_available:
        return WhyNot("unavailable", "The song is not available any more.")
    context = ListenerContext(listener)
    excluded = _find_wish(listener, song, context)
    if excluded is not None:
        return excluded
    served = recommend.recommend_songs(listener, n, context=context, may_interleave=True)
    for item in served:
        if item.song.pk == song.pk:
            return WhyNot(LISTED, f"It is on the list, at position {item.position}.", item.position)
    if not listener.personalised:
        return WhyNot("not_personalised", str(Fallback.NOT_PERSONALISED.label))
    found = _find_rank(listener, song, n, context)
    if served.interleaved is not None and found.step == "variety":
        return WhyNot(
            "experiment",
            f"It fits you well enough (rank {found.rank}), but gave way to songs of another model version: an "
            "experiment compares two of them, and your list takes turns between them.",
            found.rank,
        )
    return found


def _find_wish(listener: User, song: Song, context: ListenerContext) -> WhyNot | None:
    """Return what the listener did that keeps the song away, if anything did."""
    kinds = set(
        ListenerControl.objects.filter(listener=listener, song=song).values_list("kind", flat=True)
    )
    if ListenerControl.Kind.HIDE_SONG in kinds:
        return WhyNot("hidden_song", "You hid this song.")
    if song.artist_id in context.unwanted.artist_ids:
        return WhyNot("hidden_artist", f"You hid {song.artist.name}.")
    mine = set(
        Interaction.objects.for_listener(listener).filter(song=song).values_list("kind", flat=True)
    )
    if Interaction.Kind.DISLIKE in mine:
        return WhyNot("disliked", "You dislike this song.")
    if not context.unwanted.allows(song):
        return WhyNot(
            "not_learned_from", "You asked not to learn from this song, or hid one of its artists."
        )
    if mine:
        return WhyNot("heard", "It is in your history, and lists hold what you have not heard.")
    return None


def _find_rank(listener: User, song: Song, n: int, context: ListenerContext) -> WhyNot:
    """Say what stands above the song in the ranking of the active model."""
    serving = registry.serving_recommender()
    if serving is None:
        return WhyNot("no_model", str(Fallback.NO_MODEL.label))
    version, recommender = serving
    row = recommender.items.row(song.pk)
    if row < 0:
        return WhyNot(
            "newer_than_model", "It is newer than the model; it can come after the next training."
        )
    history = history_loader.load_history(listener, recommender, context=context)
    heard = history.to_csr(recommender.n_items)
    versions = exclusions.work_versions(version, recommender)
    if row in versions.find_versions(heard.indices):
        return WhyNot("other_version_heard", "Another version of it is in your history.")
    mask = exclusions.build_mask(version, recommender, context.unwanted)
    mask[heard.indices] = True
    mask[row] = False
    forbidden = csr_matrix(mask[None, :].astype(np.float32))
    scores, above = recommender.find_ranks(heard, [row], forbidden=forbidden)
    if not np.isfinite(scores[0]):
        return WhyNot("no_score", "The model can't say how well it fits you.")
    rank = int(above[0]) + 1
    if rank <= n:
        return WhyNot(
            "variety",
            f"It fits you well enough (rank {rank}), but gave way so that the list is varied.",
            rank,
        )
    return WhyNot("outranked", f"{rank - 1} songs fit you better, and the list has {n}.", rank)
