"""The first questions: what is offered, and that nothing that was picked gets lost on the way."""

import re

import pytest
from django.test import Client

from catalog.models import Genre, Interaction
from recommendations.models import Taste
from recommendations.services.surfaces import starting_points


def list_checked(answer, name: str) -> list[int]:
    boxes = re.findall(
        rf'<input type="checkbox" name="{name}" value="(\d+)"\s*checked>', answer.content.decode()
    )
    return [int(value) for value in boxes]


def list_offered(answer, name: str) -> list[int]:
    boxes = re.findall(
        rf'<input type="checkbox" name="{name}" value="(\d+)"\s*>', answer.content.decode()
    )
    return [int(value) for value in boxes]


@pytest.mark.parametrize(
    "headers", [{}, {"HX-Request": "true", "HX-Target": "offered"}], ids=["plain", "htmx"]
)
def test_a_search_on_the_welcome_page_keeps_what_was_picked(bob, world, headers):
    song, other = world.songs[30], world.songs[31]
    form = {"search": "1", "q": "Song", "song": [song.pk], "artist": [other.artist_id]}
    answer = bob.post("/welcome/", form, headers=headers)
    assert list_checked(answer, "song") == [song.pk]
    assert list_checked(answer, "artist") == [other.artist_id]
    assert song.pk not in list_offered(answer, "song")
    assert not Interaction.objects.filter(listener__username="bob").exists()
    assert not Taste.objects.exists()


def test_a_search_on_the_welcome_page_keeps_the_genres(bob, world):
    genre = Genre.objects.create(name="Fado")
    world.songs[0].genres.add(genre)
    answer = bob.post("/welcome/", {"search": "1", "q": "Song", "genre": [genre.pk]})
    assert list_checked(answer, "genre") == [genre.pk]


@pytest.mark.parametrize(
    "headers", [{}, {"HX-Request": "true", "HX-Target": "offered"}], ids=["plain", "htmx"]
)
def test_a_search_in_the_try_out_keeps_what_was_picked(world, headers):
    song, artist_id = world.songs[30], world.songs[31].artist_id
    answer = Client().get(
        "/try/", {"search": "1", "q": "Song", "song": song.pk, "artist": artist_id}, headers=headers
    )
    assert list_checked(answer, "song") == [song.pk]
    assert list_checked(answer, "artist") == [artist_id]


def test_artists_are_offered_before_anything_was_searched_for(alice_with_model):
    answer = alice_with_model.get("/welcome/")
    asked = starting_points.choose_starting_points(30)
    artists = [song.artist_id for song in asked[18:]]
    assert list_offered(answer, "song") == [song.pk for song in asked[:18]]
    assert list_offered(answer, "artist") == artists


def test_the_first_questions_are_unlike_each_other(trained):
    """Of two equally known kinds of songs, two questions take one each; the two best known would be of one kind."""
    songs = sorted(trained.songs, key=lambda song: -song.interactions.count())
    first_kind, second_kind = songs_by_listeners(songs)
    assert len(first_kind) >= 6 and second_kind
    chosen = starting_points.select_unlike([*first_kind[:6], *second_kind[:6]], 2)
    assert len({song in first_kind for song in chosen}) == 2


def songs_by_listeners(songs) -> tuple[list, list]:
    """Part the songs by the taste whose listeners like them."""
    fans = {song: set(song.interactions.values_list("listener_id", flat=True)) for song in songs}
    reference = fans[songs[0]]
    near = [
        song for song in songs if fans[song] and len(fans[song] & reference) * 2 > len(fans[song])
    ]
    far = [song for song in songs if fans[song] and not fans[song] & reference]
    return near, far


def test_who_only_picked_is_not_told_of_a_listening_history(trained, client):
    picks = f"song={trained.songs[0].pk}&song={trained.songs[1].pk}"
    answer = client.get(f"/try/?{picks}")
    cards = answer.context["cards"]
    words = " ".join(
        share.text + share.name + share.meaning for card in cards for share in card.reasons.shares
    )
    lines = " ".join(card.reasons.line for card in cards)
    assert cards and "picked" in words
    for claim in ("listening history", "you play", "your music", "Your taste"):
        assert claim not in words and claim not in lines
    why = client.get(f"/try/why/{cards[0].song.pk}/?{picks}").content.decode()
    assert "listening history" not in why and "songs of yours" not in why
