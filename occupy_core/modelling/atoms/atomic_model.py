# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an atomic model (PDB or mmCIF, also gzipped) with gemmi."""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field
from typing import List, Mapping, Set, Tuple

import gemmi
import numpy as np
from numpy.typing import NDArray

from occupy_core.errors import ModelError
from occupy_core.modelling.atoms.model_file import EXPECTED, check_model_file, is_map, text_with_question_marks
from occupy_core.modelling.atoms.stray_atoms import stray_atoms
from occupy_core.settings.typed_paths import printable

# Residues: a longer polymer mostly of single atoms is a trace. Ours.
_MIN_TRACE = 10
# Standard residues that a file calls single molecules, from which on it is not believed. Ours.
_MIN_MISTAKEN = 10
_HAS_ALTERNATIVES = "a"  # gemmi's flag of a residue


@dataclass(frozen=True)
class Residue:
    """A residue, nucleotide or ligand.

    Attributes
    ----------
    chain : str
        Name of its chain, as the authors of the model gave it.
    number : int
        Number in the chain, as the authors gave it.
    insertion : str
        Insertion code: "A" in 52A; mostly empty.
    name : str
        Name of the residue, such as ALA.
    entity : str
        Entity (kind of molecule) that the residue belongs to; empty if unknown.
    is_polymer : bool
        Whether the residue belongs to a protein or nucleic acid.
    is_nucleic : bool
        Whether the residue is a nucleotide of a nucleic acid.
    has_alternatives : bool
        Whether the file has alternative locations of its atoms, of which the first is used.
    """

    chain: str
    number: int
    insertion: str
    name: str
    entity: str
    is_polymer: bool
    is_nucleic: bool
    has_alternatives: bool


@dataclass(frozen=True)
class AtomicModel:
    """The atoms of a model without hydrogens and waters, and without all but the first alternative location.

    Attributes
    ----------
    path : str
    structure : gemmi.Structure
        The atoms; the serial number of each is its index in the arrays.
    positions : float64 array (atoms, 3)
        x, y, z, Å.
    elements : tuple of str
    masses : float64 array (atoms)
        Da.
    b_factors : float64 array (atoms)
        As in the file, Å^2.
    residue_of_atom : int array (atoms)
        Index in `residues`.
    residues : tuple of Residue
    warnings : tuple of str
        What the file holds that is not used.
    """

    path: str
    structure: gemmi.Structure = field(repr=False)
    positions: NDArray[np.float64] = field(repr=False)
    elements: Tuple[str, ...] = field(repr=False)
    masses: NDArray[np.float64] = field(repr=False)
    b_factors: NDArray[np.float64] = field(repr=False)
    residue_of_atom: NDArray[np.intp] = field(repr=False)
    residues: Tuple[Residue, ...] = field(repr=False)
    warnings: Tuple[str, ...] = ()


def read_model(path: str) -> AtomicModel:
    """Read an atomic model.

    Parameters
    ----------
    path : str
        PDB or mmCIF, also gzipped; told by its content. Of several models in a file the first is used.

    Raises
    ------
    ModelError
        If the file cannot be read as an atomic model, holds no atoms besides hydrogens and waters, traces of chains (CA
        atoms alone), or atoms that lie far from all others.
    """
    structure = read_structure(path)
    warnings = _reduce(structure, path)
    # Lists of numbers would take as much memory as several maps in models of many chains.
    coordinates, masses, b_factors, residue_of_atom = array("d"), array("d"), array("d"), array("q")
    elements: List[str] = []
    residues: List[Residue] = []
    entities = {subchain: item.name for item in structure.entities for subchain in item.subchains}
    for chain in structure[0]:
        for residue in filter(len, chain):  # hydrogens alone leave a residue without atoms
            for atom in residue:
                atom.serial = len(elements)
                coordinates.extend(atom.pos.tolist())
                elements.append(sys.intern(atom.element.name))
                masses.append(atom.element.weight)
                b_factors.append(atom.b_iso)
                residue_of_atom.append(len(residues))
            residues.append(_residue(chain.name, residue, entities))
    if not elements:
        raise ModelError(f"{path}: found no atoms besides hydrogens and waters, expected an atomic model")
    traces = [chain.name for chain in structure[0] if _is_trace(chain)]
    if traces:
        raise ModelError(
            f"{path}: found only one atom for each residue of chain {traces[0]}, expected all atoms, as the density of "
            "such a trace is not that of the molecule; give the full model"
        )
    positions = np.array(coordinates).reshape(-1, 3)
    if not (np.isfinite(positions).all() and np.isfinite(b_factors).all()):
        raise ModelError(f"{path}: found atoms without coordinates or B-factor, expected numbers for each atom")
    _refuse_stray_atoms(path, structure, positions)
    return AtomicModel(
        path,
        structure,
        positions,
        tuple(elements),
        np.array(masses),
        np.array(b_factors),
        np.array(residue_of_atom),
        tuple(residues),
        tuple(warnings),
    )


def _is_trace(chain: gemmi.Chain) -> bool:
    """Return whether a chain has its known residues as single atoms, as models of CA or P atoms do."""
    polymer = [residue for residue in chain.get_polymer() if residue.name != "UNK"]
    return len(polymer) >= _MIN_TRACE and sum(len(residue) == 1 for residue in polymer) > len(polymer) / 2


