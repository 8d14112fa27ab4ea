# SPDX-License-Identifier: GPL-3.0-or-later
"""Dilation and maximum over a cube around each voxel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import Mask, Volume


def any_within(mask: Mask, reach: int, *, threads: int = 1) -> Mask:
    """Dilate a mask by a cube: True where any voxel within `reach` voxels along each axis is True.

    Parameters
    ----------
    mask : bool array, 3D
    reach : int
        Voxels; the edge of the cube is `2 * reach + 1`.
    threads : int

    Returns
    -------
    bool array of the mask's shape, equal to `scipy.ndimage.maximum_filter(mask, 2 * reach + 1)`.
    """
    depth, height, width = mask.shape
    result = np.empty_like(mask)
    # Eight voxels per byte: along y and z one operation works on eight voxels.
    packed = np.empty((depth, height, (width + 7) // 8), dtype=np.uint8)

    def along_x_and_y(slab: slice) -> None:
        unpacked = mask[slab].copy()
        _join_within(unpacked.transpose(2, 0, 1), reach, np.bitwise_or)
        packed[slab] = np.packbits(unpacked, axis=2)
        _join_within(packed[slab].transpose(1, 0, 2), reach, np.bitwise_or)

    def along_z(rows: slice) -> None:
        _join_within(packed[:, rows], reach, np.bitwise_or)
        result[:, rows] = np.unpackbits(packed[:, rows], axis=2, count=width)

    for_slabs(depth, along_x_and_y, threads=threads)
    for_slabs(height, along_z, threads=threads)
    return result


def maximum_within(values: Volume, reach: int, *, threads: int = 1) -> Volume:
    """Return the largest value within `reach` voxels along each axis.

    Parameters
    ----------
    values : float32 array, 3D
    reach : int
        Voxels; the edge of the cube is `2 * reach + 1`.
    threads : int

    Returns
    -------
    float32 array of the shape of `values`, equal to `scipy.ndimage.maximum_filter(values, 2 * reach + 1)`.
    """
    result = np.empty_like(values)

    def along_x_and_y(slab: slice) -> None:
        result[slab] = values[slab]
        for axes in ((2, 0, 1), (1, 0, 2)):
            _join_within(result[slab].transpose(axes), reach, np.maximum)

    def along_z(rows: slice) -> None:
        _join_within(result[:, rows], reach, np.maximum)

    for_slabs(values.shape[0], along_x_and_y, threads=threads)
    for_slabs(values.shape[1], along_z, threads=threads)
    return result


def _join_within(values: NDArray[Any], reach: int, join: np.ufunc) -> None:
    """Replace each value by `join` of all values within `reach` along the first axis, in place."""
    covered = 0
    while covered < reach:
        # A step of more than covered + 1 would miss values in between.
        step = min(covered + 1, reach - covered)
        before = values.copy(order="K")
        join(values[step:], before[:-step], out=values[step:])
        join(values[:-step], before[step:], out=values[:-step])
        covered += step
