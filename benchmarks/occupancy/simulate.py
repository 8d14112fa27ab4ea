# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps with known occupancies, simulated from atomic models."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence, Tuple

import gemmi
import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

OVERALL_B = 80.0  # Å^2
# Spacing of the grid that the atoms are first put on, Å, and their B there: fine enough for 3 Å maps.
_FINE_SPACING = 1.0
_FINE_B = 25.0
_REACH = 2.5  # Å: a voxel belongs to the chain whose atom is nearest, and no further than this


@dataclass(frozen=True)
class Conditions:
    """How a map is made.

    Attributes
    ----------
    resolution : float
        Cutoff, Å; the spectrum falls to 0 over the last fifth before it.
    voxel_size : float
        Å.
    noise : float
        Standard deviation of the solvent, relative to full density: what the map without noise and with all chains
        whole reaches in the molecule (99th percentile).
    seed : int
        Of the occupancies and the noise.
    padding : float
        Solvent around the model on every side, Å.
    cut : float
        Å cut off from every side of the finished box.
    b_factor : float
        Overall B of the atoms, Å^2; the B-factors of the file are not used.
    noise_b : float
        B of the noise, Å^2: the noise of a reconstruction falls with resolution too.
    flexible_b : float
        Extra B, Å^2, of the flexible chains: every third one.
    micelle : bool
        A belt of unordered density around the middle of the model, as dense as the molecule on average.
    solvent : float
        Density of the bulk solvent that the model displaces, relative to the mean density of the molecule.
    masked : float, optional
        Multiply by a soft sphere with this much room around the model, Å, so that the solvent outside is flat.
    regularised : bool
        Weight each shell of the spectrum by its signal over signal and noise, as RELION's classes are.
    whole : bool
        One chain at least is at full occupancy; else none is above 0.8.
    """

    resolution: float = 4.0
    voxel_size: float = 1.5
    noise: float = 0.1
    seed: int = 0
    padding: float = 25.0
    cut: float = 0.0
    b_factor: float = OVERALL_B
    noise_b: float = 60.0
    flexible_b: float = 0.0
    micelle: bool = False
    solvent: float = 0.0
    masked: Optional[float] = None
    regularised: bool = False
    whole: bool = True


@dataclass(frozen=True)
class Simulated:
    """A map and the truth about it.

    Attributes
    ----------
    volume : float32 array (z, y, x)
    chains : int array of the same shape
        The number of the chain each voxel belongs to; -1 for none.
    names : tuple of str
        Of the chains.
    occupancies : tuple of float
        0..1, one a chain.
    flexible : tuple of bool
    voxel_size : float
        Å.
    masses : tuple of float
        Of the chains' atoms without hydrogen, kDa.
    """

    volume: np.ndarray
    chains: np.ndarray
    names: Tuple[str, ...]
    occupancies: Tuple[float, ...]
    flexible: Tuple[bool, ...]
    voxel_size: float
    masses: Tuple[float, ...]

    def truth(self) -> np.ndarray:
        """The occupancy of each voxel; 0 outside the model."""
        return np.append(np.array(self.occupancies, np.float32), np.float32(0))[self.chains]


@dataclass(frozen=True)
class Model:
    """An atomic model in a box: spectra of its chains, whose each voxel is, and the chains' masses in kDa."""

    names: Tuple[str, ...]
    spectra: Tuple[np.ndarray, ...] = field(repr=False)
    chains: np.ndarray = field(repr=False)
    voxel_size: float
    side: int
    masses: Tuple[float, ...]


