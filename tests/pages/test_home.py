"""The home page: lists of the week, sections that can be turned and kept, and what changed with its exact cause."""

import html
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone, translation

from accounts.models import User
from catalog.models import Interaction, Playlist, PlaylistItem, Song
from recommendations.models import ListenerControl
from recommendations.services.lists.joint_list import MOST_OF_ARTIST
from recommendations.services.lists.listener_context import ListenerContext
from recommendations.services.surfaces import home, list_changes, weekly
from recommendations.services.surfaces.generated_playlists import format_week


def card_ids(page: str, section: str) -> list[int]:
    return [int(pk) for pk in re.findall(rf'id="{section}-song-(\d+)"', page)]


@pytest.fixture
def listener(trained) -> User:
    return User.objects.get(username="alice")


def test_the_lists_of_the_week_are_made_at_the_first_visit(alice_with_model, listener):
    assert not Playlist.objects.filter(owner=listener).exists()
    page = alice_with_model.get("/").content.decode()
    playlist = Playlist.objects.get(owner=listener, kind=Playlist.Kind.WEEKLY_DISCOVERY)
    assert f'href="/playlists/{playlist.pk}/"' in page and "new on Monday" in page
    alice_with_model.get("/")
    assert Playlist.objects.filter(owner=listener, kind=Playlist.Kind.WEEKLY_DISCOVERY).count() == 1


def test_no_song_is_on_two_sections(alice_with_model, listener):
    page = home.load_home(ListenerContext(listener))
    ids = [
        song.pk
        for section in page.sections
        if section.name != home.FAVOURITES
        for song in section.songs
    ]
    assert ids and len(ids) == len(set(ids))


def test_spare_songs_wait_hidden_behind_the_made_section(alice_with_model):
    page = alice_with_model.get("/").content.decode()
    waiting = re.findall(r'<li hidden>\s*<article class="card" id="made-song-(\d+)"', page)
    assert 0 < len(waiting) <= home.N_SPARE
    assert len(card_ids(page, "made")) == home.LENGTH + len(waiting)


def test_another_turn_of_a_section_shows_other_songs_and_can_be_kept(alice_with_model, listener):
    first = card_ids(alice_with_model.get("/home/made/").content.decode(), "made")
    second = card_ids(alice_with_model.get("/home/made/?turn=1").content.decode(), "made")
    assert first and second and not set(first) & set(second)
    answer = alice_with_model.post("/home/made/keep/", {"turn": "1"})
    kept = Playlist.objects.get(pk=answer["Location"].split("/")[2])
    songs = list(kept.items.order_by("position").values_list("song_id", flat=True))
    assert songs == second and all(kept.items.values_list("reason", flat=True))
    again = alice_with_model.post("/home/made/keep/", {"turn": "1"})
    assert again["Location"] == answer["Location"], "pressed twice, one playlist"
    assert Playlist.objects.filter(owner=listener, kind="own").count() == 1


def read_reasons(playlist: Playlist, language: str) -> list[str]:
    with translation.override(language):
        return [item.shown_reason for item in playlist.items.all()]


def test_what_is_kept_says_why_in_the_language_of_who_reads_it(alice_with_model, listener):
    answer = alice_with_model.post("/home/made/keep/", {"turn": "0"})
    kept = Playlist.objects.get(pk=answer["Location"].split("/")[2])
    english, german = read_reasons(kept, "en"), read_reasons(kept, "de")
    words = ("Because of “", "Goes with", "Similar", "You play", "By an artist", "Popular with")
    assert english and all(english) and any(one.startswith(words) for one in english)
    assert not any(one.startswith(words) for one in german)
    page = alice_with_model.get(f"/playlists/{kept.pk}/", headers={"Accept-Language": "de"})
    assert html.escape(german[0]) in page.content.decode()


def test_a_weekly_list_says_why_in_the_language_of_who_reads_it(alice_with_model, listener):
    alice_with_model.get("/")
    playlists = Playlist.objects.filter(owner=listener)
    assert playlists
    for playlist in playlists:
        english, german = read_reasons(playlist, "en"), read_reasons(playlist, "de")
        assert english and not set(english) & set(german)


def test_a_reason_that_came_with_a_file_stays_as_it_is(listener, trained):
    playlist = Playlist.objects.create(owner=listener, title="Brought")
    item = playlist.items.create(song=trained.songs[0], position=1, reason="for the road")
    with translation.override("de"):
        assert item.shown_reason == "for the road"


@pytest.mark.parametrize("turn", ["-1", "9" * 400, "%ED%A0%80", "x", "%00", ""])
def test_a_turn_that_is_none_is_the_first(alice_with_model, turn):
    first = card_ids(alice_with_model.get("/home/made/").content.decode(), "made")
    assert (
        card_ids(alice_with_model.get(f"/home/made/?turn={turn}").content.decode(), "made") == first
    )
    assert alice_with_model.get("/home/else/").status_code == 404


