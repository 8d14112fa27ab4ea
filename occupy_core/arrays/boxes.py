# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes around masks, and arrays filled inside a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Box, Mask


def box_around(mask: Mask, margin: int = 0) -> Box:
    """Return the smallest box that contains a mask, plus a margin.

    Parameters
    ----------
    mask : bool array, 3D
        Must not be empty.
    margin : int
        Voxels added on each side. The box starts at 0 or above; its end may exceed the array, as numpy's slices may.
    """
    mask_along_z = mask.any(axis=0)
    z, y, x = (
        np.flatnonzero(projection)
        for projection in (mask.any(axis=(1, 2)), mask_along_z.any(axis=1), mask_along_z.any(axis=0))
    )

    def side(indices: NDArray[np.intp]) -> slice:
        return slice(max(0, int(indices[0]) - margin), int(indices[-1]) + margin + 1)

    return side(z), side(y), side(x)


def scatter(values: NDArray[Any], mask: Mask) -> NDArray[Any]:
    """Return an array with the given values inside a mask and 0 outside.

    Parameters
    ----------
    values : array, 1D
        One value per voxel of the mask, in the order of `array[mask]`.
    mask : bool array
        Gives the shape of the result.
    """
    result = np.zeros(mask.shape, dtype=values.dtype)
    result[mask] = values
    return result
