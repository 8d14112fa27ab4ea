# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of atoms whose occupancy is asked for: chains, entities, selections of the user, and windows along chains."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import gemmi
import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import ModelError
from occupy_core.modelling.atomic_model import AtomicModel, Residue

CHAIN, ENTITY = "chain", "entity"
# Name of the group of the atoms that no selection of the user holds.
OTHER = "other"
# Atoms: smaller ligands, such as ions, count with their chain; their occupancy cannot be told at the detail that is
# fitted. Sugars, which mostly are bound to their chain, and molecules of the buffer do so too. Ours.
_MIN_LIGAND_ATOMS = 6
_COUNTED_WITH_CHAIN = (gemmi.ResidueKind.PYR, gemmi.ResidueKind.KET, gemmi.ResidueKind.BUF)

_LONGEST_NAME = 60  # letters of a part in the name of a file


@dataclass(frozen=True)
class Group:
    """Atoms that share one occupancy.

    Attributes
    ----------
    name : str
        For users: the name of a chain, "A/HEM 501" for a ligand, or the name in the user's file.
    atoms : int array
        Indices in the arrays of the `AtomicModel`.
    residues : str
        Residues in words: "A 12-345", or several such ranges.
    mass : float
        Mass without hydrogens, kDa.
    """

    name: str
    atoms: NDArray[np.intp] = field(repr=False)
    residues: str
    mass: float


@dataclass(frozen=True)
class Window:
    """Consecutive residues of a chain.

    Attributes
    ----------
    chain : str
    first, last : int
        Numbers of the first and last residue, as the authors gave them.
    atoms : int array
        Indices in the arrays of the `AtomicModel`.
    """

    chain: str
    first: int
    last: int
    atoms: NDArray[np.intp] = field(repr=False)


def groups_of(model: AtomicModel, kind: str) -> Tuple[Group, ...]:
    """Divide all atoms of a model into groups.

    Parameters
    ----------
    model : AtomicModel
    kind : str
        "chain": a group for each chain; "entity": for each kind of molecule, in all its copies. Ligands of six atoms
        and more are groups of their own. Otherwise the path of a text file of selections (`_groups_of_file`).

    Raises
    ------
    ModelError
        If the file cannot be used.
    """
    if kind == CHAIN:
        return _groups_by(model, lambda residue: residue.chain)
    if kind == ENTITY:
        entities = _entity_of_chains(model)
        return _groups_by(model, lambda residue: entities[residue.chain])
    return _groups_of_file(model, kind)


def windows_of(model: AtomicModel, length: int) -> Tuple[Window, ...]:
    """Divide the polymers of a model into windows of consecutive residues.

    Parameters
    ----------
    model : AtomicModel
    length : int
        Residues in a window; the last window of a chain may be up to half longer or shorter.
    """
    atoms = _atoms_of_residues(model)
    chains: Dict[str, List[int]] = {}
    for index, residue in enumerate(model.residues):
        if residue.is_polymer:
            chains.setdefault(residue.chain, []).append(index)
    windows = []
    for chain, residues in chains.items():
        for part in np.array_split(np.array(residues), max(1, round(len(residues) / length))):
            numbers = [model.residues[index].number for index in part]
            windows.append(Window(chain, min(numbers), max(numbers), np.concatenate([atoms[index] for index in part])))
    return tuple(windows)


def _atoms_of_residues(model: AtomicModel) -> List[NDArray[np.intp]]:
    """Return the indices of the atoms of each residue."""
    ends = np.flatnonzero(np.diff(model.residue_of_atom)) + 1
    return np.split(np.arange(len(model.residue_of_atom)), ends)


def _entity_of_chains(model: AtomicModel) -> Dict[str, str]:
    """Return the name of the entity of each chain: that of its polymer, which its ions and sugars count with."""
    entities: Dict[str, str] = {}
    for residue in sorted(model.residues, key=lambda item: not item.is_polymer):
        entities.setdefault(residue.chain, f"entity {residue.entity}" if residue.entity else residue.chain)
    return entities


