"""Artists and albums to look for, as a custom list of Lidarr, which can send nothing but an address."""

from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import require_usable_token
from accounts.models import Scope
from recommendations.api.players.base import PlayerView
from recommendations.services.surfaces import beyond_library

N_ARTISTS, N_SONGS = 50, 100


class ArtistsToLookFor(PlayerView):
    """The secret of the address is a token that may do nothing else; revoked, the address is gone.

    Albums that listeners elsewhere played with the owner's songs, then artists, then those of songs, each artist
    once; empty without a seed pack.
    """

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request, secret: str) -> Response:
        try:
            token = require_usable_token(secret)
        except AuthenticationFailed:
            raise NotFound("There is no such list.") from None
        if not token.allows(Scope.LIDARR):
            raise NotFound("There is no such list.")
        beyond = beyond_library.find_beyond_library(
            token.user, n_songs=N_SONGS, n_artists=N_ARTISTS
        )
        albums = {
            one.mbid: one.artist_mbid for one in beyond.albums if one.mbid and one.artist_mbid
        }
        mbids = [one.mbid for one in beyond.artists] + [one.artist_mbid for one in beyond.songs]
        # Lidarr adds the artist of an album by itself, and keeps the first of two entries of one artist
        artists = [mbid for mbid in dict.fromkeys(mbids) if mbid not in {"", *albums.values()}]
        return Response(
            [{"MusicBrainzId": artist, "AlbumId": album} for album, artist in albums.items()]
            + [{"MusicBrainzId": artist} for artist in artists]
        )
