# SPDX-License-Identifier: GPL-3.0-or-later
"""The solvent region of a map, and its flat areas (constant voxels), which hold no solvent noise."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.neighbours import any_within
from occupy_core.arrays.slabs import SECTIONS_PER_SLAB, cache_slabs, for_each, for_slabs
from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError

# A model of the solvent's noise needs at least this share of the voxels (of the inscribed sphere, or of the box).
MIN_SOLVENT_SHARE = 0.01
# A solvent definition divides the voxels into two groups at this value (as published); one group is solvent.
DEFINITION_THRESHOLD = 0.9


def solvent_region(
    volume: Volume, flat: NDArray[np.bool_], definition: Optional[Volume] = None, *, threads: int = 1
) -> Tuple[NDArray[np.bool_], Tuple[str, ...]]:
    """Find the voxels that may be solvent: inside the inscribed sphere and outside flat areas.

    Parameters
    ----------
    volume : float32 array, 3D
        The map.
    flat : bool array of the shape of `volume`
        Flat areas of the map as read, from `flat_areas`. Constant voxels (outside the particle sphere of a RELION
        class map, outside a mask) hold no noise and are left out.
    definition : float32 array of the shape of `volume`, optional
        A solvent definition. Its voxels above 0.9 are one side, all others the other side; the side where the map
        varies less is solvent.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    region : bool array of the shape of `volume`
    warnings : tuple of str
        A warning when the region holds less than 1 % of the sphere's voxels.

    Raises
    ------
    MapError
        If all voxels of the inscribed sphere lie on one side of the definition.
    """
    region = inscribed_sphere(volume.shape, threads=threads)
    sphere_voxels = np.count_nonzero(region)
    if definition is not None:
        above = definition > DEFINITION_THRESHOLD
        sides = [region & above, region & ~above]
        if not all(side.any() for side in sides):
            raise MapError(
                f"found every voxel of the inscribed sphere {'above' if sides[0].any() else 'at or below'} "
                f"{DEFINITION_THRESHOLD}, expected a solvent definition with the molecule on one side of this value "
                "and solvent on the other"
            )
        region = min(sides, key=lambda side: float(volume[side].var(dtype=np.float64)))
    if flat.any():
        np.greater(region, flat, out=region)  # region and not flat
    if np.count_nonzero(region) < MIN_SOLVENT_SHARE * sphere_voxels:
        return region, ("the map has almost no solvent outside flat areas; the confidence is unreliable",)
    return region, ()


def flat_areas(volume: Volume, *, threads: int = 1) -> NDArray[np.bool_]:
    """Find flat areas: all voxels of any constant box of 3 x 3 x 3 voxels, and their direct neighbours.

    Parameters
    ----------
    volume : float32 array, 3D
        The map as read; after a change of box constant voxels are no longer constant.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    bool array of the shape of `volume`: true within one voxel, along every axis, of the middle of a constant box.
    """
    result = np.empty(volume.shape, dtype=bool)

    def search(slab: slice) -> None:
        first = max(0, slab.start - 2)  # the result of a section depends on two sections to both sides
        result[slab] = _flat_areas(volume[first : slab.stop + 2])[slab.start - first : slab.stop - first]

    for_slabs(len(volume), search, threads=threads, sections=2 * SECTIONS_PER_SLAB)
    return result


def _flat_areas(volume: Volume) -> NDArray[np.bool_]:
    """Find flat areas as `flat_areas` does, in one thread."""
    # Most maps have no constant box. Every constant box contains one of these lines along x, so check only them first.
    lines = volume[_every_third(volume.shape[0])][:, _every_third(volume.shape[1])]
    if not _equal_to_both_neighbours(lines[:, :, 1:] == lines[:, :, :-1], 2).any():
        return np.zeros(volume.shape, dtype=bool)
    # A box is constant when each of its lines along x is constant, and so is its middle line along y and along z.
    flat = _equal_to_both_neighbours(volume[:, :, 1:] == volume[:, :, :-1], 2)
    for axis in (1, 0):
        along = np.moveaxis(volume, axis, 0)
        flat = _and_both_neighbours(flat, axis)
        flat &= _equal_to_both_neighbours(np.moveaxis(along[1:] == along[:-1], 0, axis), axis)
    return any_within(flat, 1) if flat.any() else flat


def _every_third(length: int) -> NDArray[np.int_]:
    """Return every third index, from 1, and the last: each run of three indices, and of two at an end, contains one."""
    return np.append(np.arange(1, length - 1, 3), length - 1)


def _equal_to_both_neighbours(pairs: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Find the voxels that equal both neighbours along an axis; a neighbour outside the box counts as equal.

    `pairs` holds, for each voxel but the last of the axis, whether it equals the next one.
    """
    shape = list(pairs.shape)
    shape[axis] += 1
    result = np.ones(shape, dtype=bool)
    along = np.moveaxis(result, axis, 0)
    pairs_along = np.moveaxis(pairs, axis, 0)
    along[:-1] &= pairs_along
    along[1:] &= pairs_along
    return result


def _and_both_neighbours(mask: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """Find the voxels where a mask is true for the voxel and for both neighbours along an axis.

    A neighbour outside the box counts as true.
    """
    result = mask.copy()
    along, mask_along = np.moveaxis(result, axis, 0), np.moveaxis(mask, axis, 0)
    along[:-1] &= mask_along[1:]
    along[1:] &= mask_along[:-1]
    return result


def inscribed_sphere(shape: Tuple[int, ...], *, threads: int = 1) -> NDArray[np.bool_]:
    """Compute the mask of the sphere inscribed in a box.

    Parameters
    ----------
    shape : three int
        The box (z, y, x), voxels. In a box that is not cubic the mask is an ellipsoid.
    threads : int
        Number of threads; the result does not depend on it.

    Returns
    -------
    bool array of this shape: true inside the sphere, which is centred on voxel n // 2 of each axis.
    """
    # Distance of each voxel from the centre along its axis, in voxels; squared below, in units of half the side.
    distances = [np.abs(np.arange(side) - side // 2) for side in shape]
    z, y, x = ((np.arange(side // 2 + 1) / (side / 2)) ** 2 for side in shape)
    # For each distance in z and in y: the number of distances in x that lie inside the sphere.
    x_counts = np.empty((len(z), len(y)), dtype=np.int16)
    for z_squared, section_counts in zip(z, x_counts):
        section_counts[:] = np.count_nonzero(z_squared + y[:, None] + x < 1, axis=1)
    result = np.empty(shape, dtype=bool)
    x_distances = distances[2].astype(np.int16)

    def fill(slab: slice) -> None:
        np.less(x_distances, x_counts[distances[0][slab]][:, distances[1], None], out=result[slab])

    for_each(cache_slabs(shape), fill, threads=threads)
    return result
