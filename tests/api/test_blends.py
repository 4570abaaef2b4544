"""Blends by the API: who may see, invite, join and leave, and whom a song is for."""

import uuid

import pytest
from django.test import Client

from accounts import tokens
from recommendations.models import Blend
from recommendations.services.surfaces import blends


@pytest.fixture
def kitchen(alice):
    return alice.post("me/blends/", {"title": "Kitchen"}).body


def test_a_blend_begins_with_its_maker_alone(alice, kitchen):
    assert kitchen["members"] == ["alice"] and kitchen["title"] == "Kitchen"
    assert alice.get("me/blends/").body == {"blends": [kitchen], "invitations": []}
    answer = alice.get(f"me/blends/{kitchen['id']}/").body
    assert (answer["problem"], answer["songs"]) == ("few", [])


def test_who_is_invited_sees_the_invitation_and_nothing_else_until_they_join(alice, bob, kitchen):
    address = f"me/blends/{kitchen['id']}/"
    assert bob.get(address).status == bob.post(f"{address}join/").status == 404
    assert alice.post(f"{address}invitations/", {"username": "BOB"}).status == 204
    invitation = {"id": kitchen["id"], "title": "Kitchen", "invited_by": "alice"}
    assert bob.get("me/blends/").body == {"blends": [], "invitations": [invitation]}
    assert alice.get(address).body["members"] == ["alice"]
    assert bob.get(address).status == 404
    assert bob.post(f"{address}invitations/", {"username": "alice"}).status == 404
    assert bob.post(f"{address}join/").body["members"] == ["alice", "bob"]
    assert bob.get(address).body["members"] == ["alice", "bob"]
    assert bob.get("me/blends/").body["invitations"] == []


def test_a_name_that_nobody_has_is_answered_like_one_that_somebody_has(alice, kitchen):
    answer = alice.post(f"me/blends/{kitchen['id']}/invitations/", {"username": "nobody"})
    assert answer.status == 204 and Blend.objects.get().members.count() == 1


def test_who_leaves_is_out_and_the_last_one_takes_the_blend_along(alice, bob, kitchen):
    address = f"me/blends/{kitchen['id']}/"
    alice.post(f"{address}invitations/", {"username": "bob"})
    assert bob.delete(address).status == 204  # declined
    assert bob.post(f"{address}join/").status == 404
    assert alice.delete(address).status == 204 and not Blend.objects.exists()
    assert alice.delete(address).status == 404


def test_too_many_and_too_long_are_refused_in_a_sentence(alice, kitchen):
    for _number in range(blends.MOST_BLENDS - 1):
        blends.create_blend(alice.user, "Other")
    full = alice.post("me/blends/", {"title": "One more"})
    assert full.status == 409 and "You are in 20 blends already" in full.body["error"]["message"]
    assert alice.post("me/blends/", {"title": "x" * 81}).status == 400


def test_a_token_that_only_reads_may_look_and_not_leave(alice, kitchen):
    secret = tokens.create_token(alice.user, "reader", ["read"]).secret
    reader = Client(headers={"Authorization": f"Bearer {secret}"})
    address = f"/api/v1/me/blends/{kitchen['id']}/"
    assert reader.get(address).status_code == 200
    assert reader.delete(address).status_code == 403
    assert reader.post(f"{address}join/").status_code == 403
    assert Client().get(address).status_code == 401


def test_an_unknown_blend_is_not_found(alice):
    assert alice.get(f"me/blends/{uuid.UUID(int=3)}/").status == 404


def test_each_song_of_a_blend_says_whom_it_is_for(world, bob):
    alice = world.alice
    blend = alice.post("me/blends/", {"title": "Both"}).body
    bob.put(f"songs/{world.songs[2].key}/like/")
    alice.post(f"me/blends/{blend['id']}/invitations/", {"username": "bob"})
    bob.post(f"me/blends/{blend['id']}/join/")
    answer = alice.get(f"me/blends/{blend['id']}/").body
    assert answer["problem"] == "" and answer["songs"]
    stored = blends.blend_songs(Blend.objects.get()).songs
    assert [(one["song"]["id"], one["fans"]) for one in answer["songs"]] == [
        (one.song.key, list(one.fans)) for one in stored
    ]
    assert [one["position"] for one in answer["songs"]] == list(range(1, len(stored) + 1))
