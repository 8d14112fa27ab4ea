# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarse grid, on which everything is computed that the low-pass leaves no detail of."""

from __future__ import annotations

import math
from typing import Iterator, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.maps import Volume

_STEP = 3.0  # Å


def coarse_step(voxel_size: float) -> int:
    """Every how many voxels of the map the coarse grid has one: a spacing of up to 3 Å."""
    return max(1, int(_STEP / voxel_size * (1 + 1e-6)))


def on_map_grid(values: Volume, shape: Sequence[int], *, spacing: float) -> Volume:
    """Values of the coarse grid on the map's, by linear interpolation.

    Parameters
    ----------
    values : float32 array, 3D
        On the coarse grid, whose voxel 0 is the map's.
    shape : three int
        Of the map, voxels.
    spacing : float
        Of the coarse grid, in voxels of the map.
    """
    result = np.empty(tuple(shape), dtype=np.float32)
    for section, found in zip(result, sections_on_map_grid(values, shape, spacing=spacing)):
        section[...] = found
    return result


def sections_on_map_grid(values: Volume, shape: Sequence[int], *, spacing: float) -> Iterator[Volume]:
    """`on_map_grid`, one section at a time."""
    places = [np.minimum(np.arange(side) / spacing, last - 1) for side, last in zip(shape, values.shape)]
    lower = [axis.astype(np.intp) for axis in places]
    upper = [np.minimum(axis + 1, last - 1) for axis, last in zip(lower, values.shape)]
    weights = [(place - axis).astype(np.float32) for place, axis in zip(places, lower)]
    for low, high, weight in zip(lower[0], upper[0], weights[0]):
        plane = values[low] + weight * (values[high] - values[low])
        plane = plane[lower[1]] + weights[1][:, None] * (plane[upper[1]] - plane[lower[1]])
        yield plane[:, lower[2]] + weights[2] * (plane[:, upper[2]] - plane[:, lower[2]])


def box_around(mask: NDArray[np.bool_], margin: int = 0) -> Tuple[slice, slice, slice]:
    """The smallest box that holds all of a mask, which is not empty, and up to `margin` voxels more on every side."""
    z, y, x = (np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))

    def side(found: NDArray[np.intp]) -> slice:
        return slice(max(0, int(found[0]) - margin), int(found[-1]) + margin + 1)

    return side(z), side(y), side(x)


def sigma_of(full_width: float) -> float:
    """Standard deviation of a Gaussian of this full width at half maximum."""
    return full_width / (2 * math.sqrt(2 * math.log(2)))
