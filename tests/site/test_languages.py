"""The second language is complete: every text that the code and the templates mark is there, with its placeholders."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.test import Client
from django.utils.functional import Promise
from django.utils.translation.template import templatize

from catalog.models import Artist, Song, SongTotal

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "catalog", "common", "recommendations", "musicrec_site")
MARKS = {"_", "gettext", "gettext_noop", "gettext_lazy", "ngettext", "ngettext_lazy"}
QUOTED = r"""(u'(?:[^'\\]|\\.)*'|u"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"\bn?gettext\({QUOTED}")
CALL_WITH_PLURAL = re.compile(rf"\bngettext\({QUOTED}, {QUOTED}")
CALL_WITH_CONTEXT = re.compile(r"""\bpgettext\(u'([^']*)', u'([^']*)'\)""")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]")


def list_calls() -> Iterator[ast.Call]:
    """Every call that marks a text in the code."""
    files = (file for app in APPS for file in (ROOT / app).rglob("*.py"))
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if is_call and node.func.id in MARKS:
                yield node


def list_plurals() -> Iterator[tuple[str, str]]:
    """(singular, plural) of texts that count: some fill in a number in the plural alone ("every day")."""
    for call in list_calls():
        if call.func.id.startswith("ngettext") and len(call.args) > 1:
            singular, plural = call.args[:2]
            if isinstance(singular, ast.Constant) and isinstance(plural, ast.Constant):
                yield singular.value, plural.value
    for text in list_template_calls():
        for singular_text, plural_text in CALL_WITH_PLURAL.findall(text):
            yield ast.literal_eval(singular_text), ast.literal_eval(plural_text)


def list_template_calls() -> Iterator[str]:
    """Every template as the calls that mark its texts."""
    files = (file for end in ("html", "txt") for file in (ROOT / "templates").rglob(f"*.{end}"))
    return (templatize(file.read_text(encoding="utf-8")) for file in files)


def texts_of_code() -> set[str]:
    first = (call.args[0] for call in list_calls() if call.args)
    return {
        text.value
        for text in first
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    }


def texts_of_templates() -> set[str]:
    calls = list(list_template_calls())
    plain = {ast.literal_eval(quoted) for text in calls for quoted in CALL.findall(text)}
    in_context = {
        f"{context}\x04{words}"
        for text in calls
        for context, words in CALL_WITH_CONTEXT.findall(text)
    }
    assert in_context
    return plain | in_context


@pytest.fixture(scope="module")
def german() -> dict[str, list[str]]:
    """Every text's translations: one, or two where it counts."""
    with (ROOT / "locale/de/LC_MESSAGES/django.mo").open("rb") as file:
        catalog = gettext.GNUTranslations(file)._catalog
    plural = {
        key[0]: [catalog[key], catalog[key[0], 1]] for key in catalog if isinstance(key, tuple)
    }
    return {key: [text] for key, text in catalog.items() if isinstance(key, str)} | plural


@pytest.mark.parametrize("texts_of", [texts_of_code, texts_of_templates])
def test_every_marked_text_is_there_in_german(german, texts_of):
    marked = texts_of()
    assert len(marked) > 200
    assert sorted(text for text in marked if not all(german.get(text, [""]))) == []


def test_what_is_filled_in_is_the_same_in_german(german):
    plurals = dict(list_plurals())
    for text, translations in german.items():
        filled = set(PLACEHOLDER.findall(text + plurals.get(text, "")))
        for translation in translations if text else []:
            assert set(PLACEHOLDER.findall(translation)) <= filled, text


def test_a_browser_that_wants_german_gets_it(db):
    page = Client(headers={"Accept-Language": "de"}).get("/login/").content.decode()
    assert 'lang="de"' in page and "Passwort vergessen?" in page


def test_every_table_of_the_dashboard_has_a_translated_name():
    models = [
        model
        for app in ("accounts", "catalog", "recommendations")
        for model in apps.get_app_config(app).get_models()
    ]
    plain = [
        model.__name__
        for model in models
        if not isinstance(model._meta.verbose_name, Promise)
        or not isinstance(model._meta.verbose_name_plural, Promise)
    ]
    assert len(models) > 40
    assert plain == []


def test_every_field_of_the_desks_tables_has_a_name_in_german(german):
    untranslated = {
        f"{model.__name__}.{field.name}": str(field.verbose_name)
        for app in ("accounts", "catalog", "recommendations")
        for model in apps.get_app_config(app).get_models()
        for field in [*model._meta.local_fields, *model._meta.local_many_to_many]
        if not isinstance(field.verbose_name, Promise)
    }
    assert {name: text for name, text in untranslated.items() if text != "ID"} == {}


def test_what_the_dashboard_says_of_a_field_is_marked_for_translation():
    plain = {
        f"{model.__name__}.{field.name}"
        for app in ("accounts", "catalog", "recommendations")
        for model in apps.get_app_config(app).get_models()
        for field in model._meta.local_fields
        if field.help_text and not isinstance(field.help_text, Promise)
    }
    assert plain == set()


def test_a_table_of_the_dashboard_has_german_columns(admin_client, admin_user):
    song = Song.objects.create(key="a", title="A", artist=Artist.objects.create(name="B"))
    SongTotal.objects.create(listener=admin_user, song=song, n_plays=2)
    page = admin_client.get("/admin/catalog/songtotal/", headers={"Accept-Language": "de"})
    head = page.content.decode().partition("<thead>")[2].partition("</thead>")[0]
    columns = re.sub(r"<[^>]*>", " ", head).split("  ")
    wanted = {"Hörer", "Song", "Wiedergaben", "Erste Wiedergabe", "Letzte Wiedergabe"}
    assert {column.strip() for column in columns} - {""} >= wanted
