"""What jobs store in English is said in the reader's language, and no importer writes a sentence that is not."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from catalog.imports import sentences as import_sentences
from catalog.imports.importers import detection, registry
from common.stored_text import translate_log, translate_stored
from recommendations.services.training import sentences as training_sentences
from recommendations.services.training.evaluation_result import describe_newest, describe_too_few

ROOT = Path(__file__).resolve().parents[2]
REFUSALS = {"WrongFile", "NearMiss", "BadValue", "RejectedRow", "BrokenJson"}
VALUE = "Ferris 7"
"""In the place of what a sentence names."""

SAME_IN_GERMAN = {"Apple Music: Favorites (CSV)", "%(problem)s (%(where)s)"}


def list_sentences() -> Iterator[str]:
    """Yield every sentence that an importer or a writer of listens puts into an error or a rejected row."""
    for room in ("catalog/imports", "catalog/listening", "catalog/playlists"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and name_call(node) in REFUSALS:
                    yield from filter(None, map(read_sentence, node.args[:2]))


def name_call(node: ast.Call) -> str:
    """Return what is called, without its module."""
    return getattr(node.func, "id", "") or getattr(node.func, "attr", "")


def read_sentence(node: ast.AST) -> str:
    """Return a text with `VALUE` in the place of what is filled in; empty for anything else."""
    if isinstance(node, ast.JoinedStr):
        pieces = [one.value if isinstance(one, ast.Constant) else VALUE for one in node.values]
        text = "".join(map(str, pieces))
        return "" if text.replace(VALUE, "").strip(" ()") == "" else text
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_every_sentence_of_an_importer_is_said_in_german():
    texts = {*list_sentences(), *(f"{VALUE} {words}" for _is, words in detection._KNOWN_FILES)}
    assert len(texts) > 110
    with translation.override("de"):
        assert sorted(text for text in texts if translate_stored(text) == text) == []


def test_every_registered_sentence_has_a_german_one():
    messages = {
        *import_sentences.ABOUT_FILES, *import_sentences.ABOUT_ROWS,
        *import_sentences.KINDS_OF_FILES, *training_sentences.SENTENCES, *training_sentences.ACTIONS,
    }  # fmt: skip
    with translation.override("de"):
        left = {one for one in messages if translation.gettext(one) == one}
    assert left <= {"song", "album", "name"} | SAME_IN_GERMAN


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        (
            "notes.pdf is a PDF. Ask the service for its data export (JSON or CSV) and bring that.",
            "notes.pdf ist ein PDF. Bitte den Dienst um den Datenexport (JSON oder CSV) und bring diesen.",
        ),
        (
            "plays.json is no list of plays: it is damaged or cut off.",
            "plays.json ist keine Liste von Wiedergaben: sie ist beschädigt oder abgeschnitten.",
        ),
        ("the title is empty", "leer: Titel"),
        (
            "Nothing was searched: it takes 30 listeners who know enough songs to judge by, and this site has 13.",
            "Es wurde nichts gesucht: Dafür braucht es 30 Hörer, die genug Songs kennen, um urteilen zu können; "
            "hier sind es 13.",
        ),
        ("the time is missing (line 7)", "die Zeit fehlt (line 7)"),
        ("Disk quota exceeded", "Disk quota exceeded"),
        ("", ""),
    ],
)
def test_a_stored_sentence_is_read_in_german_and_stays_english_in_english(stored, german):
    with translation.override("de"):
        assert translate_stored(stored) == german
    with translation.override("en"):
        assert translate_stored(stored) == stored


def list_log_sentences() -> Iterator[str]:
    """Yield every text that a training says to its log, with `VALUE` for what is filled in."""
    for path in sorted((ROOT / "recommendations/services/training").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and name_call(node) == "say":
                yield from filter(None, map(read_sentence, ast.walk(node.args[0])))


def test_every_sentence_of_a_trainings_log_is_said_in_german():
    texts = [text for text in list_log_sentences() if text[0].isupper() and text.endswith(".")]
    # whether lists use estimates, and counts in their singular, are put together from more than values
    composed = (f"of {VALUE}{VALUE}", f"list{VALUE}", f"Lists {VALUE}")
    texts = [text for text in texts if not any(piece in text for piece in composed)]
    assert len(texts) > 10
    with translation.override("de"):
        assert sorted(text for text in texts if translate_stored(text) == text) == []


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        (
            "20:14:03 Read 507,149 interactions of 10,000 listeners and 5,000 songs.\n20:15:10 v3 is active.\n",
            "20:14:03 507.149 Ereignisse von 10.000 Hörern und 5.000 Songs gelesen.\n20:15:10 v3 ist aktiv.\n",
        ),
        (
            "20:14:03 NDCG@10 0.184 (0.171 to 0.197), the active version's configuration 0.180. Of the songs "
            "heard last 0.102, the active version's configuration 0.099.",
            "20:14:03 NDCG@10 0,184 (0,171 bis 0,197), die Konfiguration der aktiven Version 0,180. Bei den "
            "zuletzt gehörten Songs 0,102, die Konfiguration der aktiven Version 0,099.",
        ),
        (
            "20:14:03 The index audio of content finds 80.0% of the ten exact songs, which is too little: "
            "it is not used.",
            "20:14:03 Der Index audio von content findet 80,0\xa0% der zehn exakten Songs. Das ist zu wenig, "
            "er wird nicht benutzt.",
        ),
        ("what nobody registered", "what nobody registered"),
        ("", ""),
    ],
)
def test_the_log_of_a_training_is_read_in_german_with_its_numbers(stored, german):
    with translation.override("de"):
        assert translate_log(stored) == german
    with translation.override("en"):
        assert translate_log(stored) == stored


def test_the_times_of_a_log_are_in_the_time_zone_of_its_reader():
    began_at = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    stored = "23:59:48 Cancelled.\n00:10:00 what nobody registered\nno time\n"
    local = "00:59:48 Cancelled.\n01:10:00 what nobody registered\nno time\n"
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert translate_log(stored, began_at) == local
    assert translate_log(stored) == stored


@pytest.mark.parametrize("n", [1, 2])
def test_what_a_handful_of_listeners_tell_is_said_in_german(n):
    stored = " ".join([describe_too_few(n), describe_newest([n, 60])])
    with translation.override("de"):
        german = translate_stored(stored)
    assert german.startswith("Noch nicht messbar")
    assert "Von den 60 zuletzt gehörten Songs" in german


def test_the_kinds_of_files_are_named_in_german():
    with translation.override("de"):
        names = {translate_stored(one.title) for one in registry.list_importers("history")}
    assert "Erweiterter Streaming-Verlauf von Spotify" in names
    assert "Exportify (Likes, Playlists)" in names
