# SPDX-License-Identifier: GPL-3.0-or-later
"""The grid of a map: box, voxel size, origin and axis order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, List, Sequence, Tuple, Union

from occupy_core.errors import MapError

Header = Any  # a numpy record of an MRC header

PathLike = Union[str, "os.PathLike[str]"]

# Largest relative difference between voxel sizes that counts as rounding in the header. With larger differences along
# the three axes, a sphere of voxels is no sphere in Å.
VOXEL_SIZE_TOLERANCE = 0.01
# Voxel sizes in Å outside of these limits are those of no map of a molecule: another unit, or a field that is not set.
SMALLEST_VOXEL, LARGEST_VOXEL = 0.1, 100.0
# For messages.
VOXEL_SIZE_RANGE = (
    f"expected {SMALLEST_VOXEL:g} to {LARGEST_VOXEL:g} Å; give the edge of a voxel in Å, such as 1.06 (1 nm is 10 Å)"
)


@dataclass(frozen=True)
class MapGrid:
    """Box and header geometry of a map.

    Attributes
    ----------
    shape : tuple of int
        Box in voxels, in the order of the file (sections, rows, columns).
    voxel_size : float
        Edge of a voxel, Å.
    header : numpy record
        MRC header of the map's file.
    header_voxel_size : float
        Voxel size in the file's header, Å; 0 if the header has none. Differs from `voxel_size` if the caller of
        `read_map` gave another one.
    """

    shape: Tuple[int, int, int]
    voxel_size: float
    header: Header
    header_voxel_size: float = 0.0

    def difference(self, other: MapGrid) -> str:
        """Describe how another grid differs from this one; empty if both are equal.

        For example "box 64 x 64 x 64 instead of 48 x 48 x 48 voxels", where the other grid has 64 voxels a side.
        Compared are box, voxel size and axis order, not the origin.
        """
        if self.shape != other.shape:
            return f"box {box_text(other.shape)} instead of {box_text(self.shape)} voxels"
        if abs(self.voxel_size - other.voxel_size) > VOXEL_SIZE_TOLERANCE * self.voxel_size:
            return f"voxel size {other.voxel_size:.4g} instead of {self.voxel_size:.4g} Å"
        axes, other_axes = (
            [] if grid.header is None else [int(grid.header[name]) for name in ("mapc", "mapr", "maps")]
            for grid in (self, other)
        )
        if axes and other_axes and axes != other_axes:
            return f"axis order {other_axes} instead of {axes}"
        return ""


def require_voxel_size(name: str, voxel_size: float) -> None:
    """Raise MapError unless a voxel size that was given for a map, Å, is one that a map of a molecule can have."""
    if not SMALLEST_VOXEL <= voxel_size <= LARGEST_VOXEL:
        raise MapError(f"{name}: got a voxel size of {voxel_size:.4g} Å, {VOXEL_SIZE_RANGE}")


def box_text(shape: Sequence[int]) -> str:
    """Return a box as text in the usual order, columns x rows x sections, from a shape (sections, rows, columns)."""
    return " x ".join(str(side) for side in reversed(tuple(shape)))


def in_xyz(values: Sequence[float], grid: MapGrid) -> List[float]:
    """Reorder values along sections, rows and columns to x, y, z, according to the header's axis order."""
    axes = [int(grid.header[name]) for name in ("maps", "mapr", "mapc")]
    by_axis = dict(zip(axes if sorted(axes) == [1, 2, 3] else [3, 2, 1], values))
    return [by_axis[axis] for axis in (1, 2, 3)]


def position_of(voxel: Sequence[float], grid: MapGrid) -> List[float]:
    """Return the position of a voxel in Å (x, y, z), as viewers show it.

    Parameters
    ----------
    voxel : three float
        Indices in the array (sections, rows, columns).
    grid : MapGrid

    Notes
    -----
    The position is relative to the header's origin or, if that is 0, to its start indices, as in ChimeraX.
    """
    origin = [float(grid.header.origin[axis]) for axis in "xyz"]
    start = [int(grid.header[name]) for name in ("nzstart", "nystart", "nxstart")]
    offset = [0, 0, 0] if any(origin) else start
    steps = in_xyz([index + first for index, first in zip(voxel, offset)], grid)
    return [corner + step * grid.voxel_size for corner, step in zip(origin, steps)]
