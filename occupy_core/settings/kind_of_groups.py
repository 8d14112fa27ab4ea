# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what the setting model_groups names, before the model is read. Standard library only."""

from __future__ import annotations

import difflib
import os
import re
from typing import Optional

from occupy_core.errors import ModelError
from occupy_core.input_files import require_regular_file
from occupy_core.settings.settings import KINDS_OF_PARTS

CHAIN, ENTITY = KINDS_OF_PARTS
EXPECTED_FILE = "chain, entity, or a text file with a line for each group, 'name: selection'"

_CHAINS = r"['\"]?(?P<chains>\w+(?:,\w+)*)['\"]?"
_RESIDUES = r"(?P<first>-?\d+)(?:\s*(?:-|:|\.\.|\bto\b|\bthrough\b)\s*(?P<last>-?\d+))?"
_CHAIN, _OF_RESIDUES = rf"(?:chain|segid)\s+{_CHAINS}", rf"(?:resseq|resid|resi|resnum|residues?)\s+{_RESIDUES}"
_OF_OTHER_PROGRAMS = (
    # Phenix, PyMOL, VMD: chain A and resseq 20:150, in either order, or one of them
    rf"{_CHAIN}(?:\s+and\s+{_OF_RESIDUES})?",
    rf"{_OF_RESIDUES}(?:\s+and\s+{_CHAIN})?",
    # ChimeraX: /A:20-150, perhaps behind the number of the model. Also one slash, or a colon, too few or too many.
    rf"(?:#[\d.]+)?/{{0,2}}{_CHAINS}(?:[:/]{_RESIDUES})?",
    rf"(?:#[\d.]+)?/{{0,2}}{_CHAINS}/{_RESIDUES}",
)


def check_kind_of_groups(kind: str) -> None:
    """Refuse a word that is neither "chain" nor "entity" nor a file, and a selection in the place of a file.

    Raises
    ------
    ModelError
        With the word or the line of a file that is probably meant.
    """
    if kind in (CHAIN, ENTITY):
        return
    if os.path.exists(kind):
        _check_file(kind)
        return
    similar = difflib.get_close_matches(kind.strip().lower(), (CHAIN, ENTITY), n=1)
    if similar and " " not in kind.strip():
        raise ModelError(
            f"model_groups: found {kind!r}, which is no file, expected chain, entity, or a text file; did you mean "
            f"{similar[0]}?"
        )
    name, _, selection = (text.strip() for text in kind.partition(":"))
    part = as_gemmi(selection) or selection
    if re.fullmatch(r"[\w-]+", name) and part.startswith("//") and not as_gemmi(kind):
        raise ModelError(
            f"model_groups: found the part {kind!r}, expected chain, entity, or a text file; write the line "
            f"'{name}: {part}' into a text file, with a line for each part, and give the path of the file"
        )
    written = as_gemmi(kind) or kind
    if written.startswith("//"):
        raise ModelError(
            f"model_groups: found the selection {kind!r}, expected chain, entity, or a text file; write the line "
            f"'name: {written}' into a file and give its path"
        )
    raise ModelError(f"model_groups: {kind}: no such file, expected {EXPECTED_FILE}")


def as_gemmi(selection: str) -> Optional[str]:
    """Return a selection of Phenix, PyMOL, VMD or ChimeraX in gemmi's syntax; None for what is not understood.

    "chain A and resseq 20:150" and "/A:20-150" both are "//A/20-150". Names of atoms are left out: parts take whole
    residues.
    """
    text = re.sub(r"\s+and\s+name\s+[\w'+,]+", "", selection.strip().strip("()"), flags=re.IGNORECASE)
    text = re.sub(r"^name\s+[\w'+,]+\s+and\s+", "", text, flags=re.IGNORECASE)
    for pattern in _OF_OTHER_PROGRAMS:
        found = re.fullmatch(pattern, text, flags=re.IGNORECASE)
        if found and (found["first"] or not re.fullmatch(r"\w+", text)):
            first, last = found["first"], found["last"]
            residues = f"{first}-{last}" if last else first
            return f"//{found['chains'] or '*'}" + (f"/{residues}" if residues else "")
    return None


def _check_file(path: str) -> None:
    """Refuse a path that is no regular file, or an empty file, with a ModelError."""
    try:
        require_regular_file(path, expected=EXPECTED_FILE, error=ModelError)
    except ModelError as error:
        raise ModelError(f"model_groups: {error}") from error
