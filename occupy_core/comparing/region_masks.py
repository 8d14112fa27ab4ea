# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of regions of the coarse grid, on which classes are compared, for the maps' own."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Volume
from occupy_core.estimate.coarse_grid import on_map_grid

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
    farthest = half_edge + 2
    box = box_around(region, math.ceil(farthest) + 1)
    found = ndimage.distance_transform_edt(~region[box]) - ndimage.distance_transform_edt(region[box])
    distance = np.full(region.shape, farthest, dtype=np.float32)
    distance[box] = np.clip(found - np.sign(found) / 2, -farthest, farthest)
    mask = on_map_grid(distance, shape, spacing=spacing)
    mask /= half_edge
    np.clip(mask, -1, 1, out=mask)
    mask *= np.float32(np.pi / 2)
    np.sin(mask, out=mask)
    mask *= np.float32(-0.5)
    mask += np.float32(0.5)
    return mask
