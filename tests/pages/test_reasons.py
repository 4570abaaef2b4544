"""What pages say about why a song is there."""

import html
import re

from django.template import Context, Template
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import User
from catalog.listening import interactions
from catalog.models import Interaction, PlaylistItem, Song
from recommendations.services.reasons.explanation_text import ExplanationText
from recommendations.services.reasons.share_text import GENRE, LIKENESS, Share
from recommendations.services.serving import recommend


def text(answer) -> str:
    return answer.content.decode()


def titles(fragment: str) -> list[str]:
    return [
        title.strip() for title in re.findall(r'<li dir="auto"[^>]*>\s*([^<]*?)\s*<span', fragment)
    ]


def test_a_song_like_another_is_compared_with_that_one(alice_with_model, trained):
    page = text(alice_with_model.get(f"/songs/{trained.songs[0].pk}/"))
    lines = re.findall(r'<p class="why-line">([^<]*)</p>', page)
    assert lines
    assert not [line for line in lines if "what you like" in line]


def test_the_why_panel_shows_the_song_beside_the_listeners_taste(alice_with_model, trained):
    """Every known feature, with the mean of what Alice likes."""
    alice = User.objects.get(username="alice")
    liked = [
        row.song for row in Interaction.objects.for_listener(alice).likes().select_related("song")
    ]
    song = next(song for song in trained.songs if song not in liked)
    page = text(alice_with_model.get(f"/songs/{song.pk}/why/"))
    mean = sum(one.energy for one in liked) / len(liked)
    row = re.search(r"energy\s*.*?</tr>", page[page.index("<tbody>") :], re.DOTALL)[0]
    numbers = [int(number) for number in re.findall(r'<td class="number">\s*(\d+) %', row)]
    assert numbers == [round(100 * song.energy), round(100 * mean)]
    assert 'class="mine" points="' in page


def test_the_preview_shows_the_list_as_it_is_and_as_it_will_be(alice_with_model, trained):
    alice = User.objects.get(username="alice")
    now = [item.song.title for item in recommend.recommend_songs(alice).items]
    before, after = (
        text(alice_with_model.get("/taste/?preview=1&discovery=100"))
        .split('<div class="compare">')[1]
        .split("<h3>")[1:3]
    )
    assert titles(before) == now[:12]
    alice_with_model.post("/taste/save/", {"discovery": "100"})
    later = [item.song.title for item in recommend.recommend_songs(alice).items]
    assert titles(after) == later[:12]


def test_a_like_counts_for_the_panel_at_once(
    alice_with_model, trained, django_capture_on_commit_callbacks
):
    alice = User.objects.get(username="alice")
    song = trained.songs[-1]
    before = text(alice_with_model.get(f"/songs/{song.pk}/why/"))
    with django_capture_on_commit_callbacks(execute=True):
        interactions.like_song(alice, trained.songs[-2], source="test")
    assert text(alice_with_model.get(f"/songs/{song.pk}/why/")) != before


def test_a_kept_mix_keeps_its_reasons(alice_with_model, trained):
    page = text(alice_with_model.get("/mixes/1/"))
    answer = alice_with_model.post("/mixes/1/keep/")
    kept = PlaylistItem.objects.filter(playlist__owner__username="alice").select_related("song")
    assert answer.status_code == 302 and kept
    assert all(item.reason for item in kept)
    shown = re.findall(r'<p class="why-line">([^<]+)</p>', page)
    assert {html.unescape(line) for line in shown} - {"From your history"} <= {
        item.reason for item in kept
    }


def test_counts_have_the_separators_of_the_language():
    count = "{% blocktranslate count n=n|grouped %}{{ n }} song{% plural %}{{ n }} songs{% endblocktranslate %}"
    form = "{% load i18n %}" + count
    for language, expected in (("en", "12,543 songs"), ("de", "12.543 Songs")):
        with translation.override(language):
            assert Template(form).render(Context({"n": 12543})) == expected


def test_the_why_panel_speaks_of_several_things_only_where_there_are_several(trained):
    song = trained.songs[0]
    one, other = Share(LIKENESS, 60, 0, "Like your music"), Share(GENRE, 40, 60, "More rock")

    def render_panel(*shares: Share) -> str:
        reasons = ExplanationText(
            shares=shares, sentence="", line="You play 3 songs by them", because=()
        )
        return render_to_string("recommendations/_why.html", {"song": song, "reasons": reasons})

    assert "Several things speak" in render_panel(one, other)
    assert "One thing alone speaks" in render_panel(one)
    assert "Several" not in render_panel(one)
    assert "<p>You play 3 songs by them</p>" in render_panel(one)


def test_a_row_of_a_song_without_a_length_has_no_dot_with_nothing_beside_it(trained):
    song = Song.objects.create(key="no-length", title="No Length", artist=trained.songs[0].artist)

    def meta(**context) -> str:
        row = render_to_string("parts/_track_row.html", {"song": song, "user": None, **context})
        inside = re.search(r'<p class="meta">(.*?)</p>', row, re.DOTALL)[1]
        return " ".join(re.sub("<[^>]*>", "", inside).split())

    artist = song.artist.name
    assert meta(n_plays=2, album_artist=song.artist_id) == "2 plays"
    assert meta(n_plays=2) == f"{artist} · 2 plays"
    assert meta() == artist
    song.duration_ms = 61_000
    assert meta(n_plays=1) == f"{artist} · 1:01 · 1 play"
