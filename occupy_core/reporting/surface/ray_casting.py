# SPDX-License-Identifier: GPL-3.0-or-later
"""Cast parallel rays along an axis of a volume, and find where each ray first meets the surface.

Volumes here have the surface at the value 1 and lie as the viewer sees them: axis 0 points away from the viewer, rows
run upwards, columns to the right.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, List, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Image, Volume

# Axes of an array (z, y, x) in the order (depth, rows, columns), and whether the viewer stands at the far end of the
# axis, so that what the viewer sees is not mirrored: x to the right and y upwards for a viewer at the far end of z.
_VIEWS = {0: ((0, 1, 2), True), 1: ((1, 0, 2), False), 2: ((2, 0, 1), True)}
# From the object to the light, at the viewer's left shoulder: (depth, rows, columns).
_LIGHT = (-0.80, 0.47, -0.37)


@dataclass(frozen=True)
class Hits:
    """Where rays first meet a surface.

    Attributes
    ----------
    shape : two int
        Rows and columns of the picture, pixels.
    pixels : int array, 1D
        Flat index of each pixel whose ray meets the surface.
    depth : float32 array, 1D
        Distance of each of these places from the first section, voxels.
    rows, columns : float32 arrays, 1D
        Position of each of these pixels, voxels.
    """

    shape: Tuple[int, int]
    pixels: NDArray[np.intp]
    depth: NDArray[np.float32]
    rows: NDArray[np.float32]
    columns: NDArray[np.float32]

    def image(self, values: NDArray[Any], empty: float = 0.0) -> Image:
        """Return a picture with a value for each hit, and `empty` where a ray meets nothing."""
        picture = np.full(self.shape, empty, dtype=np.float32)
        picture.reshape(-1)[self.pixels] = values
        return picture


def seen_along(volume: Volume, axis: int) -> Volume:
    """Turn a volume (z, y, x) so that its axis points away from the viewer; a view of the array.

    The x axis runs to the right and the y or z axis upwards, for axis 2 (x) the y axis to the right.
    """
    order, from_far_end = _VIEWS[axis]
    turned = volume.transpose(order)
    return turned[::-1] if from_far_end else turned


def cast_rays(volume: Volume, zoom: float) -> Hits:
    """Find where rays first meet the surface: refined between voxels by linear interpolation.

    Parameters
    ----------
    volume : float32 array, 3D
        Values, 1 at the surface; below 1 at all faces of the box.
    zoom : float
        Pixels per voxel.
    """
    inside = volume >= 1
    hit = inside.any(axis=0)
    first = np.where(hit, inside.argmax(axis=0), len(volume))
    last = np.where(hit, len(volume) - 1 - inside[::-1].argmax(axis=0), 0)
    rows, columns = (_positions(side, zoom) for side in volume.shape[1:])
    shape = (len(rows), len(columns))
    near = np.ix_(rows.astype(np.intp), columns.astype(np.intp))
    first, last = _of_four(np.minimum, first)[near].reshape(-1), _of_four(np.maximum, last)[near].reshape(-1)
    waiting = np.flatnonzero(first < len(volume))
    section, last = first[waiting] - 1, last[waiting]
    sampler = _Sampler(volume, rows[waiting // shape[1]], columns[waiting % shape[1]])
    before = sampler.values(section)
    found: List[Tuple[NDArray[Any], NDArray[Any]]] = []
    while waiting.size:
        after = sampler.values(section + 1)
        hit = np.flatnonzero(after >= 1)
        share = (1 - before[hit]) / (after[hit] - before[hit])
        found.append((waiting[hit], section[hit] + share))
        going_on = section < last
        going_on[hit] = False
        remaining = np.flatnonzero(going_on)
        waiting, section, last = (item[remaining] for item in (waiting, section + 1, last))
        before = after[remaining]
        sampler = sampler.of(remaining)
    pixels, depths = (np.concatenate(item) for item in zip(*found)) if found else (waiting, section)
    in_rows, in_columns = rows[pixels // shape[1]], columns[pixels % shape[1]]
    return Hits(shape, pixels, depths.astype(np.float32), in_rows, in_columns)


def sample(volume: Volume, hits: Hits, *, deeper: float = 0.0) -> NDArray[np.float32]:
    """Interpolate a volume linearly at the hits.

    Parameters
    ----------
    volume : array, 3D
        Of the shape of the volume that the rays were cast through.
    hits : Hits
    deeper : float
        Distance to go on along the ray behind the surface, voxels.
    """
    depth = np.minimum(hits.depth + np.float32(deeper), np.float32(len(volume) - 1.001))
    section = depth.astype(np.intp)
    sampler = _Sampler(volume, hits.rows, hits.columns)
    lower = sampler.values(section)
    return lower + (depth - section) * (sampler.values(section + 1) - lower)


def lighting(volume: Volume) -> Volume:
    """Return the cosine of the angle between the surface's normal and the direction of the light, at each voxel."""
    slopes = np.gradient(volume)
    total = sum(slope * np.float32(part) for slope, part in zip(slopes, _LIGHT))
    length = np.sqrt(sum(slope * slope for slope in slopes))
    return -total / np.maximum(length, np.float32(1e-20))


class _Sampler:
    """Interpolates sections of a volume at fixed positions (rows, columns)."""

    def __init__(self, volume: Volume, rows: NDArray[np.float32], columns: NDArray[np.float32]) -> None:
        _, height, self._width = volume.shape
        self._values, self._area = np.ascontiguousarray(volume).reshape(-1), height * self._width
        row, column = rows.astype(np.intp), columns.astype(np.intp)
        self._place = row * self._width + column
        self._up, self._right = (rows - row).astype(np.float32), (columns - column).astype(np.float32)

    def values(self, section: NDArray[np.intp]) -> NDArray[np.float32]:
        """Interpolate between the four voxels around each position, in a section for each position."""
        place = section * self._area
        place += self._place
        lower = self._between(place)
        place += self._width
        lower += self._up * (self._between(place) - lower)
        return lower

    def _between(self, place: NDArray[np.intp]) -> NDArray[np.float32]:
        """Interpolate between voxels and their neighbours on the right; `place` is changed for the time of the call."""
        left = self._values.take(place)
        place += 1
        right = self._values.take(place)
        place -= 1
        right -= left
        right *= self._right
        right += left
        return right

    def of(self, chosen: NDArray[np.intp]) -> _Sampler:
        """Return the sampler of some of the positions."""
        other = copy(self)
        other._place, other._up, other._right = self._place[chosen], self._up[chosen], self._right[chosen]
        return other


def _positions(side: int, zoom: float) -> NDArray[np.float32]:
    """Return the positions of pixels along an axis, voxels: from 0 to less than the last voxel."""
    return np.arange(0, side - 1.001, 1 / zoom, dtype=np.float32)


def _of_four(choose: Any, values: NDArray[Any]) -> NDArray[Any]:
    """Return the smallest or largest of each value and its neighbours above, right, and above right."""
    pairs = choose(values[:-1], values[1:])
    return choose(pairs[:, :-1], pairs[:, 1:])
