"""Examples in the API's documentation."""

SONG = {
    "id": "song_00042",
    "title": "Glass Harbour",
    "artist": {"id": 7, "name": "The Lanterns"},
    "credit": "The Lanterns feat. Mara Vale",
    "album": {"id": 3, "title": "Low Tide"},
    "genres": ["Dream pop"],
    "year": 2019,
    "duration_ms": 214_000,
    "features": {
        "acousticness": 0.31,
        "danceability": 0.58,
        "energy": 0.44,
        "instrumentalness": 0.02,
        "liveness": 0.11,
        "speechiness": 0.04,
        "valence": 0.37,
        "tempo": 104.0,
    },
    "mbid": "d11fcceb-dfc5-4d19-b45d-f4e8f6d3eaa6",
    "isrc": "GBAYE9200113",
    "audio_url": "",
}
ARTIST = {"id": 7, "name": "The Lanterns", "mbid": None, "n_songs": 12}
GENRE = {"id": 2, "name": "Dream pop", "n_songs": 130}
OPINION = {"song": "song_00042", "opinion": "like"}
INTERACTION = {
    "song": "song_00042",
    "kind": "play",
    "occurred_at": "2026-08-24T18:30:00Z",
    "played_ms": 200_000,
}
HEARD = {
    "id": 1234,
    "song": SONG,
    "kind": "play",
    "occurred_at": "2026-08-24T18:30:00Z",
    "played_ms": 200_000,
    "plays": 1,
    "source": "api",
}
RECORDED = {"added": 1, "known": 0, "rejected": []}
PLAYLIST = {
    "id": "0b8f0a1e-7c51-4c8e-9a53-9d4fbb1c3a55",
    "kind": "own",
    "period": "",
    "title": "Rainy Sunday",
    "description": "",
    "is_public": False,
    "n_songs": 2,
    "created_at": "2026-08-24T18:30:00Z",
    "updated_at": "2026-08-24T18:30:00Z",
}
PLAYLIST_ITEM = {
    "id": 99,
    "position": 1,
    "song": SONG,
    "reason": "Because of “Paper Lions”",
    "added_at": "2026-08-24T18:30:00Z",
}
FILES = {
    "jspf": {
        "playlist": {
            "title": "Rainy Sunday",
            "creator": "alice",
            "identifier": "https://your.host/playlist/0b8f0a1e-7c51-4c8e-9a53-9d4fbb1c3a55",
            "date": "2026-08-24T18:30:00+00:00",
            "annotation": "",
            "extension": {
                "https://musicbrainz.org/doc/jspf#playlist": {
                    "public": False,
                    "creator": "alice",
                    "last_modified_at": "2026-08-24T18:30:00+00:00",
                }
            },
            "track": [
                {
                    "identifier": [
                        "https://musicbrainz.org/recording/d11fcceb-dfc5-4d19-b45d-f4e8f6d3eaa6"
                    ],
                    "title": "Glass Harbour",
                    "creator": "The Lanterns",
                    "album": "Low Tide",
                    "duration": 214_000,
                    "annotation": "Because of “Paper Lions”",
                    "extension": {
                        "https://musicbrainz.org/doc/jspf#track": {
                            "added_by": "alice",
                            "added_at": "2026-08-24T18:30:00+00:00",
                        }
                    },
                }
            ],
        }
    },
    "m3u8": "#EXTM3U\n#PLAYLIST:Rainy Sunday\n#EXTINF:214,The Lanterns - Glass Harbour\nhttps://media.example.org/glass-harbour.mp3\n",
    "csv": "position,song_id,title,artist,album,year,reason\n"
    "1,song_00042,Glass Harbour,The Lanterns,Low Tide,2019,Because of “Paper Lions”\n",
}
