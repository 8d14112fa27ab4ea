# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell a mask around a part of the molecule, in which a focused classification was done, from one around all of it.

Ours, not in the published program. A classification within a mask leaves nothing outside the mask in its class maps: a
mask around a part leaves no part that is the same in all classes.
"""

from __future__ import annotations

from typing import Sequence

import numpy as np
from scipy import ndimage

from occupy_core.comparing.class_data import ClassData
from occupy_core.comparing.limits import MIN_RELATIVE_DENSITY
from occupy_core.errors import MapError
from occupy_core.estimate.coarse_grid import CoarseGrid
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import read_map

# A voxel is in the mask where the mask exceeds this value.
_INSIDE = 0.5

# Share of the mask's border at which a map is dense, above which the mask cuts through the molecule. A mask around the
# whole molecule lies in solvent. Our choice.
_MAX_DENSE_BORDER = 0.25


def is_focused(path: str, grid: MapGrid, classes: Sequence[ClassData], spacing: float) -> bool:
    """Return whether a mask cuts through the molecule, as that of a focused classification does.

    Parameters
    ----------
    path : str
        The mask that the classification was done in.
    grid : MapGrid
        Grid of the maps.
    classes : sequence of ClassData
    spacing : float
        Spacing of the coarse grid, in voxels of the maps.

    Returns
    -------
    bool
        False for a mask around the whole molecule.

    Raises
    ------
    MapError
        If the mask cannot be read, or does not lie on the maps' grid.
    """
    mask = read_map(path, voxel_size=grid.voxel_size)
    if mask.data.shape != grid.shape:
        raise MapError(f"{path}: has a box of {mask.data.shape}, expected {grid.shape} as the class maps have")
    density = np.maximum.reduce([item.density.load() for item in classes])
    inside = CoarseGrid(density.shape, spacing).nearest(mask.data) > _INSIDE
    border = inside & ~ndimage.binary_erosion(inside)
    if not border.any():
        return False
    least = MIN_RELATIVE_DENSITY * np.percentile(density[inside], 95)
    return float((density[border] > least).mean()) > _MAX_DENSE_BORDER
