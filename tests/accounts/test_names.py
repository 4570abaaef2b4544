"""One person, one name: in whatever case and however its accents are typed, on every database."""

import importlib
import unicodedata

import pytest
from django.apps import apps
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from catalog.models import Interaction

pytestmark = pytest.mark.django_db
WORDS = "quite-some-words-9"

SAME = [
    ("Änne", "änne"),
    ("änne", "ÄNNE"),
    ("Ånne", unicodedata.normalize("NFD", "ånne")),
    ("Жанна", "жАННА"),
    ("Strauß", "STRAUSS"),
    ("ｂｅａ", "BEA"),
]


def sign_up(name: str):
    return Client().post("/signup/", {"username": name, "password": WORDS})


@pytest.mark.parametrize(("first", "second"), SAME)
def test_names_that_read_the_same_are_one_person(first, second):
    """T41"""
    assert sign_up(first).status_code == 302
    refused = sign_up(second)
    assert refused.status_code == 200 and "taken" in refused.content.decode()
    assert User.objects.count() == 1
    for name in (first, second):
        assert Client().post("/login/", {"username": name, "password": WORDS}).status_code == 302
    User.objects.update(shares_playlists=True)
    assert Client().get(f"/1/user/{second}/playlists/createdfor").status_code == 200
    assert User.objects.with_name_beginning(second[:2]).exists()
    assert User.objects.with_name_like(second[-2:], is_small_site=True).exists()


def test_other_names_are_other_people():
    for name in ("Änne", "Anne", "Aenne", "Anné"):
        assert sign_up(name).status_code == 302
    assert User.objects.count() == 4


def test_listeners_of_a_file_are_one_by_name(tmp_path):
    file = tmp_path / "listens.csv"
    file.write_text("user_id,title,artist\nÄnne,One,A\nänne,Two,A\nÄNNE,Three,A\n")
    call_command("import_listens", str(file), verbosity=0)
    assert User.objects.get().username in ("Änne", "änne", "ÄNNE")
    assert Interaction.objects.count() == 3


@pytest.mark.parametrize("name", ["Änne", "Olga", "x" * 151, ""])
def test_the_dashboard_says_what_is_wrong_with_a_name(name):
    User.objects.create_superuser("olga", password=WORDS)
    browser = Client()
    browser.post("/login/", {"username": "OLGA", "password": WORDS})
    User.objects.create_user("änne")
    added = browser.post(
        "/admin/accounts/user/add/",
        {"username": name, "usable_password": "true", "password1": WORDS, "password2": WORDS},
    )
    sentence = {"": "This field is required", "x" * 151: "at most 150"}.get(name, "already exists")
    assert added.status_code == 200 and sentence in added.content.decode()
    assert User.objects.count() == 2


def test_a_name_that_is_changed_is_found_by_its_new_key():
    user = User.objects.create_user("anne")
    user.username = "Änne"
    user.save(update_fields=["username"])
    assert User.objects.with_name("ÄNNE").get() == user
    assert not User.objects.with_name("anne").exists()


@pytest.mark.parametrize(("first", "second"), [("ärger", "Ärger"), ("Ärger", "ärger")])
def test_names_that_were_two_before_both_stay(first, second):
    """SQLite told Ärger and ärger apart before names had keys, whichever came first."""
    older, later = User.objects.create_user(first, password=WORDS), User.objects.create_user("b")
    User.objects.filter(pk=later.pk).update(username=second, name_key="b")
    later.refresh_from_db()
    later.set_password("other-words-for-9")
    User.objects.filter(pk=later.pk).update(password=later.password)
    migration = importlib.import_module("accounts.migrations.0008_name_keys")
    migration.fill_keys(apps, None)
    for user, password in ((older, WORDS), (later, "other-words-for-9")):
        user.refresh_from_db()
        user.save()
        browser = Client()
        assert (
            browser.post("/login/", {"username": user.username, "password": password}).status_code
            == 302
        )
        assert browser.session["_auth_user_id"] == str(user.pk)
    assert sign_up("ÄRGER").status_code == 200 and User.objects.count() == 2
