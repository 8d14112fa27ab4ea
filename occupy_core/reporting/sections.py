# SPDX-License-Identifier: GPL-3.0-or-later
"""The little that a report's figures need of each map, so that the maps themselves need not be kept.

Everything is taken section by section: no temporary array is as large as a map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Tuple

import numpy as np

from occupy_core.arrays.types import Image, Volume

_LARGEST = 256  # pixels along the side of a section; larger ones lose every other voxel, or more


@dataclass(frozen=True)
class MapSections:
    """Sections through a map and through what was made of it.

    Attributes
    ----------
    panels : dict of str to tuple of 2D float32 arrays
        By kind of map, "input" first: sections across the array's axes, through the middle of the box.
    tile : 2D float32 array
        The input across the first axis, through the middle of the reference tile.
    shape : tuple of int
        Of the map.
    step : int
        Of every so many voxels along each axis one was taken.
    """

    panels: Dict[str, Tuple[Image, ...]]
    tile: Image
    shape: Tuple[int, ...]
    step: int


def map_sections(volumes: Mapping[str, Volume], tile_section: int) -> MapSections:
    """Sections through maps on one grid.

    Parameters
    ----------
    volumes : mapping of str to float32 array, 3D
        By kind, "input" first.
    tile_section : int
        Where to cut the input for the reference tile: `tile_of`.
    """
    panels = {kind: central_sections(volume) for kind, volume in volumes.items()}
    return assemble_sections(panels, volumes["input"], tile_section)


def assemble_sections(panels: Mapping[str, Tuple[Image, ...]], source: Volume, tile_section: int) -> MapSections:
    """`map_sections` with the sections through the middle, of `central_sections`, given; `source` is the input."""
    step = _step(source.shape)
    return MapSections(dict(panels), _section(source, 0, tile_section, step), source.shape, step)


def central_sections(volume: Volume) -> Tuple[Image, ...]:
    """Sections of a map across its axes, through the middle of the box."""
    return tuple(_section(volume, axis, volume.shape[axis] // 2, _step(volume.shape)) for axis in range(3))


class CentralSections:
    """`central_sections` of a map that passes by slab by slab."""

    def __init__(self, shape: Tuple[int, int, int]) -> None:
        self._shape, self._step = shape, _step(shape)
        sizes = [[-(-side // self._step) for side in shape[:axis] + shape[axis + 1 :]] for axis in range(3)]
        self.images: Tuple[Image, ...] = tuple(np.empty(size, dtype=np.float32) for size in sizes)

    def add_slab(self, slab: slice, values: Volume) -> None:
        """Take from a slab of the first axis what is of the sections."""
        step, (across_z, across_y, across_x) = self._step, self.images
        z, y, x = (side // 2 for side in self._shape)
        if slab.start <= z < slab.stop:
            across_z[...] = values[z - slab.start, ::step, ::step]
        first = -(-slab.start // step)
        kept = values[first * step - slab.start :: step]
        across_y[first : first + len(kept)] = kept[:, y, ::step]
        across_x[first : first + len(kept)] = kept[:, ::step, x]


def tile_of(report: Mapping[str, Any]) -> Tuple[Tuple[float, ...], Tuple[float, ...]]:
    """Lowest corner and edges of the reference tile along the array's axes, in voxels of the input.

    Places count from the centre of the first voxel.

    Parameters
    ----------
    report : mapping
        Of a map, as in report.json; what it tells of the tile is in the box of the computation.
    """
    reference = report["reference"]
    factors = [full / computed for full, computed in zip(report["box_voxels"], report["derived"]["box_voxels"])]
    corner = [(place - 0.5) * factor for place, factor in zip(reference["highest_tile_first_voxel_xyz"], factors)]
    edges = [reference["tile_size_voxels"] * factor for factor in factors]
    return tuple(reversed(corner)), tuple(reversed(edges))


def tile_section(report: Mapping[str, Any]) -> int:
    """The section across the array's first axis that passes through the middle of the reference tile."""
    corner, edges = tile_of(report)
    return min(int(corner[0] + edges[0] / 2 + 0.5), report["box_voxels"][2] - 1)


def _step(shape: Tuple[int, ...]) -> int:
    return math.ceil(max(shape) / _LARGEST)


def _section(volume: Volume, axis: int, place: int, step: int) -> Image:
    return np.array(np.take(volume, place, axis=axis)[::step, ::step], dtype=np.float32)
