# SPDX-License-Identifier: GPL-3.0-or-later
"""The texture of the best region: how much its density varies over short distances, whatever its occupancy."""

from __future__ import annotations

import math
from typing import Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.smoothing import gaussian_mean_in_mask
from occupy_core.estimate.molecule import Molecule


def texture(
    molecule: Molecule, best_region: NDArray[np.bool_], solvent: NDArray[np.bool_], level: float, *, width: float
) -> Tuple[float, float]:
    """Measure how much the density varies over short distances in the best region, whatever its occupancy.

    Parameters
    ----------
    molecule : Molecule
    best_region, solvent : bool arrays, 3D, on the coarse grid
        The best region, with at least one voxel, and the solvent.
    level : float
        Density of the solvent.
    width : float
        Full width of the windows in which the variation is measured, voxels of the coarse grid.

    Returns
    -------
    texture, noise : float
        Standard deviation of the density in such windows of the best region, without that of the solvent, and standard
        deviation of the solvent; both relative to the mean density of the best region above the solvent. Infinite when
        that is not positive.
    """
    density = molecule.density - np.float32(level)
    mean = gaussian_mean_in_mask(density, best_region, width)
    variance = float(np.median(gaussian_mean_in_mask(density * density, best_region, width) - mean * mean))
    noise = float(density[solvent].var(dtype=np.float64)) if solvent.any() else 0.0
    full = float(np.median(mean))
    if not full > 0:
        return math.inf, math.inf
    return math.sqrt(max(0.0, variance - noise)) / full, math.sqrt(noise) / full
