# SPDX-License-Identifier: GPL-3.0-or-later
"""Write STAR files that RELION, starfile and gemmi read back unchanged.

starfile (0.5.13) reads no text with an apostrophe back unchanged, whatever is written; see relion_files.star.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Mapping, Sequence, Tuple, Union

from occupy_core.files import PathLike, open_new
from relion_files.star import StarError, shown

# Names of the columns, and the rows.
Rows = Tuple[Sequence[str], Sequence[Sequence[object]]]
# Labels with their values, for a block without columns.
Pairs = Mapping[str, object]


def write_star(path: Path, tables: Mapping[str, Union[Rows, Pairs]], *, comment: str = "") -> None:
    """Write tables to a STAR file that RELION, starfile and gemmi read.

    Parameters
    ----------
    path : Path
        The file.
    tables : mapping
        For each name of a block, without data_, the labels without underscores and the rows; or labels with their
        values. A number is written with all its digits, None and NaN as <NA>.
    comment : str
        A comment at the head of the file, on one line.

    Raises
    ------
    StarError
        If a value cannot be written: a text with a line break, or with both kinds of quotes before white space.
    """
    lines = ["# version 30001", *([f"# {' '.join(comment.split())}"] if comment else [])]
    for name, table in tables.items():
        lines += ["", f"data_{name}", ""]
        if isinstance(table, Mapping):
            lines += [f"_{label} {_written(path, label, value)}" for label, value in table.items()]
            continue
        columns, rows = table
        lines.append("loop_")
        lines += [f"_{column} #{number}" for number, column in enumerate(columns, start=1)]
        for row in rows:
            lines.append(row_text(path, columns, row))
    with open_new(path) as file:
        file.write(("\n".join(lines) + "\n\n").encode("utf-8", "surrogateescape"))


def row_text(path: PathLike, columns: Sequence[str], row: Sequence[object]) -> str:
    """Return the line of a row.

    Parameters
    ----------
    path : path
        The file, for the message of an error.
    columns : sequence of str
        Names of the columns.
    row : sequence
        Their values, as in `write_star`.

    Raises
    ------
    StarError
        If a value cannot be written.
    """
    return " ".join(_written(path, column, value) for column, value in zip(columns, row))


def _written(path: PathLike, label: str, value: object) -> str:
    """Format a value: numbers with all digits, <NA> for a missing value, quotes around a text that needs them.

    A text needs quotes if it is empty, contains white space, # or letters other than English ones (gemmi reads these in
    quotes only), or begins like something else.
    """
    if value is None or isinstance(value, float) and math.isnan(value):
        return "<NA>"
    text = repr(float(value)) if isinstance(value, float) else str(value)
    if text and not re.search(r"[^!-~]|#|^[_'\"$;\[\]]|^(data|loop|save|stop|global)_", text, re.IGNORECASE):
        return text
    possible = [quote for quote in "\"'" if not re.search(rf"{quote}(\s|$)", text)]
    quote = min(possible, key=text.count, default="")
    if not quote or re.search(r"[\0\r\n]", text):
        raise StarError(f"{path}: {label} is {shown(text)}, which no STAR file can hold; rename the file")
    return f"{quote}{text}{quote}"
