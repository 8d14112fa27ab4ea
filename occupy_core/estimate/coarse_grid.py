# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarse grid, on which everything is computed that the low-pass leaves no detail of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Sequence, Tuple, TypeVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import Volume
from occupy_core.fourier.resize import resize, sample_nearest
from occupy_core.fourier.transforms import ROUNDING

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
        return resize(values, self.shape, threads=threads)

    def nearest(self, values: NDArray[_Kind]) -> NDArray[_Kind]:
        """What has no meaning between voxels on this grid."""
        if not self._takes_every:
            return sample_nearest(values, self.shape)
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
    side, step = shape[0], max(1, int(_STEP / voxel_size * (1 + ROUNDING)))
    if step == 1 and len(set(shape)) == 1:
        length = side * voxel_size
        spacing = _RESAMPLED if length <= _LARGE * _RESAMPLED else _STEP
        coarse = int(scipy.fft.next_fast_len(math.ceil(length / spacing * (1 - ROUNDING))))
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
    axes = _axes(values.shape, shape, spacing)
    result = np.empty(tuple(shape), dtype=np.float32)
    for place, section in enumerate(result):
        section[...] = _section(values, axes, place)
    return result


def add_on_map_grid(values: Volume, change: Volume, *, spacing: float, threads: int = 1) -> None:
    """Add what is known on the coarse grid to a map, in place: as `on_map_grid` gives it, and only where it is not 0.

    Parameters
    ----------
    values : float32 array, 3D
        The map.
    change : float32 array, 3D
        On the coarse grid.
    spacing : float
        As of `on_map_grid`.
    threads : int
    """
    changes = change != 0
    if not changes.any():
        return
    axes = [_reading(axis, part) for axis, part in zip(_axes(change.shape, values.shape, spacing), box_around(changes))]
    z, y, x = (slice(axis.first, axis.first + len(axis.lower)) for axis in axes)
    reached = values[z, y, x]

    def add(slab: slice) -> None:
        for place in range(slab.start, slab.stop):
            reached[place] += _section(change, axes, place)

    for_slabs(len(reached), add, threads=threads)


@dataclass(frozen=True)
class _Axis:
    """What lies below and above voxels of the map in a row, and how far off the lower they are; the first voxel."""

    lower: NDArray[np.intp]
    upper: NDArray[np.intp]
    weight: NDArray[np.float32]
    first: int = 0


def _axes(coarse: Sequence[int], shape: Sequence[int], spacing: float) -> List[_Axis]:
    axes = []
    for side, last in zip(shape, coarse):
        places = np.minimum(np.arange(side) / spacing, last - 1)
        lower = places.astype(np.intp)
        axes.append(_Axis(lower, np.minimum(lower + 1, last - 1), (places - lower).astype(np.float32)))
    return axes


def _reading(axis: _Axis, part: slice) -> _Axis:
    """The voxels of an axis that read something of a part of the coarse grid."""
    reads = np.flatnonzero((axis.upper >= part.start) & (axis.lower < part.stop))
    chosen = slice(int(reads[0]), int(reads[-1]) + 1)
    return _Axis(axis.lower[chosen], axis.upper[chosen], axis.weight[chosen], chosen.start)


def _section(values: Volume, axes: Sequence[_Axis], place: int) -> Volume:
    z, y, x = axes
    low, high = z.lower[place], z.upper[place]
    plane = values[low] + z.weight[place] * (values[high] - values[low])
    plane = plane[y.lower] + y.weight[:, None] * (plane[y.upper] - plane[y.lower])
    section: Volume = plane[:, x.lower] + x.weight * (plane[:, x.upper] - plane[:, x.lower])
    return section
