# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate maps with known occupancies from atomic models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence, Tuple

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter

from benchmarks.occupancy.atomic_model import ATOM_B, AtomicModel, load_model
from benchmarks.occupancy.imperfections import misaligned, reconstruction_falloff, soft_mask, soft_sphere

OVERALL_B = 80.0  # Å^2


@dataclass(frozen=True)
class Conditions:
    """Conditions under which a map is simulated.

    Attributes
    ----------
    resolution : float
        Resolution cutoff, Å; the spectrum falls smoothly to 0 over the last fifth before it.
    voxel_size : float
        Å.
    noise : float
        Standard deviation of the solvent, relative to full density: the 99th percentile over the molecule of the
        noise-free map with all chains fully occupied.
    seed : int
        Seed of the occupancies and the noise.
    padding : float
        Solvent around the model on every side, Å.
    cut : float
        Width cut off from every side of the finished box, Å.
    b_factor : float
        B-factor of all atoms, Å^2; the B-factors in the model file are not used.
    noise_b : float
        B-factor of the noise, Å^2; the noise of a reconstruction falls with resolution too.
    flexible_b : float
        Additional B-factor of the flexible chains, Å^2; every third chain is flexible, none when it is 0.
    micelle : bool
        Whether to add a belt of unordered density around the middle of the model, as dense as the molecule on average.
    solvent : float
        Density of the bulk solvent that the model displaces, relative to the mean density of the molecule.
    masked : float, optional
        Distance from the model, Å, of a soft spherical mask outside of which the map is 0; None for no mask.
    regularised : bool
        Whether each shell of the spectrum is multiplied by signal / (signal + noise), as in RELION's class maps.
    has_full_chain : bool
        Whether at least one chain is fully occupied; otherwise no occupancy is above 0.8.
    has_coloured_noise : bool
        Whether the noise falls with resolution as in a real reconstruction; `noise_b` is not used then.
    rotation_error, shift_error : float
        Standard deviations of the particles' orientations about each axis (degrees) and positions along each (Å).
    in_ice : bool
        Whether the atoms displace vitreous ice and have their hydrogens; `solvent` is meant for atoms in vacuum.
    soft_mask : float, optional
        Distance from the model, Å, of a soft mask in the shape of the model outside of which the map is 0; None for no
        mask.
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
    has_full_chain: bool = True
    has_coloured_noise: bool = False
    rotation_error: float = 0.0
    shift_error: float = 0.0
    in_ice: bool = False
    soft_mask: Optional[float] = None


@dataclass(frozen=True)
class Simulated:
    """A simulated map and its known occupancies.

    Attributes
    ----------
    volume : float32 array (z, y, x)
        The map.
    chains : int array (z, y, x)
        Index of the chain that each voxel belongs to; -1 for none.
    names : tuple of str
        Names of the chains.
    occupancies : tuple of float
        Occupancy of each chain, 0..1.
    flexible : tuple of bool
        Whether each chain is flexible.
    voxel_size : float
        Å.
    masses : tuple of float
        Mass of each chain without hydrogen, kDa.
    """

    volume: np.ndarray
    chains: np.ndarray
    names: Tuple[str, ...]
    occupancies: Tuple[float, ...]
    flexible: Tuple[bool, ...]
    voxel_size: float
    masses: Tuple[float, ...]

    def truth(self) -> np.ndarray:
        """Return the true occupancy of each voxel (z, y, x); 0 outside the model."""
        return _occupancy_map(self.chains, self.occupancies)


def simulate(
    path: Path, conditions: Conditions, occupancies: Optional[Mapping[str, float]] = None, *, only: Tuple[str, ...] = ()
) -> Simulated:
    """Simulate the map of an atomic model.

    Parameters
    ----------
    path : Path
        Atomic model in a file that gemmi reads; waters, hydrogens and chains of less than 4 kDa are left out.
    conditions : Conditions
        Conditions of the simulation.
    occupancies : mapping of str to float, optional
        Occupancy by chain name, 0..1; drawn with the seed when None.
    only : tuple of str
        Names of the chains to use; all chains when empty.

    Raises
    ------
    ValueError
        If the model has no chain of at least 4 kDa.
    """
    model = load_model(path, conditions.voxel_size, conditions.padding, only, conditions.in_ice)
    rng = np.random.default_rng(conditions.seed)
    # Draw in any case, so that the noise does not depend on whether occupancies are given.
    drawn = _draw_occupancies(model, rng, conditions.has_full_chain)
    values = tuple(drawn[name] if occupancies is None else occupancies[name] for name in model.names)
    flexible = tuple(conditions.flexible_b > 0 and number % 3 == 1 for number in range(len(values)))
    k = _frequencies(model.side, conditions.voxel_size)
    transfer = _falloff(k, conditions.b_factor - ATOM_B) * _cutoff(k, conditions.resolution)
    full_map = _volume(sum(model.spectra) * transfer, model.side)
    molecule = model.chains >= 0
    mean, full = float(full_map[molecule].mean()), float(np.percentile(full_map[molecule], 99))
    signal = _signal(model, conditions, values, flexible, k, transfer, mean)
    if conditions.rotation_error or conditions.shift_error:
        errors = {"rotation": conditions.rotation_error, "shift": conditions.shift_error}
        signal = misaligned(signal, k, voxel_size=conditions.voxel_size, **errors)
    noise = _noise(conditions, k, model.side, rng)
    noise *= conditions.noise * full / _volume(noise, model.side).std()
    if conditions.regularised:
        weight = _wiener_filter(signal, noise, k)
        signal, noise = signal * weight, noise * weight
    volume = _masked(_volume(signal + noise, model.side), molecule, conditions)
    cut = round(conditions.cut / conditions.voxel_size)
    inner = (slice(cut, model.side - cut),) * 3
    return Simulated(
        np.ascontiguousarray(volume[inner]),
        model.chains[inner],
        model.names,
        values,
        flexible,
        conditions.voxel_size,
        model.masses,
    )


def _noise(conditions: Conditions, k: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Return the Fourier transform of noise with the spectrum that the conditions ask for, of any strength."""
    noise = scipy.fft.rfftn(rng.standard_normal((side,) * 3).astype(np.float32))
    if conditions.has_coloured_noise:
        falloff = reconstruction_falloff(k, conditions.resolution)
    else:
        falloff = _falloff(k, conditions.noise_b)
    noise *= falloff * _cutoff(k, conditions.resolution)
    return noise


