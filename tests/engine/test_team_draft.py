"""One list from two: taking turns, and the rules of a list kept by the joint one."""

from collections import Counter

import numpy as np
import pytest

from recommendations.engine.reranking.team_draft import UNCONTESTED, Team, draft_teams


def make_teams(first, second, *, artists=None, vectors=None):
    """Return two teams by the names of their songs; alike songs share a vector, others are orthogonal."""
    names = sorted({*first, *second})
    vectors = vectors or {name: index for index, name in enumerate(names)}
    eye = np.eye(len(names) + 1, dtype=np.float32)

    def read_vectors(songs):
        return eye[np.array([vectors[song] for song in songs], dtype=np.intp)]

    def make(own, other):
        keys = [(artists or {}).get(song, song) for song in own]
        return Team(list(own), keys, read_vectors(own), read_vectors(other))

    return make(first, second), make(second, first)


def list_songs(slots, first, second):
    return [(first, second)[slot.source][slot.position] for slot in slots]


def test_each_round_gives_both_teams_one_song_and_a_coin_says_who_is_first():
    first, second = "abcdefgh", "ijklmnop"
    starters = Counter()
    for seed in range(400):
        slots = draft_teams(make_teams(first, second), 10, artist_cap=3, seed=seed)
        assert [{slots[i].team, slots[i + 1].team} for i in range(0, 10, 2)] == [{0, 1}] * 5
        starters[slots[0].team] += 1

    assert starters[0] / 400 == pytest.approx(0.5, abs=0.1)  # 4 standard errors


def test_a_song_that_one_team_took_is_gone_for_both():
    slots = draft_teams(make_teams("abcd", "bacd"), 4, artist_cap=3, seed=0)

    assert sorted(list_songs(slots, "abcd", "bacd")) == ["a", "b", "c", "d"]
    assert Counter(slot.team for slot in slots) == {0: 2, 1: 2}


@pytest.mark.parametrize("seed", range(5))
def test_two_equal_versions_give_the_list_that_each_gives_alone(seed):
    songs = "abcdefghij"

    slots = draft_teams(make_teams(songs, songs), 10, artist_cap=3, seed=seed)

    assert list_songs(slots, songs, songs) == list(songs)
    assert Counter(slot.team for slot in slots) == {0: 5, 1: 5}


def test_artists_are_counted_over_both_teams():
    artists = {"a": "X", "b": "X", "i": "X", "j": "X"}
    first, second = "abcdef", "ijklmn"

    slots = draft_teams(make_teams(first, second, artists=artists), 10, artist_cap=3, seed=1)

    songs = list_songs(slots, first, second)
    by_x = [songs.index(song) for song in artists if song in songs]
    assert sorted(by_x)[:3] == [0, 1, 2]
    assert all(position > 7 for position in sorted(by_x)[3:])


def test_a_song_like_one_of_the_other_team_comes_after_all_others():
    first, second = "abcd", "efgh"
    alike = {name: index for index, name in enumerate("abcdefgh")} | {"e": 0}

    slots = draft_teams(make_teams(first, second, vectors=alike), 8, artist_cap=3, seed=4)

    songs = list_songs(slots, first, second)
    assert len(set(songs)) == 8
    assert max(songs.index("a"), songs.index("e")) >= 6


def test_places_that_one_team_fills_alone_count_for_neither():
    slots = draft_teams(make_teams("ab", "cdefgh"), 8, artist_cap=3, seed=2)

    assert Counter(slot.team for slot in slots) == {0: 2, 1: 2, UNCONTESTED: 4}
    assert [slot.team for slot in slots[4:]] == [UNCONTESTED] * 4


def test_the_same_seed_gives_the_same_list():
    teams = make_teams("abcdef", "defghi")

    assert draft_teams(teams, 6, artist_cap=3, seed=9) == draft_teams(
        teams, 6, artist_cap=3, seed=9
    )
    assert draft_teams(make_teams("", ""), 6, artist_cap=3, seed=9) == []
