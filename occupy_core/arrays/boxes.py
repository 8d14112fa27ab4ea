# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes around masks, and values at the voxels of a mask."""

from __future__ import annotations

from typing import Any, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Mask


def box_around(mask: NDArray[np.bool_], margin: int = 0) -> Tuple[slice, slice, slice]:
    """The smallest box that holds all of a mask, which is not empty, and up to `margin` voxels more on every side."""
    shadow = mask.any(axis=0)
    z, y, x = (np.flatnonzero(found) for found in (mask.any(axis=(1, 2)), shadow.any(axis=1), shadow.any(axis=0)))

    def side(found: NDArray[np.intp]) -> slice:
        return slice(max(0, int(found[0]) - margin), int(found[-1]) + margin + 1)

    return side(z), side(y), side(x)


def scatter(values: NDArray[Any], molecule: Mask) -> NDArray[Any]:
    """A 3D array with these values at the voxels of the molecule, 0 elsewhere."""
    result = np.zeros(molecule.shape, dtype=values.dtype)
    result[molecule] = values
    return result
