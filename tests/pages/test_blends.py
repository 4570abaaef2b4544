"""A list for several listeners: who may see it, what is in it, and what stays private."""

import re

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import delete_account
from catalog.models import Playlist
from recommendations.models import Blend, BlendMember
from recommendations.services.preferences import controls
from recommendations.services.serving import list_cache
from recommendations.services.surfaces import blends
from tests.pages.conftest import signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listeners(trained) -> list[User]:
    """Alice, who likes the even songs, and two who like the odd ones."""
    return [User.objects.get(username=name) for name in ("alice", "listener_1", "listener_3")]


@pytest.fixture
def household(listeners) -> Blend:
    alice, *others = listeners
    blend = blends.create_blend(alice, "Kitchen")
    for other in others:
        blends.invite_listener(blend, alice, other.username.upper())
        assert blends.join_blend(blend, other)
    return blend


def open_blend(user: User, blend: Blend) -> str:
    answer = signed_in(user).get(f"/blends/{blend.pk}/")
    assert answer.status_code == 200
    return answer.content.decode()


def read_songs(page: str) -> list[int]:
    return [
        int(pk)
        for pk in re.findall(r'<p class="title">\s*<a class="quiet" href="/songs/(\d+)/"', page)
    ]


def test_all_members_see_the_same_songs_and_whom_they_are_for(household, listeners):
    pages = [open_blend(user, household) for user in listeners]
    songs = [read_songs(page) for page in pages]
    assert songs[0] and songs[0] == songs[1] == songs[2]
    assert all("For you" in page or "For all of you" in page for page in pages)
    kept = (
        signed_in(listeners[1]).post(f"/blends/{household.pk}/keep/", follow=True).content.decode()
    )
    assert read_songs(kept) == songs[0]


def test_what_one_hides_stays_out_for_all(household, listeners):
    before = blends.blend_songs(household).songs
    controls.hide_song(listeners[1], before[0].song)
    controls.hide_artist(listeners[2], before[1].song.artist)
    after = blends.blend_songs(household).songs
    assert before[0].song not in [one.song for one in after]
    assert before[1].song.artist_id not in [one.song.artist_id for one in after]
    assert after


def test_the_songs_are_those_of_everybody_and_not_of_the_first(household, listeners, trained):
    """The two who like odd songs and the one who likes even ones each find some for them."""
    fans = {name for one in blends.blend_songs(household).songs for name in one.fans}
    fans_of_all = [one for one in blends.blend_songs(household).songs if not one.fans]
    assert fans_of_all or fans >= {"alice", "listener_1"}


def test_an_invitation_uses_nothing_until_it_is_accepted(listeners):
    alice, bob, carl = listeners
    blend = blends.create_blend(alice, "Kitchen")
    browser = signed_in(alice)
    answer = browser.post(f"/blends/{blend.pk}/invite/", {"username": bob.username}, follow=True)
    unknown = browser.post(f"/blends/{blend.pk}/invite/", {"username": "nobody"}, follow=True)
    hint = "If there is a listener of this name"
    assert hint in answer.content.decode() and hint in unknown.content.decode()
    assert blends.blend_songs(blend).problem == "few"
    assert signed_in(bob).get(f"/blends/{blend.pk}/").status_code == 404
    assert signed_in(carl).get(f"/blends/{blend.pk}/").status_code == 404
    assert (
        signed_in(carl).post(f"/blends/{blend.pk}/answer/", {"answer": "join"}).status_code == 404
    )
    assert "Kitchen" in signed_in(bob).get("/blends/").content.decode()
    signed_in(bob).post(f"/blends/{blend.pk}/answer/", {"answer": "join"})
    assert read_songs(open_blend(bob, blend))


def test_inviting_tells_nobody_which_names_there_are(listeners):
    alice, bob, _carl = listeners
    blend = blends.create_blend(alice, "Kitchen")
    browser = signed_in(alice)
    pages = []
    for name in (bob.username.upper(), "nobody"):
        browser.post(f"/blends/{blend.pk}/invite/", {"username": name}, follow=True)
        pages.append(open_blend(alice, blend))
    assert bob.username not in pages[0]
    assert '<span class="chip">alice</span>' in pages[0]


def test_who_is_in_a_blend_is_not_invited_again(household, listeners):
    invite = f"/blends/{household.pk}/invite/"
    for name in ("ALICE", listeners[1].username):
        page = signed_in(listeners[0]).post(invite, {"username": name}, follow=True)
        assert f"{name} is in this blend already." in page.content.decode()
    assert household.members.count() == len(listeners)


def test_leaving_and_declining_are_confirmed(household, listeners):
    blend = blends.create_blend(listeners[0], "Garden")
    blends.invite_listener(blend, listeners[0], listeners[1].username)
    for joined, answer, sentence in (
        (blend, "decline", "You have declined “Garden”."),
        (household, "leave", "You have left “Kitchen”."),
    ):
        address = f"/blends/{joined.pk}/answer/"
        page = signed_in(listeners[1]).post(address, {"answer": answer}, follow=True)
        assert sentence in page.content.decode()


