# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of atoms whose occupancy is asked for: chains, entities, selections of the user, and windows along chains."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Mapping, Sequence, Tuple, Union

import gemmi
import numpy as np
from numpy.typing import NDArray

from occupy_core.modelling.atoms.atomic_model import AtomicModel, Residue
from occupy_core.modelling.atoms.selections import Entry, entries_of_file, entries_of_mapping, select_parts
from occupy_core.settings.kind_of_groups import CHAIN, ENTITY, check_kind_of_groups

# Atoms: smaller ligands, such as ions, count with their chain; their occupancy cannot be told at the detail that is
# fitted. Molecules of the buffer do so too, and sugars where they are all that a chain has. Ours.
_MIN_LIGAND_ATOMS = 6
_SUGARS = (gemmi.ResidueKind.PYR, gemmi.ResidueKind.KET)
_COUNTED_WITH_CHAIN = (*_SUGARS, gemmi.ResidueKind.BUF)

# First and last residue of residues that follow one another in a chain.
Stretch = Tuple[Residue, Residue]

_LONGEST_NAME = 60  # letters of a part in the name of a file


@dataclass(frozen=True)
class Group:
    """Atoms that share one occupancy.

    Attributes
    ----------
    name : str
        For users: the name of a chain, "A/HEM 501" for a ligand, "A/sugars", or the name in the user's file.
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


def groups_of(model: AtomicModel, kind: Union[str, Mapping[str, str]]) -> Tuple[Group, ...]:
    """Divide all atoms of a model into groups.

    Parameters
    ----------
    model : AtomicModel
    kind : str or dict of str to str
        "chain": a group for each chain; "entity": for each kind of molecule, in all its copies. Ligands of six atoms
        and more are groups of their own, and so are all sugars of a chain together: maps often show them less than
        their chain. Otherwise the path of a text file of selections
        (`selections.entries_of_file`), or selections in gemmi's syntax by the names of the groups.

    Raises
    ------
    ModelError
        If the file or a selection cannot be used, or selections divide residues.
    """
    if not isinstance(kind, str):
        return _groups_of_selections(model, entries_of_mapping(kind))
    if kind == CHAIN:
        return _groups_by(model, lambda residue: residue.chain)
    if kind == ENTITY:
        entities = _entity_of_chains(model)
        return _groups_by(model, lambda residue: entities[residue.chain])
    check_kind_of_groups(kind)
    return _groups_of_selections(model, entries_of_file(kind))


def nucleic_shares(model: AtomicModel, groups: Sequence[Group]) -> NDArray[np.float64]:
    """Return the share of nucleic acid in the atoms of each group, 0..1."""
    nucleic = np.array([residue.is_nucleic for residue in model.residues])[model.residue_of_atom]
    return np.array([float(nucleic[group.atoms].mean()) for group in groups])


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
    polymers = {residue.chain for residue in model.residues if residue.is_polymer}
    for residue, atoms in zip(model.residues, _atoms_of_residues(model)):
        kind = gemmi.find_tabulated_residue(residue.name).kind
        name = key(residue)
        if not residue.is_polymer and kind in _SUGARS and residue.chain in polymers:
            name = f"{name}/sugars"
        elif not residue.is_polymer and len(atoms) >= _MIN_LIGAND_ATOMS and kind not in _COUNTED_WITH_CHAIN:
            name = f"{residue.chain}/{residue.name} {residue.number}{residue.insertion}"
        members.setdefault(name, []).append(atoms)
    return tuple(_group(model, name, np.concatenate(parts)) for name, parts in members.items())


def _group(model: AtomicModel, name: str, atoms: NDArray[np.intp]) -> Group:
    mass = float(model.masses[atoms].sum()) / 1000
    return Group(name, atoms, _ranges(model, atoms), mass)


def _ranges(model: AtomicModel, atoms: NDArray[np.intp]) -> str:
    """Name the residues of some atoms by the first and last number of each stretch."""
    return ", ".join(
        f"{first.chain} {first.number}" + (f"-{last.number}" if last is not first else "")
        for first, last in stretches_of(model, np.unique(model.residue_of_atom[atoms]))
    )


def stretches_of(model: AtomicModel, residues: NDArray[np.intp]) -> List[Stretch]:
    """Return the first and last residue of each stretch of residues that follow one another in a chain.

    Parameters
    ----------
    model : AtomicModel
    residues : int array
        Indices of residues, ascending.
    """
    chains = np.array([model.residues[index].chain for index in residues])
    breaks = np.flatnonzero((np.diff(residues) != 1) | (chains[1:] != chains[:-1])) + 1
    return [(model.residues[part[0]], model.residues[part[-1]]) for part in np.split(residues, breaks) if len(part)]


def _groups_of_selections(model: AtomicModel, entries: List[Entry]) -> Tuple[Group, ...]:
    return tuple(_group(model, name, atoms) for name, atoms in select_parts(model, entries).items())


def file_name_of(name: str) -> str:
    """Return the name of a group as a part of a file name: up to 60 letters, digits, - and _, and no word "None".

    RELION takes None for its own word for no alias, and cuts it out of the names of outputs.
    """
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:_LONGEST_NAME].replace("None", "none") or "group"
