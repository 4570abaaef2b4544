"""Examples in the API's documentation."""

from catalog.api.examples import SONG

EXPLANATION = {
    "line": "Because of “Paper Lions” by The Lanterns",
    "sentence": "Personalized pick based on your listening history (60%) + Matches your taste in audio features (30%)"
    " + Currently trending (10%)",
    "shares": [
        {
            "kind": "history",
            "percent": 60,
            "text": "Personalized pick based on your listening history",
        },
        {"kind": "sound", "percent": 30, "text": "Matches your taste in audio features"},
        {"kind": "popular", "percent": 10, "text": "Currently trending"},
    ],
    "because": [
        {"id": "song_00007", "title": "Paper Lions", "artist": {"id": 7, "name": "The Lanterns"}}
    ],
    "goes_with": [
        {"id": "song_00031", "title": "Night Ferry", "artist": {"id": 12, "name": "Tall Ships"}}
    ],
    "features": [{"name": "energy", "song": 0.44, "yours": 0.47}],
    "contributions": {"als": 0.52, "content": 0.26, "popularity": 0.09},
}
ITEM = {"position": 1, "score": 0.87, "song": SONG, "explanation": EXPLANATION}
LIST = {
    "items": [ITEM],
    "step": "precomputed",
    "segment": "hot",
    "version": "v3",
    "fallback": "",
    "note": "",
    "computed_at": "2026-08-24T05:00:00Z",
    "rules": [
        {
            "term": "new_artists",
            "wanted": 6.0,
            "listed": 4.0,
            "possible": 4.0,
            "kept": False,
            "sentence": "Songs by artists you never heard: 6 asked for, 4 in the list, 4 possible.",
        }
    ],
    "receipt": "eyJsIjo3fQ:1wxYzA:signature",
}
_PLAYED = "You played it 14 times, last on March 3, 2026."
QUEUE = {
    "items": [{"song": SONG, "is_new": False, "reason": _PLAYED}],
    "familiarity": 0.7,
    "repeat_rate": 0.7,
}
REDISCOVERED = {
    "items": [
        {
            "song": SONG,
            "n_plays": 14,
            "last_played": "2026-03-03T20:15:00Z",
            "reason": _PLAYED,
        }
    ]
}
PATH = {
    "songs": [SONG, SONG | {"id": "song_00099"}, SONG | {"id": "song_00007"}],
    "steps": [0.41, 0.38],
    "length": 0.79,
    "note": "",
}
EXPLAINED = {"song": SONG, "explanation": EXPLANATION, "note": ""}
ABSENCE = {
    "step": "outranked",
    "sentence": "It is at place 31 of all songs for you, with a score of 0.412; the last of the 20 songs on your "
    "list has 0.455.",
    "rank": 31,
    "score": 0.412,
    "last_score": 0.455,
}
BEYOND = {
    "songs": [
        {
            "mbid": "0b8f0a1e-7c51-4c8e-9a53-9d4fbb1c3a55",
            "title": "Far Shore",
            "artist_name": "Dot Lindqvist",
            "artist_mbid": "5f1d3c0e-2f57-4c62-8b0e-6f2d1a9e7c11",
            "n_listeners": 40,
            "because": "song_00042",
        }
    ],
    "albums": [
        {
            "mbid": "c2d4b7a0-6f3e-4d59-8a41-1b7e5c9f2d60",
            "title": "Shorelines",
            "artist_name": "Dot Lindqvist",
            "artist_mbid": "5f1d3c0e-2f57-4c62-8b0e-6f2d1a9e7c11",
            "n_listeners": 40,
            "because": "song_00042",
        }
    ],
    "artists": [
        {
            "mbid": "5f1d3c0e-2f57-4c62-8b0e-6f2d1a9e7c11",
            "artist_name": "Dot Lindqvist",
            "n_listeners": 112,
            "because": "Lola Berg",
        }
    ],
    "about": {
        "source": "listens of ListenBrainz",
        "licence": "CC0 1.0",
        "data_from": "2026-10-01",
        "data_until": "2026-10-31",
        "made_at": "2026-11-02",
    },
}

ME = {
    "username": "alice",
    "email": "",
    "personalised": True,
    "shares_playlists": False,
    "theme": "system",
    "language": "",
    "time_zone": "Europe/Berlin",
    "is_staff": False,
    "date_joined": "2026-01-02T03:04:05Z",
}
BLEND = {
    "id": "5b1f6a52-7a52-4a3d-8b0e-2c5d5f0d9a11",
    "title": "Kitchen",
    "members": ["alice", "bob"],
}
BLENDS = {
    "blends": [BLEND],
    "invitations": [
        {"id": "9c8d0b57-3a0e-4bb3-9f43-0d5b2f6f1c22", "title": "Car", "invited_by": "carol"}
    ],
}
BLEND_SONGS = BLEND | {
    "problem": "",
    "songs": [{"position": 1, "song": SONG, "fans": ["alice"], "least_percent": 80}],
}
RULES = {
    "new_artist_share": 0.3,
    "artist_cap": 2,
    "genre_distance": None,
    "tail_share": None,
}
TASTE = {
    "rules": RULES,
    "discovery": 0.5,
    "artists": [{"id": 7, "name": "The Lanterns"}],
    "genres": ["Dream pop"],
    "parts": [
        {
            "id": "song_00007",
            "name": "Dream pop",
            "percent": 62,
            "n_songs": 40,
            "artists": ["The Lanterns"],
            "genres": ["Dream pop"],
            "mean_features": {"energy": 0.44, "tempo": 104.0},
            "mood": "",
        }
    ],
}
HIDDEN = {"kind": "hide-song", "song": SONG, "artist": None, "hidden_at": "2026-08-24T18:30:00Z"}
RUN = {
    "id": 12,
    "status": "running",
    "preset": "standard",
    "trigger": "api",
    "requested_by": "olga",
    "stage": "fitting als",
    "progress": 0.4,
    "error": "",
    "version": None,
    "created_at": "2026-08-24T05:00:00Z",
    "started_at": "2026-08-24T05:00:01Z",
    "finished_at": None,
}
VERSION = {
    "id": 3,
    "name": "v3",
    "preset": "standard",
    "state": "ready",
    "is_active": True,
    "gate_reason": "",
    "metrics": {"ndcg@10": 0.21},
    "n_listeners": 1000,
    "n_songs": 5000,
    "n_interactions": 42_000,
    "fit_seconds": 1.9,
    "size_bytes": 4_200_000,
    "created_at": "2026-08-24T05:00:09Z",
    "activated_at": "2026-08-24T05:00:10Z",
}


_ARM = {
    "id": 7,
    "name": "active",
    "share": 0.5,
    "version": "v3",
    "discovery": None,
    "relevance": None,
    "stop_reason": "",
    "is_winner": False,
}
EXPERIMENT = {
    "id": 2,
    "name": "Is the new one better?",
    "question": "",
    "kind": "interleaving",
    "state": "running",
    "started_at": "2026-08-24T05:00:09Z",
    "ended_at": None,
    "arms": [_ARM, _ARM | {"id": 8, "name": "new", "version": "v4"}],
}
STANDING = {
    "won_by_first": 6,
    "won_by_second": 18,
    "ties": 6,
    "open": 4,
    "listeners": 5,
    "e_value": 4.55,
    "limit": 20.0,
    "low": 0.46,
    "high": 0.92,
    "winner": None,
    "guardrails": [
        {
            "name": "Skips of the songs on interleaved lists",
            "share": 0.18,
            "usual": 0.2,
            "bound": 0.3,
            "e_value": 0.4,
            "limit": 40.0,
        }
    ],
}
