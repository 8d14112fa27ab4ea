# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the common grey scale of many volumes, by the part of the molecule that is the same in all of them."""

from __future__ import annotations

import math
from typing import Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.boxes import scatter
from occupy_core.arrays.smoothing import gaussian_smooth_at
from occupy_core.arrays.types import Floats, Mask
from occupy_core.comparing.limits import MIN_VOXELS, RELIABLE_DENSITY, TINY
from occupy_core.ensembles.limits import (
    COMMON_SHARE,
    MAX_COMMON_NOISE,
    MAX_DIFFERENCE,
    MAX_SAMPLED_VOXELS,
    MIN_COMMON_SHARE,
)
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.errors import MapError

# Å, full widths of smoothings: a wide one mixes what stays with what comes and goes beside it.
_WIDTHS = (4.0, 8.0, 12.0)

# Rounds in which the steadiest voxels are chosen anew; the quantile over the volumes that stands for the lowest.
_ROUNDS, _LOW = 6, 0.1

# Least change of a grey scale in a round; a smaller one is that of missing density.
_LEAST_CHANGE = 0.1

# Standard deviations of the noise by which a voxel of the common part may differ beside; mean distance from 0 of a
# normal distribution, in standard deviations.
_SIGMAS, _MEAN_OF_NORMAL = 2.0, math.sqrt(2 / math.pi)


def match_grey_scales(volumes: StoredVolumes) -> Tuple[StoredVolumes, Mask]:
    """Bring all volumes to one grey scale, that of the median volume.

    Parameters
    ----------
    volumes : StoredVolumes
        Each in its own grey scale.

    Returns
    -------
    matched : StoredVolumes
        In one grey scale.
    common : bool array, 3D
        Sampled voxels of the part that is the same in all volumes.

    Raises
    ------
    MapError
        If no part is the same in all volumes.

    Notes
    -----
    The steadiest tenth of the dense voxels gives the first factors (concentration steps, as in the least trimmed
    squares of Rousseeuw & Van Driessen, Data Min. Knowl. Discov. 12 (2006), 29). The common part is where the density
    then stays near its median over the volumes, but for noise, in nine of ten volumes; its mean density in each volume
    gives the final factors. The narrowest smoothing is taken under which a common part stands out of the noise.
    """
    for width in _WIDTHS:
        dense = _dense_voxels(volumes, width)
        inside = dense[volumes.molecule]
        densities = np.array([row[inside] for row in volumes.smoothed(volumes.molecule, width)])
        factors, common = _factors(densities)
        if common.any():
            return volumes.with_grey_factors(factors), scatter(common, dense)
    raise MapError(
        f"the {len(volumes)} volumes have no part in common, which would tell their grey scales and their noise: "
        f"expected {MIN_COMMON_SHARE:.0%} of the molecule to be the same in all of them; check that all are of one "
        "molecule in one pose, or leave out those that are not"
    )


def _dense_voxels(volumes: StoredVolumes, width: float) -> Mask:
    """Return a sample of the voxels of the molecule that are clearly dense in the mean volume."""
    usual = gaussian_smooth_at(volumes.mean, volumes.molecule, width / volumes.spacing, threads=volumes.threads)
    reliable = np.flatnonzero(usual > np.float32(RELIABLE_DENSITY * np.percentile(usual, 95)))
    chosen = np.zeros(len(usual), dtype=bool)
    chosen[reliable[:: len(reliable) // MAX_SAMPLED_VOXELS + 1]] = True
    return scatter(chosen, volumes.molecule)


def _factors(densities: Floats) -> Tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the grey factor of each volume, and the voxels of the common part; densities are (volume, voxel)."""
    factors, steadiest = _steadiest(densities)
    scaled = densities / factors[:, None].astype(np.float32)
    usual = np.median(scaled, axis=0)
    rest = np.abs(scaled - usual)
    noise = np.float32(float(rest[:, steadiest].mean()) / _MEAN_OF_NORMAL)
    if noise > MAX_COMMON_NOISE * np.median(usual[steadiest]):
        return np.ones(len(densities)), np.zeros(densities.shape[1], dtype=bool)
    near = rest < np.float32(MAX_DIFFERENCE) * usual + np.float32(_SIGMAS) * noise
    common = near.mean(axis=0) >= COMMON_SHARE
    if common.sum() < max(MIN_VOXELS, MIN_COMMON_SHARE * densities.shape[1]):
        return np.ones(len(densities)), np.zeros(densities.shape[1], dtype=bool)
    means = densities[:, common].mean(axis=1, dtype=np.float64)
    return means / np.median(means), common


def _steadiest(densities: Floats) -> Tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return factors under which the density of the steadiest voxels is the same in all volumes, and these voxels.

    The first choice of voxels are those that never get near 0, relative to the mean of the volume: a part that is
    absent in some volumes does. From then on, they are those that vary least.
    """
    count = max(1, math.ceil(MIN_COMMON_SHARE * densities.shape[1]))
    factors = np.maximum(densities.mean(axis=1, dtype=np.float64), TINY)
    scaled = densities / factors[:, None].astype(np.float32)
    means = np.maximum(scaled.mean(axis=0), np.float32(TINY))
    chosen = np.argsort(-np.quantile(scaled, _LOW, axis=0) / means, kind="stable")[:count]
    for _ in range(_ROUNDS):
        scaled = densities / factors[:, None].astype(np.float32)
        change = np.median(scaled[:, chosen] / np.maximum(scaled[:, chosen].mean(axis=0), np.float32(TINY)), axis=1)
        factors *= np.where(change > _LEAST_CHANGE, change, 1.0)  # less: the chosen voxels are absent in the volume
        scaled = densities / factors[:, None].astype(np.float32)
        means = np.maximum(scaled.mean(axis=0), np.float32(TINY))
        chosen = np.argsort(scaled.std(axis=0) / means, kind="stable")[:count]
    return factors, chosen
