# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds near a voxel, from what holds at each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def any_within(values: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Where it holds for any voxel within `reach` voxels along every axis.

    Parameters
    ----------
    values : bool array
    reach : int

    Returns
    -------
    bool array of the same shape, as `scipy.ndimage.maximum_filter(values, 2 * reach + 1)` gives it.
    """
    result = values.copy()
    for axis in range(result.ndim):
        along = np.moveaxis(result, axis, 0)
        covered = 0
        while covered < reach:
            step = min(covered + 1, reach - covered)  # so far to either side, what is covered so far leaves no gap
            before = along.copy()
            along[step:] |= before[:-step]
            along[:-step] |= before[step:]
            covered += step
    return result
