# SPDX-License-Identifier: GPL-3.0-or-later
"""How much detail a map has near a cutoff."""

from __future__ import annotations

import math
from typing import Any, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.fourier.shells import power_in_shells

# Of `detail_share`: real refined maps have 0.002 and more, class maps cut at a coarser resolution 0.00002.
_LEAST_DETAIL = 0.0015

_CUTOFF_STEP = 1.05

_SHELLS_A_WAVE = 8

_Power = Tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def detail_share(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> float:
    """How much detail there is just below a cutoff: the power a wave of 0.8 to 1 of the cutoff's frequency has on
    average, relative to those up to half of it; 0 for a constant map.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size, cutoff_angstrom : float
        Å.
    threads : int
    """
    return _share_below(cutoff_angstrom, _power(volume, voxel_size, cutoff_angstrom, threads))


def has_detail(volume: Volume, *, voxel_size: float, cutoff_angstrom: float, threads: int = 1) -> bool:
    """Whether the map's detail goes down to a cutoff; parameters as of `detail_share`."""
    share = detail_share(volume, voxel_size=voxel_size, cutoff_angstrom=cutoff_angstrom, threads=threads)
    return share >= _LEAST_DETAIL


def finest_detail(volume: Volume, *, voxel_size: float, finest: float, coarsest: float, threads: int = 1) -> float:
    """The finest cutoff that the map's detail goes down to, in Å.

    Parameters
    ----------
    volume : float32 array, 3D
    voxel_size : float
        Å.
    finest, coarsest : float
        Å; where to look.
    threads : int
    """
    power = _power(volume, voxel_size, finest, threads)
    cutoff = finest
    while cutoff < coarsest and _share_below(cutoff, power) < _LEAST_DETAIL:
        cutoff = min(coarsest, cutoff * _CUTOFF_STEP)
    return cutoff


def _power(volume: Volume, voxel_size: float, finest: float, threads: int) -> _Power:
    """For shells of the spectrum up to a cutoff in Å: frequency in 1/Å, power in all, and how many waves."""
    length = max(volume.shape) * voxel_size
    total, counts = power_in_shells(
        volume, math.floor(length / finest) + 2, shells_a_wave=_SHELLS_A_WAVE, threads=threads
    )
    return np.arange(len(counts)) / (_SHELLS_A_WAVE * length), total, counts


def _share_below(cutoff: float, power: _Power) -> float:
    frequencies, total, counts = power
    relative = frequencies * cutoff
    means = []
    for low, high in ((0.8, 1.0), (0.0, 0.5)):
        chosen = (relative > low) & (relative <= high)
        means.append(total[chosen].sum() / counts[chosen].sum() if counts[chosen].any() else 0.0)
    fine, coarse = means
    return float(fine / coarse) if coarse else 0.0
