# SPDX-License-Identifier: GPL-3.0-or-later
"""Write one section of a page of which several commands write a section each.

A section stands between the lines `<!-- begin NAME -->` and `<!-- end NAME -->`.
"""

from __future__ import annotations

import re
from pathlib import Path


def write_section(page: Path, name: str, text: str) -> None:
    """Replace a section of a page, and leave all other text as it is.

    Parameters
    ----------
    page : Path
        A Markdown file that has the two lines of the section.
    name : str
        Name of the section.
    text : str
        The new text of the section.

    Raises
    ------
    ValueError
        If the page does not have both lines.
    """
    page.write_text(with_section(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def with_section(page: str, name: str, text: str) -> str:
    """Return the text of a page with a section replaced; parameters and errors as in `write_section`."""
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", flags=re.S)
    if not pattern.search(page):
        raise ValueError(f"the page has no section {name}: expected the lines {begin.strip()} and {end.strip()}")
    return pattern.sub(lambda _: f"{begin}\n{text.strip()}\n\n{end}", page, count=1)
