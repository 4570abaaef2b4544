"""Draw docs/images/rooms.svg from the import contracts in pyproject.toml: `make rooms`.

A test draws the picture again and compares it with the committed file, so it cannot go stale.
"""

import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "rooms.svg"

PANEL_WIDTH, PANEL_GAP, ROW_HEIGHT, HEAD_HEIGHT, MARGIN = 256, 20, 34, 44, 24
PANELS = (
    "musicrec_site",
    "recommendations",
    "services",
    "engine",
    "catalog",
    "accounts",
    "common.jobs",
)
CONTRACTS = {
    "musicrec_site": "site",
    "recommendations": "recommendations",
    "services": "services",
    "engine": "engine",
    "catalog": "catalog",
    "accounts": "accounts",
    "common.jobs": "jobs",
}
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1b2430; }
  .title { font-weight: 600; font-size: 15px; }
  .panel { fill: #f4f6f9; stroke: #c3ccd8; }
  .room { fill: #ffffff; stroke: #8fa0b5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6ebf2; } .panel { fill: #1c232d; stroke: #3b4654; } .room { fill: #27303c; stroke: #5d6b7d; }
  }
"""


def read_layers() -> dict[str, list[list[str]]]:
    """Return the layers of every panel, top layer first, each a list of rooms side by side."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {
        contract["id"]: contract for contract in project["tool"]["importlinter"]["contracts"]
    }
    return {
        panel: [split_layer(layer) for layer in contracts[CONTRACTS[panel]]["layers"]]
        for panel in PANELS
    }


def split_layer(layer: str) -> list[str]:
    """Split `"admin | (api)"` into the names of its rooms."""
    return [room.strip(" ()") for room in layer.split("|")]


def draw() -> str:
    """Return the picture as SVG text."""
    layers = read_layers()
    tallest = max(sum(count_rows(layer) for layer in panel) for panel in layers.values())
    width = MARGIN * 2 + len(PANELS) * PANEL_WIDTH + (len(PANELS) - 1) * PANEL_GAP
    height = MARGIN * 2 + HEAD_HEIGHT + tallest * ROW_HEIGHT + 28
    elements = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        ' aria-label="The rooms of the code; each imports only what is below it">',
        f"<style>{STYLE}</style>",
    ]
    for number, panel in enumerate(PANELS):
        left = MARGIN + number * (PANEL_WIDTH + PANEL_GAP)
        elements += draw_panel(panel, layers[panel], left, height - MARGIN * 2 - 28)
    elements.append(
        f'<text x="{MARGIN}" y="{height - MARGIN}">Each room imports only rooms below it.</text>'
    )
    return "\n".join([*elements, "</svg>"]) + "\n"


def count_rows(layer: list[str]) -> int:
    """Count the rows of boxes that a layer takes, two boxes a row."""
    return (len(layer) + 1) // 2


def draw_panel(title: str, layers: list[list[str]], left: int, height: int) -> list[str]:
    """Draw one container: its title and its layers from top to bottom."""
    name = f"recommendations.{title}" if title in {"services", "engine"} else title
    elements = [
        f'<rect class="panel" x="{left}" y="{MARGIN}" width="{PANEL_WIDTH}" height="{height}" rx="10"/>',
        f'<text class="title" x="{left + 14}" y="{MARGIN + 27}">{escape(name)}</text>',
    ]
    top = MARGIN + HEAD_HEIGHT
    for layer in layers:
        for first in range(0, len(layer), 2):
            elements += draw_boxes(layer[first : first + 2], left + 10, top)
            top += ROW_HEIGHT
    return elements


def draw_boxes(rooms: list[str], left: int, top: int) -> list[str]:
    """Draw one or two rooms side by side in the panel's width."""
    width = (PANEL_WIDTH - 20 - (len(rooms) - 1) * 6) / len(rooms)
    elements = []
    for number, room in enumerate(rooms):
        x = left + number * (width + 6)
        elements.append(
            f'<rect class="room" x="{x:g}" y="{top}" width="{width:g}" height="{ROW_HEIGHT - 6}" rx="5"/>'
        )
        elements.append(
            f'<text x="{x + width / 2:g}" y="{top + 19}" text-anchor="middle">{escape(room)}</text>'
        )
    return elements


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
