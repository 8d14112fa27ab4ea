# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds near a voxel, from what holds at each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import Volume


def any_within(values: NDArray[np.bool_], reach: int, *, threads: int = 1) -> NDArray[np.bool_]:
    """Where it holds for any voxel within `reach` voxels along every axis.

    Parameters
    ----------
    values : bool array, 3D
    reach : int
    threads : int

    Returns
    -------
    bool array of the same shape, as `scipy.ndimage.maximum_filter(values, 2 * reach + 1)` gives it.
    """
    depth, height, width = values.shape
    result = np.empty_like(values)
    # Eight voxels a byte: along y and z they are worked on together.
    packed = np.empty((depth, height, (width + 7) // 8), dtype=np.uint8)

    def along_x_and_y(slab: slice) -> None:
        single = values[slab].copy()
        _spread(single.transpose(2, 0, 1), reach, np.bitwise_or)
        packed[slab] = np.packbits(single, axis=2)
        _spread(packed[slab].transpose(1, 0, 2), reach, np.bitwise_or)

    def along_z(rows: slice) -> None:
        _spread(packed[:, rows], reach, np.bitwise_or)
        result[:, rows] = np.unpackbits(packed[:, rows], axis=2, count=width)

    for_slabs(depth, along_x_and_y, threads=threads)
    for_slabs(height, along_z, threads=threads)
    return result


def maximum_within(values: Volume, reach: int, *, threads: int = 1) -> Volume:
    """The largest value within `reach` voxels along every axis.

    Parameters
    ----------
    values : float32 array, 3D
    reach : int
    threads : int

    Returns
    -------
    float32 array of the same shape, as `scipy.ndimage.maximum_filter(values, 2 * reach + 1)` gives it.
    """
    result = np.empty_like(values)

    def along_x_and_y(slab: slice) -> None:
        result[slab] = values[slab]
        for axes in ((2, 0, 1), (1, 0, 2)):
            _spread(result[slab].transpose(axes), reach, np.maximum)

    def along_z(rows: slice) -> None:
        _spread(result[:, rows], reach, np.maximum)

    for_slabs(values.shape[0], along_x_and_y, threads=threads)
    for_slabs(values.shape[1], along_z, threads=threads)
    return result


def _spread(values: NDArray[Any], reach: int, join: np.ufunc) -> None:
    """Join each value with all within reach of it along the first axis, in place."""
    covered = 0
    while covered < reach:
        step = min(covered + 1, reach - covered)  # so far to either side, what is covered so far leaves no gap
        before = values.copy(order="K")
        join(values[step:], before[:-step], out=values[step:])
        join(values[:-step], before[step:], out=values[:-step])
        covered += step
