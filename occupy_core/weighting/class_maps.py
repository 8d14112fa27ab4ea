# SPDX-License-Identifier: GPL-3.0-or-later
"""A class map with the maps of the other classes, before and after weighting."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np

from occupy_core.arrays.types import Mask, Volume
from occupy_core.fourier.resize import resize

# Weights follow no detail finer than the low-pass: three voxels of the coarse grid, as the default for coarse maps.
_VOXELS_PER_LOWPASS = 3


@dataclass(frozen=True)
class ClassMaps:
    """A class map as it was reconstructed, and those of the other classes. Maps are float32, 3D, of one box.

    Attributes
    ----------
    own : array
        The map to weight.
    others : sequence of arrays
        The maps of the other classes that had particles; may be empty.
    shares : sequence of float
        Shares of the particles, above 0, at most 1: of `own`, then of the others.
    voxel_size : float
        Å.
    diameter : float, optional
        Diameter of the particles, Å. Solvent outside of it does not count: RELION sets the images to 0 there.
    """

    own: Volume
    others: Sequence[Volume]
    shares: Sequence[float]
    voxel_size: float
    diameter: Optional[float] = None

    def mean(self) -> Volume:
        """Compute the mean of all classes, weighted by their shares."""
        result = self.own * np.float32(self.shares[0] / sum(self.shares))
        for other, share in zip(self.others, self.shares[1:]):
            result += other * np.float32(share / sum(self.shares))
        return result


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


def sphere_of(shape: Tuple[int, ...], voxel_size: float, diameter: float) -> Mask:
    """Return the voxels within half a diameter (Å) of voxel n // 2 of each axis, as a bool array."""
    z, y, x = (((np.arange(side) - side // 2) * voxel_size) ** 2 for side in shape)
    found: Mask = z[:, None, None] + y[:, None] + x < (diameter / 2) ** 2
    return found
