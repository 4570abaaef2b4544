"""The documentation names what there is and nothing that there is not, and .env.example works."""

import importlib.util
import re
from pathlib import Path

import pytest

from catalog.imports.importers import list_importers
from recommendations.engine import ALGORITHMS

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
READ = sorted(
    set(VARIABLE.findall((ROOT / "musicrec_site/settings.py").read_text(encoding="utf-8")))
)
COMMANDS = sorted(
    path.stem for path in ROOT.glob("*/management/commands/*.py") if not path.stem.startswith("_")
)


@pytest.mark.parametrize("variable", READ)
def test_every_setting_is_explained_and_in_the_example(variable):
    assert f"| `{variable}` |" in (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert variable == "MUSICREC_ENV_FILE" or re.search(
        rf"^(# )?{variable}=", example, re.MULTILINE
    )


def test_the_example_names_nothing_that_nobody_reads(settings):
    from recommendations.checks import list_tunables

    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)
    assert set(named) <= {*READ, *(tunable.variable for tunable in list_tunables())}


def test_the_example_shows_every_tunable_with_its_default():
    from recommendations.checks import list_tunables

    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert {t.variable: str(t.default) for t in list_tunables()}.items() <= shown.items()


def test_the_example_with_every_line_switched_on_starts_the_site(installation):
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    switched_on = re.sub(r"^# ([A-Z_]+=.)", r"\1", example, flags=re.MULTILINE)
    file = installation.folder / "all.env"
    file.write_text(switched_on)
    installation.settings["MUSICREC_ENV_FILE"] = str(file)
    assert "no issues" in installation.manage("check", "--tag=urls")


def listenbrainz_addresses() -> set[str]:
    """Return the end of every address below /1/, as docs/api.md writes it."""
    from musicrec_site.urls import listenbrainz_patterns

    patterns = [str(one.pattern).strip("^$").removesuffix("/?") for one in listenbrainz_patterns]
    return {re.sub(r"\(\?P<username>[^)]*\)", "<name>", one) for one in patterns if one}


def test_every_address_of_players_is_in_the_guide():
    guide = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    addresses = listenbrainz_addresses()
    plain = {one for one in addresses if "(" not in one}
    assert {one for one in plain if f"`{one}`" not in guide} == set()
    special = addresses - plain
    assert {one.split("/")[0] for one in special} == {"stats", "playlist"}
    assert "`stats/user/<name>/artists`, `…/recordings`, `…/releases`" in guide
    assert "`playlist/<id>`" in guide


def test_every_address_of_plugins_and_every_tool_is_explained():
    from recommendations.api.mcp.tools import TOOLS
    from recommendations.api.players.urls import AUDIOMUSE, LABS, NAVIDROME

    guide = (ROOT / "docs/home-server.md").read_text(encoding="utf-8")
    assert [name for name in [*AUDIOMUSE, *NAVIDROME, *LABS] if name not in guide] == []
    api = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    assert [tool.name for tool in TOOLS if f"| `{tool.name}` |" not in api] == []


def test_the_bare_host_is_the_first_address_that_players_are_given():
    players = (ROOT / "docs/api.md").read_text(encoding="utf-8").split("\n## Players\n")[1]
    assert re.findall(r"`(https://[^`]+)`", players)[0] == "https://your.host"


def test_make_help_names_every_target():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)) - {"help"}
    named = set(re.findall(r"make ([a-z-]+)", text.split("\nhelp:\n")[1].split("\n\n")[0]))
    assert {"run", "test", "lint"} <= targets
    assert targets - named == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_operations_manual(command):
    assert f"`{command}" in (ROOT / "docs/operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_every_algorithm_is_explained(name):
    assert f"**{name}** (`algorithms/{name}.py`)" in (ROOT / "docs/algorithms.md").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("name", [one.name for one in list_importers("history")])
def test_every_format_of_a_history_is_explained(name):
    assert f"| `{name}` |" in (ROOT / "docs/importing.md").read_text(encoding="utf-8")


TEXTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *ROOT.glob("docs/**/*.md"),
    ROOT / "benchmarks/README.md",
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_text_names_exists(text):
    """`engine/presets.py` may be said of `recommendations/engine/core/presets.py`."""
    named = set(
        re.findall(
            r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|yaml|toml))`", text.read_text(encoding="utf-8")
        )
    )
    assert not [
        name
        for name in named
        if not any(ROOT.glob(f"[!.]*/**/{name}")) and not (ROOT / name).exists()
    ]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_the_texts_leads_somewhere(text):
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (text.parent / target).exists()]


def test_the_picture_of_the_rooms_is_drawn_from_the_contracts():
    """An import contract changed without `make rooms` would leave a picture of rooms that are not there."""
    specification = importlib.util.spec_from_file_location(
        "draw_rooms", ROOT / "docs" / "draw_rooms.py"
    )
    draw_rooms = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(draw_rooms)
    assert draw_rooms.PICTURE.read_text(encoding="utf-8") == draw_rooms.draw()
