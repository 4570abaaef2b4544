"""Wherever a password is set or an account closed, tokens and sessions end."""

import io
import re

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.contrib.auth.tokens import default_token_generator
from django.core.management import call_command
from django.test import Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import ApiToken, Session, User
from accounts.tokens import create_token

pytestmark = pytest.mark.django_db
WORDS, NEW = "quite-some-words-9", "entirely-new-words-3"
BOTH = {"new_password1": NEW, "new_password2": NEW}


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", "anna@example.org", WORDS)


@pytest.fixture
def elsewhere(anna) -> Client:
    browser = Client()
    browser.force_login(anna)
    return browser


@pytest.fixture
def operator() -> Client:
    browser = Client()
    browser.force_login(User.objects.create_superuser("olga"))
    return browser


def on_the_account_page(anna, operator):
    browser = Client()
    browser.force_login(anna)
    assert browser.post("/password/change/", {"old_password": WORDS} | BOTH).status_code == 302
    assert browser.get("/settings/").status_code == 200  # who did it goes on
    browser.post("/logout/")


def by_the_mailed_link(anna, operator):
    link = f"/password/reset/{urlsafe_base64_encode(force_bytes(anna.pk))}/{default_token_generator.make_token(anna)}/"
    browser = Client()
    form = browser.get(link, follow=True).redirect_chain[-1][0]
    assert browser.post(form, BOTH).status_code == 302


def in_the_admin(anna, operator):
    sent = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert operator.post(f"/admin/accounts/user/{anna.pk}/password/", sent).status_code == 302


def taken_away_in_the_admin(anna, operator):
    sent = {"usable_password": "false", "unset-password": "1"}
    assert operator.post(f"/admin/accounts/user/{anna.pk}/password/", sent).status_code == 302


def by_the_command(anna, operator):
    from django.contrib.auth.management.commands import changepassword

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changepassword.getpass, "getpass", lambda prompt: NEW)
        call_command("changepassword", "anna", stdout=io.StringIO())


def by_closing_the_account(anna, operator):
    page = f"/admin/accounts/user/{anna.pk}/change/"
    form = operator.get(page).context["adminform"].form
    sent = {name: form[name].value() for name in ("username", "email", "theme")}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "personalised": "on"}
    assert operator.post(page, sent).status_code == 302
    assert not User.objects.get(pk=anna.pk).is_active


@pytest.mark.parametrize(
    "do",
    [
        on_the_account_page,
        by_the_mailed_link,
        in_the_admin,
        taken_away_in_the_admin,
        by_the_command,
        by_closing_the_account,
    ],
)
def test_all_tokens_and_other_sessions_end(do, anna, elsewhere, operator):
    """T40, T76: the admin's pages and `changepassword` left every token alive."""
    secret = create_token(anna, "player", ["read"]).secret
    create_token(User.objects.get(username="olga"), "hers", ["read"])
    do(anna, operator)
    assert (
        Client().get("/api/v1/me/", headers={"Authorization": f"Token {secret}"}).status_code == 401
    )
    assert [token.user.username for token in ApiToken.objects.all()] == ["olga"]
    assert elsewhere.get("/settings/").status_code == 302
    theirs = [
        one
        for one in Session.objects.all()
        if one.get_decoded().get("_auth_user_id") == str(anna.pk)
    ]
    assert theirs == []
    assert operator.get("/settings/").status_code == 200


def test_an_account_opened_again_has_no_old_ways_in(anna, elsewhere):
    """T40: closing ends access for good, not for as long as it lasts."""
    secret = create_token(anna, "player", ["read"]).secret
    for is_active in (False, True):
        anna.is_active = is_active
        anna.save()
    assert (
        Client().get("/api/v1/me/", headers={"Authorization": f"Token {secret}"}).status_code == 401
    )
    assert elsewhere.get("/settings/").status_code == 302


def test_signing_in_hashes_anew_and_ends_nothing(anna, monkeypatch):
    """A hash of an older kind is made anew at the sign-in: that is no new password."""
    create_token(anna, "player", ["read"])
    User.objects.filter(pk=anna.pk).update(password=make_password(WORDS, hasher="md5"))
    monkeypatch.setattr(MD5PasswordHasher, "must_update", lambda self, decoded: True)
    before = User.objects.get(pk=anna.pk).password
    assert Client().post("/login/", {"username": "anna", "password": WORDS}).status_code == 302
    assert User.objects.get(pk=anna.pk).password != before
    assert ApiToken.objects.count() == 1


def test_changing_other_things_ends_nothing(anna, elsewhere):
    create_token(anna, "player", ["read"])
    anna.first_name = "Anna"
    anna.save()
    assert ApiToken.objects.count() == 1
    assert elsewhere.get("/settings/").status_code == 200


def test_the_old_password_cannot_be_guessed_in_a_session(anna, elsewhere):
    """T42: a borrowed browser gets as many guesses as a stranger."""
    pages = [
        elsewhere.post("/password/change/", {"old_password": f"guess-{n}"} | BOTH).content.decode()
        for n in range(12)
    ]
    assert re.search("Too many wrong passwords", pages[-1])
    assert elsewhere.post("/password/change/", {"old_password": WORDS} | BOTH).status_code == 200
