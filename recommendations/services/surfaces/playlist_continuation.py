"""Songs that would fit a playlist."""

from accounts.models import User
from catalog.models import Playlist
from catalog.playlists import edit
from recommendations.services.serving.list_query import ListQuery, serve_list
from recommendations.services.serving.listener_context import ListenerContext
from recommendations.services.serving.served_list import Served

N_SONGS = 12
EMPTY = "An empty playlist can't be continued: add a song or two first."
NO_MODEL = "No model has been trained yet, so there is nothing to continue with."


def continue_playlist(listener: User, playlist: Playlist, n: int = N_SONGS) -> Served:
    """Recommend songs from those of the playlist, without what is in it and what the listener doesn't want."""
    songs = edit.list_songs(playlist)
    context = ListenerContext(listener)
    if not songs:
        return Served([], "empty", reason=EMPTY)
    if context.serving is None:
        return Served([], "empty", reason=NO_MODEL)
    version, recommender = context.serving
    ids = [song.pk for song in songs]
    history = recommender.history(ids)
    query = ListQuery(
        version,
        recommender,
        n,
        lambda mask: recommender.recommend(history, n, exclude=mask),
        exclude=ids,
    )
    return serve_list(query, context)
