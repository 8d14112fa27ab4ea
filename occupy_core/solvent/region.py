# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to look for solvent, and where a map is flat and holds none."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.slabs import SECTIONS, cache_slabs, for_each, for_slabs
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError

LEAST_SOLVENT = 0.01  # of the voxels, for a model of the noise
_SOLVENT_SIDE = 0.9


def solvent_region(
    volume: Volume, flat: NDArray[np.bool_], definition: Optional[Volume] = None, *, threads: int = 1
) -> Tuple[NDArray[np.bool_], Tuple[str, ...]]:
    """Where to look for solvent: within the inscribed sphere, and where the map is not flat.

    Parameters
    ----------
    volume : float32 array, 3D
    flat : bool array of the same shape
        `flat_areas` of the map as read. Constant areas (outside the particle sphere of a RELION class map, outside a
        mask) hold no noise and are left out.
    definition : float32 array of the same shape, optional
        A solvent definition: the voxels above 0.9 or the others, whichever vary less, are solvent.
    threads : int

    Returns
    -------
    region : bool array of the same shape
    warnings : tuple of str

    Raises
    ------
    MapError
        If the definition has all voxels on one side.
    """
    region = inscribed(volume.shape, threads=threads)
    sphere = np.count_nonzero(region)
    if definition is not None:
        above = definition > _SOLVENT_SIDE
        sides = [region & above, region & ~above]
        if not all(side.any() for side in sides):
            raise MapError(
                f"found every voxel of the inscribed sphere {'above' if sides[0].any() else 'at or below'} "
                f"{_SOLVENT_SIDE}, expected solvent on one side and the molecule on the other"
            )
        region = min(sides, key=lambda side: float(volume[side].var(dtype=np.float64)))
    if flat.any():
        np.greater(region, flat, out=region)  # region and not flat
    if np.count_nonzero(region) < LEAST_SOLVENT * sphere:
        return region, ("the map has next to no solvent outside flat areas; the confidence is unreliable",)
    return region, ()


def flat_areas(volume: Volume, *, threads: int = 1) -> NDArray[np.bool_]:
    """Voxels in or beside constant areas: those within one voxel of a 3 x 3 x 3 box of one value."""
    result = np.empty(volume.shape, dtype=bool)

    def look(slab: slice) -> None:
        first = max(0, slab.start - 2)  # a voxel's own sections and two to both sides tell
        result[slab] = _flat_areas(volume[first : slab.stop + 2])[slab.start - first : slab.stop - first]

    for_slabs(len(volume), look, threads=threads, sections=2 * SECTIONS)
    return result


def _flat_areas(volume: Volume) -> NDArray[np.bool_]:
    # Any box has one of these lines in it, and most maps have no box.
    some = volume[_every_third(volume.shape[0])][:, _every_third(volume.shape[1])]
    if not _for_three(some[:, :, 1:] == some[:, :, :-1], 2).any():
        return np.zeros(volume.shape, dtype=bool)
    # A box is constant when its lines along x are, and their middles along y and z.
    flat = _for_three(volume[:, :, 1:] == volume[:, :, :-1], 2)
    for axis in (1, 0):
        along = np.moveaxis(volume, axis, 0)
        flat = _all_of_three(flat, axis)
        flat &= _for_three(np.moveaxis(along[1:] == along[:-1], 0, axis), axis)
    return any_within(flat, 1) if flat.any() else flat


def _every_third(length: int) -> NDArray[np.int_]:
    """Places that three in a row have one of, and two at either end too."""
    return np.append(np.arange(1, length - 1, 3), length - 1)


def _for_three(pairs: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Where both neighbours along an axis are as the voxel is, from what holds between each voxel and the next."""
    shape = list(pairs.shape)
    shape[axis] += 1
    result = np.ones(shape, dtype=bool)
    along = np.moveaxis(result, axis, 0)
    steps = np.moveaxis(pairs, axis, 0)
    along[:-1] &= steps
    along[1:] &= steps
    return result


def _all_of_three(values: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Where it holds for the voxel and both its neighbours along an axis."""
    result = values.copy()
    along, given = np.moveaxis(result, axis, 0), np.moveaxis(values, axis, 0)
    along[:-1] &= given[1:]
    along[1:] &= given[:-1]
    return result


def inscribed(shape: Tuple[int, ...], *, threads: int = 1) -> NDArray[np.bool_]:
    """The sphere inscribed in a box (an ellipsoid when it is not cubic), centred on voxel n // 2."""
    # Whole offsets from the centre, and how far from it they are, in halves of the side.
    offsets = [np.abs(np.arange(side) - side // 2) for side in shape]
    z, y, x = ((np.arange(side // 2 + 1) / (side / 2)) ** 2 for side in shape)
    reaches = np.empty((len(z), len(y)), dtype=np.int16)
    for along_z, of_section in zip(z, reaches):
        of_section[:] = np.count_nonzero(along_z + y[:, None] + x < 1, axis=1)
    result = np.empty(shape, dtype=bool)
    columns = offsets[2].astype(np.int16)

    def fill(slab: slice) -> None:
        np.less(columns, reaches[offsets[0][slab]][:, offsets[1], None], out=result[slab])

    for_each(cache_slabs(shape), fill, threads=threads)
    return result
