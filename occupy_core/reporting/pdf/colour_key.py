# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour keys. Needs matplotlib."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.sheets import SMALL, Sheet

KEY_WIDTH = 2.4  # inches
_BAR_HEIGHT = 0.08  # inches
_EVERY_COLOUR = np.linspace(0, 1, 256, dtype=np.float32)[np.newaxis]  # picture of one row


def draw_colour_key(
    sheet: Sheet, left: float, top: float, colours: str, levels: Tuple[float, float], label: str
) -> None:
    """Draw a bar with every colour, its values and a label below it.

    Parameters
    ----------
    sheet : Sheet
    left, top : float
        Upper left corner, inches from the left and upper edges of the sheet.
    colours : str
        Name of a colour map in matplotlib.
    levels : tuple of float
        Values shown in the first and in the last colour.
    label : str
    """
    frame = Frame(sheet, left, top, KEY_WIDTH, _BAR_HEIGHT, x=levels)
    frame.picture(_EVERY_COLOUR, colours, (0.0, 1.0), label)
    frame.ticks_below()
    frame.label_below(label, size=SMALL)
