"""No page, address of the API or of players reads a table whole that grows with listeners, plays or songs.

Every address of the URL configuration is asked as on a large site, where a worker counts figures over whole tables; the
plans are those of the database that the tests run on; `make test-slow` asks every address on SQLite and on PostgreSQL.
"""

import re

import pytest
from django.contrib.admin.sites import site as admin_site
from django.core.cache import cache
from django.db import connection
from django.test import Client

from accounts import tokens
from accounts.models import User
from catalog.listening import interactions
from catalog.models import Interaction, KeptFigure, Song
from catalog.songs import kept_figures
from recommendations.services.operations import metrics, site_figures
from tests.pages.test_every_page import list_pages, own_files, songs, zaphod  # noqa: F401  (fixtures)
from tests.query_plans import find_scans, pretend_large_tables
from tests.recommendations.conftest import train

pytestmark = pytest.mark.django_db
PASSWORD = "quite-some-words-9"

WHOLE_TABLES = {
    "/admin/catalog/song/export/": "The whole catalog is what is asked for.",
}
"""Addresses that read a table whole because that is what they are for."""

WITHOUT_STATISTICS = {
    "/browse/?q=song": "catalog_album",
    "/search/suggestions/?q=song": "catalog_album",
    "/admin/catalog/album/?q=zaphod": "catalog_album",
    "/api/v1/genres/": "catalog_song_genres",
    "/api/v1/genres/{pk}/": "catalog_song_genres",
    "/admin/recommendations/experiment/{pk}/results/": "catalog_playlistitem",
}
"""Where PostgreSQL, which knows nothing of the pretended rows, expects a large part of a table and reads all of it."""

SEARCHES = [
    "/browse/?q=song",
    "/search/suggestions/?q=song",
    "/try/?song={song}",
    "/admin/dashboard/listeners/?q=zap",
    "/admin/autocomplete/?app_label=catalog&model_name=song&field_name=artist&term=ban",
    "/admin/catalog/interaction/?kind__exact=1",
    "/admin/catalog/song/?features_source=x",
    "/api/v1/songs/?search=song",
    "/api/v1/artists/?search=band",
    "/1/search/users/?search_term=zap",
    "/1/metadata/lookup/?artist_name=Band 1&recording_name=Song 1",
]
PROGRAMS = re.compile("/(api/|1/|apis|mcp|audiomuse|navidrome/|labs/|lidarr/)")


@pytest.fixture
def large_site(zaphod, songs, monkeypatch):  # noqa: F811
    """Somebody with a row in every table, a model, and a site of which every table counts as large."""
    for n in range(6):
        other = User.objects.create_user(f"other_{n}")
        for song in songs[n % 3 :: 2]:
            Interaction.objects.create(listener=other, song=song, kind=1, source="x")
    assert train().status == "succeeded"
    monkeypatch.setattr(kept_figures, "SMALL_TABLE", 0)
    cache.clear()
    site_figures.count_figures()
    pretend_large_tables()
    yield zaphod
    cache.clear()


def list_addresses(user: User, song: Song, secret: str) -> list[str]:
    """Return every address, each with what it is about, and searches of each kind."""
    values: dict[str, list[object]] = {
        "key": [song.key], "pk": [1], "item": [1], "entity": ["artists", "songs"], "secret": [secret],
        "object_id": [1], "step": ["artists"], "position": [0], "id": [1],
    }  # fmt: skip
    searched = [
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/?q={user.username}"
        for model, admin in admin_site._registry.items()
        if admin.search_fields
    ]
    addresses = list(list_pages(user, song, values))
    return [*addresses, *searched, *(one.format(song=song.pk) for one in SEARCHES)]


