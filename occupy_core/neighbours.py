# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds near a voxel, from what holds at each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from occupy_core.slabs import for_slabs


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
    result = values.copy()

    def along_y_and_x(slab: slice) -> None:
        _spread(result[slab].transpose(1, 0, 2), reach)
        _spread(result[slab].transpose(2, 0, 1), reach)

    for_slabs(result.shape[0], along_y_and_x, threads=threads)
    for_slabs(result.shape[1], lambda rows: _spread(result[:, rows], reach), threads=threads)
    return result


def _spread(values: NDArray[np.bool_], reach: int) -> None:
    """`any_within` along the first axis alone, in place."""
    covered = 0
    while covered < reach:
        step = min(covered + 1, reach - covered)  # so far to either side, what is covered so far leaves no gap
        before = values.copy()
        values[step:] |= before[:-step]
        values[:-step] |= before[step:]
        covered += step
