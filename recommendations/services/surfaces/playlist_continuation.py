"""Songs that would fit a playlist."""

from accounts.models import User
from catalog.models import Playlist
from catalog.playlists import edit
from recommendations.services.lists.fallback import Fallback
from recommendations.services.lists.list_query import ListQuery, serve_list
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.lists.served_list import Served

N_SONGS = 12


def continue_playlist(listener: User, playlist: Playlist, n: int = N_SONGS) -> Served:
    """Recommend songs from those of the playlist, without what is in it and what the listener doesn't want."""
    songs = edit.list_songs(playlist)
    context = ListenerContext(listener)
    if not songs:
        return Served([], "empty", fallback=Fallback.EMPTY_PLAYLIST)
    if context.serving is None:
        return Served([], "empty", fallback=Fallback.NOTHING_TO_CONTINUE)
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
