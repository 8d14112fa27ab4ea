# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour the surface of a map by the occupancy of the parts of a fitted model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import distance_transform_edt

from occupy_core.modelling.model_occupancy import ModelOccupancy
from occupy_core.reporting.surface.map_surface import MapSurface

_REACH = 12.0  # Å from the nearest atom: farther density is no part of the model


def coloured_by_model(surface: MapSurface, result: ModelOccupancy, index: int) -> MapSurface:
    """Return a surface with the occupancy of the part whose atom is nearest at each voxel.

    Parameters
    ----------
    surface : MapSurface
        Surface of one of the maps that the model was fitted to.
    result : ModelOccupancy
        The model in these maps.
    index : int
        Index of the map in `result`.

    Returns
    -------
    MapSurface
        Values are NaN, which is drawn in grey, more than 12 Å from all atoms, and where the map does not show the part.
    """
    positions = result.positions_in(index)
    # A voxel of the surface is the mean of a block of voxels of the map, with its centre in the middle of the block.
    block = surface.spacing / result.grid.voxel_size
    offset = (block - 1) / 2 * result.grid.voxel_size
    voxels = np.round((positions - offset) / surface.spacing).astype(int) - np.array(surface.corner)
    shape = surface.density.shape
    inside = np.all((voxels >= 0) & (voxels < np.array(shape)), axis=1)
    of_atoms = np.full(len(positions), np.nan, dtype=np.float32)
    for group, occupancy in zip(result.groups, result.occupancies[index]):
        of_atoms[group.atoms] = occupancy.value
    at_atoms = np.full(shape, np.nan, dtype=np.float32)
    free = np.ones(shape, dtype=bool)
    places = tuple(voxels[inside].T)
    at_atoms[places], free[places] = of_atoms[inside], False
    if free.all():
        return replace(surface, values=at_atoms)
    distances, nearest = distance_transform_edt(free, sampling=surface.spacing, return_indices=True)
    values = at_atoms[tuple(nearest)]
    values[distances > _REACH] = np.nan
    return replace(surface, values=values)
