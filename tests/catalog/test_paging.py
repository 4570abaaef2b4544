"""Pages of tables that may be large, and Django's lists of them."""

import pytest
from django.core.paginator import EmptyPage
from django.test import Client

from accounts.models import User
from catalog.models import Album, Artist, Song
from common import paging
from common.admin import large_tables
from common.paging import BoundedPaginator

pytestmark = pytest.mark.django_db


@pytest.fixture
def artists():
    return [Artist.objects.create(name=f"Band {n:02}") for n in range(23)]


def list_names(page):
    return [artist.name for artist in page]


def test_rows_beyond_the_count_have_pages_too(artists, monkeypatch):
    monkeypatch.setattr(paging, "MOST_COUNTED", 10)
    pages = BoundedPaginator(Artist.objects.all(), 5)
    assert (pages.count, pages.has_more, pages.num_pages) == (10, True, 2)
    read, number = [], 1
    while True:
        page = pages.page(number)
        read += list_names(page)
        if not page.has_next():
            break
        number = page.next_page_number()
    assert read == [artist.name for artist in artists]
    with pytest.raises(EmptyPage):
        pages.page(6)
    assert list_names(pages.get_page(6)) == list_names(pages.page(2))


@pytest.mark.parametrize("n", [0, 9, 10])
def test_up_to_the_limit_the_count_is_exact(artists, monkeypatch, n):
    monkeypatch.setattr(paging, "MOST_COUNTED", 10)
    pages = BoundedPaginator(Artist.objects.filter(pk__lt=artists[0].pk + n), 5)
    assert (pages.count, pages.has_more) == (n, False)
    assert not pages.page(pages.num_pages).has_next()


def test_a_list_of_a_large_table_says_more_than_it_counted(artists, monkeypatch):
    monkeypatch.setattr(paging, "MOST_COUNTED", 10)
    browser = Client()
    browser.force_login(User.objects.create_superuser("olga"))
    assert "More than 10 artists" in browser.get("/admin/catalog/artist/").content.decode()
    page = browser.get("/admin/catalog/artist/").content.decode()
    assert "23 artists" not in page and " results" not in page
    assert "More than 10 results" in browser.get("/admin/catalog/artist/?q=band").content.decode()
    assert "1 result\n" in browser.get("/admin/catalog/artist/?q=band+07").content.decode()
    # counts beside each filter would read the table once more each
    assert "_facets" not in browser.get("/admin/catalog/song/").content.decode()


def test_a_filter_without_an_index_looks_at_the_newest_rows(artists, monkeypatch):
    for n in range(6):
        Song.objects.create(key=f"s{n}", title=f"Song {n}", artist=artists[0], features_source="x")
    monkeypatch.setattr(large_tables, "NEWEST_ROWS", 2)
    browser = Client()
    browser.force_login(User.objects.create_superuser("olga"))
    page = browser.get("/admin/catalog/song/?features_source=x").content.decode()
    assert "Song 5" in page and "Song 4" in page and "Song 3" not in page
    assert "Filters look at the newest" in page
    assert "Song 0" in browser.get("/admin/catalog/song/?q=song").content.decode()


@pytest.mark.parametrize(
    ("words", "n_matching"),
    [("abbey", 1), ("beatles abbey", 1), ("beatles", 2), ("stones abbey", 0)],
)
def test_albums_are_found_by_title_and_artist_together(words, n_matching):
    beatles = Artist.objects.create(name="The Beatles")
    for title in ("Abbey Road", "Revolver"):
        Album.objects.create(title=title, artist=beatles)
    Album.objects.create(title="Aftermath", artist=Artist.objects.create(name="Stones"))
    assert Album.objects.matching(words).count() == n_matching
