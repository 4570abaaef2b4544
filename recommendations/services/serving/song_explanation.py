"""Explain one song to a listener."""

from collections.abc import Mapping

from accounts.models import User
from catalog.models import Song
from recommendations.engine import Explanation
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.serving import history_loader


def explain_song(listener: User, song: Song) -> Explanation | None:
    """Explain any song for a listener; None when there is no model or it does not know the song."""
    return explain_with_sound(listener, song)[0]


def explain_with_sound(
    listener: User, song: Song, context: ListenerContext | None = None
) -> tuple[Explanation | None, Mapping[str, float]]:
    """Explain a song as `explain_song` does, and return the listener's mean of each audio feature beside it.

    `context` is what was read of the listener already.
    """
    context = context or ListenerContext(listener)
    serving = context.serving
    if serving is None:
        return None, {}
    _version, recommender = serving
    row = recommender.items.row(song.pk)
    if row < 0:
        return None, {}
    history = history_loader.load_history(listener, recommender, context=context)
    return recommender.explain(history, row), recommender.describe_sound(history)
