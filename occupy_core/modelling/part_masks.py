# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft masks around parts of a model, by the exact distance of each voxel to the nearest atom."""

from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.types import Volume
from occupy_core.comparing.region_masks import SOFT_EDGE, soften
from occupy_core.estimate.coarse_grid import interpolate_on_map_grid
from occupy_core.modelling.atoms.groups import Group
from occupy_core.modelling.fit.frame import positions_in_map
from occupy_core.modelling.model_occupancy import ModelOccupancy

# Å from the atoms to the middle of a mask's soft edge. Ours: at 8 Å the density of the atoms has faded there.
MASK_REACH = 6.0
_FARTHEST = MASK_REACH + SOFT_EDGE / 2
# Å: voxels are thinned to about this spacing where the depth below the surface is measured. Ours.
_DEPTH_SPACING = 2.0


def mask_of_part(result: ModelOccupancy, group: Group) -> Volume:
    """Return a soft mask around the atoms of a part: float32 array, 3D, 0..1, on the grid of the maps.

    It lies where a single map shows the part; for several maps, which may lie in different poses, where the model lies.
    """
    positions = positions_in_map(result.model, result.frame, result.grid)[group.atoms]
    if len(result.motions) == 1:
        positions = result.motions[0].places(positions)
    return mask_around(positions, result.grid.shape, result.grid.voxel_size)


def mask_around(positions: NDArray[np.float64], shape: Sequence[int], voxel_size: float) -> Volume:
    """Make a soft mask around atoms.

    Parameters
    ----------
    positions : float64 array (atoms, 3)
        z, y, x, Å from the centre of voxel 0; atoms outside the box count too.
    shape : three int
        Box of the map (z, y, x), voxels.
    voxel_size : float
        Edge of a voxel, Å.

    Returns
    -------
    float32 array of `shape`
        0..1: 0.5 at 6 Å from the nearest atom, with a raised cosine of 8 Å across, whatever the voxel size. Gaps
        between atoms that lie deeper than its edge are filled.
    """
    mask = np.zeros(tuple(shape), np.float32)
    box, distance = _distance_near(positions, shape, voxel_size)
    if distance.size == 0:
        return mask
    _fill_gaps(distance, voxel_size)
    part = mask[box]
    np.subtract(distance, np.float32(MASK_REACH), out=part)
    soften(part, SOFT_EDGE / 2)
    return mask


def _distance_near(
    positions: NDArray[np.float64], shape: Sequence[int], voxel_size: float
) -> Tuple[Tuple[slice, ...], Volume]:
    """Return the part of the box that atoms reach, and its distances to the nearest atom, Å, at most 10."""
    reach = _FARTHEST / voxel_size
    last = np.array(shape) - 1.0
    centres = positions / voxel_size
    centres = centres[np.all((centres > -reach) & (centres < last + reach), axis=1)]
    if not len(centres):
        return (slice(0),) * 3, np.empty((0, 0, 0), np.float32)
    low = np.clip(np.ceil(centres - reach), 0, None).astype(int)
    high = (np.clip(np.floor(centres + reach), None, last) + 1).astype(int)
    first, end = low.min(axis=0), high.max(axis=0)
    squares = np.full(tuple(end - first), reach**2, np.float32)
    for centre, start, stop in zip(centres, low - first, high - first):
        z, y, x = (
            (np.arange(begin, finish) + (offset - place)).astype(np.float32) ** 2
            for begin, finish, offset, place in zip(start, stop, first, centre)
        )
        near = squares[start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]]
        np.minimum(near, (z[:, None] + y)[:, :, None] + x, out=near)
    np.sqrt(squares, out=squares)
    squares *= np.float32(voxel_size)
    return tuple(slice(int(begin), int(finish)) for begin, finish in zip(first, end)), squares


def _fill_gaps(distance: Volume, voxel_size: float) -> None:
    """Lower the distance, in place, where a voxel lies deeper below the mask's surface than it lies near an atom."""
    every = max(1, int(_DEPTH_SPACING / voxel_size))
    spacing = every * voxel_size
    inside = np.pad(distance[::every, ::every, ::every] < MASK_REACH, 1)
    # The surface lies up to half of a voxel's diagonal, and interpolation blurs it, before the nearest voxel outside.
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)[1:-1, 1:-1, 1:-1] - spacing
    if depth.max() <= 0:
        return
    filled = interpolate_on_map_grid(depth.astype(np.float32), distance.shape, spacing=float(every))
    np.subtract(np.float32(MASK_REACH), filled, out=filled)
    np.minimum(distance, filled, out=distance, where=filled < MASK_REACH)
