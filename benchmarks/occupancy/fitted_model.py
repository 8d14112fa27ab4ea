# SPDX-License-Identifier: GPL-3.0-or-later
"""Write an atomic model in the frame of its simulated map, with the errors that fitted models have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Set, Tuple

import gemmi
import numpy as np

from benchmarks.occupancy.atomic_model import load_model
from benchmarks.occupancy.simulate import Conditions

_GAP = (5, 40)  # residues in a missing stretch


@dataclass(frozen=True)
class ModelErrors:
    """Errors of a fitted model.

    Attributes
    ----------
    atoms : float
        Root mean square error of the atoms' positions, Å.
    missing : float
        Share of the residues that the model lacks, in stretches of 5 to 40.
    b_factors : str
        "none": all 0; "file": those of the model's file, which are wrong for the simulated maps.
    """

    atoms: float = 0.5
    missing: float = 0.0
    b_factors: str = "none"


def write_fitted_model(
    path: Path, conditions: Conditions, target: Path, *, only: Tuple[str, ...] = (), errors: ModelErrors = ModelErrors()
) -> Path:
    """Write a model in the frame of the map that `simulate` makes of it under these conditions.

    Parameters
    ----------
    path : Path
        Atomic model in a file that gemmi reads.
    conditions : Conditions
        The seed is that of the errors too.
    target : Path
        mmCIF file to write.
    only : tuple of str
        Names of the chains to use; all chains when empty.
    errors : ModelErrors

    Returns
    -------
    Path
        `target`
    """
    simulated = load_model(path, conditions.voxel_size, conditions.padding, only, conditions.in_ice)
    rng = np.random.default_rng(conditions.seed)
    structure = gemmi.read_structure(str(path))
    structure.setup_entities()
    structure.remove_alternative_conformations()
    structure.remove_waters()
    structure.remove_hydrogens()
    for name in [chain.name for chain in structure[0] if chain.name not in simulated.names]:
        structure[0].remove_chain(name)
    points = np.array([[*atom.pos] for chain in structure[0] for residue in chain for atom in residue])
    corner = simulated.side // 2 * conditions.voxel_size - (points.min(axis=0) + points.max(axis=0)) / 2
    corner -= round(conditions.cut / conditions.voxel_size) * conditions.voxel_size
    for chain in structure[0]:
        for index in sorted(_missing(len(chain), errors.missing, rng), reverse=True):
            del chain[index]
        for residue in chain:
            for atom in residue:
                moved = np.array(atom.pos.tolist()) + corner + rng.normal(0, errors.atoms / np.sqrt(3), 3)
                atom.pos = gemmi.Position(*moved)
                atom.b_iso = atom.b_iso if errors.b_factors == "file" else 0.0
    structure.make_mmcif_document().write_file(str(target))
    return target


def _missing(length: int, share: float, rng: np.random.Generator) -> Set[int]:
    """Draw the residues that a chain lacks; none if it would lack all."""
    chosen: Set[int] = set()
    while len(chosen) < share * length:
        first = int(rng.integers(length))
        chosen |= set(range(first, min(length, first + int(rng.integers(*_GAP)))))
    return chosen if len(chosen) < length else set()