@pytest.mark.slow
def test_no_address_reads_a_growing_table_whole(large_site, songs):  # noqa: F811
    browser = Client(raise_request_exception=False)
    browser.force_login(large_site)
    secret = tokens.create_token(large_site, "all", ["read", "write", "listen", "lidarr"]).secret
    program = Client(raise_request_exception=False, headers={"Authorization": f"Token {secret}"})
    scans, answers = [], {}

    def ask(address: str) -> None:
        answer = (program if PROGRAMS.match(address) else browser).get(address)
        if answer.streaming:
            b"".join(answer.streaming_content)
        answers[address] = answer.status_code

    for address in list_addresses(large_site, songs[1], secret):
        if address in WHOLE_TABLES:
            continue
        allowed = WITHOUT_STATISTICS.get(re.sub(r"/\d+/", "/{pk}/", address))
        for scan in find_scans(lambda address=address: ask(address)):
            is_allowed = connection.vendor == "postgresql" and scan.split(":")[0] == allowed
            if not is_allowed:
                scans.append(f"{address}: {scan}")
    assert scans == []
    assert len(answers) > 500
    assert sum(status == 200 for status in answers.values()) > 250
    assert max(answers.values()) < 500


def test_the_check_sees_a_table_that_is_read_whole(large_site):
    assert find_scans(lambda: list(Interaction.objects.filter(plays=3)))
    assert find_scans(lambda: Interaction.objects.count())
    assert find_scans(lambda: list(Interaction.objects.order_by("plays")[:3]))
    assert find_scans(lambda: list(Interaction.objects.filter(plays=3).order_by("-pk")[:3]))
    assert find_scans(lambda: list(User.objects.filter(username__iexact="x")))
    assert not find_scans(lambda: list(User.objects.filter(pk=3)))
    assert not find_scans(lambda: list(Interaction.objects.order_by("-pk")[:3]))


def test_liking_a_song(large_site, songs):  # noqa: F811
    browser = Client()
    browser.force_login(large_site)
    song = songs[12]
    assert interactions.get_opinion(large_site, song) is None
    path = f"/songs/{song.pk}/opinion/"
    assert find_scans(lambda: browser.post(path, {"opinion": "like"})) == []
    assert interactions.get_opinion(large_site, song) == Interaction.Kind.LIKE


def test_signing_up_and_in_with_another_case(large_site):
    words = {"username": "Trillian", "password": PASSWORD}
    assert find_scans(lambda: Client().post("/signup/", words)) == []
    assert User.objects.filter(username="Trillian").exists()
    User.objects.create_user("Arthur", password=PASSWORD)
    name, browser = {"username": "ARTHUR", "password": PASSWORD}, Client()
    assert find_scans(lambda: browser.post("/login/", name)) == []
    assert "_auth_user_id" in browser.session


def test_addresses_of_players_without_sign_in(large_site):
    User.objects.filter(pk=large_site.pk).update(shares_playlists=True)
    path = "/1/user/ZAPHOD/playlists/createdfor"
    answers = []
    assert find_scans(lambda: answers.append(Client().get(path))) == []
    assert answers[0].status_code == 200, answers[0].content


def test_metrics_of_a_large_site(large_site):
    gauges = {}
    assert find_scans(lambda: gauges.update({one.name: one for one in metrics.read()})) == []
    assert gauges["lists"].values and gauges["import_rows"].values


def test_a_name_is_found_in_any_case_and_by_its_beginning(large_site):
    names = ["zaphod", "ZAPHOD", "Zaphod"]
    assert {User.objects.with_name(name).get().pk for name in names} == {large_site.pk}
    assert User.objects.with_name_beginning("ZAP").get() == large_site
    assert not User.objects.with_name_beginning("aphod").exists()
    assert not User.objects.with_name("zapho%").exists()
    assert not User.objects.with_name_beginning("z%d").exists()


def test_a_large_site_shows_the_figures_of_the_last_count(large_site):
    browser = Client()
    browser.force_login(large_site)
    kept = KeptFigure.objects.get(name="catalog")
    KeptFigure.objects.filter(name="catalog").update(value=kept.value | {"n_songs": 4_711})
    assert "4,711" in browser.get("/admin/dashboard/catalog/").content.decode()
    KeptFigure.objects.all().delete()
    for page in ("/admin/", "/admin/dashboard/catalog/", "/metrics", "/try/", "/api/v1/genres/"):
        assert browser.get(page).status_code in (200, 404)
    site_figures.count_figures()
    assert "4,711" not in browser.get("/admin/dashboard/catalog/").content.decode()
