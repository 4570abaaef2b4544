"""Every page keeps to its number of queries, and no page is missing from the list."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver

from catalog.models import Album, Song
from recommendations.services.surfaces import home
from tests.pages.test_every_page import NOT_PAGES, addresses
from tests.query_budgets import (
    BUDGETS,
    COLD_HOME_BUDGET,
    LIKE_BUDGET,
    RECORDING_BUDGET,
    VISITOR_BUDGETS,
)

ASKED_AFTER = '"accounts_user"."personalised" AND "accounts_user"."id" IN'


def count_queries(client: Client, path: str) -> int:
    client.get(path)  # what is cached for everybody is cached now
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_every_page_of_a_listener_keeps_to_its_budget(alice_with_model, trained, monkeypatch):
    monkeypatch.setattr(home, "LEAST_SIMILAR", 1)  # the few songs here are like two others at most
    song = trained.songs[1]
    album = Album.objects.create(title="Tides", artist_id=song.artist_id)
    Song.objects.filter(artist=song.artist_id).update(album=album)
    names = {"song": song.pk, "artist": song.artist_id, "album": album.pk}
    spent = {path: count_queries(alice_with_model, path.format(**names)) for path in BUDGETS}
    assert {path: n for path, n in spent.items() if n > BUDGETS[path]} == {}


def test_no_page_of_a_listener_is_without_a_budget(alice_with_model):
    """Of those whose address has no placeholder; `test_every_page` asks all."""
    pages = {
        f"/{route}"
        for route in addresses(get_resolver().url_patterns)
        if not (NOT_PAGES.match(route) or route.startswith("admin/") or "<" in route)
    }
    pages = {page for page in pages if page.endswith("/")} - {"/logout/"}  # which ends the session
    served = {page for page in pages if alice_with_model.get(page).status_code == 200}
    assert "/taste/" in served
    assert served - {path.partition("?")[0] for path in BUDGETS} == set()


def test_the_home_page_with_an_empty_cache_keeps_to_its_budget(alice_with_model):
    alice_with_model.get("/")  # the lists of the week are made now
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        assert alice_with_model.get("/").status_code == 200
    # the first thing after the answer is who agreed to be recorded
    answered = next(n for n, query in enumerate(queries) if ASKED_AFTER in query["sql"])
    assert answered <= COLD_HOME_BUDGET
    assert len(queries) - answered <= RECORDING_BUDGET


def test_every_page_of_a_visitor_keeps_to_its_budget(trained):
    visitor = Client()
    spent = {
        path: count_queries(visitor, path.format(song=trained.songs[1].pk))
        for path in VISITOR_BUDGETS
    }
    assert {path: n for path, n in spent.items() if n > VISITOR_BUDGETS[path]} == {}


def test_a_like_keeps_to_its_budget(alice, world, django_capture_on_commit_callbacks):
    with (
        CaptureQueriesContext(connection) as queries,
        django_capture_on_commit_callbacks(execute=True),
    ):
        alice.post(
            f"/songs/{world.songs[1].pk}/opinion/",
            {"opinion": "like"},
            headers={"HX-Request": "true"},
        )
    assert len(queries) <= LIKE_BUDGET


@pytest.mark.parametrize("n_more", [10])
def test_a_longer_list_costs_no_more_queries(alice, world, n_more):
    for song in world.songs[:2]:
        alice.post(f"/songs/{song.pk}/opinion/", {"opinion": "like"})
    few = count_queries(alice, "/library/")
    for song in world.songs[2 : 2 + n_more]:
        alice.post(f"/songs/{song.pk}/opinion/", {"opinion": "like"})
    assert count_queries(alice, "/library/") == few
