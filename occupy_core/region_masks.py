# SPDX-License-Identifier: GPL-3.0-or-later
"""From the coarse grid, on which classes are compared, to the maps' own."""

from __future__ import annotations

from typing import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.maps import Volume

SOFT_EDGE = 8.0  # Å


def soft_mask(region: NDArray[np.bool_], shape: Sequence[int], *, spacing: float, voxel_size: float) -> Volume:
    """A mask of a region, for a focused classification or a subtraction.

    Parameters
    ----------
    region : bool array, 3D
        On the coarse grid, whose voxel 0 is the map's.
    shape : three int
        Of the map, voxels.
    spacing : float
        Of the coarse grid, in voxels of the map.
    voxel_size : float
        Of the map, Å.

    Returns
    -------
    float32 array of `shape`
        0.5 at the region's border, so that what exceeds 0.5 is the region; a raised cosine of 8 Å across it.

    Notes
    -----
    The edge lies half inside, since regions are found in smoothed maps and reach beyond the density already.
    """
    half_edge = np.float32(SOFT_EDGE / 2 / (spacing * voxel_size))
    # Distances interpolate well, yes and no do not. Of the two to the nearest voxel on the other side one is 0, and the
    # border lies half a voxel before that.
    distance = ndimage.distance_transform_edt(~region) - ndimage.distance_transform_edt(region)
    distance = np.clip(distance - np.sign(distance) / 2, -half_edge - 2, half_edge + 2).astype(np.float32)
    distance = on_map_grid(distance, shape, spacing=spacing)
    return np.float32(0.5) - np.float32(0.5) * np.sin(np.float32(np.pi / 2) * np.clip(distance / half_edge, -1, 1))


def on_map_grid(values: Volume, shape: Sequence[int], *, spacing: float) -> Volume:
    """Values of the coarse grid on the map's by linear interpolation; parameters as of `soft_mask`."""
    for axis, side in enumerate(shape):
        last = values.shape[axis] - 1
        places = np.minimum(np.arange(side) / spacing, last)
        lower = places.astype(np.intp)
        weight = (places - lower).astype(np.float32).reshape([-1 if index == axis else 1 for index in range(3)])
        step = values.take(np.minimum(lower + 1, last), axis) - values.take(lower, axis)
        values = values.take(lower, axis) + weight * step
    return values
