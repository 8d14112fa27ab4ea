# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarse grid (about 3 Å): the low-pass leaves no finer detail, so calibration and comparison are computed on it.

Voxel 0 of the coarse grid lies on voxel 0 of the map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple, TypeVar

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.slabs import for_slabs
from occupy_core.arrays.types import Volume
from occupy_core.fourier.low_pass import low_pass, low_pass_in_two_boxes
from occupy_core.fourier.resize import sample_nearest
from occupy_core.fourier.transforms import ROUNDING

_MAX_SPACING = 3.0  # Å; fine enough for a low-pass of 8 Å
_RESAMPLED_SPACING = 2.5  # Å, for maps that are resampled in Fourier space
_LARGE_BOX = 180  # voxels a side of a grid of 2.5 Å: above this the spacing is 3 Å, to save memory
_WORTHWHILE = 0.9  # resample only if the side of the coarse grid is at most this share of the map's side
_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True)
class CoarseGrid:
    """The coarse grid of a map.

    Attributes
    ----------
    shape : three int
        Box of the coarse grid (z, y, x), voxels.
    step : float
        Spacing of the coarse grid in voxels of the map, 1 or more.
    """

    shape: Tuple[int, ...]
    step: float

    def nearest(self, values: NDArray[_Kind]) -> NDArray[_Kind]:
        """Take the nearest voxel of the map for each voxel of the coarse grid; for values that cannot be interpolated.

        The result may be a view of `values` (3D array of any type).
        """
        if not self._is_subset:
            return sample_nearest(values, self.shape)
        every = slice(None, None, int(self.step))
        return values[every, every, every]

    def low_passed(
        self,
        values: Volume,
        *,
        voxel_size: float,
        cutoff_angstrom: float,
        threads: int = 1,
        out: Optional[Volume] = None,
    ) -> Tuple[Volume, Volume]:
        """Low-pass a map as `low_pass` does; return it on its own grid, and on the coarse grid, in memory of its own.

        Detail too fine for the coarse grid is lost there.
        """
        if self._is_subset:
            lowpassed = low_pass(
                values, voxel_size=voxel_size, cutoff_angstrom=cutoff_angstrom, threads=threads, out=out
            )
            return lowpassed, self.nearest(lowpassed).copy()
        return low_pass_in_two_boxes(
            values, self.shape, voxel_size=voxel_size, cutoff_angstrom=cutoff_angstrom, threads=threads, out=out
        )

    @property
    def _is_subset(self) -> bool:
        """Whether the coarse grid consists of every n-th voxel of the map."""
        return self.step == int(self.step)


