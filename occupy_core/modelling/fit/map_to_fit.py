# SPDX-License-Identifier: GPL-3.0-or-later
"""A map as the fit of a model needs it: on coarser grids, so that the map itself need not stay in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Mask, Volume
from occupy_core.errors import MapError
from occupy_core.fourier.resize import resize
from occupy_core.maps.density_map import DensityMap
from occupy_core.maps.grid import MapGrid

Reader = Callable[[], DensityMap]


@dataclass(frozen=True)
class MapToFit:
    """A map on the grids of a fit.

    Attributes
    ----------
    volume : float32 array, 3D
        The map on the working grid.
    outline : float32 array, 3D
        The map on the coarse grid on which models are turned and mirrored.
    shape : three int
        Box of the map itself, voxels.
    varies : uint8 array, 3D
        On the map's own grid, eight voxels along x in a byte (numpy.packbits): voxels that differ from a neighbour
        towards the middle of the box. Areas of one value, such as those outside RELION's particle sphere, do not.
    """

    volume: Volume = field(repr=False)
    outline: Volume = field(repr=False)
    shape: Tuple[int, ...]
    varies: NDArray[np.uint8] = field(repr=False)

    @classmethod
    def read(
        cls, read: Reader, grid: MapGrid, shape: Tuple[int, ...], outline: Tuple[int, ...], threads: int
    ) -> MapToFit:
        """Read a map on working and coarse grids of these shapes; the map itself does not stay in memory.

        Raises
        ------
        MapError
            If the map does not lie on `grid`, or cannot be read.
        """
        source = read()
        if grid.difference(source.grid):
            raise MapError(f"{source.path}: {grid.difference(source.grid)}, expected the grid of the first map")
        return cls(
            on_grid(source, shape, threads), on_grid(source, outline, threads), source.data.shape, _varies(source.data)
        )

    def shows(self, positions: NDArray[np.float64], voxel_size: float) -> Mask:
        """Return which positions (z, y, x, Å from voxel 0) lie in the box and not in an area of one value."""
        index = np.round(positions / voxel_size).astype(int)
        seen: Mask = np.all((index >= 0) & (index < np.array(self.shape)), axis=1)
        z, y, x = index[seen].T
        seen[seen] = self.varies[z, y, x >> 3] & (0x80 >> (x & 7)) != 0
        return seen


def on_grid(source: DensityMap, shape: Tuple[int, ...], threads: int) -> Volume:
    """Return a map on a coarser grid of a shape."""
    return source.data if source.data.shape == shape else resize(source.data, shape, threads=threads)


def _varies(values: Volume) -> NDArray[np.uint8]:
    found = np.zeros(values.shape, bool)
    for axis, side in enumerate(values.shape):
        along, result = np.moveaxis(values, axis, 0), np.moveaxis(found, axis, 0)
        middle = side // 2
        result[:middle] |= along[:middle] != along[1 : middle + 1]
        result[middle:] |= along[middle:] != along[middle - 1 : side - 1]
    return np.packbits(found, axis=2)
