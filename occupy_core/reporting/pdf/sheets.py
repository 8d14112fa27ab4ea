# SPDX-License-Identifier: GPL-3.0-or-later
"""Sheets and pages to draw on, with positions in inches. Needs matplotlib."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from occupy_core.reporting.pdf.text import (
    POINTS_PER_INCH,
    font,
    line_height,
    printable,
    printed_width,
    shortened,
    wrapped,
)
from occupy_core.version import CITATION

PAGE = (8.27, 11.69)  # width and height of A4, inches
MARGIN = 0.5  # inches
WIDTH = PAGE[0] - 2 * MARGIN
SMALL, TINY = 7.0, 6.2  # font sizes, points
WARNINGS = "Warnings"
_WARNING_COLOUR = "#b00020"
_GREY = "0.35"
# Part of a text's width that lies to the left of its anchor, by alignment.
_LEFT_OF_ANCHOR = {"left": 0.0, "center": 0.5, "right": 1.0}
_BULLET, _INDENT = "– ", 0.12  # indent in inches
_BELOW_TITLE = 0.08  # inches, on pages without details
_KEPT_TOGETHER = 8  # lines of a paragraph that are not split between two pages
_CITATION = f"Please cite: {CITATION}"

# Headings, each with its paragraphs.
Blocks = Sequence[Tuple[str, Sequence[str]]]


class Sheet:
    """A figure of a fixed size on which positions are in inches from the left and upper edges.

    Parameters
    ----------
    width, height : float
        Size, inches.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    inches : matplotlib.transforms.Transform
        Transform from positions on the sheet, in inches, to matplotlib's display coordinates.
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
        """Draw one line of text; characters such as $ have no special meaning.

        Parameters
        ----------
        left, top : float
            Anchor, inches: the upper left corner of the line for `ha` "left", the middle of its upper edge for
            "center", the upper right corner for "right".
        text : str
        size : float
            Font size, points.
        weight : str
            "normal" or "bold".
        color : str
            A colour that matplotlib knows.
        ha : str
            Horizontal alignment: "left", "center" or "right".
        """
        shown = printable(text)
        begin = left - _LEFT_OF_ANCHOR[ha] * printed_width(shown, size, weight)
        line = _AnchoredLine(
            begin,
            top + size / POINTS_PER_INCH,
            shown,
            fontproperties=font(size, weight),
            color=color,
            parse_math=False,
        )
        self._add(line)

    def upward_text(self, left: float, middle: float, text: str, *, size: float) -> None:
        """Draw one line of text that runs upwards.

        Parameters
        ----------
        left : float
            Position of the foot of the letters, inches from the left edge of the sheet.
        middle : float
            Position of the middle of the line, inches from the upper edge of the sheet.
        text : str
        size : float
            Font size, points.
        """
        style: Dict[str, Any] = {"rotation": 90, "ha": "right", "va": "center", "parse_math": False}
        self._add(Text(left, middle, printable(text), fontproperties=font(size, "normal"), **style))

    def _add(self, text: Text) -> None:
        text.set_transform(self.inches)
        text.set_figure(self.figure)
        self.figure.texts.append(text)


class _AnchoredLine(Text):
    """A line of text drawn from its lower left corner, without the layout in which matplotlib measures each text."""

    def draw(self, renderer: Any) -> None:
        x, y = self.get_transform().transform(self.get_position())
        if renderer.flipy():
            y = renderer.get_canvas_width_height()[1] - y
        context = renderer.new_gc()
        context.set_foreground(self.get_color())
        renderer.draw_text(context, x, y, self.get_text(), self.get_fontproperties(), 0)
        context.restore()


