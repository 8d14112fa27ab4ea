# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that stays within its place on a page, whatever it says. Needs matplotlib."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from matplotlib import get_data_path
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D

from occupy_core.reporting.report import CITATION

PAGE = (8.27, 11.69)  # A4, inches
MARGIN = 0.5
WIDTH = PAGE[0] - 2 * MARGIN
SMALL, TINY = 7.0, 6.2  # letters, points
WARNINGS = "Warnings"
_WARNING_COLOUR = "#b00020"
_GREY = "0.35"
_LINE = 1.35  # of the size of the letters
_POINTS = 72.0
_ON_SCREEN = 1.06  # letters that are fitted to pixels are wider than in a PDF
# Of matplotlib's own: the same on every machine.
_FONTS = {"normal": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf"}
_BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0}  # part of the text before its place
_BULLET, _INDENT = "– ", 0.12
_CITATION = f"Please cite: {CITATION}"

# A heading and paragraphs.
Blocks = Sequence[Tuple[str, Sequence[str]]]


class Sheet:
    """Something to draw on; places and lengths in inches.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    inches : matplotlib.transforms.Transform
        From places, counted from the left and upper edges.
    """

    def __init__(self, width: float, height: float) -> None:
        self.figure = Figure(figsize=(width, height))
        self.inches = Affine2D().scale(1 / width, -1 / height).translate(0, 1) + self.figure.transFigure

    def text(
        self,
        left: float,
        top: float,
        text: str,
        *,
        size: float,
        weight: str = "normal",
        color: str = "black",
        ha: str = "left",
    ) -> None:
        """One line of text as it is, below a place and to its right, or as `ha` says."""
        shown = printable(text)
        begin = left - _BEFORE[ha] * width_of(shown, size, weight) / _ON_SCREEN
        drawn = _Line(
            begin, top + size / _POINTS, shown, fontproperties=_font(size, weight), color=color, parse_math=False
        )
        self._add(drawn)

    def upwards(self, left: float, middle: float, text: str, *, size: float) -> None:
        """One line of text as it is, turned to be read from the right, with its foot at a place."""
        style: Dict[str, Any] = {"rotation": 90, "ha": "right", "va": "center", "parse_math": False}
        self._add(Text(left, middle, printable(text), fontproperties=_font(size, "normal"), **style))

    def _add(self, text: Text) -> None:
        text.set_transform(self.inches)
        text.set_figure(self.figure)
        self.figure.texts.append(text)


class _Line(Text):
    """A line of text that begins at its place; matplotlib would measure it to find out where."""

    def draw(self, renderer: Any) -> None:
        x, y = self.get_transform().transform(self.get_position())
        if renderer.flipy():
            y = renderer.get_canvas_width_height()[1] - y
        context = renderer.new_gc()
        context.set_foreground(self.get_color())
        renderer.draw_text(context, x, y, self.get_text(), self.get_fontproperties(), 0)
        context.restore()


class Page(Sheet):
    """A page that is filled from the top.

    Attributes
    ----------
    top : float
        How far down the page is filled.
    """

    def __init__(self, title: str, *details: str) -> None:
        super().__init__(*PAGE)
        self.top = MARGIN
        self.line(title, size=13, weight="bold")
        for text in details:
            self.line(text, size=7.5, color=_GREY)
        citation = wrapped(_CITATION, WIDTH, TINY)
        self._bottom = PAGE[1] - MARGIN - len(citation) * height_of(TINY)
        for number, line in enumerate(citation):
            self.text(MARGIN, self._bottom + number * height_of(TINY), line, size=TINY, color=_GREY)

    @property
    def room(self) -> float:
        """What is left above the footer."""
        return self._bottom - 0.5 * height_of(TINY) - self.top

    def count_warnings(self, warnings: Sequence[str]) -> None:
        """Say at the head of the page that there are some."""
        if warnings:
            text = f"{len(warnings)} warning{'s' * (len(warnings) > 1)}: see the end"
            self.line(text, size=SMALL, weight="bold", color=_WARNING_COLOUR)

    def line(self, text: str, *, size: float, **more: Any) -> None:
        """The next line across the page, shortened where it is too long."""
        self.text(MARGIN, self.top, fitted(text, WIDTH, size, more.get("weight", "normal")), size=size, **more)
        self.top += height_of(size)


