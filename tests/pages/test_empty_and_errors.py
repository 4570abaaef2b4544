"""Nothing there yet, nothing to see, nothing works: each says so kindly."""

import html
import re

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import BadRequest
from django.test import Client
from django.urls import path

from accounts.models import User
from catalog.models import AUDIO_FEATURES, Artist, Interaction, MusicServer, Playlist, Song
from catalog.playlists import edit
from musicrec_site import urls as site_urls
from recommendations.services.surfaces import generated_playlists
from recommendations.views import style
from tests.pages.conftest import signed_in


def broken(request):
    raise RuntimeError("the secret in the traceback")


def senseless(request):
    raise BadRequest("no")


urlpatterns = [*site_urls.urlpatterns, path("broken/", broken), path("senseless/", senseless)]
handler500 = site_urls.handler500


@pytest.fixture
def newcomer(db, _empty_cache) -> Client:
    return signed_in(User.objects.create_user("newcomer"))


def text(answer) -> str:
    return html.unescape(answer.content.decode())


def test_a_site_without_songs_says_so(newcomer):
    assert "There is no music here yet" in text(newcomer.get("/"))
    assert "There is no music here yet" in text(newcomer.get("/browse/"))
    assert "There is no music on this site yet" in text(Client().get("/"))


def test_nobody_is_asked_to_pick_from_nothing(newcomer):
    page = text(newcomer.get("/welcome/"))
    assert "Bring your listening history or connect a player" in page
    assert "What do you like?" not in page
    assert newcomer.post("/welcome/", {"skip": "1"}).headers["Location"] == "/"
    Song.objects.create(key="s", title="Fado", artist=Artist.objects.create(name="Amália"))
    assert "What do you like?" in text(newcomer.get("/welcome/"))


def test_a_search_offers_sliders_only_where_the_sound_of_a_song_is_known(newcomer):
    artist = Artist.objects.create(name="Band")
    song = Song.objects.create(key="s", title="Song", artist=artist)
    page = text(newcomer.get("/browse/"))
    assert "By year" in page and "By sound and year" not in page and "energy_min" not in page
    assert "wider sliders" not in text(newcomer.get("/browse/?q=nothing"))
    Song.objects.filter(pk=song.pk).update(energy=0.5)
    cache.clear()
    page = text(newcomer.get("/browse/"))
    assert "By sound and year" in page and "energy_min" in page


def test_a_path_is_offered_only_from_a_song_whose_sound_is_known(newcomer):
    artist = Artist.objects.create(name="Band")
    song = Song.objects.create(key="s", title="Song", artist=artist)
    assert "Path to another song" not in text(newcomer.get(f"/songs/{song.pk}/"))
    Song.objects.filter(pk=song.pk).update(**dict.fromkeys(AUDIO_FEATURES, 0.5))
    assert "Path to another song" in text(newcomer.get(f"/songs/{song.pk}/"))


def test_settings_name_music_servers_only_where_there_is_one(newcomer):
    assert "Open music servers" not in text(newcomer.get("/settings/"))
    MusicServer.objects.create(name="Shelf", kind="navidrome", address="http://192.168.1.5:4533")
    assert "Open music servers" in text(newcomer.get("/settings/"))


def test_who_comes_with_a_history_or_a_player_is_led_there_from_the_first_two_pages(newcomer):
    Song.objects.create(key="s", title="Song", artist=Artist.objects.create(name="Band"))
    for address in ("/", "/welcome/"):
        page = text(newcomer.get(address))
        assert 'href="/library/imports/">Bring your history' in page
        assert 'href="/connect/">Connect a player' in page


def test_the_taste_page_counts_one_as_one_and_leaves_out_what_there_is_none_of(newcomer):
    song = Song.objects.create(key="s", title="Song", artist=Artist.objects.create(name="Band"))
    newcomer.post(f"/songs/{song.pk}/opinion/", {"opinion": "like"})
    assert "They are based on 1 like of 1 song." in text(newcomer.get("/taste/"))
    german = text(newcomer.get("/taste/", headers={"accept-language": "de"}))
    assert "Sie beruhen auf 1 Like von 1 Song." in german


def test_a_site_without_a_model_shows_what_there_is_and_why(newcomer):
    for n in range(3):
        Song.objects.create(
            key=f"s{n}", title=f"Song {n}", artist=Artist.objects.create(name=f"Band {n}")
        )
    page = text(newcomer.get("/"))
    assert "Nobody has played anything yet" in page and "Song 2" in page
    song = Song.objects.first()
    assert "This site hasn't learned anything yet, so songs" in text(
        newcomer.get(f"/songs/{song.pk}/")
    )
    why = text(newcomer.get(f"/songs/{song.pk}/why/"))
    assert "nothing to say yet about how this song fits you" in why
    assert newcomer.get("/mixes/1/").status_code == 404


def test_a_history_without_a_model_gives_other_songs_of_its_artists(newcomer):
    """As after an import on the first evening: one song of each artist in turn, whom they play most first."""
    listener = User.objects.get(username="newcomer")
    for n in range(3):
        artist = Artist.objects.create(name=f"Band {n}")
        for number in range(3):
            song = Song.objects.create(
                key=f"{n}-{number}", title=f"Song {n}{number}", artist=artist
            )
            if n < 2 and number == 0:
                Interaction.objects.create(
                    listener=listener,
                    song=song,
                    kind=Interaction.Kind.PLAY,
                    source="x",
                    plays=n + 1,
                )
    answer = newcomer.get("/")
    page = text(answer)
    assert "This site hasn't learned anything yet, so these are songs by artists you play." in page
    assert "Nobody has played anything yet" not in page
    assert "Say what you like" not in page
    shown = [card.song.title for card in answer.context["made_for_you"]]
    assert shown == ["Song 11", "Song 01", "Song 12", "Song 02"]
    assert page.count("You play 1 song by Band 1") == 2


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/library/", "No likes yet"),
        ("/library/dislikes/", "No dislikes"),
        ("/library/dislikes/", "Press the thumb"),
        ("/library/", "Press the heart"),
        ("/library/hidden/", "Nothing hidden"),
        ("/library/history/", "No history yet"),
        ("/playlists/", "No playlists yet"),
        ("/taste/", "Nothing is known about your taste yet"),
        ("/settings/tokens/", "You have no tokens"),
    ],
)
def test_an_empty_page_says_what_will_be_there(newcomer, address, says):
    assert says in text(newcomer.get(address))


