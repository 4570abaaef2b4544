"""A session is stored with its user, and one user's sessions end in one statement."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from accounts import sessions
from accounts.models import Session, User

migration = import_module("accounts.migrations.0006_sessions_with_users")


def sign_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


@pytest.mark.django_db
def test_a_session_has_its_user_from_sign_in_to_sign_out():
    anna = User.objects.create_user("anna")
    browser = sign_in(anna)
    assert [one.user for one in Session.objects.all()] == [anna]
    browser.post("/logout/")
    assert not Session.objects.filter(user=anna).exists()


@pytest.mark.django_db
def test_the_sessions_of_one_user_end_in_one_statement(django_assert_num_queries):
    """However many sessions the others have."""
    anna, bob = (User.objects.create_user(name) for name in ("anna", "bob"))
    browsers = [sign_in(anna) for _ in range(3)]
    others = [sign_in(bob) for _ in range(5)]
    with django_assert_num_queries(1):
        assert sessions.end_sessions(anna) == 3
    assert [browser.get("/settings/").status_code for browser in browsers] == 3 * [302]
    assert {browser.get("/settings/").status_code for browser in others} == {200}


@pytest.mark.django_db
def test_an_operator_never_sees_the_key_of_a_session():
    """The admin lists what goes with an account before it deletes it; a key there would let them act for the user."""
    anna = User.objects.create_user("anna")
    sign_in(anna)
    operator = sign_in(User.objects.create_superuser("olga"))
    page = operator.get(f"/admin/accounts/user/{anna.pk}/delete/").content.decode()
    assert Session.objects.get(user=anna).session_key not in page


@pytest.mark.django_db(transaction=True)
def test_who_is_signed_in_stays_so_over_the_update_and_back():
    """Sessions of the table that earlier versions had are moved, with their user; expired ones are not."""
    anna, gone = (User.objects.create_user(name) for name in ("anna", "gone"))
    browser, theirs, visitor = sign_in(anna), sign_in(gone), Client()
    visitor.get("/login/")
    with connection.schema_editor() as editor:
        migration.move_back(apps, editor)
    Session.objects.all().delete()
    gone.delete()
    with connection.schema_editor() as editor:
        migration.move_to_new_table(apps, editor)
    assert [one.user for one in Session.objects.exclude(user=None)] == [anna]
    assert browser.get("/settings/").status_code == 200
    assert theirs.get("/settings/").status_code == 302
    assert "django_session" not in connection.introspection.table_names()