def coarse_grid(shape: Sequence[int], voxel_size: float) -> CoarseGrid:
    """Choose the coarse grid for a map.

    Parameters
    ----------
    shape : three int
        Box of the map (z, y, x), voxels.
    voxel_size : float
        Edge of a voxel of the map, Å.

    Returns
    -------
    CoarseGrid
        Every n-th voxel of the map, with the largest n that gives at most 3 Å. For n = 1 and a cubic box: a resampled
        grid with a spacing of up to 2.5 Å, or 3 Å in large boxes, if it has far fewer voxels than the map.
    """
    side, step = shape[0], max(1, int(_MAX_SPACING / voxel_size * (1 + ROUNDING)))
    if step == 1 and len(set(shape)) == 1:
        length = side * voxel_size
        spacing = _RESAMPLED_SPACING if length <= _LARGE_BOX * _RESAMPLED_SPACING else _MAX_SPACING
        coarse_side = int(scipy.fft.next_fast_len(math.ceil(length / spacing * (1 - ROUNDING))))
        if coarse_side <= _WORTHWHILE * side:
            return CoarseGrid((coarse_side,) * 3, side / coarse_side)
    return CoarseGrid(tuple(-(-side // step) for side in shape), step)


def interpolate_on_map_grid(values: Volume, shape: Sequence[int], *, spacing: float) -> Volume:
    """Interpolate values of the coarse grid linearly on the map's grid.

    Parameters
    ----------
    values : float32 array, 3D
        Values on the coarse grid.
    shape : three int
        Box of the map (z, y, x), voxels.
    spacing : float
        Spacing of the coarse grid in voxels of the map: `CoarseGrid.step`.

    Returns
    -------
    float32 array of the shape of the map. Beyond the last voxel of the coarse grid its value is repeated.
    """
    axes = _axes(values.shape, shape, spacing)
    result = np.empty(tuple(shape), dtype=np.float32)
    for index, section in enumerate(result):
        section[...] = _interpolated_section(values, axes, index)
    return result


def add_interpolated(values: Volume, change: Volume, *, spacing: float, threads: int = 1) -> None:
    """Interpolate a change from the coarse grid and add it to a map, in place.

    The interpolation is linear, as in `interpolate_on_map_grid`. Voxels far from any change are not computed.

    Parameters
    ----------
    values : float32 array, 3D
        The map; overwritten.
    change : float32 array, 3D
        The change on the coarse grid.
    spacing : float
        Spacing of the coarse grid in voxels of the map: `CoarseGrid.step`.
    threads : int
        Number of threads; the result does not depend on it.
    """
    changed = change != 0
    if not changed.any():
        return
    map_axes = _axes(change.shape, values.shape, spacing)
    axes = [_axis_near(axis, part) for axis, part in zip(map_axes, box_around(changed))]
    z, y, x = (slice(axis.first, axis.first + len(axis.lower)) for axis in axes)
    affected = values[z, y, x]

    def add(slab: slice) -> None:
        for index in range(slab.start, slab.stop):
            affected[index] += _interpolated_section(change, axes, index)

    for_slabs(len(affected), add, threads=threads)


@dataclass(frozen=True)
class _Axis:
    """Linear interpolation along one axis, for consecutive voxels of the map.

    Attributes
    ----------
    lower, upper : int arrays, 1D
        Index on the coarse grid of the neighbours below and above each voxel.
    weight : float32 array, 1D
        Weight of the upper neighbour, 0..1.
    first : int
        Index on the map's grid of the first voxel.
    """

    lower: NDArray[np.intp]
    upper: NDArray[np.intp]
    weight: NDArray[np.float32]
    first: int = 0


def _axes(coarse_shape: Sequence[int], shape: Sequence[int], spacing: float) -> List[_Axis]:
    """Compute the interpolation along each axis, for all voxels of the map."""
    axes = []
    for side, coarse_side in zip(shape, coarse_shape):
        positions = np.minimum(np.arange(side) / spacing, coarse_side - 1)
        lower = positions.astype(np.intp)
        axes.append(_Axis(lower, np.minimum(lower + 1, coarse_side - 1), (positions - lower).astype(np.float32)))
    return axes


def _axis_near(axis: _Axis, part: slice) -> _Axis:
    """Restrict an axis to the voxels of the map that have a neighbour in a part of the coarse grid."""
    near = np.flatnonzero((axis.upper >= part.start) & (axis.lower < part.stop))
    chosen = slice(int(near[0]), int(near[-1]) + 1)
    return _Axis(axis.lower[chosen], axis.upper[chosen], axis.weight[chosen], chosen.start)


def _interpolated_section(values: Volume, axes: Sequence[_Axis], index: int) -> Volume:
    """Interpolate one section of the map; `index` counts from the first voxel of the z axis."""
    z, y, x = axes
    low, high = z.lower[index], z.upper[index]
    plane = values[low] + z.weight[index] * (values[high] - values[low])
    plane = plane[y.lower] + y.weight[:, None] * (plane[y.upper] - plane[y.lower])
    section: Volume = plane[:, x.lower] + x.weight * (plane[:, x.upper] - plane[:, x.lower])
    return section
