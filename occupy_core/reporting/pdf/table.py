# SPDX-License-Identifier: GPL-3.0-or-later
"""Table of labels and values on a page, such as the settings of a job. Needs matplotlib."""

from __future__ import annotations

import os
from typing import Any, List, Sequence, Tuple

from occupy_core.reporting.pdf.sheets import MARGIN, SMALL, TINY, WIDTH, Page
from occupy_core.reporting.pdf.text import line_height, printable, shortened, text_width, wrapped
from occupy_core.settings.setting_type import Description
from occupy_core.settings.settings import Settings, default_of, descriptions

# Rows of a table: label, value, whether the value is in bold.
Rows = List[Tuple[str, str, bool]]

SETTINGS_HEADING, DERIVED_HEADING = "Settings that are not the default", "Derived values"
_NO_SETTINGS, _ALL_SETTINGS = "all have their default values", "all settings are in report.json"

_GAP = 0.14  # inches
_MAX_LABEL_PART = 0.75  # of the width of a column of the table


def table_height(columns: Sequence[Rows]) -> float:
    """Return the height of a table with its headings and a line to spare, inches."""
    return (max(map(len, columns)) + 2) * line_height(TINY)


def draw_table(page: Page, columns: Sequence[Rows], headings: Sequence[str]) -> None:
    """Draw a table, with a heading above each column, below `page.top`."""
    width, height = WIDTH / len(columns), line_height(TINY)
    for column, (heading, rows) in enumerate(zip(headings, columns)):
        left = MARGIN + column * width
        page.text(left, page.top, heading, size=SMALL, weight="bold")
        label_width = _label_width(rows, width)
        for row, (label, value, is_bold) in enumerate(rows):
            top = page.top + (row + 1.3) * height
            weight = "bold" if is_bold else "normal"
            page.text(left, top, shortened(label, label_width, TINY), size=TINY, color="0.35")
            page.text(left + (label_width if label else 0.0) + _GAP, top, value, size=TINY, weight=weight)
    page.top += table_height(columns)


def _label_width(rows: Rows, column: float) -> float:
    """Return the width of the labels in a column of the table; all in inches."""
    return min(max(text_width(label, TINY) for label, _, _ in rows), _MAX_LABEL_PART * column)


def with_wrapped_values(columns: Sequence[Rows]) -> List[Rows]:
    """Return the table with values that are too wide for the place beside their label on rows of their own below it."""
    width = WIDTH / len(columns)
    result = []
    for rows in columns:
        room = 0.96 * width - _label_width(rows, width) - _GAP
        lines: Rows = []
        for label, value, is_bold in rows:
            weight = "bold" if is_bold else "normal"
            if text_width(printable(value), TINY, weight) <= room:
                lines.append((label, printable(value), is_bold))
                continue
            below = wrapped(value, 0.96 * width - _GAP, TINY, weight)
            lines += [(label, "", is_bold), *(("", text, is_bold) for text in below)]
        result.append(lines)
    return result


def setting_rows(settings: Settings) -> Rows:
    """Return the table of the settings that are not the default, with a line that says where all are."""
    rows = [
        (item.label, _value_text(item, getattr(settings, name)), True)
        for name, item in descriptions().items()
        if getattr(settings, name) != default_of(name)
    ]
    return [*rows, (_ALL_SETTINGS if rows else _NO_SETTINGS, "", False)]


def in_columns(rows: Rows, columns: int) -> List[Rows]:
    """Divide the rows of a table among columns."""
    length = -(-len(rows) // columns)
    return [rows[first : first + length] for first in range(0, len(rows), length)]


def _value_text(item: Description, value: Any) -> str:
    """Return the value of a setting as users read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == ():
        return {"": "off", "off": "off", "none": "none"}.get(item.derived, "derived")
    if isinstance(value, tuple):
        return ", ".join(os.path.basename(path) for path in value)
    return f"{value:g}" if isinstance(value, float) else os.path.basename(str(value))
