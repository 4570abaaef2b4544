"""How a year's review looks: one layout, drawn as SVG by a template and as PNG here.

A PNG can be sent where an SVG can't, but its letters come from a font of this machine. Where none has all letters of a
name, there is no PNG, and the SVG is drawn by the browser, which has fonts of every script.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from PIL import Image, ImageDraw, ImageFont

from catalog.statistics.year_reviews import YearReview
from common.templatetags.numbers import format_count

WIDTH, HEIGHT = 1080, 1200
LONGEST_NAME = 26
_BACKGROUND, _INK, _SOFT, _BAR = "#1c1830", "#ffffff", "#cfc8e8", "#b3a3ff"
_CIRCLES = ((960, 90, 260, "#3a2884"), (90, 1120, 300, "#203364"))
_FONT_FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts",
)  # fmt: skip
_FONTS = (
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"),
    ("Arial Unicode.ttf", "Arial Unicode.ttf"),
)
"""Regular and bold, the first that has the letters is taken."""
_NO_LETTER = "\U0010ffff"


@dataclass(frozen=True)
class Text:
    """A line of letters that begins at `x` on the baseline `y`."""

    x: int
    y: int
    size: int
    text: str
    is_bold: bool = False
    colour: str = _INK


@dataclass(frozen=True)
class Circle:
    """A circle behind everything else."""

    x: int
    y: int
    radius: int
    colour: str

    @property
    def box(self) -> tuple[int, int, int, int]:
        return (
            self.x - self.radius,
            self.y - self.radius,
            self.x + self.radius,
            self.y + self.radius,
        )


@dataclass(frozen=True)
class Bar:
    """The plays of a month; it stands on the same line as the others."""

    x: int
    y: int
    width: int
    height: int
    colour: str = _BAR


@dataclass(frozen=True)
class ReviewPicture:
    """What is drawn, in pixels of a picture of WIDTH times HEIGHT."""

    title: str
    texts: list[Text]
    bars: list[Bar]
    circles: tuple[Circle, ...] = tuple(Circle(*circle) for circle in _CIRCLES)
    width: int = WIDTH
    height: int = HEIGHT
    background: str = _BACKGROUND


def build_picture(review: YearReview) -> ReviewPicture:
    """Return the picture of a year in the language that is active."""
    title = _("%(year)s of %(name)s") % {"year": review.year, "name": review.name}
    return ReviewPicture(title, list(_place_texts(review)), list(_place_bars(review.months)))


def draw_png(picture: ReviewPicture) -> bytes | None:
    """Return the picture as PNG; None where no font of this machine has all its letters."""
    image = Image.new("RGB", (picture.width, picture.height), picture.background)
    drawing = ImageDraw.Draw(image)
    for circle in picture.circles:
        drawing.ellipse(circle.box, fill=circle.colour)
    for bar in picture.bars:
        if bar.height:
            box = (bar.x, bar.y, bar.x + bar.width, bar.y + bar.height)
            drawing.rounded_rectangle(box, radius=min(6, bar.height // 2), fill=bar.colour)
    for text in picture.texts:
        font = _find_font(text)
        if font is None:
            return None
        drawing.text((text.x, text.y), text.text, font=font, fill=text.colour, anchor="ls")
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


def can_draw_png(picture: ReviewPicture) -> bool:
    """Return whether fonts of this machine have all letters of the picture."""
    return all(_find_font(text) is not None for text in picture.texts)


def _place_texts(review: YearReview) -> Iterator[Text]:
    yield Text(60, 120, 84, str(review.year), is_bold=True)
    yield Text(60, 172, 34, _shorten(review.name))
    for x, heading, rows in (
        (60, _("Artists"), review.artists),
        (560, _("Songs"), review.songs),
    ):
        yield Text(x, 246, 26, heading, is_bold=True)
        for line, (name, _n_plays) in enumerate(rows):
            yield Text(x, 300 + 44 * line, 28, _shorten(name))
    figures = (
        (60, 620, review.n_plays, ngettext("play in all", "plays in all", review.n_plays)),
        (560, 620, review.n_artists, ngettext("different artist", "different artists", review.n_artists)),
        (60, 772, review.n_new, ngettext("song for the first time", "songs for the first time", review.n_new)),
        (560, 772, review.n_days, ngettext("day with music", "days with music", review.n_days)),
    )  # fmt: skip
    for x, y, n, words in figures:
        yield Text(x, y, 72, format_count(n), is_bold=True)
        yield Text(x, y + 42, 28, words)
    yield Text(60, 896, 28, " · ".join(name for name, _n_plays in review.genres[:3]))
    yield Text(60, 1160, 22, _("Plays in each month, from January to December"), colour=_SOFT)


def _place_bars(months: list[int]) -> Iterator[Bar]:
    most = max([*months, 1])
    for month, n in enumerate(months):
        height = round(150 * n / most)
        yield Bar(60 + 82 * month, 1110 - height, 60, height)


def _shorten(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


# --- Fonts ------------------------------------------------------------------------------------------------------------


def _find_font(text: Text) -> ImageFont.FreeTypeFont | None:
    """Return the first font that has every letter of the text."""
    for path in list_fonts(text.is_bold):
        letters = {letter for letter in text.text if not letter.isspace()}
        if all(_has_letter(path, letter) for letter in letters):
            return ImageFont.truetype(path, text.size)
    return None


@cache
def list_fonts(is_bold: bool) -> list[str]:
    """Return the fonts of this machine that are looked for, best first."""
    wanted = [pair[1] if is_bold else pair[0] for pair in _FONTS]
    fonts = {
        path.name: str(path)
        for folder in _FONT_FOLDERS
        for path in Path(folder).rglob("*.tt[fc]")
        if path.name in wanted
    }
    return [fonts[name] for name in wanted if name in fonts]


@cache
def _has_letter(path: str, letter: str) -> bool:
    font = ImageFont.truetype(path, 40)
    drawn, missing = font.getmask(letter), font.getmask(_NO_LETTER)
    return (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))
