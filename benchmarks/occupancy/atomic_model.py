# SPDX-License-Identifier: GPL-3.0-or-later
"""Read an atomic model, and compute the Fourier transforms of its chains on the grid of a simulated map."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Dict, Sequence, Tuple

import gemmi
import numpy as np
import scipy.fft
from scipy.spatial import cKDTree

from benchmarks.occupancy.displaced_water import displaced_ice, hydrogens_per_atom

ATOM_B = 25.0  # B-factor of the atoms in the chains' transforms, Å^2
_FINE_SPACING = 1.0  # spacing of the grid on which atoms are placed, Å; with ATOM_B fine enough for maps of 3 Å
_MIN_CHAIN_MASS = 4000.0  # Da; lighter chains are left out
_MAX_DISTANCE = 2.5  # Å; voxels farther from every atom belong to no chain


@dataclass(frozen=True)
class AtomicModel:
    """The chains of an atomic model, centred in a cubic box.

    Attributes
    ----------
    names : tuple of str
        Names of the chains.
    spectra : tuple of complex64 arrays
        Fourier transform (z, y, x; half along x) of the electrostatic potential of each chain.
    chains : int array (z, y, x)
        Index of the chain that each voxel belongs to; -1 for none.
    voxel_size : float
        Å.
    side : int
        Side of the box, voxels.
    masses : tuple of float
        Mass of each chain without hydrogen, kDa.
    """

    names: Tuple[str, ...]
    spectra: Tuple[np.ndarray, ...] = field(repr=False)
    chains: np.ndarray = field(repr=False)
    voxel_size: float
    side: int
    masses: Tuple[float, ...]


@lru_cache(maxsize=2)
def load_model(
    path: Path, voxel_size: float, padding: float, only: Tuple[str, ...], in_ice: bool = False
) -> AtomicModel:
    """Read an atomic model without waters, hydrogens, and chains of less than 4 kDa.

    Parameters
    ----------
    path : Path
        A file that gemmi reads.
    voxel_size : float
        Å.
    padding : float
        Solvent around the model on every side, Å.
    only : tuple of str
        Names of the chains to use; all chains when empty.
    in_ice : bool
        Whether the atoms displace vitreous ice and have their hydrogens; otherwise they stand in vacuum without.

    Raises
    ------
    ValueError
        If no chain is left.
    """
    chains = _read_chains(path, only)
    positions = {name: np.array([[*atom.pos] for res in chain for atom in res]) for name, chain in chains.items()}
    all_positions = np.concatenate(list(positions.values()))
    centre = (all_positions.min(axis=0) + all_positions.max(axis=0)) / 2
    side = scipy.fft.next_fast_len(int((np.ptp(all_positions, axis=0).max() + 2 * padding) / voxel_size))
    side += side % 2
    edge = side * voxel_size
    fine_side = 2 * math.ceil(edge / min(_FINE_SPACING, voxel_size) / 2 - 1e-6)
    shift = side // 2 * voxel_size - centre
    spectra = tuple(_spectrum(chain, shift, edge, fine_side, side, in_ice) for chain in chains.values())
    shifted = [points + shift for points in positions.values()]
    masses = tuple(sum(atom.element.weight for res in chain for atom in res) / 1000 for chain in chains.values())
    return AtomicModel(tuple(chains), spectra, chain_of_voxels(shifted, side, voxel_size), voxel_size, side, masses)


def chain_of_voxels(positions: Sequence[np.ndarray], side: int, voxel_size: float) -> np.ndarray:
    """Return for each voxel the index of the chain with the nearest atom, or -1 when no atom is within 2.5 Å.

    Parameters
    ----------
    positions : sequence of arrays (atoms, 3)
        For each chain, x, y, z of its atoms in Å from the centre of the first voxel.
    side : int
        Side of the cubic box, voxels.
    voxel_size : float
        Å.

    Returns
    -------
    int array (z, y, x)
    """
    owners = np.full((side,) * 3, -1)
    nearest = np.full(owners.shape, _MAX_DISTANCE)
    axis = np.arange(side) * voxel_size
    for number, points in enumerate(positions):
        low = np.maximum(np.floor((points.min(axis=0) - _MAX_DISTANCE) / voxel_size).astype(int), 0)
        high = np.minimum(np.ceil((points.max(axis=0) + _MAX_DISTANCE) / voxel_size).astype(int) + 1, side)
        box = tuple(slice(first, last) for first, last in zip(low[::-1], high[::-1]))
        z, y, x = np.meshgrid(*(axis[part] for part in box), indexing="ij")
        distance, _ = cKDTree(points).query(np.stack([x, y, z], -1), distance_upper_bound=_MAX_DISTANCE)
        closer = distance < nearest[box]
        nearest[box][closer] = distance[closer]
        owners[box][closer] = number
    return owners


def _read_chains(path: Path, only: Tuple[str, ...]) -> Dict[str, gemmi.Chain]:
    structure = gemmi.read_structure(str(path))
    structure.setup_entities()
    structure.remove_alternative_conformations()
    structure.remove_waters()
    structure.remove_hydrogens()
    structure.remove_empty_chains()
    chains: Dict[str, gemmi.Chain] = {}
    for chain in structure[0]:
        if only and chain.name not in only:
            continue
        if sum(atom.element.weight for residue in chain for atom in residue) > _MIN_CHAIN_MASS:
            chains[chain.name] = chain.clone()
    if not chains:
        raise ValueError(f"{path}: found no chain above 4 kDa, expected an atomic model of a complex")
    return chains


def _spectrum(
    chain: gemmi.Chain, shift: np.ndarray, edge: float, fine_side: int, side: int, in_ice: bool
) -> np.ndarray:
    """Return the Fourier transform (z, y, x) of a chain's electrostatic potential on a grid of `side` voxels."""
    model = gemmi.Model("1")
    model.add_chain(chain)
    atoms = [atom for residue in chain for atom in residue]
    points, elements = np.array([[*atom.pos] for atom in atoms]) + shift, [atom.element.name for atom in atoms]
    if in_ice:
        for residue in model[0]:
            _add_hydrogens(residue)
    for residue in model[0]:
        for atom in residue:
            atom.pos = gemmi.Position(*(np.array(atom.pos.tolist()) + shift))
            atom.b_iso = ATOM_B
            atom.occ = atom.occ if atom.element.name == "H" else 1.0
            atom.aniso = gemmi.SMat33f(0, 0, 0, 0, 0, 0)
    calculator = gemmi.DensityCalculatorE()
    calculator.grid.set_unit_cell(gemmi.UnitCell(edge, edge, edge, 90, 90, 90))
    calculator.grid.spacegroup = gemmi.SpaceGroup("P 1")
    calculator.grid.set_size(fine_side, fine_side, fine_side)
    calculator.add_model_density_to_grid(model)
    density = np.array(calculator.grid, copy=True).transpose(2, 1, 0).astype(np.float32)
    spectrum = scipy.fft.rfftn(density)
    if in_ice:
        spacing = edge / fine_side
        ice = scipy.fft.rfftn(displaced_ice(points, elements, fine_side, spacing, is_nucleic="P" in elements))
        axis, last = scipy.fft.fftfreq(fine_side, spacing) ** 2, scipy.fft.rfftfreq(fine_side, spacing) ** 2
        spectrum -= ice * np.exp(-ATOM_B / 4 * (axis[:, None, None] + axis[:, None] + last)).astype(np.float32)
    half = side // 2
    keep = np.r_[0:half, fine_side - half : fine_side]
    cropped = spectrum[np.ix_(keep, keep, np.arange(half + 1))]
    return (cropped * (side / fine_side) ** 3).astype(np.complex64)


def _add_hydrogens(residue: gemmi.Residue) -> None:
    """Add the hydrogens of a residue, at its other atoms."""
    occupancy = hydrogens_per_atom(residue)
    for atom in list(residue):
        hydrogen = atom.clone()
        hydrogen.element, hydrogen.occ = gemmi.Element("H"), occupancy
        residue.add_atom(hydrogen)
