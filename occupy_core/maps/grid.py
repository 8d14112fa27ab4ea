# SPDX-License-Identifier: GPL-3.0-or-later
"""The grid that a map lies on: box, voxel size, origin and axis order."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, List, Sequence, Tuple, Union

Header = Any  # a numpy record

PathLike = Union[str, "os.PathLike[str]"]

# Unequal voxel sizes up to this fraction are rounding of the header; beyond it a ball is no ball.
VOXEL_SIZE_TOLERANCE = 0.01


@dataclass(frozen=True)
class MapGrid:
    """Where a map lies: its box and header geometry.

    Attributes
    ----------
    shape : tuple of int
        Box in voxels, in the order of the file (sections, rows, columns).
    voxel_size : float
        Edge of a voxel in Å.
    header : numpy record
        The MRC header that the geometry was read from.
    header_voxel_size : float
        Å, as the file says; 0 where it says nothing. Differs from `voxel_size` where the project knows better.
    """

    shape: Tuple[int, int, int]
    voxel_size: float
    header: Header
    header_voxel_size: float = 0.0

    def difference(self, other: MapGrid) -> str:
        """What keeps the other grid from being this one, in words; empty when they are the same."""
        if self.shape != other.shape:
            return f"box {box_text(other.shape)} instead of {box_text(self.shape)} voxels"
        if abs(self.voxel_size - other.voxel_size) > VOXEL_SIZE_TOLERANCE * self.voxel_size:
            return f"voxel size {other.voxel_size:.4g} instead of {self.voxel_size:.4g} Å"
        axes, others = (
            [] if grid.header is None else [int(grid.header[name]) for name in ("mapc", "mapr", "maps")]
            for grid in (self, other)
        )
        if axes and others and axes != others:
            return f"axis order {others} instead of {axes}"
        return ""


def box_text(shape: Sequence[int]) -> str:
    """A box as users write it: columns x rows x sections."""
    return " x ".join(str(side) for side in reversed(tuple(shape)))


def in_xyz(values: Sequence[float], grid: MapGrid) -> List[float]:
    """x, y, z of what is given along the file's sections, rows and columns, whatever axes these are."""
    axes = [int(grid.header[name]) for name in ("maps", "mapr", "mapc")]
    along = dict(zip(axes if sorted(axes) == [1, 2, 3] else [3, 2, 1], values))
    return [along[axis] for axis in (1, 2, 3)]


def position_of(voxel: Sequence[float], grid: MapGrid) -> List[float]:
    """x, y, z in Å, as viewers show a map, of a voxel given in the array's order.

    Notes
    -----
    From the header's origin or, where that is 0, from its start indices, as ChimeraX takes them.
    """
    origin = [float(grid.header.origin[axis]) for axis in "xyz"]
    start = [int(grid.header[name]) for name in ("nzstart", "nystart", "nxstart")]
    first = [0, 0, 0] if any(origin) else start
    steps = in_xyz([place + before for place, before in zip(voxel, first)], grid)
    return [corner + step * grid.voxel_size for corner, step in zip(origin, steps)]
