"""The documentation names every setting and every command, and .env.example works."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
READ = sorted(set(VARIABLE.findall((ROOT / "musicrec_site/settings.py").read_text(encoding="utf-8"))))
COMMANDS = sorted(
    path.stem for path in ROOT.glob("*/management/commands/*.py") if not path.stem.startswith("_")
)


@pytest.mark.parametrize("variable", READ)
def test_every_setting_is_explained_and_in_the_example(variable):
    assert f"| `{variable}` |" in (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert variable == "MUSICREC_ENV_FILE" or re.search(rf"^(# )?{variable}=", example, re.MULTILINE)


def test_the_example_names_nothing_that_nobody_reads(settings):
    from recommendations.conf import conf

    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)
    assert set(named) <= {*READ, *(tunable.variable for tunable in conf.all())}


def test_the_example_shows_every_tunable_with_its_default():
    from recommendations.conf import conf

    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert {t.variable: str(t.default) for t in conf.all()}.items() <= shown.items()


def test_the_example_with_every_line_switched_on_starts_the_site(installation):
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    switched_on = re.sub(r"^# ([A-Z_]+=.)", r"\1", example, flags=re.MULTILINE)
    file = installation.folder / "all.env"
    file.write_text(switched_on)
    installation.settings["MUSICREC_ENV_FILE"] = str(file)
    assert "no issues" in installation.manage("check", "--tag=urls")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_operations_manual(command):
    assert f"`{command}" in (ROOT / "docs/operations.md").read_text(encoding="utf-8")