def _masked(volume: np.ndarray, molecule: np.ndarray, conditions: Conditions) -> np.ndarray:
    """Multiply a map by the masks that the conditions ask for; `molecule` is a bool array."""
    if conditions.masked is not None:
        volume *= soft_sphere(molecule, conditions.voxel_size, conditions.masked)
    if conditions.soft_mask is not None:
        volume *= soft_mask(molecule, conditions.voxel_size, conditions.soft_mask)
    return volume


def _signal(
    model: AtomicModel,
    conditions: Conditions,
    occupancies: Sequence[float],
    flexible: Sequence[bool],
    k: np.ndarray,
    transfer: np.ndarray,
    mean: float,
) -> np.ndarray:
    """Return the Fourier transform of the noise-free map.

    `transfer` is the factor of the atoms' transforms by frequency `k`, and `mean` the mean density of the molecule.
    """
    flexible_falloff = _falloff(k, conditions.flexible_b)
    spectrum = sum(
        occupancy * part * (flexible_falloff if is_flexible else 1.0)
        for occupancy, part, is_flexible in zip(occupancies, model.spectra, flexible)
    )
    spectrum = spectrum * transfer
    if conditions.solvent:
        displaced = scipy.fft.rfftn(_occupancy_map(model.chains, occupancies))
        spectrum = spectrum - conditions.solvent * mean * displaced * _cutoff(k, conditions.resolution)
    if conditions.micelle:
        spectrum = spectrum + mean * scipy.fft.rfftn(_micelle_belt(model)) * _falloff(k, 200.0)
    return spectrum


def _occupancy_map(chains: np.ndarray, occupancies: Sequence[float]) -> np.ndarray:
    return np.append(np.array(occupancies, np.float32), np.float32(0))[chains]


def _draw_occupancies(model: AtomicModel, rng: np.random.Generator, has_full_chain: bool) -> Dict[str, float]:
    """Make random chains fully occupied until they are a third of the molecule; draw 0.1 to 0.95 for the others."""
    sizes = np.bincount(model.chains[model.chains >= 0], minlength=len(model.names))
    order = rng.permutation(len(model.names))
    values = rng.uniform(0.1, 0.95 if has_full_chain else 0.8, len(model.names))
    if has_full_chain:
        before = np.cumsum(sizes[order]) - sizes[order]
        values[order[before < sizes.sum() / 3]] = 1.0
    return {name: float(value) for name, value in zip(model.names, values.round(3))}


def _frequencies(side: int, voxel_size: float) -> np.ndarray:
    """Return the frequency, 1/Å, of each element of the real Fourier transform of a cubic box."""
    axis, last = scipy.fft.fftfreq(side, voxel_size) ** 2, scipy.fft.rfftfreq(side, voxel_size) ** 2
    return np.sqrt(axis[:, None, None] + axis[:, None] + last).astype(np.float32)


def _falloff(k: np.ndarray, b_factor: float) -> np.ndarray:
    return np.exp(-b_factor * k**2 / 4)


def _cutoff(k: np.ndarray, resolution: float) -> np.ndarray:
    along = np.clip((k * resolution - 0.8) / 0.2, 0, 1)
    return (1 + np.cos(np.pi * along)) / 2


def _volume(spectrum: np.ndarray, side: int) -> np.ndarray:
    return scipy.fft.irfftn(spectrum, (side,) * 3).astype(np.float32)


def _micelle_belt(model: AtomicModel) -> np.ndarray:
    """Return a belt 30 Å high around the middle of the model that reaches 20 Å outwards: 1 inside, 0 elsewhere."""
    molecule = model.chains >= 0
    near = gaussian_filter(molecule.astype(np.float32), 8.0 / model.voxel_size) > 0.05
    height = (np.arange(model.side) - model.side // 2) * model.voxel_size
    return (near & ~molecule & (np.abs(height) < 15)[:, None, None]).astype(np.float32)


def _wiener_filter(signal: np.ndarray, noise: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Return signal power / (signal power + noise power) of the shell of each Fourier component."""
    shell = np.round(k / k.max() * signal.shape[0]).astype(int).ravel()
    signal_power, noise_power = (np.bincount(shell, np.abs(part.ravel()) ** 2) for part in (signal, noise))
    weight = signal_power / np.maximum(signal_power + noise_power, 1e-30)
    return weight[shell].reshape(k.shape).astype(np.float32)
