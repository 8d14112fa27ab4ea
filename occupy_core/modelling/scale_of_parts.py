# SPDX-License-Identifier: GPL-3.0-or-later
"""The local scale at the atoms of a model's parts."""

from __future__ import annotations

from typing import List, Optional

import numpy as np

from occupy_core.arrays.types import Volume
from occupy_core.modelling.model_occupancy import ModelOccupancy


def scale_of_parts(scale: Volume, result: ModelOccupancy, index: int) -> List[Optional[float]]:
    """Return the median local scale of the voxels that hold the atoms of each part.

    Parameters
    ----------
    scale : float32 array, 3D
        Local scale of a map, 0..1, on the grid of the maps; may be memory-mapped.
    result : ModelOccupancy
        The model in these maps.
    index : int
        Index of the map in `result`.

    Returns
    -------
    list of float or None
        One for each group, 0..1; None for a group without an atom in the box.
    """
    positions = result.positions_in(index)
    voxels = np.round(positions / result.grid.voxel_size).astype(int)
    inside = np.all((voxels >= 0) & (voxels < np.array(scale.shape)), axis=1)
    medians: List[Optional[float]] = []
    for group in result.groups:
        atoms = group.atoms[inside[group.atoms]]
        # A voxel with several atoms counts once.
        held = np.unique(voxels[atoms], axis=0)
        medians.append(float(np.median(scale[tuple(held.T)])) if len(held) else None)
    return medians
