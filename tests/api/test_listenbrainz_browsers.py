"""Players that are pages in a browser, and numbers and names in addresses as clients write them."""

import unicodedata

import pytest
from django.test import Client

from accounts.models import User
from tests.api.caller import Caller
from tests.api.listens import NOW, listen, single

ORIGIN = {"Origin": "https://player.example"}


@pytest.mark.parametrize(
    "address",
    ["submit-listens", "validate-token", "user/alice/listens", "feedback/recording-feedback/"],
)
def test_a_page_may_ask_with_a_token(db, address):
    """The browser asks first, without the token, as it does at the public server; it got 401."""
    answer = Client().options(f"/1/{address}", headers=ORIGIN)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


def test_only_a_page_with_a_token_reads_an_answer(player):
    """Any other page could ask a server at home through its visitor's browser."""
    for address in ("user/alice/listens", "validate-token", "user/nobody/listens"):
        assert player.get(address).headers["Access-Control-Allow-Origin"] == "*"
    stranger = Client()
    for address in ("/1/validate-token", "/1/metadata/lookup?artist_name=A&recording_name=B"):
        assert "Access-Control-Allow-Origin" not in stranger.get(address, headers=ORIGIN).headers
    assert stranger.options("/1/no/such/address").status_code == 404


@pytest.mark.parametrize("number", ["", " 5", "+5", "5 "])
@pytest.mark.parametrize(
    "address",
    ["user/alice/listens", "user/alice/playlists/createdfor", "feedback/user/alice/get-feedback"],
)
def test_a_number_may_be_empty_or_have_a_sign(player, address, number):
    assert player.get(address, {"count": number}).status == 200


@pytest.mark.parametrize(("score", "n"), [("", 1), ("0", 1), ("+1", 1), ("-1", 0)])
def test_no_score_is_both(player, score, n):
    msid = player.post("submit-listens?return_msid=true", single(listen())).body["recording_msid"]
    player.post("feedback/recording-feedback", {"recording_msid": msid, "score": 1})
    answer = player.get("feedback/user/alice/get-feedback", {"score": score})
    assert answer.body["count"] == n


def test_a_name_may_come_in_single_letters_and_marks(db):
    zoe = Caller(User.objects.create_user("Zoë", shares_playlists=True), ["listen"], prefix="/1/")
    zoe.post("submit-listens", single(listen(at=NOW)))
    for name in ("zoë", unicodedata.normalize("NFD", "Zoë")):
        assert zoe.get(f"user/{name}/listens").body["payload"]["count"] == 1
        assert Client().get(f"/1/user/{name}/playlists/createdfor").status_code == 200
