# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference value: the map value that counts as full scale, by tiled or kernel normalisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Sequence, Tuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from occupy_core.arrays.types import Volume
from occupy_core.errors import MapError

# Below 1e-38 single precision loses digits. Maps of such values are refused; this is one that has a few large ones too.
_LEAST_VALUE = 1e-30
_TILES_PER_SIDE = 20  # as published; fewer in a small box
_CHUNK_VALUES = 8_000_000  # values in the tiles that are sorted at once, which limits the memory


@dataclass(frozen=True)
class Reference:
    """The map value that counts as full scale, and the region of the map that gave it.

    Attributes
    ----------
    value : float
        The value that counts as 1, in the map's grey scale; greater than `zero`.
    highest_tile, lowest_tile : three int
        First voxel (z, y, x) of the tile with the largest and with the smallest percentile. For kernel normalisation:
        the voxel of the map's maximum and minimum. For calibrated normalisation: first voxel of the window with the
        highest and with the lowest average.
    tile_size : int
        Edge of the tiles or windows, voxels; 1 for kernel normalisation.
    zero : float
        The value that counts as 0, in the map's grey scale; other than 0 for calibrated normalisation only.
    spread : float
        How even the fully occupied part is: interquartile range of the scale (not clipped) over the region that `value`
        was read from. 0 except for calibrated normalisation.
    texture, noise : float
        Variation of the density over short distances in that region, and solvent noise, both relative to the region's
        mean density: `occupy_core.estimate.texture.texture`. 0 except for calibrated normalisation.
    """

    value: float
    highest_tile: Tuple[int, int, int]
    lowest_tile: Tuple[int, int, int]
    tile_size: int
    zero: float = 0.0
    spread: float = 0.0
    texture: float = 0.0
    noise: float = 0.0


def tiled_reference(volume: Volume, *, tau: float, tile_size: int) -> Reference:
    """Find the reference value by tiled normalisation: the largest percentile tau over tiles (published default).

    Parameters
    ----------
    volume : float32 array, 3D
        The map that the local scale is computed from.
    tau : float
        Percentile, as a fraction.
    tile_size : int
        Edge of a tile in voxels; cut to the shortest side of the box.

    Returns
    -------
    Reference

    Raises
    ------
    MapError
        If no tile has positive density.

    Notes
    -----
    Forsberg et al. 2023. Up to 20 x 20 x 20 tiles are spread evenly over the box and overlap when it is small. Only
    tiles whose index lies in the ellipsoid inscribed in the grid of tiles count (a sphere in a cubic box).
    """
    edge = min(tile_size, *volume.shape)
    z_starts, y_starts, x_starts = (np.array(_tile_starts(side, edge)) for side in volume.shape)
    inside = _tiles_in_ellipsoid([len(z_starts), len(y_starts), len(x_starts)])
    rank = math.floor(tau * edge**3)
    windows = sliding_window_view(volume, (edge, edge, edge))
    best, worst = (-math.inf, (0, 0, 0)), (math.inf, (0, 0, 0))
    chunk = max(1, _CHUNK_VALUES // edge**3)
    for z, in_ellipsoid in zip(map(int, z_starts), inside):
        slab = volume[z : z + edge]
        # To count is quicker than to sort: sort only the tiles whose percentile is higher or lower than any so far.
        higher = _count_in_tiles(slab > np.float32(best[0]), y_starts, x_starts) >= edge**3 - rank
        lower = _count_in_tiles(slab < np.float32(worst[0]), y_starts, x_starts) > rank
        chosen = np.argwhere(in_ellipsoid & (higher | lower))
        for first in range(0, len(chosen), chunk):
            y, x = y_starts[chosen[first : first + chunk, 0]], x_starts[chosen[first : first + chunk, 1]]
            tiles = windows[z, y, x].reshape(len(y), -1)
            values = np.partition(tiles, rank, axis=1)[:, rank]
            high, low = int(values.argmax()), int(values.argmin())
            best = max(best, (float(values[high]), (z, int(y[high]), int(x[high]))), key=lambda item: item[0])
            worst = min(worst, (float(values[low]), (z, int(y[low]), int(x[low]))), key=lambda item: item[0])
    return Reference(_require_positive(best[0]), best[1], worst[1], edge)


def kernel_reference(volume: Volume, *, tau: float) -> Reference:
    """Find the reference value by kernel normalisation: tau times the map's maximum (S0 in Forsberg et al. 2023).

    Parameters
    ----------
    volume : float32 array, 3D
        The map that the local scale is computed from.
    tau : float
        Percentile, as a fraction.

    Returns
    -------
    Reference

    Raises
    ------
    MapError
        If the map has no positive density.
    """
    highest, lowest = (np.unravel_index(index, volume.shape) for index in (volume.argmax(), volume.argmin()))
    value = tau * float(volume[highest])
    return Reference(_require_positive(value), _voxel(highest), _voxel(lowest), 1)


def _require_positive(value: float) -> float:
    """Return a reference value, or refuse it if it is not positive, or too small for single precision."""
    if not value > _LEAST_VALUE:
        raise MapError(
            f"the reference value is {value:g}, expected positive density; is the contrast inverted "
            "(density must be positive), or is the tile much larger than the molecule?"
        )
    return value


def _tile_starts(side: int, edge: int) -> List[int]:
    """Return the first voxel of each tile along one axis: as many tiles as fit, up to 20, centred in the box."""
    count = min(_TILES_PER_SIDE, side - edge + 1)
    step = edge + math.floor((side - count * edge) / (count - 1)) if count > 1 else 0
    first = (side - (step * (count - 1) + edge)) // 2
    return [first + step * index for index in range(count)]


def _count_in_tiles(
    mask: NDArray[np.bool_], y_starts: NDArray[np.intp], x_starts: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Count the true voxels in each tile of a slab that is as thick as a tile; result by y and x of the tiles."""
    edge = len(mask)
    # Counts up to 255 fit into uint8, which adds up faster.
    columns = mask.view(np.uint8).sum(axis=0, dtype=np.uint8 if edge < 256 else np.int64)
    counts = columns.astype(np.int64)
    for starts in (y_starts, x_starts):
        counts = np.array(sum(counts[starts + offset] for offset in range(edge))).T
    return counts


def _tiles_in_ellipsoid(counts: Sequence[int]) -> NDArray[np.bool_]:
    """Select tiles by index: within N/2 - 1 of N/2 along an axis of N tiles; all tiles of an axis of four or fewer."""
    squared = [
        ((np.arange(count) - count / 2) / (count / 2 - 1)) ** 2 if count > 4 else np.zeros(count) for count in counts
    ]
    # The margin excludes tiles exactly on the border, whatever the rounding of the quotients.
    return squared[0][:, None, None] + squared[1][:, None] + squared[2] < 1 - 1e-9


def _voxel(index: Sequence[np.intp]) -> Tuple[int, int, int]:
    z, y, x = (int(position) for position in index)
    return (z, y, x)