def test_the_legend_names_every_colour_on_the_page(alice_with_model):
    page = alice_with_model.get("/").content.decode()
    start = page.index("share-legend")
    end = page.index("</details>", start)
    legend, shown = page[start:end], set(re.findall(r'<rect class="w-(\w+)"', page[end:]))
    assert shown <= set(re.findall(r'<rect class="w-(\w+)"', legend))


# --- What changed, and why --------------------------------------------------------------------------------------------


def two_weeks(listener: User, before: list, now: list) -> list[weekly.WeeklyList]:
    """Store last week's and this week's discovery and return this week's as the home page reads it."""
    today, moment = timezone.localdate(), timezone.now()
    for songs, day in ((before, today - timedelta(days=7)), (now, today)):
        playlist = Playlist.objects.create(
            owner=listener, kind=Playlist.Kind.WEEKLY_DISCOVERY, period=format_week(day), title="x"
        )
        Playlist.objects.filter(pk=playlist.pk).update(created_at=moment - (today - day))
        PlaylistItem.objects.bulk_create(
            PlaylistItem(
                playlist=playlist, song=song, position=position, reason=f"stored for {song.title}"
            )
            for position, song in enumerate(songs, start=1)
        )
    return weekly.read_lists(weekly.load_drafts(listener, ListenerContext(listener)), {})


def test_each_song_that_left_names_what_its_listener_did(listener, trained):
    played, skipped, disliked, hidden, by_hidden, stays, outranked, new = trained.songs[20:28]
    did = timezone.now() - timedelta(days=2)
    kinds = Interaction.Kind
    for song, kind in ((played, kinds.PLAY), (skipped, kinds.SKIP), (disliked, kinds.DISLIKE)):
        Interaction.objects.create(
            listener=listener, song=song, kind=kind, source="x", occurred_at=did
        )
    for values in (
        {"kind": ListenerControl.Kind.HIDE_SONG, "song": hidden},
        {"kind": ListenerControl.Kind.HIDE_ARTIST, "artist": by_hidden.artist},
    ):
        control = ListenerControl.objects.create(listener=listener, **values)
        ListenerControl.objects.filter(pk=control.pk).update(created_at=did)
    before = [played, skipped, disliked, hidden, by_hidden, stays, outranked]
    changes = list_changes.load_changes(listener, two_weeks(listener, before, [stays, new]))
    assert changes is not None
    assert (changes.n_entered, changes.n_left) == (1, len(before) - 1)
    assert [(one.song_id, one.cause) for one in changes.entered] == [
        (new.pk, f"stored for {new.title}")
    ]
    causes = {one.song_id: one.cause for one in changes.left}
    expected = {
        played.pk: "You played it, so it is no longer new to you.",
        skipped.pk: "You skipped it.",
        disliked.pk: "You disliked it.",
        hidden.pk: "You took it out of your recommendations.",
        by_hidden.pk: f"You hid {by_hidden.artist.name}.",
    }
    assert causes == expected  # the one without a stored cause comes last, behind these five


def test_a_weekly_list_is_called_in_the_language_of_the_page(alice_with_model, trained):
    listener = User.objects.get(username="alice")
    two_weeks(listener, trained.songs[20:22], trained.songs[22:24])
    Playlist.objects.update(description="Songs you have never heard, chosen for you.")
    page = alice_with_model.get("/", headers={"accept-language": "de"}).content.decode()
    assert "Songs, die du noch nicht gehört hattest, für dich gewählt." in page
    assert "Songs you have never heard" not in page


def test_what_was_done_after_the_list_was_made_is_no_cause(listener, trained):
    left, new = trained.songs[20:22]
    lists = two_weeks(listener, [left], [new])
    later = timezone.now() + timedelta(minutes=1)
    Interaction.objects.create(
        listener=listener, song=left, kind=Interaction.Kind.SKIP, source="x", occurred_at=later
    )
    changes = list_changes.load_changes(listener, lists)
    assert changes is not None and [one.cause for one in changes.left] == [""]


def test_without_a_list_of_last_week_nothing_is_said(alice_with_model):
    assert "What changed" not in alice_with_model.get("/").content.decode()


def test_songs_like_a_liked_one_are_at_most_three_of_an_artist_while_there_are_others(
    listener, trained
):
    """On a small site nine of twelve were by the artist of the liked song."""
    artist = trained.songs[1].artist
    Song.objects.filter(pk__in=[song.pk for song in trained.songs[1:24:2]]).update(artist=artist)
    cache.clear()
    page = home.load_home(ListenerContext(listener))
    section = next(one for one in page.sections if one.name == home.BECAUSE)
    listed = [item.song for item in section.items]
    spare = [item.song for item in section.spare]
    of_artist = [song for song in listed if song.artist_id == artist.pk]
    assert of_artist
    assert len(of_artist) <= MOST_OF_ARTIST or {song.artist_id for song in spare} <= {artist.pk}
