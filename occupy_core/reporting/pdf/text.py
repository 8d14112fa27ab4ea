# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure text and fit it to a width, by shortening or by splitting it into lines. Needs matplotlib."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import List

from matplotlib import get_data_path
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

POINTS_PER_INCH = 72.0
_LINE_SPACING = 1.35  # in units of the font size
# Letters on a screen are up to this much wider than in a PDF, since their widths are rounded to pixels.
_SCREEN_WIDENING = 1.06
# Fonts that come with matplotlib, so that pages look alike on every computer.
_FONTS = {"normal": "DejaVuSans.ttf", "bold": "DejaVuSans-Bold.ttf"}


@lru_cache(maxsize=None)
def font(size: float, weight: str) -> FontProperties:
    """Return the font of all pages, in a size in points and a weight "normal" or "bold"."""
    path = Path(get_data_path(), "fonts", "ttf", _FONTS[weight])
    return FontProperties(size=size, weight=weight, fname=path)


def line_height(size: float) -> float:
    """Return the height of a line of text in inches, for a font size in points."""
    return size * _LINE_SPACING / POINTS_PER_INCH


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Return the largest width in inches that a line of text may have on a screen or in a PDF.

    Parameters
    ----------
    text : str
    size : float
        Font size, points.
    weight : str
        "normal" or "bold".
    """
    return sum(_advance(letter, weight) for letter in text) * size * _SCREEN_WIDENING / POINTS_PER_INCH


def printed_width(text: str, size: float, weight: str = "normal") -> float:
    """Return the width in inches of a line of text in a PDF; parameters as in `text_width`."""
    return text_width(text, size, weight) / _SCREEN_WIDENING


def printable(text: str) -> str:
    """Return a text that fonts can show.

    Control characters become spaces, and bytes of file names that are no valid characters become question marks.
    """
    shown = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else " " for letter in shown)


def shortened(text: str, width: float, size: float, weight: str = "normal") -> str:
    """Replace the middle of a text by "…" when the text is too wide for one line.

    Parameters
    ----------
    text : str
    width : float
        Largest width, inches.
    size : float
        Font size, points.
    weight : str
        "normal" or "bold".
    """
    text = printable(text)
    if text_width(text, size, weight) <= width:
        return text
    length = len(text) - 1
    while length > 1 and text_width(_without_middle(text, length), size, weight) > width:
        length = min(length - 1, int(length * 0.97))
    return _without_middle(text, length)


def wrapped(text: str, width: float, size: float, weight: str = "normal") -> List[str]:
    """Split a text into lines; words that are wider than a line are broken. Parameters as in `shortened`."""
    lines: List[str] = []
    line = ""
    for word in printable(text).split():
        joined = f"{line} {word}" if line else word
        if text_width(joined, size, weight) <= width:
            line = joined
            continue
        lines += [line] if line else []
        *full_lines, line = _broken(word, width, size, weight)
        lines += full_lines
    return [*lines, line] if line else lines


@lru_cache(maxsize=None)
def _advance(letter: str, weight: str) -> float:
    """Return the distance from a letter to the next one, in units of the font size.

    Letters are measured one by one and remembered, since pages have thousands of letters.
    """
    return _drawn_width(f"|{letter}|", weight) - _drawn_width("||", weight)


@lru_cache(maxsize=None)
def _drawn_width(text: str, weight: str) -> float:
    return float(text_to_path.get_text_width_height_descent(text, font(1.0, weight), ismath=False)[0])


def _without_middle(text: str, length: int) -> str:
    """Return the beginning and the end of a text, `length` letters in all, with "…" between them."""
    tail = length * 2 // 3  # the end of a path says more than its beginning
    return f"{text[: length - tail]}…{text[len(text) - tail :]}"


def _broken(word: str, width: float, size: float, weight: str) -> List[str]:
    """Split a word into parts that are not wider than a line."""
    parts = [""]
    for letter in word:
        if parts[-1] and text_width(parts[-1] + letter, size, weight) > width:
            parts.append("")
        parts[-1] += letter
    return parts
