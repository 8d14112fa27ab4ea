# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarse grid, on which everything is computed that the low-pass leaves no detail of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterator, Sequence, Tuple, TypeVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core import fourier
from occupy_core.maps import Volume

_STEP, _RESAMPLED = 3.0, 2.5  # Å
_LARGE = 180  # voxels a side of the coarse grid: beyond, memory counts more
_WORTHWHILE = 0.9  # of the side of the box
_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True)
class CoarseGrid:
    """A grid whose voxel 0 is the map's.

    Attributes
    ----------
    shape : three int
    step : float
        Its spacing in voxels of the map; 1 or more.
    """

    shape: Tuple[int, ...]
    step: float

    def resampled(self, values: Volume, *, threads: int = 1) -> Volume:
        """A copy of a low-passed map on this grid, without what the grid is too coarse for."""
        if self._takes_every:
            return self.nearest(values).copy()
        return fourier.resize(values, self.shape, threads=threads)

    def nearest(self, values: NDArray[_Kind]) -> NDArray[_Kind]:
        """What has no meaning between voxels on this grid."""
        if not self._takes_every:
            return fourier.sampled(values, self.shape)
        every = slice(None, None, int(self.step))
        return values[every, every, every]

    @property
    def _takes_every(self) -> bool:
        """Whether every so many voxels of the map are the coarse grid's."""
        return self.step == int(self.step)


def coarse_grid(shape: Sequence[int], voxel_size: float) -> CoarseGrid:
    """The coarse grid for a map: a spacing of up to 3 Å.

    Every so many voxels of the map are taken. Where that would be all of them, in a box that is a cube, they are
    resampled to a spacing of up to 2.5 Å, or 3 Å in large boxes, if that leaves far less of them.
    """
    side, step = shape[0], max(1, int(_STEP / voxel_size * (1 + fourier.ROUNDING)))
    if step == 1 and len(set(shape)) == 1:
        length = side * voxel_size
        spacing = _RESAMPLED if length <= _LARGE * _RESAMPLED else _STEP
        coarse = int(scipy.fft.next_fast_len(math.ceil(length / spacing * (1 - fourier.ROUNDING))))
        if coarse <= _WORTHWHILE * side:
            return CoarseGrid((coarse,) * 3, side / coarse)
    return CoarseGrid(tuple(-(-side // step) for side in shape), step)


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
