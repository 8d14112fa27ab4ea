# SPDX-License-Identifier: GPL-3.0-or-later
"""Read occupancies as well as class maps allow: by a regression that knows the density of every part.

No user knows these densities. The errors of this regression tell what comes from the class maps, in which RELION has
sorted particles by their noise too, and not from the comparison.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.runs.particles import VOXEL_SIZE, ParticleSet, simulate_volume

_WIDTH = 20.0  # Å, full width at half maximum of the Gaussian under which maps and densities are compared
_BLURS = (0.0, 5.0, 10.0, 15.0)  # Å, standard deviations: by which the densities may be blurred to match a class map
_REACH = 10.0  # Å: the regression takes the voxels this near to the molecule


def known_part_occupancies(particles: ParticleSet, molecule: np.ndarray, volumes: Sequence[np.ndarray]) -> np.ndarray:
    """Read the occupancy of each part in each class map, relative to the rest of the molecule.

    Parameters
    ----------
    particles : ParticleSet
    molecule : bool array (z, y, x)
        Voxels of the molecule, on the grid of the class maps.
    volumes : sequence of float array (z, y, x)
        Class maps, in the pose of the models.

    Returns
    -------
    float64 array (part, map)
        Occupancies, 0..1.
    """
    whole = simulate_volume(particles, dict.fromkeys(particles.parts, True))
    parts = [
        whole - simulate_volume(particles, {other: other != part for other in particles.parts})
        for part in particles.parts
    ]
    densities = [whole - sum(parts), *parts]
    near = gaussian_filter(molecule.astype(np.float32), _REACH / VOXEL_SIZE / 2) > 0.05
    models = [
        np.stack([*(_smooth(item, blur)[near] for item in densities), np.ones(int(near.sum()))]) for blur in _BLURS
    ]
    return np.transpose([_read(_smooth(volume, 0.0)[near], models) for volume in volumes])


def _smooth(volume: np.ndarray, blur: float) -> np.ndarray:
    return gaussian_filter(volume.astype(np.float64), np.hypot(_WIDTH / 2.3548, blur) / VOXEL_SIZE)


def _read(values: np.ndarray, models: Sequence[np.ndarray]) -> np.ndarray:
    """Return the factors of the parts relative to the rest, under the blur that fits best."""
    fits = [np.linalg.lstsq(model.T, values, rcond=None)[0] for model in models]
    rests = [float(((values - fit @ model) ** 2).sum()) for fit, model in zip(fits, models)]
    best = fits[int(np.argmin(rests))]
    return np.clip(best[1:-1] / best[0], 0, 1)