def _groups_by(model: AtomicModel, key: Callable[[Residue], str]) -> Tuple[Group, ...]:
    members: Dict[str, List[NDArray[np.intp]]] = {}
    for residue, atoms in zip(model.residues, _atoms_of_residues(model)):
        kind = gemmi.find_tabulated_residue(residue.name).kind
        is_ligand = not residue.is_polymer and len(atoms) >= _MIN_LIGAND_ATOMS and kind not in _COUNTED_WITH_CHAIN
        name = f"{residue.chain}/{residue.name} {residue.number}{residue.insertion}" if is_ligand else key(residue)
        members.setdefault(name, []).append(atoms)
    return tuple(_group(model, name, np.concatenate(parts)) for name, parts in members.items())


def _group(model: AtomicModel, name: str, atoms: NDArray[np.intp]) -> Group:
    mass = float(model.masses[atoms].sum()) / 1000
    return Group(name, atoms, _ranges(model, atoms), mass)


def _ranges(model: AtomicModel, atoms: NDArray[np.intp]) -> str:
    """Name the residues of some atoms by the first and last number in each chain."""
    numbers: Dict[str, List[int]] = {}
    for index in np.unique(model.residue_of_atom[atoms]):
        residue = model.residues[index]
        numbers.setdefault(residue.chain, []).append(residue.number)
    return ", ".join(
        f"{chain} {min(of_chain)}" + (f"-{max(of_chain)}" if max(of_chain) > min(of_chain) else "")
        for chain, of_chain in numbers.items()
    )


def _groups_of_file(model: AtomicModel, path: str) -> Tuple[Group, ...]:
    """Make groups of a text file with a line for each group, `name: selection`, in gemmi's selection syntax.

    Empty lines and lines that begin with # are skipped. Several lines of one name add up. Atoms in no group form the
    group "other".
    """
    example = "expected lines such as 'head: //A/20-150'"
    members: Dict[str, List[NDArray[np.intp]]] = {}
    owner = np.full(len(model.elements), -1)
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, selection = (part.strip() for part in line.partition(":"))
        where = f"{path}, line {number}"
        if not (name and colon and selection):
            raise ModelError(f"{where}: found {line.strip()!r}, {example}")
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
    if not members:
        raise ModelError(f"{path}: found no group, {example}")
    groups = [_group(model, name, np.concatenate(parts)) for name, parts in members.items()]
    rest = np.flatnonzero(owner < 0)
    return (*groups, *([_group(model, OTHER, rest)] if len(rest) else []))


def _lines(path: str) -> List[str]:
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"model_groups: {path} cannot be read ({error}); expected chain, entity, or a text file with a line for "
            "each group, 'name: selection'"
        ) from error


def _selected(model: AtomicModel, selection: str, where: str) -> NDArray[np.intp]:
    """Return the indices of the atoms that a selection in gemmi's syntax holds."""
    try:
        chosen = gemmi.Selection(selection)
    except (RuntimeError, ValueError) as error:
        raise ModelError(
            f"{where}: {selection!r} is no selection ({error}); the syntax is '//chain/first-last', for example "
            "'//A/20-150' or '//A,B'"
        ) from error
    atoms = [
        atom.serial
        for part in chosen.models(model.structure)
        for chain in chosen.chains(part)
        for residue in chosen.residues(chain)
        for atom in chosen.atoms(residue)
    ]
    if not atoms:
        chains = ", ".join(dict.fromkeys(residue.chain for residue in model.residues))
        raise ModelError(f"{where}: {selection!r} selects no atom of {model.path}, whose chains are {chains}")
    return np.array(atoms)


def file_name_of(name: str) -> str:
    """Return the name of a group as a part of a file name: up to 60 letters, digits, - and _, and no word "None".

    RELION takes None for its own word for no alias, and cuts it out of the names of outputs.
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:_LONGEST_NAME].replace("None", "none") or "group"
