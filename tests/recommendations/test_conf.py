"""Every tunable once: typed, with a unit, a default and a line in the documentation."""

from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from recommendations.conf import conf

ROOT = Path(__file__).resolve().parents[2]


def test_settings_go_before_the_environment_and_that_before_the_default(settings, monkeypatch):
    assert conf.list_length == type(conf).list_length.default
    monkeypatch.setenv("LIST_LENGTH", "7")
    assert conf.list_length == 7
    settings.LIST_LENGTH = 9
    assert conf.list_length == 9


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("many", "LIST_LENGTH is 'many'; it must be a int"),
        ("0", "LIST_LENGTH is 0; it must be at least 1 .songs."),
    ],
)
def test_a_wrong_value_is_told_at_start_with_its_name(monkeypatch, value, sentence):
    monkeypatch.setenv("LIST_LENGTH", value)
    with pytest.raises(ImproperlyConfigured, match=sentence):
        _ = conf.list_length
    assert "recommendations.E001" in {error.id for error in run_checks()}


@pytest.mark.parametrize("name", ["PRESET", "SCHEDULED_PRESET"])
def test_an_unknown_preset_is_told_at_start(name, monkeypatch):
    monkeypatch.setenv(name, "best")
    messages = [error.msg for error in run_checks() if error.id == "recommendations.E002"]
    assert messages[0].startswith(f"{name} is 'best'; there are: ")


@pytest.mark.parametrize("tunable", list(conf.list_all()), ids=lambda tunable: tunable.variable)
def test_every_tunable_is_documented_with_its_default(tunable):
    assert tunable.unit
    assert tunable.about
    documented = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert f"| `{tunable.variable}` | `{tunable.default}` |" in documented
