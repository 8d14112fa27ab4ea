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
from occupy_core.comparing.limits import RELIABLE_DENSITY
from occupy_core.errors import MapError
from occupy_core.estimate.coarse_grid import CoarseGrid
from occupy_core.maps.grid import MapGrid
from occupy_core.maps.reading import read_map

# A voxel is in the mask where the mask exceeds this value.
_INSIDE = 0.5

# Largest connected dense patch of a mask's border, as a share of the border, above which the mask cuts through the
# molecule. It was 0.02 and more in masks around chains of six complexes, which often touch the rest at a small part of
# their surface, and at most 0.005 in masks that reach 3 Å and more beyond the whole molecule. Our choice.
_MAX_DENSE_PATCH = 0.01


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
    dense = border & (density > RELIABLE_DENSITY * np.percentile(density[inside], 95))
    patches, count = ndimage.label(dense, np.ones((3, 3, 3)))
    return count > 0 and int(np.bincount(patches.ravel())[1:].max()) > _MAX_DENSE_PATCH * int(border.sum())
