# SPDX-License-Identifier: GPL-3.0-or-later
"""Add README.md, CONTRIBUTING.md and CHANGES.md to the site of the documentation: a hook of MkDocs (mkdocs.yml)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict

REPOSITORY = Path(__file__).resolve().parents[1]
# Files of the repository's root, and their names on the site.
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGES.md": "changes.md"}
OTHER_FILES = {"LICENSE": "LICENSE.txt", "CITATION.cff": "CITATION.cff"}
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the files of the repository's root to the files of the site."""
    from mkdocs.structure.files import File

    for name, site_name in PAGES.items():
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        files.append(File.generated(config, site_name, content=text))
    for name, site_name in OTHER_FILES.items():
        files.append(File.generated(config, site_name, abs_src_path=str(REPOSITORY / name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_other: Dict[str, Any]) -> str:
    """Make the links of a page lead to the pages of the site."""
    return site_links(markdown, is_in_root=page.file.src_uri in PAGES.values())


def site_links(text: str, *, is_in_root: bool) -> str:
    """Return the text of a page with its links as on the site, where all pages lie in one folder.

    Parameters
    ----------
    text : str
        Text of the page, in Markdown.
    is_in_root : bool
        Whether the page lies in the repository's root, not in docs/.
    """
    outside, inside = ("", "docs/") if is_in_root else ("../", "")

    def link(match: re.Match[str]) -> str:
        target, mark, anchor = match[1].partition("#")
        name = target[len(outside) :] if target.startswith(outside) else ""
        site_name = {**PAGES, **OTHER_FILES}.get(name)
        if site_name is None:
            site_name = target[len(inside) :] if target.startswith(inside) else target
        return f"]({site_name}{mark}{anchor})"

    return _LINK.sub(link, text)
