"""Addresses of players' plugins, each group under a path of its own.

AudioMuse's plugin for Jellyfin drops the path of the address it is given, so those addresses are at the root as well.
"""

from django.urls import re_path

from recommendations.api.mcp.views import Endpoint
from recommendations.api.players import audiomuse, labs, lidarr, navidrome

AUDIOMUSE = {
    "health": audiomuse.Health,
    "similar_tracks": audiomuse.SimilarTracks,
    "find_path": audiomuse.FindPath,
    "similar_artists": audiomuse.SimilarArtists,
    "search_tracks": audiomuse.SearchTracks,
    "max_distance": audiomuse.MaxDistance,
    "sonic_fingerprint/generate": audiomuse.SonicFingerprint,
    "create_playlist": audiomuse.CreatePlaylist,
}
NAVIDROME = {
    "nd_get_similar_songs_by_track": navidrome.SimilarToTrack,
    "nd_get_similar_songs_by_album": navidrome.SimilarToAlbum,
    "nd_get_similar_songs_by_artist": navidrome.SimilarToArtist,
    "nd_get_artist_top_songs": navidrome.TopSongs,
    "nd_get_similar_artists": navidrome.SimilarArtists,
    "nd_get_sonic_similar_tracks": navidrome.SonicSimilar,
    "nd_find_sonic_path": navidrome.SonicPath,
    "nd_scrobbler_is_authorized": navidrome.IsAuthorized,
    "nd_scrobbler_now_playing": navidrome.NowPlaying,
    "nd_scrobbler_scrobble": navidrome.Scrobble,
    "nd_scrobbler_playback_report": navidrome.PlaybackReport,
}
LABS = {
    "similar-artists/json": labs.SimilarArtists,
    "similar-recordings/json": labs.SimilarRecordings,
}

app_name = "players"

urlpatterns = [
    re_path(r"^mcp/?$", Endpoint.as_view(), name="mcp"),
    re_path(r"^audiomuse/?$", audiomuse.Health.as_view(), name="audiomuse"),
    *(
        re_path(rf"^audiomuse/api/{name}/?$", view.as_view(), name=f"audiomuse_{name}")
        for name, view in AUDIOMUSE.items()
    ),
    *(re_path(rf"^api/{name}/?$", view.as_view()) for name, view in AUDIOMUSE.items()),
    *(
        re_path(rf"^navidrome/{name}/?$", view.as_view(), name=name)
        for name, view in NAVIDROME.items()
    ),
    *(re_path(rf"^labs/{name}/?$", view.as_view(), name=name) for name, view in LABS.items()),
    # Lidarr drops the slash at the end
    re_path(r"^lidarr/(?P<secret>[^/]+)/?$", lidarr.ArtistsToLookFor.as_view(), name="lidarr"),
]
