# SPDX-License-Identifier: GPL-3.0-or-later
"""Scale bars of a round length in Å. Needs matplotlib."""

from __future__ import annotations

import math

from matplotlib.collections import LineCollection

from occupy_core.reporting.pdf.sheets import TINY, Sheet
from occupy_core.reporting.pdf.text import line_height, printed_width

_ROUND = (5.0, 2.0, 1.0)  # lengths, times a power of ten
_GAP = 0.05  # inches between the bar and its length
_THICKNESS = 1.6  # points


def round_length(longest: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not larger than a length above 0."""
    power = 10.0 ** math.floor(math.log10(longest) + 1e-9)
    return next(factor * power for factor in _ROUND if factor * power <= longest * (1 + 1e-9))


def draw_scale_bar(
    sheet: Sheet, right: float, top: float, label: str, *, inches_per_angstrom: float, longest: float
) -> None:
    """Draw a bar with its length in Å, beside each other, that end at a position.

    Parameters
    ----------
    sheet : Sheet
    right : float
        Right end of the text, inches from the left edge of the sheet.
    top : float
        Upper edge of the line of text, inches from the upper edge of the sheet.
    label : str
        Name of the bar as an artist; it is not drawn.
    inches_per_angstrom : float
        Scale of the picture.
    longest : float
        Largest length of the bar, inches.
    """
    length = round_length(longest / inches_per_angstrom)
    text = f"{length:g} Å"
    end = right - printed_width(text, TINY) - _GAP
    middle = top + 0.5 * line_height(TINY)
    bar = LineCollection(
        [[(end - length * inches_per_angstrom, middle), (end, middle)]], colors="black", linewidths=_THICKNESS
    )
    bar.set_label(label)
    bar.set_transform(sheet.inches)
    sheet.figure.add_artist(bar)
    sheet.text(right, top, text, size=TINY, ha="right")