def height_of(size: float) -> float:
    """Of a line of letters of a size in points, inches."""
    return size * _LINE / _POINTS


def printable(text: str) -> str:
    """Text without what no font has: control characters, and bytes of file names that are no characters."""
    shown = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else " " for letter in shown)


def fitted(text: str, width: float, size: float, weight: str = "normal") -> str:
    """Text that is not wider than so many inches: its middle left out where it is too long."""
    text = printable(text)
    if width_of(text, size, weight) <= width:
        return text
    kept = len(text) - 1
    while kept > 1 and width_of(_shortened(text, kept), size, weight) > width:
        kept = min(kept - 1, int(kept * 0.97))
    return _shortened(text, kept)


def wrapped(text: str, width: float, size: float, weight: str = "normal") -> List[str]:
    """Text in lines not wider than so many inches; words that are too long are broken."""
    lines: List[str] = []
    line = ""
    for word in printable(text).split():
        joined = f"{line} {word}" if line else word
        if width_of(joined, size, weight) <= width:
            line = joined
            continue
        lines += [line] if line else []
        *broken, line = _broken(word, width, size, weight)
        lines += broken
    return [*lines, line] if line else lines


def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Of a line of text, inches."""
    return sum(_advance(letter, weight) for letter in text) * size * _ON_SCREEN / _POINTS


@lru_cache(maxsize=None)
def _advance(letter: str, weight: str) -> float:
    """From one letter to the next, in sizes of the letters; measured one by one, since pages have thousands."""
    return _ink(f"|{letter}|", weight) - _ink("||", weight)


@lru_cache(maxsize=None)
def _ink(text: str, weight: str) -> float:
    return float(text_to_path.get_text_width_height_descent(text, _font(1.0, weight), ismath=False)[0])


@lru_cache(maxsize=None)
def _font(size: float, weight: str) -> FontProperties:
    path = Path(get_data_path(), "fonts", "ttf", _FONTS[weight])
    return FontProperties(size=size, weight=weight, fname=path)


def flow(page: Page, blocks: Blocks, *, title: str) -> List[Page]:
    """Put paragraphs under headings on a page and on as many more as it takes, which have the title."""
    pages, height = [page], height_of(SMALL)

    def put(text: str, left: float, room: float, **more: Any) -> None:
        if pages[-1].room < room:
            pages.append(Page(title))
        pages[-1].text(left, pages[-1].top, text, size=SMALL, **more)
        pages[-1].top += height

    for heading, paragraphs in blocks:
        colour = _WARNING_COLOUR if heading == WARNINGS else "black"
        put(heading, MARGIN, 2 * height, weight="bold", color=colour)  # never alone at the foot
        for paragraph in paragraphs:
            for number, line in enumerate(wrapped(paragraph, WIDTH - _INDENT, SMALL)):
                put(f"{'' if number else _BULLET}{line}", MARGIN + (_INDENT if number else 0), height)
        pages[-1].top += height / 3
    return pages


def flow_height(blocks: Blocks) -> float:
    """How high `flow` would be on one page, inches."""
    paragraphs = [paragraph for _, found in blocks for paragraph in found]
    lines = sum(len(wrapped(paragraph, WIDTH - _INDENT, SMALL)) for paragraph in paragraphs)
    return (lines + 4 / 3 * len(blocks) + 1) * height_of(SMALL)


def _shortened(text: str, kept: int) -> str:
    tail = kept * 2 // 3  # ends of paths tell more than beginnings
    return f"{text[: kept - tail]}…{text[len(text) - tail :]}"


def _broken(word: str, width: float, size: float, weight: str) -> List[str]:
    parts = [""]
    for letter in word:
        if parts[-1] and width_of(parts[-1] + letter, size, weight) > width:
            parts.append("")
        parts[-1] += letter
    return parts
