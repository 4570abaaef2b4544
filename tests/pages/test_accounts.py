"""Signing up and in, and what an attacker learns from it."""

import re
import time
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import invitations
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
    return re.sub(
        r'value="[^"]{64}"|X-CSRFToken&[^}]*|"X-CSRFToken": "[^"]*"', "", answer.content.decode()
    )


def test_signing_up_signs_in_and_keeps_what_was_picked(anna, world):
    browser = Client()
    browser.post("/try/keep/", {"song": [world.songs[3].pk]})
    answer = browser.post("/signup/", {"username": "berta", "password": WORDS})
    assert (answer.status_code, answer["Location"]) == (302, "/welcome/")
    page = browser.get("/welcome/").content.decode()
    assert re.search(rf'name="song" value="{world.songs[3].pk}"\s*checked', page)
    assert browser.get("/settings/").status_code == 200
    assert Client().login(username="berta", password=WORDS)


def test_a_taken_name_is_said_to_be_taken_so_many_times_an_hour(anna):
    """T41: a limit, not silence: somebody who signs up gets an answer, and nobody lists the names of a site by it."""
    browser = Client()
    for name in ("anna", "ANNA"):
        answer = browser.post("/signup/", {"username": name, "password": WORDS})
        assert answer.status_code == 200
        assert "This name is taken." in answer.content.decode()
    assert User.objects.count() == 1
    statuses = [
        browser.post("/signup/", {"username": "anna", "password": WORDS}).status_code
        for _ in range(19)
    ]
    assert statuses == [200] * 18 + [429]


@pytest.mark.parametrize("choice", ["invited", "closed"])
def test_where_sign_up_is_not_open_nobody_signs_up_without_an_invitation(db, settings, choice):
    settings.SIGN_UP = choice
    for address in ("/signup/", "/signup/?invitation=made-up"):
        assert Client().get(address).status_code == 403
        assert Client().post(address, {"username": "berta", "password": WORDS}).status_code == 403
    assert not User.objects.exists()


def test_an_invitation_lets_one_person_in_once(db, settings, capsys):
    settings.SIGN_UP = "invited"
    call_command("invite", "--days", "3")
    link = capsys.readouterr().out.strip().removeprefix(settings.SITE_URL)
    assert Client().get(link).status_code == 200
    wrong = Client().post(link, {"username": "berta", "password": "1"})
    assert wrong.status_code == 200  # a refused form uses nothing up
    assert Client().post(link, {"username": "berta", "password": WORDS}).status_code == 302
    refused = Client().post(link, {"username": "carla", "password": WORDS})
    assert refused.status_code == 403
    assert "has been used" in refused.content.decode()
    assert [user.username for user in User.objects.all()] == ["berta"]
    with pytest.raises(CommandError, match="1 to 90 days"):
        call_command("invite", "--days", "0")


@pytest.mark.parametrize(
    ("site", "is_local"),
    [
        ("http://127.0.0.1:8152", True),
        ("http://localhost", True),
        ("http://[::1]:8000", True),
        ("https://music.example.org", False),
        ("http://192.168.1.7:8000", False),
    ],
)
def test_a_link_that_opens_on_this_machine_only_says_what_to_replace(
    db, settings, capsys, site, is_local
):
    settings.SIGN_UP, settings.SITE_URL = "invited", site
    call_command("invite")
    written = capsys.readouterr()
    assert written.out.startswith(f"{site}/signup/?invitation=")
    assert written.out.count("\n") == 1  # programs read it
    assert (f"replace {site} in it" in written.err) is is_local


def test_who_invites_where_nobody_may_sign_up_reads_it(db, settings, capsys):
    settings.SIGN_UP = "closed"
    call_command("invite")
    assert "SIGN_UP is closed" in capsys.readouterr().err


def test_an_invitation_runs_out(db, settings, monkeypatch):
    settings.SIGN_UP = "invited"
    link = invitations.make_invitation_link(3).removeprefix(settings.SITE_URL)
    real = time.time
    monkeypatch.setattr("django.core.signing.time.time", lambda: real() + 3 * 24 * 3600 + 60)
    assert Client().get(link).status_code == 403


def test_a_wrong_password_and_an_unknown_name_read_the_same(anna):
    answers = [
        Client().post("/login/", {"username": name, "password": "wrong"})
        for name in ("anna", "nobody")
    ]
    texts = [body(answer).replace("anna", "").replace("nobody", "") for answer in answers]
    assert answers[0].status_code == answers[1].status_code == 200
    assert texts[0] == texts[1]
    assert "Wrong username or password." in texts[0]


def test_asking_for_a_reset_reads_the_same_for_every_address(anna, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "accounts.tasks.send_password_reset.delay", lambda *args: asked.append(args)
    )
    answers = [
        Client().post("/password/reset/", {"email": e})
        for e in ("anna@example.org", "no@example.org")
    ]
    assert body(answers[0]) == body(answers[1])
    assert [args[0] for args in asked] == ["anna@example.org", "no@example.org"]


