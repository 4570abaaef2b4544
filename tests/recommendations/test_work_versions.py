"""Versions of one song: studio, concert, remix. Who heard one is not offered another; no list has two."""

import numpy as np
import pytest
from django.core.cache import cache

from accounts.models import User
from catalog.models import Artist, ArtistCredit, Interaction, Song
from catalog.songs import kept_figures
from recommendations.models import ListenerControl
from recommendations.services.lists import exclusions
from recommendations.services.lists.batch_lists import WorkVersions
from recommendations.services.serving import precompute, recommend, visitor_lists
from recommendations.services.versions import registry

LENGTH = 20


def make_versions(*songs: Song) -> None:
    """Give songs of the world the names of versions of one song."""
    artist = Artist.objects.create(name="Mara Bug")
    titles = ["Tide", "Tide (Live)", "Tide - Bo Remix", "Tide (Acoustic)", "Tide [Demo]"]
    for song, title in zip(songs, titles, strict=False):
        song.title, song.artist = title, artist
        song.save()
    exclusions.clear_masks()
    cache.clear()


def list_served(listener: User) -> list[Song]:
    return recommend.recommend_songs(listener, LENGTH).songs


def works(songs: list[Song]) -> list[str]:
    return [song.work_key for song in songs]


def test_a_list_has_one_version_of_a_song(version, listener):
    before = list_served(listener)
    make_versions(*before[:5])
    after = list_served(listener)
    assert after[0] == before[0]
    assert not set(after) & set(before[1:5])
    assert len(after) == len(before)
    assert len(set(works(after))) == len(after)


def test_who_heard_one_version_is_not_offered_another(version, listener):
    heard = Song.objects.filter(
        interactions__listener=listener, interactions__kind=Interaction.Kind.PLAY
    ).first()
    offered = list_served(listener)[0]
    make_versions(heard, offered)
    assert offered not in list_served(listener)


def test_kept_lists_have_no_two_versions_either(version, listener):
    before = list_served(listener)
    make_versions(*before[:5])
    live = list_served(listener)
    precompute.precompute(version)
    cache.clear()
    kept = recommend.recommend_songs(listener, LENGTH)
    assert kept.step == "precomputed"
    assert kept.songs == live


def test_likes_of_a_visitor_exclude_their_versions(version, listener):
    first = list_served(listener)[0]
    offered = visitor_lists.recommend_from_songs([first], LENGTH).songs[0]
    make_versions(first, offered)
    recommended = visitor_lists.recommend_from_songs([first], LENGTH).songs
    assert offered not in recommended
    assert len(recommended) == LENGTH


def test_a_hidden_artist_is_hidden_where_a_song_only_names_them(version, listener):
    song = list_served(listener)[0]
    guest = Artist.objects.create(name="Guest")
    ArtistCredit.objects.create(song=song, artist=guest)
    ListenerControl.objects.create(
        listener=listener, kind=ListenerControl.Kind.HIDE_ARTIST, artist=guest
    )
    cache.clear()
    assert song not in list_served(listener)
    precompute.precompute(version)
    cache.clear()
    assert song not in list_served(listener)


@pytest.mark.parametrize(
    ("works", "rows", "versions", "repeats"),
    [
        ([-1, -1], [0, 1], [], []),
        ([0, -1, 0, 1, 1], [0, 1], [0, 2], []),
        ([0, -1, 0, 1, 1], [2, 3, 1, 0, 4], [0, 2, 3, 4], [0, 4]),
        ([0, 0, 0], [1, 2, 0, -1], [0, 1, 2], [2, 0]),
    ],
)
def test_versions_and_repeats_by_rows(works, rows, versions, repeats):
    work_versions = WorkVersions(np.array(works, dtype=np.int32))
    asked = np.array(rows)
    assert sorted(work_versions.find_versions(asked[asked >= 0]).tolist()) == versions
    assert work_versions.find_repeats(asked).tolist() == repeats


def test_a_catalog_without_versions_is_read_by_one_query(version, django_assert_num_queries):
    recommender = registry.load_recommender(version)
    exclusions.clear_masks()
    kept_figures.is_small_site()  # asked once a minute
    with django_assert_num_queries(2):
        work_versions = exclusions.get_work_versions(version, recommender)
    assert (work_versions.works == -1).all()
