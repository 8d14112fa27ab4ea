# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference value: the map value that counts as full scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError

_TILES_A_SIDE = 20

_CHUNK_VALUES = 8_000_000


@dataclass(frozen=True)
class Reference:
    """The map value that counts as full scale, and where it was found.

    Attributes
    ----------
    value : float
        In the map's grey scale; greater than `zero`.
    highest_tile, lowest_tile : tuple of int
        First voxel, in the array's order, of the tile with the largest and the smallest percentile;
        for kernel normalisation the voxel of the map's maximum and minimum.
    tile_size : int
        Edge of the tiles in voxels; 1 for kernel normalisation.
    zero : float
        The value that counts as 0, in the map's grey scale; other than 0 for calibrated normalisation only.
    spread : float
        Interquartile range of the scale, not clipped, over the region that `value` was read from: how even what counts
        as full is; 0 but for calibrated normalisation.
    """

    value: float
    highest_tile: Tuple[int, int, int]
    lowest_tile: Tuple[int, int, int]
    tile_size: int
    zero: float = 0.0
    spread: float = 0.0


def tiled_reference(volume: Volume, *, tau: float, tile_size: int) -> Reference:
    """Full scale as the largest percentile tau over tiles (published default).

    Parameters
    ----------
    volume : float32 array, 3D
        The map of the chosen mode.
    tau : float
        Percentile, as a fraction.
    tile_size : int
        Edge of a tile in voxels; cut to the shortest side of the box.

    Raises
    ------
    MapError
        If no tile holds positive density.

    Notes
    -----
    Forsberg et al. 2023. Up to 20 x 20 x 20 tiles spread evenly over the box, overlapping when it is small, those
    kept whose index lies in the ellipsoid inscribed in the grid of tiles (a sphere in a cubic box).
    """
    edge = min(tile_size, *volume.shape)
    z_starts, y_starts, x_starts = (np.array(_tile_starts(side, edge)) for side in volume.shape)
    inside = _tiles_in_ellipsoid([len(z_starts), len(y_starts), len(x_starts)])
    rank = math.floor(tau * edge**3)
    windows = sliding_window_view(volume, (edge, edge, edge))
    best, worst = (-math.inf, (0, 0, 0)), (math.inf, (0, 0, 0))
    chunk = max(1, _CHUNK_VALUES // edge**3)
    for z, in_sphere in zip(map(int, z_starts), inside):
        slab = volume[z : z + edge]
        # Counting is quicker than ranking: only tiles that reach higher or lower than any so far are ranked.
        higher = _count_in_tiles(slab > np.float32(best[0]), y_starts, x_starts) >= edge**3 - rank
        lower = _count_in_tiles(slab < np.float32(worst[0]), y_starts, x_starts) > rank
        places = np.argwhere(in_sphere & (higher | lower))
        for first in range(0, len(places), chunk):
            y, x = y_starts[places[first : first + chunk, 0]], x_starts[places[first : first + chunk, 1]]
            tiles = windows[z, y, x].reshape(len(y), -1)
            values = np.partition(tiles, rank, axis=1)[:, rank]
            high, low = int(values.argmax()), int(values.argmin())
            best = max(best, (float(values[high]), (z, int(y[high]), int(x[high]))), key=lambda item: item[0])
            worst = min(worst, (float(values[low]), (z, int(y[low]), int(x[low]))), key=lambda item: item[0])
    return Reference(_positive(best[0]), best[1], worst[1], edge)


def kernel_reference(volume: Volume, *, tau: float) -> Reference:
    """Full scale as tau times the map's maximum (S0 in Forsberg et al. 2023).

    Raises
    ------
    MapError
        If the map has no positive density.
    """
    highest, lowest = (np.unravel_index(place, volume.shape) for place in (volume.argmax(), volume.argmin()))
    value = tau * float(volume[highest])
    return Reference(_positive(value), _voxel(highest), _voxel(lowest), 1)


def _positive(value: float) -> float:
    if not value > 0:
        raise MapError(
            f"the reference value is {value:g}, expected positive density; is the contrast inverted "
            "(density must be positive), or the tile much larger than the molecule?"
        )
    return value


def _tile_starts(side: int, edge: int) -> List[int]:
    count = min(_TILES_A_SIDE, side - edge + 1)
    step = edge + math.floor((side - count * edge) / (count - 1)) if count > 1 else 0
    first = (side - (step * (count - 1) + edge)) // 2
    return [first + step * index for index in range(count)]


def _count_in_tiles(
    chosen: NDArray[np.bool_], y_starts: NDArray[np.intp], x_starts: NDArray[np.intp]
) -> NDArray[np.int64]:
    """How many of the voxels of a slab as high as a tile are chosen in each of its tiles."""
    edge = len(chosen)
    # Bytes where they suffice: no other numbers are added up as soon.
    height = chosen.view(np.uint8).sum(axis=0, dtype=np.uint8 if edge < 256 else np.int64)
    counts = height.astype(np.int64)
    for starts in (y_starts, x_starts):
        counts = np.array(sum(counts[starts + step] for step in range(edge))).T
    return counts


def _tiles_in_ellipsoid(counts: Sequence[int]) -> NDArray[np.bool_]:
    """Which tiles lie within N/2 - 1 of index N/2; an axis of few tiles keeps them all."""
    squared = [
        ((np.arange(count) - count / 2) / (count / 2 - 1)) ** 2 if count > 4 else np.zeros(count) for count in counts
    ]
    # The margin keeps tiles that lie just on the border out, whatever the rounding of the quotients.
    return squared[0][:, None, None] + squared[1][:, None] + squared[2] < 1 - 1e-9


def _voxel(place: Sequence[np.intp]) -> Tuple[int, int, int]:
    z, y, x = (int(index) for index in place)
    return (z, y, x)