def read_structure(path: str) -> gemmi.Structure:
    """Read all that gemmi finds in a file.

    Raises
    ------
    ModelError
        If the file cannot be read as an atomic model, or has more than 1 GiB, also when unpacked.
    """
    is_text, detect = check_model_file(path), gemmi.CoorFormat.Detect  # whatever the name ends with
    try:
        if is_text:
            structure = gemmi.read_structure(path, format=detect)
        else:
            structure = gemmi.read_structure_string(text_with_question_marks(path), format=detect)
    except (OSError, RuntimeError, ValueError, IndexError) as error:
        reason = printable(" ".join(str(error).split()))
        raise ModelError(f"{path}: cannot be read as an atomic model ({reason}); expected PDB or mmCIF") from error
    if len(structure) == 0 or structure[0].count_atom_sites() == 0:
        found = "a map, which belongs to the input maps" if is_map(path) else "no atoms"
        raise ModelError(f"{path}: found {found}, expected {EXPECTED}; check the file")
    return structure


def _reduce(structure: gemmi.Structure, path: str) -> List[str]:
    """Leave out what is not fitted; return sentences on what was left out."""
    warnings = []
    if len(structure) > 1:
        warnings.append(f"{path} holds {len(structure)} models; the first is used")
        for _ in range(len(structure) - 1):
            del structure[-1]
    find_entities(structure)
    structure.remove_waters()
    structure.remove_hydrogens()
    if any(atom.occ < 1 and not atom.has_altloc() for chain in structure[0] for residue in chain for atom in residue):
        warnings.append(f"the occupancies in {path} are not used: each atom counts as one whole atom")
    for chain in structure[0]:
        _keep_first_alternatives(chain)
    structure.remove_empty_chains()
    return warnings


def _refuse_stray_atoms(path: str, structure: gemmi.Structure, positions: NDArray[np.float64]) -> None:
    """Refuse a model with atoms that lie in no map, such as those whose place was unknown to its authors."""
    indices, distances = stray_atoms(positions)
    if not len(indices):
        return
    chain, residue, atom = next(
        (chain.name, residue, atom)
        for chain in structure[0]
        for residue in chain
        for atom in residue
        if atom.serial == indices[0]
    )
    number, insertion = number_of(residue)
    place = ", ".join(f"{value:.10g}" for value in atom.pos.tolist())
    others = f" ({len(indices)} such atoms)" if len(indices) > 1 else ""
    raise ModelError(
        f"{path}: found atom {atom.name} of {chain}/{residue.name} {number}{insertion} at ({place}), "
        f"{distances[0]:,.0f} Å from the nearest of the others{others}, expected one molecule that fits in a map; "
        "give it a place or remove it"
    )


def find_entities(structure: gemmi.Structure) -> None:
    """Find which chains are copies of each other; without sequences in the file, those with the same residues."""
    structure.setup_entities()
    if any(_is_mistaken_for_ligands(chain) for chain in structure[0]):
        structure.add_entity_types(overwrite=True)
        structure.assign_subchains(force=True)
        structure.ensure_entities()
    for entity in structure.entities:
        if entity.entity_type == gemmi.EntityType.Polymer and entity.subchains and not entity.full_sequence:
            entity.full_sequence = [residue.name for residue in structure[0].get_subchain(entity.subchains[0])]
    structure.deduplicate_entities()


def _is_mistaken_for_ligands(chain: gemmi.Chain) -> bool:
    """Return whether the file calls many residues of a protein or nucleic acid single molecules of their own."""
    alone = [residue for residue in chain if residue.entity_type == gemmi.EntityType.NonPolymer]
    kinds = [gemmi.find_tabulated_residue(residue.name) for residue in alone]
    return sum(kind.is_amino_acid() or kind.is_nucleic_acid() for kind in kinds) >= _MIN_MISTAKEN


def _keep_first_alternatives(chain: gemmi.Chain) -> None:
    """Keep the first alternative location of each atom, and the first of residues that are alternatives at one place.

    gemmi's own function also removes what only shares its number or name with something else, such as ligands whose
    numbers begin at 1 like those of their chain.
    """
    places: Set[Tuple[int, str]] = set()
    later: List[int] = []
    for index, residue in enumerate(chain):
        if is_alternative(residue):
            if number_of(residue) in places:
                later.append(index)
            places.add(number_of(residue))
        names: Set[str] = set()
        for number in reversed([n for n, atom in enumerate(residue) if _is_later(atom, names)]):
            del residue[number]
        if any(atom.has_altloc() for atom in residue):
            residue.flag = _HAS_ALTERNATIVES
        for atom in residue:
            atom.altloc = "\0"
    for index in reversed(later):
        del chain[index]


def _is_later(atom: gemmi.Atom, names: Set[str]) -> bool:
    """Return whether an atom is not the first alternative location; `names`: the atoms of the residue before it."""
    if not atom.has_altloc():
        return False
    is_known = atom.name in names
    names.add(atom.name)
    return is_known


def number_of(residue: gemmi.Residue) -> Tuple[int, str]:
    """Return the number of a residue and its insertion code, empty for most."""
    return residue.seqid.num or 0, residue.seqid.icode.strip()


def is_alternative(residue: gemmi.Residue) -> bool:
    """Return whether a residue as a whole is one of the alternatives at its place."""
    return all(atom.has_altloc() for atom in residue)


def _residue(chain: str, residue: gemmi.Residue, entities: Mapping[str, str]) -> Residue:
    info = gemmi.find_tabulated_residue(residue.name)
    is_polymer = residue.entity_type == gemmi.EntityType.Polymer
    return Residue(
        chain,
        *number_of(residue),
        residue.name,
        entities.get(residue.subchain, residue.entity_id),
        is_polymer,
        is_polymer and info.is_nucleic_acid(),
        residue.flag == _HAS_ALTERNATIVES,
    )
