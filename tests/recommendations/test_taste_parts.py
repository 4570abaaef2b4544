"""The parts of a taste where songs have neither genres nor audio features: artists that are played together."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from accounts.models import User
from catalog.models import Album, Artist, Interaction, Song
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.preferences import taste_clusters, taste_parts

SIZES = (50, 200, 1000, 5000)


def make_history(n_songs: int, n_listeners: int) -> list[User]:
    """Fill the database: artists of ten songs in four moods; on each day a listener is in one mood."""
    rng = np.random.default_rng(n_songs + n_listeners)
    artists = [Artist.objects.create(name=f"Band {n}") for n in range(max(n_songs // 10, 5))]
    songs = Song.objects.bulk_create(
        [
            Song(key=f"s{n}", title=f"Tune {n}", artist=artists[n % len(artists)])
            for n in range(n_songs)
        ]
    )
    listeners = [User.objects.create_user(f"listener_{n}") for n in range(n_listeners)]
    moods = [[s for s in songs if artists.index(s.artist) % 4 == mood] for mood in range(4)]
    start = datetime(2025, 1, 1, 12, tzinfo=UTC)
    rows = []
    for listener in listeners:
        for mood, of_mood in enumerate(moods):
            for index, song in enumerate(rng.permutation(np.array(of_mood, dtype=object))):
                day = 4 * (index // 12) + mood
                moment = start + timedelta(days=day, minutes=4 * (index % 12))
                rows.append(
                    Interaction(
                        listener=listener, song=song, kind=Interaction.Kind.PLAY, source="x",
                        occurred_at=moment, plays=int(rng.integers(1, 20)),
                    )
                )  # fmt: skip
    Interaction.objects.bulk_create(rows, batch_size=2000)
    return listeners


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("n_songs", "n_listeners"),
    [
        pytest.param(n_songs, n, marks=[pytest.mark.slow] if n_songs * n > 2_000 else [])
        for n_songs in SIZES
        for n in (1, 2, 5)
        if n_songs * n <= 10_000
    ],
)
def test_parts_are_neither_one_lump_nor_a_dozen_of_three(n_songs, n_listeners):
    listener = make_history(n_songs, n_listeners)[0]
    clusters = taste_clusters.find_clusters(listener, context=ListenerContext(listener))
    sizes = [len(cluster.song_ids) for cluster in clusters]
    assert sum(sizes) == n_songs
    assert 2 <= len(clusters) <= taste_parts.MOST_PARTS
    assert min(sizes) >= taste_parts.LEAST_SONGS
    assert max(sizes) <= 0.6 * n_songs
    names = [cluster.name for cluster in clusters]
    assert all(name.startswith("Band ") for name in names)
    assert len(set(names)) == len(names)


@pytest.mark.django_db
def test_artists_of_the_same_days_are_one_part():
    """Each part is nearly of one mood, though nothing but the days tells the moods apart."""
    listener = make_history(200, 1)[0]
    artist_places = {artist.name: int(artist.name.split()[1]) for artist in Artist.objects.all()}
    songs = Song.objects.select_related("artist").in_bulk()
    pure = 0
    for cluster in taste_clusters.find_clusters(listener, context=ListenerContext(listener)):
        moods = Counter(artist_places[songs[pk].artist.name] % 4 for pk in cluster.song_ids)
        pure += max(moods.values())
    assert pure >= 0.9 * len(songs)


def test_a_lump_of_equal_songs_is_cut_by_artist():
    """Nothing is known but the artists: four of ten songs each become two parts of two artists."""
    artists = np.repeat(np.arange(4), 10)
    labels = taste_parts.cut_parts(
        np.zeros((40, 3), dtype=np.float32), np.ones(40, dtype=np.float32), artists
    )
    assert np.bincount(labels).tolist() == [20, 20]
    for artist in range(4):
        assert len(set(labels[artists == artist])) == 1


def test_few_songs_are_one_part():
    labels = taste_parts.cut_parts(
        np.eye(4, dtype=np.float32), np.ones(4, dtype=np.float32), np.arange(4)
    )
    assert labels.tolist() == [0, 0, 0, 0]


@pytest.mark.django_db
@pytest.mark.parametrize("n_albums", [1, 20])
def test_no_part_shows_a_picture_twice_and_parts_have_their_own(n_albums):
    listener = make_history(200, 1)[0]
    for artist in Artist.objects.all():
        albums = [Album.objects.create(title=f"Record {n}", artist=artist) for n in range(n_albums)]
        for n, song in enumerate(artist.songs.all()):
            song.album = albums[n % n_albums]
            song.save()
    clusters = taste_clusters.find_clusters(listener, context=ListenerContext(listener))
    shown = [[(song.artist_id, song.album_id) for song in cluster.songs] for cluster in clusters]
    assert len(shown) > 1
    assert all(1 <= len(pictures) == len(set(pictures)) <= 4 for pictures in shown)
    everywhere = [picture for pictures in shown for picture in pictures]
    assert len(everywhere) == len(set(everywhere))
