"""Why not this song: the step at which it falls out is the one at which the list lost it."""

import numpy as np
import pytest
from django.utils import translation

from catalog.listening import interactions
from catalog.models import Artist, ArtistCredit, Song
from recommendations.models import Taste
from recommendations.services.lists import exclusions, list_query
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.preferences import controls
from recommendations.services.serving import history_loader, recommend, why_not
from recommendations.services.versions import registry

pytestmark = pytest.mark.django_db

N = 5


def ask(listener, song, n=N):
    return why_not.explain_absence(listener, song, n)


def best_unlisted(listener) -> Song:
    """Return a song that would be the next on the listener's list."""
    shorter = recommend.recommend_songs(listener, N).songs
    return next(
        song for song in recommend.recommend_songs(listener, 30).songs if song not in shorter
    )


def test_a_song_of_the_list_is_said_to_be_there(version, listener):
    songs = recommend.recommend_songs(listener, N).songs
    assert len(songs) == N
    for position, song in enumerate(songs, start=1):
        answer = ask(listener, song)
        assert (answer.step, answer.rank) == ("listed", position)
        assert f"place {position}." in answer.sentence


def test_every_song_falls_out_where_the_list_loses_it(version, listener):
    """Compare each answer with lists that lack the step: an answer is wrong if leaving the step out changes nothing."""
    context = ListenerContext(listener)
    query = recommend.find_query(listener, N, context)
    _version, recommender = registry.load_serving_recommender()
    history = history_loader.load_history(listener, recommender, context=context)
    heard = set(query.exclude)
    mask = exclusions.build_mask(_version, recommender, context.unwanted, also=heard)
    listed = [song.pk for song in recommend.recommend_songs(listener, N).songs]
    uncapped = recommender.recommend(history, N, exclude=mask, artist_cap=recommender.n_items)
    without_cap = {item.item_id for item in uncapped.items}
    everything = recommender.recommend(
        history,
        recommender.n_items,
        exclude=mask,
        discovery=0.0,
        artist_cap=recommender.n_items,
    )
    ranked = sorted(everything, key=lambda item: (-item.score, item.item_row))
    by_score = [item.item_id for item in ranked]
    last = max(by_score.index(pk) for pk in listed)
    steps = {}
    for row, pk in enumerate(recommender.items.ids.tolist()):
        trace = list_query.trace_song(query, context, row)
        steps[pk] = trace.step
        if pk in heard:
            expected = "heard"
        elif pk in listed:
            expected = "listed"
        elif pk in without_cap:
            expected = "artist_cap"
        elif pk not in by_score:
            expected = "no_score"
        else:
            expected = "outranked" if by_score.index(pk) > last else "variety"
        if expected == "outranked" and trace.step == "not_proposed":
            continue
        assert trace.step == expected, (pk, trace)
        if trace.rank is not None:
            assert trace.rank == by_score.index(pk) + 1
        if trace.score is not None and trace.step == "outranked":
            assert trace.score <= trace.last_score
    assert {"heard", "listed", "outranked"} <= set(steps.values())


def test_what_the_listener_did_is_said_first(version, listener):
    song = best_unlisted(listener)
    assert ask(listener, song).step in ("outranked", "variety", "artist_cap")
    interactions.dislike_song(listener, song, source="test")
    assert ask(listener, song).step == "disliked"
    controls.hide_artist(listener, song.artist)
    assert ask(listener, song).sentence == f"You hid {song.artist.name}."
    controls.hide_song(listener, song)
    assert ask(listener, song).step == "hidden_song"
    Song.objects.filter(pk=song.pk).update(is_available=False)
    assert ask(listener, Song.objects.get(pk=song.pk)).step == "unavailable"


def test_a_hidden_guest_keeps_a_song_away(version, listener):
    song, guest = best_unlisted(listener), Artist.objects.create(name="Guest")
    ArtistCredit.objects.create(song=song, artist=guest)
    controls.hide_artist(listener, guest)
    assert ask(listener, song).sentence == "You hid an artist who is on it."


def test_songs_that_are_left_out_of_the_history_are_said_to_be(version, listener):
    heard = Song.objects.filter(interactions__listener=listener).first()
    assert ask(listener, heard).step == "heard"
    song = best_unlisted(listener)
    controls.ignore_song(listener, song)
    assert ask(listener, song).step == "not_learned_from"


def make_versions(*songs: Song) -> None:
    Song.objects.filter(pk__in=[song.pk for song in songs]).update(work_key="one work")
    exclusions.clear_masks()


def test_another_version_that_was_heard_is_the_reason(version, listener):
    song = best_unlisted(listener)
    make_versions(song, Song.objects.filter(interactions__listener=listener).first())
    assert ask(listener, song).step == "other_version_heard"


def test_another_version_on_the_list_is_the_reason(version, listener):
    first, second = recommend.recommend_songs(listener, N).songs[:2]
    make_versions(first, second)
    listener.refresh_from_db()
    controls.hide_song(listener, best_unlisted(listener))  # a new generation: the list is made anew
    assert ask(listener, first).step == "listed"
    assert ask(listener, second).step == "other_version_listed"


def test_a_song_that_is_newer_than_the_model_says_so(version, listener):
    artist = Artist.objects.first()
    song = Song.objects.create(key="new", title="New", artist=artist)
    assert ask(listener, song).step == "newer_than_model"


def test_without_a_model_or_personalisation_that_is_the_reason(world, listener):
    song = Song.objects.exclude(interactions__listener=listener).last()
    assert ask(listener, song, 1).step in ("no_model", "listed")


def test_a_listener_who_opted_out_is_told_so(version, listener):
    listener.personalised = False
    listener.save()
    song = Song.objects.get(key="song_00059")
    assert ask(listener, song, 1).step in ("not_personalised", "listed")


def test_what_is_outside_of_the_picks_is_said_to_be(version, world):
    from accounts.models import User

    ben = User.objects.create_user("ben")
    picked = Song.objects.get(key="song_00001")
    Taste.objects.create(listener=ben).songs.add(picked)
    steps = {ask(ben, song).step for song in Song.objects.all()}
    assert "listed" in steps and steps & {"outside", "outranked"}
    assert ask(ben, picked).step in ("forbidden", "outside")


def test_the_page_and_the_api_say_the_same(version, listener, client):
    song = best_unlisted(listener)
    client.force_login(listener)
    page = client.get(f"/songs/{song.pk}/why/").content.decode()
    answer = client.get(f"/api/v1/songs/{song.key}/why-not/").json()
    expected = ask(listener, song, None)
    assert (answer["step"], answer["sentence"]) == (expected.step, expected.sentence)
    assert f'data-step="{expected.step}"' in page
    with translation.override("de"):
        assert ask(listener, song, None).sentence != expected.sentence


def test_the_gap_to_the_last_song_is_a_number(version, listener):
    by_score = recommend.recommend_songs(listener, 30).songs
    answers = [ask(listener, song) for song in by_score[N:]]
    outranked = [one for one in answers if one.step == "outranked" and one.score is not None]
    assert outranked
    for one in outranked:
        assert np.float64(one.score) <= one.last_score
        assert f"{one.score:.3f}" in one.sentence and f"{one.last_score:.3f}" in one.sentence
