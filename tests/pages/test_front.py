"""The front page: a real card whose reasons a visitor can open, and nothing that is not so on an empty site."""

import html
import re
from collections import Counter

import pytest
from django.test import Client

from recommendations.services.lists.joint_list import MOST_OF_ARTIST
from recommendations.services.serving import visitor_lists
from recommendations.services.surfaces import front_example


def test_the_example_is_a_real_recommendation_that_can_be_opened(trained):
    page = html.unescape(Client().get("/").content.decode())
    card = re.search(r'id="example-song-(\d+)"', page)
    address = re.search(r'href="(/try/why/\d+/\?[^"]+)"', page)
    assert card and address and card[1] in address[1]
    example = front_example.load_example()
    again = visitor_lists.recommend_from_picks(example.picks, front_example.N_LOOKED_AT)
    assert example.served.songs == [song for song in again.songs if song.pk == int(card[1])]
    shares = example.served.items[0].explanation.shares
    opened = html.unescape(Client().get(address[1]).content.decode())
    percents = [int(n) for n in re.findall(r'<span class="number">(\d+) %</span>', opened)]
    assert sum(percents) == 100 and 0 < len(percents) <= len(shares)
    assert "Hide this song" not in opened  # a visitor has no list to hide it from


def test_the_example_is_by_another_artist_than_the_picks_where_there_is_one(trained):
    example = front_example.load_example()
    picked = {song.artist_id for song in example.picks.songs}
    again = visitor_lists.recommend_from_picks(example.picks, front_example.N_LOOKED_AT)
    others = [song for song in again.songs if song.artist_id not in picked]
    assert (example.served.songs[0].artist_id not in picked) == bool(others)


def test_an_example_of_which_little_can_be_named_is_not_shown(trained, monkeypatch):
    monkeypatch.setattr(front_example, "LEAST_NAMED", 101)
    assert front_example.load_example() is None
    page = Client().get("/")
    assert page.status_code == 200 and "What it rests on" not in page.content.decode()


def test_the_example_names_most_of_its_score(trained):
    (card,) = [Client().get("/").context["card"]]
    unnamed = sum(share.percent for share in card.reasons.shares if share.kind == "other")
    assert unnamed <= 100 - front_example.LEAST_NAMED


def test_the_try_out_shows_at_most_three_songs_of_an_artist(trained):
    picks = "&".join(f"song={song.pk}" for song in trained.songs[:3])
    page = Client().get(f"/try/?{picks}")
    artists = Counter(card.song.artist_id for card in page.context["cards"])
    assert len(artists) > 1
    assert max(artists.values()) <= MOST_OF_ARTIST


def test_every_card_of_the_try_out_can_be_opened(trained):
    song = trained.songs[0]
    page = html.unescape(Client().get(f"/try/?song={song.pk}").content.decode())
    links = re.findall(r'href="(/try/why/\d+/\?[^"]+)"', page)
    assert len(links) == len(re.findall(r'<article class="card"', page)) > 0
    assert "Why this song?" in Client().get(links[0]).content.decode()


@pytest.mark.parametrize("query", ["", "?song=999999", "?song=" + "9" * 400, "?genre=%00&artist=x"])
def test_a_reason_without_picks_is_said_to_be_missing(trained, query):
    page = Client().get(f"/try/why/{trained.songs[0].pk}/{query}")
    assert page.status_code == 200 and "There is nothing to say" in page.content.decode()


def test_without_a_model_no_shares_are_promised(world):
    page = Client().get("/").content.decode()
    assert "As soon as this site has learned" in page and "example-song-" not in page


def test_without_music_nothing_is_offered(db):
    page = Client().get("/").content.decode()
    assert "There is no music on this site yet" in page
    assert "Try it now" not in page and "Get recommendations" not in page


@pytest.mark.parametrize("mode", ["closed", "invited"])
def test_where_nobody_can_sign_up_alone_there_is_no_button_for_it(db, settings, mode):
    settings.SIGN_UP = mode
    page = Client().get("/").content.decode()
    assert 'href="/signup/"' not in page and 'href="/login/"' in page


def test_popularity_is_said_once(trained):
    pages = [
        html.unescape(
            Client().get(f"/try/why/{song.pk}/?song={trained.songs[0].pk}").content.decode()
        )
        for song in trained.songs[1:12]
    ]
    notes = [re.findall(r"Popular with [\d,]+ listeners?|Trending: [\d,]+", page) for page in pages]
    assert any(notes)
    assert all(len(claims) == len(set(claims)) for claims in notes)