def test_an_invitation_is_accepted_in_german_words_of_its_own(listeners):
    blend = blends.create_blend(listeners[0], "Kitchen")
    blends.invite_listener(blend, listeners[0], listeners[1].username)
    page = signed_in(listeners[1]).get("/blends/", headers={"Accept-Language": "de"})
    assert ">Mitmachen</button>" in page.content.decode()


def test_a_kept_playlist_and_the_cache_name_no_other_member(household, listeners, monkeypatch):
    kept_rows = []
    keep = list_cache.keep

    def note(key, value, *args):
        kept_rows.append(repr(value))
        keep(key, value, *args)

    monkeypatch.setattr(list_cache, "keep", note)
    blends.blend_songs(household)
    signed_in(listeners[0]).post(f"/blends/{household.pk}/keep/")
    reasons = set(Playlist.objects.get(owner=listeners[0]).items.values_list("reason", flat=True))
    assert reasons <= {"", "For you"}
    assert kept_rows and not [row for row in kept_rows if "alice" in row or "listener_" in row]


def test_who_leaves_or_turns_personalisation_off_does_not_count(household, listeners):
    _alice, bob, carl = listeners
    signed_in(carl).post(f"/blends/{household.pk}/answer/", {"answer": "leave"})
    assert signed_in(carl).get(f"/blends/{household.pk}/").status_code == 404
    assert blends.blend_songs(household).songs
    User.objects.filter(pk=bob.pk).update(personalised=False)
    assert blends.blend_songs(household).problem == "few"


def test_a_blend_goes_with_its_last_member(household, listeners):
    for user in listeners[:2]:
        delete_account(user)
    assert BlendMember.objects.get().listener == listeners[2]
    delete_account(listeners[2])
    assert not Blend.objects.exists()


def test_a_blend_has_at_most_six_members(household, listeners):
    browser = signed_in(listeners[0])
    for n in (5, 7, 9, 11):
        page = browser.post(
            f"/blends/{household.pk}/invite/", {"username": f"listener_{n}"}, follow=True
        ).content.decode()
    assert "at most 6 members" in page
    assert household.members.count() == blends.MOST_MEMBERS


def test_visitors_and_bad_values_get_no_blend(household, listeners):
    assert Client().get(f"/blends/{household.pk}/").status_code == 302
    browser = signed_in(listeners[0])
    for title in ("", " ", "x" * 81, "\x00"):
        assert browser.post("/blends/new/", {"title": title}).status_code in (302, 400)
    assert Blend.objects.count() == 1
    for name in ("", "\x00", "x" * 200, "%"):
        assert browser.post(f"/blends/{household.pk}/invite/", {"username": name}).status_code in (
            302,
            400,
        )


def test_a_song_is_no_reason_for_itself(household, listeners):
    blended = blends.blend_songs(household)
    assert blended.songs
    for user in listeners:
        heard = set(user.interactions.values_list("song_id", flat=True))
        explained = {one.song.pk for one in blends.explain_for_member(user, blended)}
        assert not explained & heard
        assert explained == {one.song.pk for one in blended.songs} - heard


def test_who_has_no_history_reads_that_nothing_is_known_of_their_taste(listeners):
    alice, bob, _carl = listeners
    newcomer = User.objects.create_user("newcomer")
    blend = blends.create_blend(alice, "Kitchen")
    for other in (bob, newcomer):
        blends.invite_listener(blend, alice, other.username)
        assert blends.join_blend(blend, other)
    note = "Nothing is known about your taste yet: for your part"
    page = open_blend(newcomer, blend)
    assert read_songs(page)
    assert note in page
    assert "For you" not in page and "For all of you" not in page
    assert "From this library" not in page
    of_alice = open_blend(alice, blend)
    assert note not in of_alice and "newcomer" not in re.sub(r"(?s).*</ul>", "", of_alice)
    assert {name for one in blends.blend_songs(blend).songs for name in one.fans} <= {
        alice.username,
        bob.username,
    }
    assert all(one.fans for one in blends.blend_songs(blend).songs)


def test_a_blend_of_whom_nothing_is_known_says_so(listeners):
    first, second = (User.objects.create_user(name) for name in ("newcomer", "another"))
    blend = blends.create_blend(first, "Kitchen")
    blends.invite_listener(blend, first, second.username)
    assert blends.join_blend(blend, second)
    for _turn in range(2):  # from the cache, too
        assert "Nothing is known about your taste yet: the list comes" in open_blend(first, blend)


def test_an_invitation_is_seen_on_the_page_of_playlists(listeners):
    alice, bob, _carl = listeners
    blend = blends.create_blend(alice, "Kitchen")
    blends.invite_listener(blend, alice, bob.username)
    pages = [signed_in(user).get("/playlists/").content.decode() for user in (alice, bob)]
    assert ["Blends with others: 1 invitation" in page for page in pages] == [False, True]
    assert blends.join_blend(blend, bob)
    assert "1 invitation" not in signed_in(bob).get("/playlists/").content.decode()