def simulate(
    path: Path, conditions: Conditions, occupancies: Optional[Mapping[str, float]] = None, *, only: Tuple[str, ...] = ()
) -> Simulated:
    """Simulate the map of a model.

    Parameters
    ----------
    path : Path
        An atomic model that gemmi reads; waters, hydrogens and chains under 4 kDa are left out.
    conditions : Conditions
    occupancies : mapping of str to float, optional
        By the name of the chain; drawn from the seed when not given.
    only : tuple of str
        Names of the chains to take; all when empty.
    """
    model = _model(path, conditions.voxel_size, conditions.padding, only)
    rng = np.random.default_rng(conditions.seed)
    drawn = _drawn_occupancies(model, rng, conditions.whole)
    values = tuple(drawn[name] if occupancies is None else occupancies[name] for name in model.names)
    flexible = tuple(conditions.flexible_b > 0 and number % 3 == 1 for number in range(len(values)))
    k = _wave_number(model.side, conditions.voxel_size)
    transfer = _falloff(k, conditions.b_factor - _FINE_B) * _cutoff(k, conditions.resolution)
    whole = _density(sum(model.spectra) * transfer, model.side)
    molecule = model.chains >= 0
    mean, full = float(whole[molecule].mean()), float(np.percentile(whole[molecule], 99))
    extra = _falloff(k, conditions.flexible_b)
    spectrum = sum(
        value * part * (extra if bends else 1.0) for value, part, bends in zip(values, model.spectra, flexible)
    )
    spectrum = spectrum * transfer
    truth = np.append(np.array(values, np.float32), np.float32(0))[model.chains]
    if conditions.solvent:
        spectrum = spectrum - conditions.solvent * mean * scipy.fft.rfftn(truth) * _cutoff(k, conditions.resolution)
    if conditions.micelle:
        spectrum = spectrum + mean * scipy.fft.rfftn(_belt(model)) * _falloff(k, 200.0)
    noise = scipy.fft.rfftn(rng.standard_normal((model.side,) * 3).astype(np.float32))
    noise *= _falloff(k, conditions.noise_b) * _cutoff(k, conditions.resolution)
    noise *= conditions.noise * full / _density(noise, model.side).std()
    if conditions.regularised:
        weight = _wiener(spectrum, noise, k)
        spectrum, noise = spectrum * weight, noise * weight
    volume = _density(spectrum + noise, model.side)
    if conditions.masked is not None:
        volume *= _soft_sphere(molecule, conditions.voxel_size, conditions.masked)
    cut = round(conditions.cut / conditions.voxel_size)
    inner = (slice(cut, model.side - cut),) * 3
    chains, kept = model.chains[inner], np.ascontiguousarray(volume[inner])
    return Simulated(kept, chains, model.names, values, flexible, conditions.voxel_size, model.masses)


@lru_cache(maxsize=2)
def _model(path: Path, voxel_size: float, padding: float, only: Tuple[str, ...]) -> Model:
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
        if sum(atom.element.weight for residue in chain for atom in residue) > 4000:
            chains[chain.name] = chain
    if not chains:
        raise ValueError(f"{path}: found no chain above 4 kDa, expected an atomic model of a complex")
    places = {name: np.array([[*atom.pos] for res in chain for atom in res]) for name, chain in chains.items()}
    everything = np.concatenate(list(places.values()))
    centre = (everything.min(axis=0) + everything.max(axis=0)) / 2
    side = scipy.fft.next_fast_len(int((np.ptp(everything, axis=0).max() + 2 * padding) / voxel_size))
    side += side % 2
    edge = side * voxel_size
    fine = 2 * math.ceil(edge / min(_FINE_SPACING, voxel_size) / 2 - 1e-6)
    shift = side // 2 * voxel_size - centre
    spectra = tuple(_spectrum(chain, shift, edge, fine, side) for chain in chains.values())
    moved = [points + shift for points in places.values()]
    masses = tuple(sum(atom.element.weight for res in chain for atom in res) / 1000 for chain in chains.values())
    return Model(tuple(chains), spectra, chain_of_voxels(moved, side, voxel_size), voxel_size, side, masses)


def _spectrum(chain: gemmi.Chain, shift: np.ndarray, edge: float, fine: int, side: int) -> np.ndarray:
    """The Fourier transform (z, y, x) of a chain's electrostatic potential on a grid of `side` voxels."""
    model = gemmi.Model("1")
    model.add_chain(chain)
    for residue in model[0]:
        for atom in residue:
            atom.pos = gemmi.Position(*(np.array(atom.pos.tolist()) + shift))
            atom.b_iso, atom.occ = _FINE_B, 1.0
            atom.aniso = gemmi.SMat33f(0, 0, 0, 0, 0, 0)
    calculator = gemmi.DensityCalculatorE()
    calculator.grid.set_unit_cell(gemmi.UnitCell(edge, edge, edge, 90, 90, 90))
    calculator.grid.spacegroup = gemmi.SpaceGroup("P 1")
    calculator.grid.set_size(fine, fine, fine)
    calculator.add_model_density_to_grid(model)
    density = np.array(calculator.grid, copy=True).transpose(2, 1, 0).astype(np.float32)
    spectrum = scipy.fft.rfftn(density)
    half = side // 2
    keep = np.r_[0:half, fine - half : fine]
    cropped = spectrum[np.ix_(keep, keep, np.arange(half + 1))]
    return (cropped * (side / fine) ** 3).astype(np.complex64)