class Page(Sheet):
    """An A4 page with a title and the citation at its foot, filled from the top.

    Parameters
    ----------
    title : str
    *details : str
        Lines below the title.

    Attributes
    ----------
    top : float
        Upper edge of the free space, in inches from the upper edge of the page.
    """

    def __init__(self, title: str, *details: str) -> None:
        super().__init__(*PAGE)
        self.top = MARGIN
        self.add_line(title, size=13, weight="bold")
        for text in details:
            self.add_line(text, size=7.5, color=_GREY)
        self.top += 0.0 if details else _BELOW_TITLE
        citation = wrapped(_CITATION, WIDTH, TINY)
        self._bottom = PAGE[1] - MARGIN - len(citation) * line_height(TINY)
        for number, line in enumerate(citation):
            self.text(MARGIN, self._bottom + number * line_height(TINY), line, size=TINY, color=_GREY)

    @property
    def free_height(self) -> float:
        """Height of the free space above the citation, inches."""
        return self._bottom - 0.5 * line_height(TINY) - self.top

    def add_warning_count(self, warnings: Sequence[str], *, on_other_pages: int = 0) -> None:
        """Add a line with the number of all warnings, when there are any, and where they are.

        Parameters
        ----------
        warnings : sequence of str
            Warnings at the end of this page or of the pages that continue it.
        on_other_pages : int
            Number of warnings on the pages of single maps or of the model.
        """
        count = len(warnings) + on_other_pages
        if count:
            places = [f"{len(warnings)} at the end"] if warnings else []
            places += [f"{on_other_pages} on the pages that follow"] if on_other_pages else []
            where = "see the end" if not on_other_pages else ", ".join(places)
            text = f"{count} warning{'s' * (count > 1)}: {where}"
            self.add_line(text, size=SMALL, weight="bold", color=_WARNING_COLOUR)

    def add_line(self, text: str, *, size: float, **style: Any) -> None:
        """Add a line of text at the top of the free space, shortened to the width of the page.

        Parameters
        ----------
        text : str
        size : float
            Font size, points.
        **style
            Further parameters of `text`.
        """
        shown = shortened(text, WIDTH, size, style.get("weight", "normal"))
        self.text(MARGIN, self.top, shown, size=size, **style)
        self.top += line_height(size)


def add_blocks(page: Page, blocks: Blocks, *, title: str) -> List[Page]:
    """Write headings and paragraphs on a page, and on further pages when they do not fit.

    Parameters
    ----------
    page : Page
        The first page; its free space is filled first.
    blocks : sequence of (str, sequence of str)
        Headings, each with its paragraphs.
    title : str
        Title of the further pages.

    Returns
    -------
    list of Page
        The page and the further pages.
    """
    pages, height = [page], line_height(SMALL)

    def add(text: str, left: float, needed_height: float, **style: Any) -> None:
        if pages[-1].free_height < needed_height:
            pages.append(Page(title))
        pages[-1].text(left, pages[-1].top, text, size=SMALL, **style)
        pages[-1].top += height

    for heading, paragraphs in blocks:
        colour = _WARNING_COLOUR if heading == WARNINGS else "black"
        split = [wrapped(paragraph, WIDTH - _INDENT, SMALL) for paragraph in paragraphs]
        # A heading stays with its first paragraph, and the lines of a paragraph stay together, where they are few.
        first = min(len(split[0]), _KEPT_TOGETHER) if split else 1
        add(heading, MARGIN, (1 + first) * height, weight="bold", color=colour)
        for lines in split:
            for number, line in enumerate(lines):
                needed = 1 if number else min(len(lines), _KEPT_TOGETHER)
                add(f"{'' if number else _BULLET}{line}", MARGIN + (_INDENT if number else 0), needed * height)
        pages[-1].top += height / 3
    return pages


def blocks_height(blocks: Blocks) -> float:
    """Return the height in inches that `add_blocks` fills on one page, with a line to spare."""
    paragraphs = [paragraph for _, paragraphs_of_block in blocks for paragraph in paragraphs_of_block]
    lines = sum(len(wrapped(paragraph, WIDTH - _INDENT, SMALL)) for paragraph in paragraphs)
    return (lines + 4 / 3 * len(blocks) + 1) * line_height(SMALL)
