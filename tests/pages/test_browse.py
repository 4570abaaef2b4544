"""Finding songs."""

import re

from django.test import Client

from catalog.models import Artist, Song
from catalog.songs.covers import name_drawn_cover


def titles(answer) -> list[str]:
    return re.findall(r'class="title">\s*<a[^>]*>([^<]*)<', answer.content.decode())


def sent_by_form(answer) -> dict[str, str]:
    """Return what a browser would send for the sliders as they stand."""
    inputs = re.findall(r"<input[^>]*type=\"range\"[^>]*>", answer.content.decode())
    return {
        re.search(r'name="(\w+)"', tag)[1]: re.search(r'value="(\d+)"', tag)[1] for tag in inputs
    }


def test_accents_and_case_do_not_matter(world):
    Song.objects.create(key="b", title="Déjà Vu", artist=Artist.objects.create(name="Beyoncé"))
    for words in ("deja vu", "DÉJÀ", "beyonce", "vu Beyoncé"):
        assert titles(Client().get("/browse/", {"q": words})) == ["Déjà Vu"], words


def test_sliders_that_nobody_moved_leave_nothing_out(world):
    """Every song is found again, those with unknown features too, when the form is sent as it stands."""
    Song.objects.create(key="u", title="Unknown sound", artist=Artist.objects.first())
    sliders = sent_by_form(Client().get("/browse/"))
    assert len(sliders) == 2 * 8
    assert titles(Client().get("/browse/", sliders | {"q": "unknown"})) == ["Unknown sound"]


def test_a_slider_finds_songs_by_sound(world):
    sliders = sent_by_form(Client().get("/browse/"))
    loud = titles(Client().get("/browse/", sliders | {"energy_min": "80"}))
    assert len(loud) == 20 and all(int(title.split()[1]) % 2 for title in loud)
    fast = titles(Client().get("/browse/", sliders | {"tempo_max": "100"}))
    assert len(fast) == 20 and not any(int(title.split()[1]) % 2 for title in fast)


def test_pages_follow_one_another_without_a_gap(world):
    first, second = (titles(Client().get("/browse/", {"page": page})) for page in (1, 2))
    assert len(first) == 30 and len(second) == 10 and not set(first) & set(second)


def test_the_page_of_a_song_says_which_feature_is_from_where(world):
    song = Song.objects.first()
    song.features_source = "file"
    song.learn_features({"liveness": 0.3}, "spotify")
    song.save()
    text = re.sub(r"\s+", " ", Client().get(f"/songs/{song.pk}/").content.decode())
    assert "Source: file (energy, cheerful, tempo)" in text
    assert "Source: spotify (live)" in text
    song.learn_features({"liveness": 0.3}, "file")
    song.save()
    assert "Source: file </p>" in re.sub(
        r"\s+", " ", Client().get(f"/songs/{song.pk}/").content.decode()
    )


def test_a_search_without_a_find_says_what_to_try(world):
    page = Client().get("/browse/", {"q": "nobody sings this"}).content.decode()
    assert "No songs found" in page and "Try fewer words" in page


def read_artist_pictures(page: str) -> dict[str, str]:
    """Return the picture shown for each artist of a page, by name."""
    rows = r'<img class="cover[^"]*" src="([^"]*)"[^>]*>\s*<span dir="auto">([^<]*)</span>'
    return {name: address for address, name in re.findall(rows, page)}


def test_artists_of_a_search_have_the_picture_of_one_of_their_songs(world):
    """A real cover comes before a drawn one."""
    drawn, real = (Artist.objects.create(name=f"Kite {name}") for name in ("Drawn", "Real"))
    song = Song.objects.create(key="d", title="One", artist=drawn)
    Song.objects.create(key="r1", title="One", artist=real)
    Song.objects.create(key="r2", title="Two", artist=real, cover_tag="0123456789abcdef")
    for path, size in (("/browse/", 300), ("/search/suggestions/", 96)):
        page = Client().get(path, {"q": "kite"}).content.decode()
        pictures = read_artist_pictures(page)
        assert pictures["Kite Drawn"] == f"/covers/{name_drawn_cover(song)}.svg"
        assert pictures["Kite Real"] == f"/covers/0123456789abcdef/{size}.webp"
