"""What the serving version estimated of a song's audio features that nobody measured."""

from collections.abc import Mapping

from catalog.models import Song
from recommendations.engine import Estimate
from recommendations.services.lists.listener_context import ListenerContext


def find_estimates(song: Song, context: ListenerContext) -> Mapping[str, Estimate]:
    """Return the estimates of those features that are unknown still; empty without a version that has any."""
    if all(value is not None for value in song.audio_features.values()):
        return {}
    serving = context.serving
    if serving is None or serving[1].estimates is None:
        return {}
    recommender = serving[1]
    row = recommender.items.row(song.pk)
    if row < 0 or recommender.estimates is None:
        return {}
    return {
        name: estimate
        for name, estimate in recommender.estimates.describe(row).items()
        if song.audio_features[name] is None
    }