def test_a_reason_that_names_a_title_is_in_the_readers_language(trained):
    song = Song.objects.create(
        key="late", title="Late One", artist=Artist.objects.create(name="Band")
    )
    page = Client(headers={"Accept-Language": "de"}).get(f"/songs/{song.pk}/")
    assert "„Late One“ ist neu hier" in text(page)


def test_the_icon_is_where_browsers_look_for_it(client):
    answer = client.get("/favicon.ico")
    assert answer.status_code == 200 and answer["Content-Type"] == "image/svg+xml"
    assert (
        b"".join(answer.streaming_content).startswith(b"<svg")
        and "public" in answer["Cache-Control"]
    )


def test_an_empty_playlist_says_what_to_do(newcomer):
    playlist = edit.create_playlist(User.objects.get(username="newcomer"), "Empty")
    assert "This playlist is empty" in text(newcomer.get(f"/playlists/{playlist.pk}/"))
    assert "add a song or two first" in text(newcomer.get(f"/playlists/{playlist.pk}/continue/"))


def test_personalisation_off_means_popular_music(trained):
    alice = signed_in(User.objects.get(username="alice"))
    personal = [card.song for card in alice.get("/").context["made_for_you"]]
    alice.post("/settings/personalisation/", {})
    off = alice.get("/")
    assert "Personalisation is off" in text(off)
    assert [card.song for card in off.context["made_for_you"]] != personal
    alice.post("/settings/personalisation/", {"personalised": "on"})
    assert [card.song for card in alice.get("/").context["made_for_you"]] == personal


def test_without_personalisation_no_reason_is_of_the_history(trained):
    """Cards said “You play 6 songs by …” of songs that everybody gets, and the why panel explained by the history."""
    listener = User.objects.get(username="alice")
    alice = signed_in(listener)
    song = alice.get("/").context["made_for_you"][0].song
    alice.post("/settings/personalisation/", {})
    pages = [text(alice.get("/")), text(alice.get(f"/songs/{song.pk}/why/"))]
    for page in pages:
        lines = re.findall(r'class="why-line">([^<]*)<|<strong>([^<]*)</strong><br>', page)
        assert lines or "Personalisation is off" in page
        for words in ("You play", "you play", "Because of", "Goes with", "It goes with", "history"):
            assert not [one for one in lines if words in "".join(one)]
        assert "It goes with these songs of yours" not in page
    listener.refresh_from_db()
    kinds = (Playlist.Kind.WEEKLY_JAMS, Playlist.Kind.WEEKLY_DISCOVERY, Playlist.Kind.DAILY_MIX)
    for kind in kinds:
        assert generated_playlists.make(listener, kind) == []
    alice.post("/settings/personalisation/", {"personalised": "on"})
    assert "Because of" in text(alice.get("/")) or "You play" in text(alice.get("/"))


@pytest.mark.urls("tests.pages.test_empty_and_errors")
def test_a_fault_is_said_in_the_language_that_its_page_names(newcomer):
    newcomer.raise_request_exception = False
    page = text(newcomer.get("/broken/", headers={"Accept-Language": "de"}))
    assert '<html lang="de">' in page and "Da ist etwas schiefgegangen" in page


@pytest.mark.urls("tests.pages.test_empty_and_errors")
def test_a_fault_shows_a_page_without_its_secrets(newcomer):
    """T56"""
    newcomer.raise_request_exception = False
    answer = newcomer.get("/broken/")
    assert answer.status_code == 500
    assert "Something went wrong" in text(answer) and "secret" not in text(answer)
    assert answer["X-Request-ID"] in text(answer)


@pytest.mark.urls("tests.pages.test_empty_and_errors")
def test_every_refusal_has_a_page_of_its_own(newcomer):
    assert "This request can't be answered" in text(newcomer.get("/senseless/"))
    assert "Nothing here" in text(newcomer.get("/nowhere/"))
    assert "No access" in text(newcomer.get("/admin/login/"))


def test_every_icon_has_a_tooltip_and_a_name():
    """A button that shows a picture only says what it does, to the mouse and to a screen reader."""
    control = re.compile(r"<(?:a|button|summary)\b(?:[^<>]|{%.*?%}|{{.*?}})*?>", re.DOTALL)
    icons = [
        tag
        for path in sorted((settings.BASE_DIR / "templates").rglob("*.html"))
        for tag in control.findall(path.read_text(encoding="utf-8"))
        if "icon-button" in tag
    ]
    assert len(icons) > 20
    assert [tag for tag in icons if "title=" not in tag or "aria-label=" not in tag] == []


def test_the_style_page_shows_every_part(alice, rf):
    """It is only routed in DEBUG, so it is called directly."""
    request = rf.get("/style/")
    request.user, request.htmx = User.objects.get(username="alice"), False
    page = text(style.show_style(request))
    for name in ("share-bar", "card", "chip", "note", "empty", "swatches"):
        assert name in page
