# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulate a small complex with known occupancies, for the demo and the tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
from scipy.ndimage import gaussian_filter

ATOM_SPACING = 4.0  # Å between the pseudo-atoms of a part; gives about the density of protein at 8 Å


@dataclass(frozen=True)
class Phantom:
    """A simulated map of parts with known occupancies.

    Attributes
    ----------
    volume : float32 array (z, y, x)
        The map.
    parts : tuple of bool arrays (z, y, x)
        Inner voxels of each part.
    occupancies : tuple of float
        Occupancy of each part, 0..1.
    voxel_size : float
        Å.
    atoms : tuple of int arrays (atoms, 3)
        Voxel (z, y, x) of each pseudo-atom of each part.
    """

    volume: np.ndarray
    parts: Tuple[np.ndarray, ...]
    occupancies: Tuple[float, ...]
    voxel_size: float
    atoms: Tuple[np.ndarray, ...] = ()


def phantom(
    shape: Tuple[int, int, int] = (64, 64, 64),
    *,
    voxel_size: float = 3.0,
    occupancies: Tuple[float, ...] = (1.0, 0.6, 0.3),
    noise: float = 0.05,
    seed: int = 0,
    noise_seed: Optional[int] = None,
) -> Phantom:
    """Simulate a map of round parts of equal density, each with its own occupancy, in noise.

    Parameters
    ----------
    shape : three int
        Box (z, y, x) in voxels.
    voxel_size : float
        Å.
    occupancies : tuple of float
        Occupancy of each part, 0..1. The first part lies in the middle of the box, the others around it.
    noise : float
        Standard deviation of the solvent noise, relative to full density.
    seed : int
        Seed of the pseudo-atoms; of the noise too, unless `noise_seed` is given.
    noise_seed : int, optional
        Seed of the noise, for several maps of one complex.
    """
    rng = np.random.default_rng(seed)
    middle = np.array(shape) // 2
    radius = min(shape) / 7
    grid = np.stack(np.meshgrid(*(np.arange(side) for side in shape), indexing="ij"))
    volume = np.zeros(shape)
    parts, atoms = [], []
    for number, occupancy in enumerate(occupancies):
        angle = 2 * np.pi * (number - 1) / max(1, len(occupancies) - 1)
        offset = 2 * radius * np.array([0, np.sin(angle), np.cos(angle)]) if number else np.zeros(3)
        distance = np.sqrt(((grid - (middle + offset)[:, None, None, None]) ** 2).sum(axis=0))
        inside = distance <= radius
        parts.append(distance <= 0.75 * radius)
        chance = min(1.0, (voxel_size / ATOM_SPACING) ** 3)  # that a voxel has a pseudo-atom
        has_atom = inside & (rng.random(shape) < chance)
        atoms.append(np.argwhere(has_atom))
        volume += occupancy * has_atom / chance
    volume = gaussian_filter(volume, 2.5 / voxel_size)
    rng = rng if noise_seed is None else np.random.default_rng(noise_seed)
    grain = gaussian_filter(rng.standard_normal(shape), 0.5)
    volume += grain * (noise / grain.std())
    return Phantom(volume.astype(np.float32), tuple(parts), tuple(occupancies), voxel_size, tuple(atoms))