def chain_of_voxels(places: Sequence[np.ndarray], side: int, voxel_size: float) -> np.ndarray:
    """The number of the chain with the nearest atom, -1 where none is within 2.5 Å.

    Parameters
    ----------
    places : sequence of arrays (atoms, 3)
        x, y, z in Å from voxel 0, an array for each chain.
    side : int
        Of a cubic box, voxels.
    voxel_size : float
        Å.
    """
    owners = np.full((side,) * 3, -1)
    nearest = np.full(owners.shape, _REACH)
    axis = np.arange(side) * voxel_size
    for number, points in enumerate(places):
        low = np.maximum(np.floor((points.min(axis=0) - _REACH) / voxel_size).astype(int), 0)
        high = np.minimum(np.ceil((points.max(axis=0) + _REACH) / voxel_size).astype(int) + 1, side)
        box = tuple(slice(first, last) for first, last in zip(low[::-1], high[::-1]))
        z, y, x = np.meshgrid(*(axis[part] for part in box), indexing="ij")
        distance, _ = cKDTree(points).query(np.stack([x, y, z], -1), distance_upper_bound=_REACH)
        closer = distance < nearest[box]
        nearest[box][closer] = distance[closer]
        owners[box][closer] = number
    return owners


def _drawn_occupancies(model: Model, rng: np.random.Generator, whole: bool) -> Dict[str, float]:
    """Chains at random, until they are a third of the molecule, are whole; the others at 0.1 to 0.95."""
    sizes = np.bincount(model.chains[model.chains >= 0], minlength=len(model.names))
    order = rng.permutation(len(model.names))
    values = rng.uniform(0.1, 0.95 if whole else 0.8, len(model.names))
    if whole:
        before = np.cumsum(sizes[order]) - sizes[order]
        values[order[before < sizes.sum() / 3]] = 1.0
    return {name: float(value) for name, value in zip(model.names, values.round(3))}


def _wave_number(side: int, voxel_size: float) -> np.ndarray:
    """1/Å at each place of the rfft."""
    axis, last = scipy.fft.fftfreq(side, voxel_size) ** 2, scipy.fft.rfftfreq(side, voxel_size) ** 2
    return np.sqrt(axis[:, None, None] + axis[:, None] + last).astype(np.float32)


def _falloff(k: np.ndarray, b_factor: float) -> np.ndarray:
    return np.exp(-b_factor * k**2 / 4)


def _cutoff(k: np.ndarray, resolution: float) -> np.ndarray:
    along = np.clip((k * resolution - 0.8) / 0.2, 0, 1)
    return (1 + np.cos(np.pi * along)) / 2


def _density(spectrum: np.ndarray, side: int) -> np.ndarray:
    return scipy.fft.irfftn(spectrum, (side,) * 3).astype(np.float32)


def _belt(model: Model) -> np.ndarray:
    """A belt 30 Å high around the middle of the model, reaching 20 Å out from it."""
    molecule = model.chains >= 0
    near = gaussian_filter(molecule.astype(np.float32), 8.0 / model.voxel_size) > 0.05
    height = (np.arange(model.side) - model.side // 2) * model.voxel_size
    return (near & ~molecule & (np.abs(height) < 15)[:, None, None]).astype(np.float32)


def _wiener(signal: np.ndarray, noise: np.ndarray, k: np.ndarray) -> np.ndarray:
    shell = np.round(k / k.max() * signal.shape[0]).astype(int).ravel()
    power, background = (np.bincount(shell, np.abs(part.ravel()) ** 2) for part in (signal, noise))
    return (power / np.maximum(power + background, 1e-30))[shell].reshape(k.shape).astype(np.float32)


def _soft_sphere(molecule: np.ndarray, voxel_size: float, room: float) -> np.ndarray:
    axis = np.arange(molecule.shape[0]) - molecule.shape[0] // 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2) * voxel_size
    radius = distance[molecule].max() + room
    return ((1 + np.cos(np.pi * np.clip((distance - radius) / 8, 0, 1))) / 2).astype(np.float32)
