"""Requests in the shapes that players in use send."""

import json

import pytest

from catalog.models import Song
from tests.api.listens import NOW, plays, single

NAVIDROME = single(
    {
        "listened_at": NOW - 300,
        "track_metadata": {
            "artist_name": "Björk",
            "track_name": "Jóga",
            "release_name": "Homogenic",
            "additional_info": {
                "submission_client": "navidrome",
                "submission_client_version": "0.53.3",
                "tracknumber": 2,
                "recording_mbid": "3c5a7f4e-8d0a-4c7d-8c46-222222222222",
                "artist_mbids": ["87c5dedd-371d-4a53-9f7f-80522fb7f3cb"],
                "release_mbid": "",
                "release_group_mbid": "",
                "duration_ms": 305_000,
            },
        },
    }
)
PANO = single(
    {
        "listened_at": NOW - 300,
        "track_metadata": {
            "artist_name": "Björk",
            "track_name": "Jóga",
            "release_name": None,
            "additional_info": {
                "duration_ms": 305_000,
                "media_player": "com.maxmpz.audioplayer",
                "submission_client": "Pano Scrobbler",
                "submission_client_version": "4.0",
            },
        },
    }
)
MULTI_SCROBBLER = {
    "listen_type": "import",
    "payload": [
        {
            "listened_at": NOW - 300,
            "track_metadata": {
                "artist_name": "Björk",
                "track_name": "Jóga",
                "release_name": "Homogenic",
                "additional_info": {
                    "artist_names": ["Björk"],
                    "duration": 305,
                    "track_length": 305,
                    "music_service": "spotify.com",
                    "spotify_id": "https://open.spotify.com/track/2",
                    "submission_client": "multi-scrobbler",
                },
            },
        }
    ],
}
WEB_SCROBBLER = single(
    {
        "listened_at": NOW - 300,
        "track_metadata": {
            "artist_name": "Björk",
            "track_name": "Jóga",
            "additional_info": {
                "submission_client": "Web Scrobbler",
                "submission_client_version": "3.7.0",
                "music_service_name": "YouTube",
                "origin_url": "https://www.youtube.com/watch?v=x",
                "duration": 305.0,
            },
        },
    }
)
JELLYFIN = single(
    {
        "listened_at": NOW - 300,
        "track_metadata": {
            "artist_name": "Björk",
            "track_name": "Jóga",
            "release_name": "Homogenic",
            "additional_info": {
                "artist_mbids": [],
                "isrc": None,
                "media_player": "Jellyfin",
                "submission_client": "Jellyfin ListenBrainz plugin",
                "duration_ms": 305_000,
                "tags": ["trip hop"],
                "tracknumber": None,
            },
        },
    }
)
SHAPES = {
    "navidrome": NAVIDROME,
    "pano scrobbler": PANO,
    "multi-scrobbler": MULTI_SCROBBLER,
    "web scrobbler": WEB_SCROBBLER,
    "jellyfin": JELLYFIN,
}


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"]
)
@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES)
def test_players_in_use_are_understood(player, body, content_type):
    answer = player.client.post(
        "/apis/listenbrainz/1/submit-listens/", json.dumps(body), content_type=content_type
    )
    assert answer.json() == {"status": "ok"}
    song = Song.objects.select_related("artist").get()
    assert (song.title, song.artist.name, song.duration_ms) == ("Jóga", "Björk", 305_000)


def test_all_players_mean_one_song(player):
    for body in SHAPES.values():
        player.post("submit-listens", body)
    assert Song.objects.count() == 1
    assert plays(player.user).count() == 1
