"""Songs to choose from before anything is known about somebody."""

import numpy as np

from catalog.models import Song
from recommendations.engine import rerank
from recommendations.services.lists import exclusions, list_request
from recommendations.services.serving import popularity_fallback
from recommendations.services.versions import registry

FAMILIARITY = 0.3  # how far being well known counts, against being unlike the others


def choose_starting_points(n: int) -> list[Song]:
    """Return songs, one an artist, to choose from before anything is known about somebody.

    They are well known, so that most people have an answer, and unlike each other, so that every answer tells
    something that the others did not.
    """
    counted = popularity_fallback.list_most_played(
        list_request.limit_length(200), exclusions.NOTHING_UNWANTED
    )
    well_known = [song for song, _count in counted]
    if not well_known:
        well_known = popularity_fallback.list_unheard(n * 4, exclusions.NOTHING_UNWANTED)
    by_artist: dict[int, Song] = {}
    for song in well_known:
        by_artist.setdefault(song.artist_id, song)
    songs = list(by_artist.values())
    return select_unlike(songs, n) or spread_over_genres(songs, n)


def select_unlike(songs: list[Song], n: int) -> list[Song]:
    """Take n of `songs`, best known first, that the model finds least alike; none without a model."""
    serving = registry.load_serving_recommender()
    if serving is None or not songs:
        return []
    rows = serving[1].items.rows([song.pk for song in songs])
    trained = [song for song, row in zip(songs, rows, strict=True) if row >= 0]
    vectors = serving[1].item_vectors(rows[rows >= 0])
    scores = np.linspace(1.0, 0.0, len(trained))
    picked = rerank(scores[None], vectors[None], None, n, relevance=FAMILIARITY, artist_cap=None)[0]
    return [trained[index] for index in picked if index >= 0]


def spread_over_genres(songs: list[Song], n: int) -> list[Song]:
    """Take songs from one genre after the other, so that few answers tell much."""
    by_genre: dict[str, list[Song]] = {}
    for song in songs:
        genres = sorted(genre.name for genre in song.genres.all())
        by_genre.setdefault(genres[0] if genres else "", []).append(song)
    chosen: list[Song] = []
    while len(chosen) < n and any(by_genre.values()):
        for waiting in by_genre.values():
            if waiting and len(chosen) < n:
                chosen.append(waiting.pop(0))
    return chosen
