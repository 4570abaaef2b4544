"""Signing up and in, and what an attacker learns from it."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client

from accounts.models import User
from accounts.tasks import send_password_reset
from accounts.tokens import create_token
from tests.eager import eager_tasks

WORDS = "quite-some-words-9"


@pytest.fixture(autouse=True)
def _fresh(db, _empty_cache):
    """Attempts counted by one test are nothing to the next."""


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", "anna@example.org", WORDS)


def body(answer) -> str:
    return re.sub(r'value="[^"]{64}"|X-CSRFToken&[^}]*|"X-CSRFToken": "[^"]*"', "", answer.content.decode())


def test_signing_up_tells_nobody_whether_the_name_is_taken(anna):
    """T41: same status, same place to go, same text."""
    answers = [
        Client().post("/signup/", {"username": name, "password": WORDS}) for name in ("anna", "berta", "ANNA")
    ]
    assert [answer.status_code for answer in answers] == [302, 302, 302]
    assert len({answer["Location"] for answer in answers}) == 1
    assert User.objects.filter(username__iexact="anna").count() == 1
    assert Client().login(username="berta", password=WORDS)


def test_a_wrong_password_and_an_unknown_name_read_the_same(anna):
    answers = [
        Client().post("/login/", {"username": name, "password": "wrong"}) for name in ("anna", "nobody")
    ]
    texts = [body(answer).replace("anna", "").replace("nobody", "") for answer in answers]
    assert answers[0].status_code == answers[1].status_code == 200
    assert texts[0] == texts[1]


def test_asking_for_a_reset_reads_the_same_for_every_address(anna, monkeypatch):
    asked = []
    monkeypatch.setattr("accounts.tasks.send_password_reset.delay", lambda *args: asked.append(args))
    answers = [
        Client().post("/password/reset/", {"email": e}) for e in ("anna@example.org", "no@example.org")
    ]
    assert body(answers[0]) == body(answers[1])
    assert [args[0] for args in asked] == ["anna@example.org", "no@example.org"]


def test_a_reset_without_a_message_queue_is_a_sentence_not_an_error(installation):
    installation.settings["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"
    asked = (
        "from django.test import Client\n"
        "answer = Client(SERVER_NAME='localhost').post('/password/reset/', {'email': 'anna@example.org'})\n"
        "print(answer.status_code, 'sent at the moment' in answer.content.decode())"
    )
    assert installation.shell(asked).splitlines()[-1] == "503 True"


def test_the_mailed_link_sets_a_new_password_and_ends_tokens(anna, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    create_token(anna, "player", ["read"])
    send_password_reset("anna@example.org", "music.example.org", True, "de")
    send_password_reset("nobody@example.org", "music.example.org", True, "de")
    (sent,) = mail.outbox
    path = re.search(r"https://music\.example\.org(\S+)", sent.body)[1]
    browser = Client()
    form = browser.get(path, follow=True)
    new = "entirely-new-words-3"
    done = browser.post(form.redirect_chain[-1][0], {"new_password1": new, "new_password2": new})
    assert done.status_code == 302
    assert Client().login(username="anna", password=new)
    assert anna.auth_token_set.count() == 0


def test_guessing_is_slowed_and_its_victim_is_not_locked_out(anna):
    """T42: on the page and on the admin, which sends everybody to it."""
    owner = Client(REMOTE_ADDR="10.0.0.7")
    assert owner.post("/login/", {"username": "anna", "password": WORDS}).status_code == 302
    owner.post("/logout/")
    guesser = Client(REMOTE_ADDR="10.0.0.7")
    statuses = [
        guesser.post("/login/", {"username": "anna", "password": f"no-{n}"}).status_code for n in range(20)
    ]
    assert statuses == [200] * 9 + [429] * 11
    assert guesser.post("/login/", {"username": "anna", "password": WORDS}).status_code == 429
    assert guesser.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/login/")
    # a browser that signed in before, and any other address, go on
    assert owner.post("/login/", {"username": "anna", "password": WORDS}).status_code == 302
    assert (
        Client(REMOTE_ADDR="10.0.0.8").post("/login/", {"username": "anna", "password": WORDS}).status_code
        == 302
    )


def test_a_forged_address_does_not_get_round_the_limit(anna):
    """T43"""
    wrong = {"username": "anna", "password": "no"}
    forged = [{"X-Forwarded-For": f"10.1.1.{n}"} for n in range(12)]
    statuses = [Client().post("/login/", wrong, headers=headers).status_code for headers in forged]
    assert statuses[-1] == 429


def test_signing_in_makes_a_new_session_and_a_new_password_ends_the_others(anna):
    """T40"""
    here, there = Client(), Client()
    here.get("/login/")
    here.session["seen"] = 1
    before = here.session.session_key
    for browser in (here, there):
        browser.post("/login/", {"username": "anna", "password": WORDS})
    assert here.session.session_key != before
    new = "entirely-new-words-3"
    changed = {"old_password": WORDS, "new_password1": new, "new_password2": new}
    assert here.post("/password/change/", changed).status_code == 302
    assert here.get("/settings/").status_code == 200
    assert there.get("/settings/").status_code == 302


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_never_leads_away(anna, target):
    """T44"""
    answer = Client().post("/login/", {"username": "anna", "password": WORDS, "next": target})
    assert answer["Location"] == "/"


def test_fields_that_nobody_offered_change_nothing(anna):
    """T38"""
    other = User.objects.create_user("other")
    browser = Client()
    browser.force_login(anna)
    sent = {
        "theme": "dark",
        "language": "",
        "email": "anna@example.org",
        "is_staff": "1",
        "is_superuser": "1",
    }
    browser.post("/settings/", sent | {"id": other.pk, "username": "other", "personalised": ""})
    anna.refresh_from_db()
    assert (anna.theme, anna.username, anna.is_staff, anna.is_superuser) == ("dark", "anna", False, False)
    assert anna.personalised
    Client().post("/signup/", {"username": "carla", "password": WORDS, "is_staff": "1", "is_superuser": "1"})
    assert not User.objects.get(username="carla").is_staff


def test_another_address_needs_the_password_and_the_old_one_gets_a_mail(
    anna, mailoutbox, django_capture_on_commit_callbacks
):
    """T68"""
    browser = Client()
    browser.force_login(anna)
    sent = {"theme": "dark", "language": "de", "email": "new@example.org"}
    for wrong in ({}, {"password": "guessed"}):
        refused = browser.post("/settings/", sent | wrong)
        assert "not your password" in refused.content.decode()
        anna.refresh_from_db()
        assert (anna.email, anna.theme) == ("anna@example.org", "system")
    with eager_tasks(), django_capture_on_commit_callbacks(execute=True):
        assert browser.post("/settings/", sent | {"password": WORDS}).status_code == 302
    anna.refresh_from_db()
    assert (anna.email, anna.theme) == ("new@example.org", "dark")
    (mailed,) = mailoutbox
    assert mailed.to == ["anna@example.org"]


def test_deleting_the_account_needs_its_password(anna):
    browser = Client()
    browser.force_login(anna)
    assert "not your password" in browser.post("/settings/delete/", {"password": "wrong"}).content.decode()
    assert browser.post("/settings/delete/", {"password": WORDS}).status_code == 302
    assert not User.objects.filter(username="anna").exists()


def test_a_token_is_shown_once_and_can_be_revoked(anna):
    browser = Client()
    browser.force_login(anna)
    wanted = {"name": "player", "scopes": ["read", "listen"], "days": 30}
    made = browser.post("/settings/tokens/", wanted).content.decode()
    secret = re.search(r"<code>(mrec_\w+)</code>", made)[1]
    assert secret not in browser.get("/settings/tokens/").content.decode()
    token = anna.auth_token_set.get()
    assert (token.name, token.scopes) == ("player", "read listen")
    assert round((token.expiry - token.created) / timedelta(days=1)) == 30
    wrong = browser.post("/settings/tokens/", wanted | {"days": 10**9}).content.decode()
    assert "errorlist" in wrong and "mrec_" not in wrong
    browser.post("/settings/tokens/revoke/", {"token": anna.auth_token_set.get().pk})
    assert anna.auth_token_set.count() == 0
