# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a model that the user selects, in gemmi's syntax: lines of a text file, or a dictionary."""

from __future__ import annotations

import os
import re
from typing import Dict, List, Mapping, Tuple

import gemmi
import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import ModelError
from occupy_core.input_files import open_regular_file
from occupy_core.modelling.atoms.atomic_model import AtomicModel
from occupy_core.settings.kind_of_groups import EXPECTED_FILE, as_gemmi

# Name of the group of the atoms that no selection of the user holds.
OTHER = "other"
_EXAMPLE = "expected lines such as 'head: //A/20-150'"
_MAX_BYTES = 1_000_000  # a longer file is no list of parts, such as a map. Ours.
# File and line of a selection, for messages; the name of its part; the selection in gemmi's syntax.
Entry = Tuple[str, str, str]


def entries_of_file(path: str) -> List[Entry]:
    """Read a text file with a line for each part, `name: selection`; several lines of one name add up.

    Empty lines and lines that begin with # are skipped.

    Raises
    ------
    ModelError
        If the file cannot be read, or a line is no name and selection.
    """
    entries = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{path}, line {number}"
        name, colon, selection = (part.strip() for part in line.partition(":"))
        written = as_gemmi(line)
        if written and not re.match(r"\w+\s*:", line.strip()):
            raise ModelError(f"{where}: found {line.strip()!r} without a name; write 'name: {written}'")
        if not (name and colon and selection):
            raise ModelError(f"{where}: found {line.strip()!r}, {_EXAMPLE}")
        entries.append((where, name, selection))
    if not entries:
        raise ModelError(f"{path}: found no part, {_EXAMPLE}")
    return entries


def entries_of_mapping(selections: Mapping[str, str]) -> List[Entry]:
    """Return the entries of a dictionary of selections by the names of the parts.

    Raises
    ------
    ModelError
        If it is empty, or a name or selection is no text or empty.
    """
    if not selections:
        raise ModelError("groups: found an empty dictionary, expected selections such as {'head': '//A/20-150'}")
    for name, selection in selections.items():
        if not all(isinstance(text, str) and text.strip() for text in (name, selection)):
            raise ModelError(f"groups: found {name!r}: {selection!r}, expected texts such as {{'head': '//A/20-150'}}")
    return [(f"groups[{name!r}]", name.strip(), text.strip()) for name, text in selections.items()]


def select_parts(model: AtomicModel, entries: List[Entry]) -> Dict[str, NDArray[np.intp]]:
    """Return the indices of the atoms of each part; the atoms in none are the part "other", the last.

    Raises
    ------
    ModelError
        If a name or selection cannot be used, selects no atom or atoms of another part, or if parts share residues.
    """
    members: Dict[str, List[NDArray[np.intp]]] = {}
    owner = np.full(len(model.elements), -1)
    for where, name, selection in entries:
        if name == OTHER or re.search("[,'\"#]", name):
            why = "is the name of the atoms in no group" if name == OTHER else "has a comma, a quote or a #"
            raise ModelError(f"{where}: {name!r} {why}; choose another name")
        atoms = _selected(model, selection, where)
        position = list(members).index(name) if name in members else len(members)
        taken = owner[atoms][(owner[atoms] >= 0) & (owner[atoms] != position)]
        if len(taken):
            raise ModelError(
                f"{where}: {len(taken)} atoms of {name} are in {list(members)[taken[0]]} too, expected each atom in "
                "one group; change one of the selections"
            )
        members.setdefault(name, []).append(atoms[owner[atoms] < 0])
        owner[atoms] = position
    _refuse_split_residues(model, owner, entries, list(members))
    parts = {name: np.concatenate(atoms) for name, atoms in members.items()}
    rest = np.flatnonzero(owner < 0)
    return {**parts, OTHER: rest} if len(rest) else parts


def _text(path: str) -> str:
    try:
        with open_regular_file(path, expected=EXPECTED_FILE, error=ModelError) as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ModelError(
                f"{path} has {os.path.getsize(path):,} bytes, expected a short text file with a line "
                "for each group, 'name: selection'"
            )
        return content.decode("utf-8-sig")
    except ModelError as error:
        raise ModelError(f"model_groups: {error}") from error
    except UnicodeDecodeError as error:
        raise ModelError(
            f"model_groups: {path} cannot be read (found a byte that is no UTF-8 at position {error.start}), expected "
            "a text file with a line for each group, 'name: selection'; save it as plain text in UTF-8"
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"model_groups: {path} cannot be read ({error}); expected {EXPECTED_FILE}") from error


def _selected(model: AtomicModel, selection: str, where: str) -> NDArray[np.intp]:
    """Return the indices of the atoms that a selection in gemmi's syntax holds."""
    known = as_gemmi(selection)
    meant = "" if known in (None, selection) else f"; in gemmi's syntax it is {known!r}"
    try:
        chosen = gemmi.Selection(selection)
    except (RuntimeError, ValueError) as error:
        syntax = "; the syntax is '//chain/first-last', for example '//A/20-150' or '//A,B'"
        more = "; several lines with one name add up"
        raise ModelError(f"{where}: {selection!r} is no selection ({error}){meant or syntax + more}") from error
    atoms = [
        atom.serial
        for part in chosen.models(model.structure)
        for chain in chosen.chains(part)
        for residue in chosen.residues(chain)
        for atom in chosen.atoms(residue)
    ]
    if not atoms:
        chains = ", ".join(dict.fromkeys(residue.chain for residue in model.residues))
        syntax = "; several chains are '//A,B,C', residues '//A/20-150', several lines with one name add up"
        raise ModelError(
            f"{where}: {selection!r} selects no atom of {model.path}, whose chains are {chains}{meant or syntax}"
        )
    return np.array(atoms)


def _refuse_split_residues(model: AtomicModel, owner: NDArray[np.intp], entries: List[Entry], names: List[str]) -> None:
    """Refuse parts that divide residues: no map shows atoms that are bonded to each other apart."""
    count = len(model.residues)
    first = np.full(count, len(names))
    last = np.full(count, -2)
    np.minimum.at(first, model.residue_of_atom, owner)
    np.maximum.at(last, model.residue_of_atom, owner)
    split = np.flatnonzero(first != last)
    if not len(split):
        return
    residue = model.residues[split[0]]
    one, other = names[last[split[0]]], OTHER if first[split[0]] < 0 else names[first[split[0]]]
    where, _, selection = next(entry for entry in entries if entry[1] == one)
    more = f", and so on in {len(split) - 1:,} more residues" if len(split) > 1 else ""
    raise ModelError(
        f"{where}: {selection!r} takes only some atoms of {residue.chain}/{residue.name} {residue.number}"
        f"{residue.insertion}, and the others are in {other!r}{more}. Selections should take whole residues, such as "
        "'//A/20-150': no map tells a side chain or single atoms from the rest of their residue"
    )
