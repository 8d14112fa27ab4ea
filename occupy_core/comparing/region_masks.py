# SPDX-License-Identifier: GPL-3.0-or-later
"""Make soft masks, on the input grid, of regions found on the coarse grid."""

from __future__ import annotations

import math
from typing import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Floats, Volume
from occupy_core.estimate.coarse_grid import add_interpolated

# Å, full width of the raised cosine at the border of a mask. Our choice.
SOFT_EDGE = 8.0


def soft_mask(region: NDArray[np.bool_], shape: Sequence[int], *, spacing: float, voxel_size: float) -> Volume:
    """Make a soft mask of a region, for focused classification or particle subtraction.

    Parameters
    ----------
    region : bool array, 3D
        On the coarse grid, whose voxel 0 is voxel 0 of the map.
    shape : three int
        Box of the map, voxels.
    spacing : float
        Spacing of the coarse grid, in voxels of the map.
    voxel_size : float
        Voxel size of the map, Å.

    Returns
    -------
    float32 array of `shape`
        0..1, with a raised cosine of 8 Å across the region's border; the region is where the mask exceeds 0.5.

    Notes
    -----
    Half of the soft edge lies inside the region, because regions are found in smoothed maps and already reach beyond
    the density.
    """
    half_edge = np.float32(SOFT_EDGE / 2 / (spacing * voxel_size))
    # Interpolate the signed distance to the border, which is smooth, and not the mask, which is not. The transform
    # measures to the nearest voxel on the other side; the border lies half a voxel before it.
    farthest = half_edge + 2
    box = box_around(region, math.ceil(farthest) + 1)
    signed = ndimage.distance_transform_edt(~region[box]) - ndimage.distance_transform_edt(region[box])
    below_farthest = np.zeros(region.shape, dtype=np.float32)
    below_farthest[box] = np.clip(signed - np.sign(signed) / 2, -farthest, farthest) - farthest
    mask = np.full(tuple(shape), farthest, dtype=np.float32)
    add_interpolated(mask, below_farthest, spacing=spacing)  # computes only the voxels near the region
    near = mask < half_edge
    values = mask[near]
    soften(values, float(half_edge))
    mask[...] = 0
    mask[near] = values
    return mask


def soften(distances: Floats, half_edge: float) -> None:
    """Turn distances to a border (float32; negative inside), in place, into a mask with a raised cosine as its edge.

    The mask falls from 1 to 0 between -`half_edge` and `half_edge`, and is 0.5 at the border.
    """
    distances /= np.float32(half_edge)
    np.clip(distances, -1, 1, out=distances)
    distances *= np.float32(np.pi / 2)
    np.sin(distances, out=distances)
    distances *= np.float32(-0.5)
    distances += np.float32(0.5)
