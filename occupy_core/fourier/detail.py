# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of whether a map has detail down to a cutoff."""

from __future__ import annotations

import math
from typing import Any, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.fourier.shells import power_in_shells

# Limit of `_detail_ratio`: refined maps have 0.002 and more, class maps filtered at a coarser resolution 0.00002.
_LEAST_RATIO = 0.0015

_CUTOFF_STEP = 1.05

_SHELLS_PER_PIXEL = 8

# For each shell: frequency (1/Å), power, number of Fourier components.
_Power = Tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def has_detail(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> bool:
    """Tell whether a map has detail down to a cutoff; False for a constant map.

    The test compares the mean power per Fourier component just below the cutoff with that at low frequencies.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size, cutoff_angstrom : float
        Å.
    threads : int
        Does not change the result.
    """
    return _detail_ratio(cutoff_angstrom, _power(volume, voxel_size, cutoff_angstrom, threads)) >= _LEAST_RATIO


def finest_detail(volume: Volume, *, voxel_size: float, finest: float, coarsest: float, threads: int = 1) -> float:
    """Return the finest cutoff, in Å, down to which a map has detail.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    finest, coarsest : float
        Limits of the search, Å. If the map lacks detail at all cutoffs, the result is `coarsest`.
    threads : int
        Does not change the result.
    """
    power = _power(volume, voxel_size, finest, threads)
    cutoff = finest
    while cutoff < coarsest and _detail_ratio(cutoff, power) < _LEAST_RATIO:
        cutoff = min(coarsest, cutoff * _CUTOFF_STEP)
    return cutoff


def _power(volume: Volume, voxel_size: float, finest: float, threads: int) -> _Power:
    """Compute the power in shells up to the frequency of the cutoff `finest` (Å)."""
    length = max(volume.shape) * voxel_size
    total, counts = power_in_shells(
        volume, math.floor(length / finest) + 2, shells_per_pixel=_SHELLS_PER_PIXEL, threads=threads
    )
    return np.arange(len(counts)) / (_SHELLS_PER_PIXEL * length), total, counts


def _detail_ratio(cutoff: float, power: _Power) -> float:
    """Return the mean power at 0.8 to 1 of the cutoff's frequency, divided by that at 0 to 0.5; 0 for a constant map.

    Means are over Fourier components.
    """
    frequencies, total, counts = power
    relative = frequencies * cutoff
    means = []
    for low, high in ((0.8, 1.0), (0.0, 0.5)):
        chosen = (relative > low) & (relative <= high)
        means.append(total[chosen].sum() / counts[chosen].sum() if counts[chosen].any() else 0.0)
    fine, coarse = means
    return float(fine / coarse) if coarse else 0.0