def test_a_reset_without_a_message_queue_is_a_sentence_not_an_error(installation):
    installation.settings["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"
    installation.settings["EMAIL_URL"] = "smtp://127.0.0.1:1"
    asked = (
        "from django.test import Client\n"
        "answer = Client(SERVER_NAME='localhost').post('/password/reset/', {'email': 'anna@example.org'})\n"
        "print(answer.status_code, 'sent at the moment' in answer.content.decode())"
    )
    assert installation.shell(asked).splitlines()[-1] == "503 True"


def test_a_site_without_mail_promises_none(anna, settings):
    settings.EMAIL_BACKEND = "musicrec_site.logs.console_mail.EmailBackend"
    for answer in (
        Client().get("/password/reset/"),
        Client().post("/password/reset/", {"email": "a@b.c"}),
    ):
        assert "This site can't send mail" in body(answer)
        assert "a link" not in body(answer) and 'name="email"' not in body(answer)


def test_signing_in_offers_an_account_only_where_there_is_one(db, settings):
    assert "No account yet?" in body(Client().get("/login/"))
    settings.SIGN_UP = "closed"
    assert "No account yet?" not in body(Client().get("/login/"))


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
        guesser.post("/login/", {"username": "anna", "password": f"no-{n}"}).status_code
        for n in range(20)
    ]
    assert statuses == [200] * 9 + [429] * 11
    assert guesser.post("/login/", {"username": "anna", "password": WORDS}).status_code == 429
    assert guesser.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/login/")
    # a browser that signed in before, and any other address, go on
    assert owner.post("/login/", {"username": "anna", "password": WORDS}).status_code == 302
    assert (
        Client(REMOTE_ADDR="10.0.0.8")
        .post("/login/", {"username": "anna", "password": WORDS})
        .status_code
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
    assert (anna.theme, anna.username, anna.is_staff, anna.is_superuser) == (
        "dark",
        "anna",
        False,
        False,
    )
    assert anna.personalised
    Client().post(
        "/signup/", {"username": "carla", "password": WORDS, "is_staff": "1", "is_superuser": "1"}
    )
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
    assert (
        "not your password"
        in browser.post("/settings/delete/", {"password": "wrong"}).content.decode()
    )
    assert browser.post("/settings/delete/", {"password": WORDS}).status_code == 302
    assert not User.objects.filter(username="anna").exists()


def test_the_token_of_a_player_is_a_uuid_and_stands_beside_the_address(anna, settings):
    """A player with a field of 36 characters cut the old ones, and the default could not submit listens."""
    settings.SITE_URL = "https://music.example.org"
    browser = Client()
    browser.force_login(anna)
    page = browser.get("/settings/tokens/")
    assert page.context["form"]["scopes"].value() == ["listen"]
    assert '<code id="player-address">https://music.example.org</code>' in page.content.decode()
    answer = browser.post("/settings/tokens/", {"name": "player", "scopes": ["listen"], "days": 30})
    secret = re.search(r'<code id="new-token">([^<]+)</code>', answer.content.decode())[1]
    assert (str(uuid.UUID(secret)), uuid.UUID(secret).version) == (secret, 4)
    token = anna.auth_token_set.get()
    assert (token.token_key, secret[:8] in token.digest) == ("", False)
    headers = {"Authorization": f"Token {secret}"}
    listen = {"listened_at": 1700000000, "track_metadata": {"artist_name": "A", "track_name": "B"}}
    sent = Client().post(
        "/1/submit-listens",
        {"listen_type": "single", "payload": [listen]},
        content_type="application/json",
        headers=headers,
    )
    assert sent.status_code == 200
    assert Client().get("/api/v1/me/", headers=headers).status_code == 403


def test_a_token_is_shown_once_and_can_be_revoked(anna):
    browser = Client()
    browser.force_login(anna)
    wanted = {"name": "player", "scopes": ["read", "listen"], "days": 30}
    html = browser.post("/settings/tokens/", wanted).content.decode()
    secret = re.search(r"<code[^>]*>(mrec_\w+)</code>", html)[1]
    assert secret not in browser.get("/settings/tokens/").content.decode()
    token = anna.auth_token_set.get()
    assert (token.name, token.scopes) == ("player", "read listen")
    assert round((token.expiry - token.created) / timedelta(days=1)) == 30
    wrong = browser.post("/settings/tokens/", wanted | {"days": 10**9}).content.decode()
    assert "errorlist" in wrong and "mrec_" not in wrong
    browser.post("/settings/tokens/revoke/", {"token": anna.auth_token_set.get().pk})
    assert anna.auth_token_set.count() == 0


def test_the_address_of_signing_out_asks_first(anna):
    """A link of another site signs nobody out; a listener who types the address is asked."""
    browser = Client()
    assert browser.get("/logout/")["Location"] == "/"
    browser.force_login(anna)
    assert "Sign out?" in browser.get("/logout/").content.decode()
    assert browser.get("/settings/").status_code == 200
    browser.post("/logout/")
    assert browser.get("/settings/").status_code == 302
