# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames of coordinates that a model of a map may lie in: where voxel 0 of the map lies in those of the model.

Programs place maps by the header's origin, by its start indices, or at 0; RELION writes an origin of 0. A model may lie
in the frame of any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.maps.grid import MapGrid, in_xyz, position_of
from occupy_core.modelling.atoms.atomic_model import AtomicModel


@dataclass(frozen=True)
class Frame:
    """A frame of coordinates.

    Attributes
    ----------
    name : str
        In words, such as "the header's origin".
    first_voxel : tuple of three float
        x, y, z of the centre of voxel 0 of the map, Å.
    """

    name: str
    first_voxel: Tuple[float, float, float]


def possible_frames(grid: MapGrid) -> Tuple[Frame, ...]:
    """Return the frames that a model of a map may lie in, without repetitions: first that which viewers take."""
    header = grid.header
    frames: Dict[Tuple[float, ...], Frame] = {}

    def add(name: str, first_voxel: Sequence[float]) -> None:
        x, y, z = (float(value) for value in first_voxel)
        frames.setdefault(tuple(round(value, 2) for value in (x, y, z)), Frame(name, (x, y, z)))

    if header is not None:
        add("the header's origin or start indices, as viewers take it", position_of((0, 0, 0), grid))
        origin = [float(header.origin[axis]) for axis in "xyz"]
        start = [int(header[name]) for name in ("nzstart", "nystart", "nxstart")]
        if any(origin):
            add("the header's origin", origin)
        if any(start):
            add("the header's start indices", in_xyz([index * grid.voxel_size for index in start], grid))
    add("a corner of the box at 0", (0, 0, 0))
    centre = [-(side // 2) * grid.voxel_size for side in grid.shape]
    add("the centre of the box at 0", centre[::-1] if header is None else in_xyz(centre, grid))
    return tuple(frames.values())


def positions_in_map(model: AtomicModel, frame: Frame, grid: MapGrid) -> NDArray[np.float64]:
    """Return the atoms' positions along the axes of the map (sections, rows, columns), Å from the centre of voxel 0."""
    from_first: NDArray[np.float64] = model.positions - np.array(frame.first_voxel)
    return from_first[:, axes_of(grid)]


def axes_of(grid: MapGrid) -> List[int]:
    """Return which of x, y, z (0, 1, 2) the sections, rows and columns of the map lie along."""
    axes = [3, 2, 1] if grid.header is None else [int(grid.header[name]) for name in ("maps", "mapr", "mapc")]
    return [axis - 1 for axis in (axes if sorted(axes) == [1, 2, 3] else [3, 2, 1])]
