"""Songs that would fit a playlist."""

from accounts.models import User
from catalog.models import Playlist
from catalog.playlists import edit
from recommendations.services.serving import exclusions, recommend
from recommendations.services.serving.recommend import Served
from recommendations.services.versions import registry

N_SONGS = 12
EMPTY = "An empty playlist can't be continued: add a song or two first."
NO_MODEL = "No model has been trained yet, so there is nothing to continue with."


def continue_playlist(listener: User, playlist: Playlist, n: int = N_SONGS) -> Served:
    """Recommend songs from those of the playlist, without what is in it and what the listener doesn't want."""
    songs = edit.list_songs(playlist)
    found = registry.serving_recommender()
    if not songs:
        return Served([], "empty", reason=EMPTY)
    if found is None:
        return Served([], "empty", reason=NO_MODEL)
    version, recommender = found
    ids = [song.pk for song in songs]
    return recommend.made_now(
        version,
        n,
        lambda: recommender.recommend(
            recommender.history(ids),
            n,
            exclude=exclusions.build_mask(
                version, recommender, exclusions.load_unwanted(listener), also=ids
            ),
        ),
    )
