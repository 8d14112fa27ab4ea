# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a map that a 3D view shows: small, without dust, cropped to the molecule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from typing import List, Optional, Sequence, Tuple

import numpy as np

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.fast_scipy import label_parts
from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import Mask, Volume

_MAX_SIDE = 128  # voxels; larger maps are averaged to fewer voxels
_DUST = 0.02  # of the volume of the largest connected part: smaller parts are not shown
_BELOW_SURFACE = np.float32(0.99)


@dataclass(frozen=True)
class MapSurface:
    """A surface and the values that colour it.

    Attributes
    ----------
    density : float32 array, 3D
        Density divided by the surface level: 1 at the surface, less than 1 at the faces of the box.
    values : float32 array, 3D
        Values from 0 to 1 on the same grid, for the colours; NaN is grey.
    spacing : float
        Edge of a voxel, Å.
    corner : three int
        Voxel (z, y, x) of the whole map, in voxels of this grid, that the first voxel is; it may be -1.
    """

    density: Volume
    values: Volume
    spacing: float
    corner: Tuple[int, int, int] = (0, 0, 0)


def map_surface(
    density: Volume, values: Volume, level: float, *, voxel_size: float, threads: int = 1
) -> Optional[MapSurface]:
    """Take from a map what a 3D view of its surface shows.

    Parts with less than 2 % of the volume of the largest one are left out.

    Parameters
    ----------
    density : float32 array, 3D
        The map.
    values : float32 array, 3D
        Values from 0 to 1, for the colours, on the grid of the map.
    level : float
        Density at the surface; above 0.
    voxel_size : float
        Edge of a voxel of the map, Å.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    MapSurface or None
        None if the map lies below the level everywhere.
    """
    if not level > 0:
        return None
    step = step_of(density.shape)
    averages = averaged(density, step, threads=threads)
    averages /= np.float32(level)
    inside = averages >= 1
    if not inside.any():
        return None
    shown = without_dust(inside)
    np.minimum(averages, _BELOW_SURFACE, out=averages, where=inside & ~shown)
    box = box_around(shown)
    middle = step // 2
    z, y, x = (max(0, part.start - 1) - 1 for part in box)
    colours = values[middle::step, middle::step, middle::step]
    density, coloured = cut_with_margin(averages, box), cut_with_margin(colours, box, mode="edge")
    return MapSurface(density, coloured, voxel_size * step, (z, y, x))


def averaged(volume: Volume, step: int, *, threads: int = 1) -> Volume:
    """Return the averages of blocks of `step` voxels a side; voxels beyond the last whole block are left out.

    Parameters
    ----------
    volume : float32 array, 3D
    step : int
        Edge of a block, voxels.
    threads : int
        Number of threads; the result does not depend on it.
    """
    if step == 1:
        return np.array(volume, dtype=np.float32)
    shape = tuple(side // step for side in volume.shape)
    result = np.empty(shape, dtype=np.float32)
    _, height, width = (side * step for side in shape)

    def average(slab: slice) -> None:
        total: Volume = volume[slab.start * step : slab.stop * step, :height, :width]
        for axis in range(3):
            parts = [total[(slice(None),) * axis + (slice(first, None, step),)] for first in range(step)]
            total = reduce(np.add, parts)
        np.multiply(total, np.float32(step**-3), out=result[slab])

    for_slabs(shape[0], average, threads=threads, sections=1)
    return result


def without_dust(mask: Mask) -> Mask:
    """Return the connected parts of a mask that have at least 2 % of the volume of the largest one."""
    labels, count = label_parts(mask)
    sizes = np.bincount(labels.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    chosen: Mask = (sizes >= max(1.0, _DUST * sizes.max()))[labels]
    return chosen


def step_of(shape: Sequence[int]) -> int:
    """Return the edge in voxels of the blocks that are averaged to one voxel of a 3D view, for a map of a shape."""
    return math.ceil(max(shape) / _MAX_SIDE)


def cut_with_margin(volume: Volume, box: Sequence[slice], *, mode: str = "constant") -> Volume:
    """Cut a box out of a volume, with one voxel around it, and pad that by another one: a face below the surface."""
    wider: List[slice] = [slice(max(0, part.start - 1), part.stop + 1) for part in box]
    cut = volume[tuple(wider)]
    return np.pad(cut, 1, mode=mode)  # type: ignore[call-overload]
