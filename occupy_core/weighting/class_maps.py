# SPDX-License-Identifier: GPL-3.0-or-later
"""Mean of class maps, coarse grid and result: used to weight by confidence and by consensus."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Sequence, Tuple

import numpy as np

from occupy_core.arrays.types import Volume
from occupy_core.fourier.resize import resize

# Weights follow no detail finer than the low-pass: three voxels of the coarse grid, as the default for coarse maps.
_VOXELS_PER_LOWPASS = 3


@dataclass(frozen=True)
class WeightedMap:
    """A class map after weighting.

    Attributes
    ----------
    values : float32 array, 3D
        On the grid and the grey scale of the map before.
    kept : float
        Share of the map's power (for a consensus: of its difference from the mean of the classes) that remains, 0..1.
    """

    values: Volume
    kept: float


def mean_map(maps: Sequence[Volume], shares: Sequence[float]) -> Volume:
    """Compute the mean of class maps, weighted by the shares of the particles (above 0, at most 1)."""
    total = sum(shares)
    result = maps[0] * np.float32(shares[0] / total)
    for volume, share in zip(maps[1:], shares[1:]):
        result += volume * np.float32(share / total)
    return result


def power(volume: Volume) -> float:
    """Return the mean square of a map; never 0, so that shares of it can be computed."""
    return float(np.mean(np.square(volume), dtype=np.float64)) or sys.float_info.min


def coarse_box(shape: Tuple[int, ...], *, voxel_size: float, lowpass: float) -> Tuple[int, int, int]:
    """Return the box, of the same size in Å, whose voxels are a third of a low-pass (Å); `shape` if that is smaller."""
    factor = min(1.0, _VOXELS_PER_LOWPASS * voxel_size / lowpass)
    z, y, x = (min(side, 2 * math.ceil(side * factor / 2)) for side in shape)
    return (z, y, x)


def on_box(volume: Volume, shape: Tuple[int, ...]) -> Volume:
    """Return a map in another box of the same size in Å: the map itself if it has that box."""
    return volume if volume.shape == tuple(shape) else resize(volume, shape)
