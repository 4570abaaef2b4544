"""Taking things out of the history, and back again."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from accounts.models import User
from catalog.models import Interaction, Song
from recommendations.services.preferences import controls

HTMX = {"HX-Request": "true"}


@pytest.fixture
def evening(world) -> list[Interaction]:
    """Two plays and a skip on one evening, and a play on the day before."""
    alice = User.objects.get(username="alice")
    rows = [(0, 20, 15), (0, 20, 19), (3, 20, 23), (0, 21, 10)]
    listens = [
        Interaction(
            listener=alice, song=song, kind=kind, plays=1, played_ms=61_000, source="test",
            occurred_at=datetime(2026, 11, 20 if index < 3 else 19, hour, minute, tzinfo=UTC),
        )
        for index, (song, (kind, hour, minute)) in enumerate(zip(world.songs, rows, strict=False))
    ]  # fmt: skip
    return Interaction.objects.bulk_create(listens)


def facts() -> set[tuple]:
    columns = ("listener_id", "song_id", "kind", "plays", "played_ms", "occurred_at", "source")
    return set(Interaction.objects.values_list(*columns))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_a_removed_play_comes_back(alice, evening, headers):
    before = facts()
    gone = evening[1]
    answer = alice.post(reverse("catalog:forget", args=[gone.pk]), headers=headers, follow=True)
    assert len(facts()) == len(before) - 1
    assert reverse("catalog:undo_forget") in answer.content.decode()
    alice.post(reverse("catalog:undo_forget"), headers=headers)
    assert facts() == before


def test_a_removed_day_comes_back_once(alice, evening):
    before = facts()
    page = alice.post(
        reverse("catalog:forget_day"), {"day": "2026-11-20"}, follow=True
    ).content.decode()
    assert "3 plays removed" in page and "Undo the last removal" in page
    assert len(facts()) == len(before) - 3
    page = alice.post(reverse("catalog:undo_forget"), follow=True).content.decode()
    assert "3 plays are back" in page and "Undo the last removal" not in page
    assert facts() == before
    assert (
        "nothing left to undo"
        in alice.post(reverse("catalog:undo_forget"), follow=True).content.decode()
    )


def test_a_song_that_is_gone_by_then_stays_away(alice, evening):
    before = facts()
    alice.post(reverse("catalog:forget_day"), {"day": "2026-11-20"})
    evening[0].song.delete()
    page = alice.post(reverse("catalog:undo_forget"), follow=True).content.decode()
    assert "2 plays are back" in page
    assert facts() == {row for row in before if row[1] != evening[0].song_id}


def test_nobody_undoes_what_somebody_else_removed(alice, bob, evening):
    alice.post(reverse("catalog:forget_day"), {"day": "2026-11-20"})
    left = facts()
    bob.post(reverse("catalog:undo_forget"))
    assert facts() == left


def test_an_opinion_is_no_play_to_be_removed(alice, world):
    like = Interaction.objects.likes().first()
    assert alice.post(reverse("catalog:forget", args=[like.pk])).status_code == 404
    assert Interaction.objects.filter(pk=like.pk).exists()


def test_what_is_hidden_comes_in_pages_and_the_taste_page_shows_its_beginning(alice, world):
    user = User.objects.get(username="alice")
    artist = world.songs[0].artist
    hidden = [
        Song.objects.create(key=f"hidden_{n}", title=f"Unwanted {n:02d}", artist=artist)
        for n in range(60)
    ]
    for song in hidden:
        controls.hide_song(user, song)
    first, second = (alice.get(f"/library/hidden/?page={n}").content.decode() for n in (1, 2))
    assert [text.count('value="unhide-song"') for text in (first, second)] == [50, 10]
    assert "Unwanted 59" in first
    assert "Unwanted 09" in second
    taste = alice.get("/taste/").content.decode()
    assert taste.count('value="unhide-song"') == 20
    assert 'href="/library/hidden/"' in taste


def test_the_form_that_replaces_a_like_leads_back_to_the_same_page(alice, world):
    form = {"opinion": "like", "next": "/browse/?q=song"}
    answer = alice.post(
        f"/songs/{world.songs[9].pk}/opinion/", form, headers={"HX-Request": "true"}
    )
    assert 'name="next" value="/browse/?q=song"' in answer.content.decode()
