# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the sections of a map that the figures show, and the part of them around the molecule."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Box, Mask, Volume
from occupy_core.reporting.surface.map_surface import without_dust
from occupy_core.solvent.model import CONFIDENT

_MAX_SIDE = 64  # voxels of the grid on which the molecule is looked for
_MARGIN = 0.08  # around the molecule, on each side, relative to its longest side
_LARGE_AREA = 0.9  # of the largest area of a section: of the sections with more, the one nearest to the middle is cut


@dataclass(frozen=True)
class Cut:
    """Where a map is cut.

    Attributes
    ----------
    planes : three int
        Indices of the sections across z, y and x.
    window : three slices
        The part of the map that is shown, along z, y and x; voxels.
    """

    planes: Tuple[int, int, int]
    window: Box

    @property
    def longest(self) -> int:
        """Longest side of the window, voxels."""
        return max(part.stop - part.start for part in self.window)

    def section(self, volume: NDArray[Any], axis: int, step: int = 1) -> NDArray[Any]:
        """Cut a volume across an axis, and take every `step`-th pixel of the window; a view of the volume."""
        places: List[Any] = [slice(part.start, part.stop, step) for part in self.window]
        places[axis] = self.planes[axis]
        return volume[tuple(places)]


def middle_cut(shape: Sequence[int]) -> Cut:
    """Return the cut through the middle of a box, which shows all of it."""
    z, y, x = shape
    return Cut((z // 2, y // 2, x // 2), (slice(0, z), slice(0, y), slice(0, x)))


def cut_through_molecule(
    confidence: Volume, shape: Optional[Sequence[int]] = None, *, masks: Sequence[NDArray[Any]] = ()
) -> Cut:
    """Cut a map through the middle of its molecule, or through masks where these have the largest area.

    Parameters
    ----------
    confidence : float32 array, 3D
        Confidence, 0..1. The molecule is where it is above 0.5, without specks.
    shape : three int, optional
        Shape of the map, voxels, if the confidence lies on a coarser grid of the same box.
    masks : sequence of 3D arrays
        Masks, 0..1, on the grid of the map, such as target masks. The window shows them too.

    Returns
    -------
    Cut
        On the grid of the map. The middle of the box if there is neither molecule nor mask.
    """
    shape = tuple(shape or confidence.shape)
    step = math.ceil(max(shape) / _MAX_SIDE)
    inside = np.zeros(tuple(-(-side // step) for side in shape), dtype=bool)
    for mask in masks:
        inside |= mask[::step, ::step, ::step] > CONFIDENT
    molecule = _sampled(confidence, inside.shape, step, shape) > CONFIDENT
    if molecule.any():
        molecule = without_dust(molecule)
    shown = molecule | inside
    if not shown.any():
        return middle_cut(shape)
    z, y, x = _planes(inside if inside.any() else molecule, step, shape)
    return Cut((z, y, x), around(box_around(shown), step, shape))


def _sampled(values: Volume, sizes: Sequence[int], step: int, shape: Sequence[int]) -> Volume:
    """Take the voxels of a grid of the same box that are nearest to every `step`-th voxel of a map of a shape."""
    places = [
        np.minimum(np.arange(size) * step * side // full, side - 1)
        for size, side, full in zip(sizes, values.shape, shape)
    ]
    return values[np.ix_(*places)]


def _planes(mask: Mask, step: int, shape: Sequence[int]) -> List[int]:
    """Return, for each axis, the section in which the mask is large and which is nearest to the mask's middle."""
    planes = []
    for axis, side in enumerate(shape):
        areas = mask.sum(axis=tuple(other for other in range(3) if other != axis))
        middle = np.average(np.arange(len(areas)), weights=areas)
        large = np.flatnonzero(areas >= _LARGE_AREA * areas.max())
        planes.append(min(int(large[np.argmin(abs(large - middle))]) * step, side - 1))
    return planes


def around(box: Box, step: int, shape: Sequence[int]) -> Box:
    """Return a cube around a box with a margin, cut at the faces of the map.

    Parameters
    ----------
    box : three slices
        Box in voxels of a grid that has every `step`-th voxel of the map.
    step : int
    shape : three int
        Shape of the map, voxels.
    """
    longest = max(part.stop - part.start for part in box) * step
    side = math.ceil(longest * (1 + 2 * _MARGIN))
    z, y, x = (_around((part.start + part.stop) * step // 2, side, full) for part, full in zip(box, shape))
    return z, y, x


def _around(middle: int, side: int, full: int) -> slice:
    """Return a range of `side` voxels around a position, moved or cut so that it lies between 0 and `full`."""
    start = min(max(0, middle - side // 2), max(0, full - side))
    return slice(start, min(full, start + side))
