# SPDX-License-Identifier: GPL-3.0-or-later
"""2D sections through maps, for the figures: with them the maps themselves need not stay in memory.

Sections are copied one by one, so that no temporary array is as large as a map. Those of a job's maps are kept in a
temporary file, so that many maps take no more memory than one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

import numpy as np

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.types import Image, Volume
from occupy_core.errors import JobError
from occupy_core.reporting.surface.map_surface import MapSurface, map_surface

# Axes of an array (z, y, x), in order.
AXIS_NAMES = ("z", "y", "x")
_MAX_PIXELS = 256  # along a side of a section; sections of larger maps leave out voxels


@dataclass(frozen=True)
class MapSections:
    """Sections through an input map and the maps computed from it.

    Attributes
    ----------
    panels : dict of str to tuple of 2D float32 arrays
        Three sections for each kind of map, "input" first: across z, y and x, through the middle of the box.
    tile : 2D float32 array
        Section of the input across z, through the middle of the reference tile.
    shape : tuple of int
        Shape of the maps, voxels (z, y, x).
    step : int
        Distance in voxels between neighbouring pixels of a section; 1 when no voxel is left out.
    surface : MapSurface, optional
        Surface of the input, coloured by the local scale; None where there is none or it is not to be shown.
    """

    panels: Dict[str, Tuple[Image, ...]]
    tile: Image
    shape: Tuple[int, ...]
    step: int
    surface: Optional[MapSurface] = None


def map_sections(volumes: Mapping[str, Volume], tile_section: int, surface: Optional[MapSurface] = None) -> MapSections:
    """Copy the sections that the figures need from maps on one grid.

    Parameters
    ----------
    volumes : mapping of str to float32 array, 3D
        Map for each kind, "input" first.
    tile_section : int
        Index along z of the section through the reference tile (`tile_section_index`).
    surface : MapSurface, optional
        From `surface_of_map`.
    """
    panels = {kind: central_sections(volume) for kind, volume in volumes.items()}
    return assemble_sections(panels, volumes["input"], tile_section, surface)


def surface_of_map(
    density: Volume, scale: Volume, report: Mapping[str, Any], *, threads: int = 1
) -> Optional[MapSurface]:
    """Take the surface of a map, coloured by its local scale, for 3D views; None where nothing is above the level.

    Parameters
    ----------
    density, scale : float32 arrays, 3D
        The input map and its local scale.
    report : mapping
        Report of the map (an item of "maps" in report.json), which has the level of the surface.
    threads : int
        Number of threads; the result does not depend on it.
    """
    size = report["voxel_size_angstrom"]
    return map_surface(density, scale, report["surface_level"], voxel_size=size, threads=threads)


def assemble_sections(
    panels: Mapping[str, Tuple[Image, ...]],
    source: Volume,
    tile_section: int,
    surface: Optional[MapSurface] = None,
) -> MapSections:
    """Combine central sections with the section through the reference tile.

    Parameters
    ----------
    panels : mapping of str to tuple of 2D float32 arrays
        Central sections (`central_sections`) for each kind of map, "input" first.
    source : float32 array, 3D
        Input map.
    tile_section : int
        Index along z of the section through the reference tile (`tile_section_index`).
    surface : MapSurface, optional
        From `surface_of_map`.
    """
    step = _step(source.shape)
    return MapSections(dict(panels), _section(source, 0, tile_section, step), source.shape, step, surface)


def keep_on_disk(sections: MapSections) -> Callable[[], MapSections]:
    """Move sections to a temporary file, and return the function that loads them again.

    They stay in memory if no temporary file can be written: the figures of a job must not cost its maps.
    """
    try:
        panels = {kind: tuple(DiskArray(image) for image in images) for kind, images in sections.panels.items()}
        tile, load_surface = DiskArray(sections.tile), _surface_on_disk(sections.surface)
    except JobError:
        return lambda: sections
    shape, step = sections.shape, sections.step  # the function must not hold the sections themselves

    def load() -> MapSections:
        images = {kind: tuple(image.load() for image in stored) for kind, stored in panels.items()}
        return MapSections(images, tile.load(), shape, step, load_surface())

    return load


def central_sections(volume: Volume) -> Tuple[Image, ...]:
    """Copy the sections across z, y and x through the middle of the box of a 3D map."""
    return tuple(_section(volume, axis, volume.shape[axis] // 2, _step(volume.shape)) for axis in range(3))


class CentralSections:
    """Central sections of a map that arrives slab by slab; equal to `central_sections` of the complete map.

    Parameters
    ----------
    shape : tuple of int
        Shape of the map, voxels (z, y, x).

    Attributes
    ----------
    images : tuple of 2D float32 arrays
        Sections across z, y and x; complete after the last slab.
    """

    def __init__(self, shape: Tuple[int, int, int]) -> None:
        self._shape, self._step = shape, _step(shape)
        sizes = [[-(-side // self._step) for side in shape[:axis] + shape[axis + 1 :]] for axis in range(3)]
        self.images: Tuple[Image, ...] = tuple(np.empty(size, dtype=np.float32) for size in sizes)

    def add_slab(self, slab: slice, values: Volume) -> None:
        """Copy the pixels of the three sections that lie in a slab of the first axis.

        Parameters
        ----------
        slab : slice
            Range of the slab along z.
        values : float32 array, 3D
            Voxels of the slab.
        """
        step, (across_z, across_y, across_x) = self._step, self.images
        z, y, x = (side // 2 for side in self._shape)
        if slab.start <= z < slab.stop:
            across_z[...] = values[z - slab.start, ::step, ::step]
        first_row = -(-slab.start // step)
        planes = values[first_row * step - slab.start :: step]
        rows = slice(first_row, first_row + len(planes))
        across_y[rows] = planes[:, y, ::step]
        across_x[rows] = planes[:, ::step, x]


def reference_tile_box(report: Mapping[str, Any]) -> Tuple[Tuple[float, ...], Tuple[float, ...]]:
    """Return the lowest corner and the edges of the reference tile, in voxels of the input, (z, y, x).

    Coordinates count from the centre of the first voxel, so that a tile at the edge of the box begins at -0.5 voxels of
    the working box.

    Parameters
    ----------
    report : mapping
        Report of one map (an item of "maps" in report.json), in which the tile is in voxels of the working box.
    """
    reference = report["reference"]
    factors = [full / computed for full, computed in zip(report["box_voxels"], report["derived"]["box_voxels"])]
    first_voxel = reference["highest_tile_first_voxel_xyz"]
    corner = [(index - 0.5) * factor for index, factor in zip(first_voxel, factors)]
    edges = [reference["tile_size_voxels"] * factor for factor in factors]
    return tuple(reversed(corner)), tuple(reversed(edges))


def tile_section_index(report: Mapping[str, Any]) -> int:
    """Return the index along z of the section through the middle of the reference tile.

    Parameters
    ----------
    report : mapping
        Report of one map, as in `reference_tile_box`.
    """
    corner, edges = reference_tile_box(report)
    return min(int(corner[0] + edges[0] / 2 + 0.5), report["box_voxels"][2] - 1)


def _surface_on_disk(surface: Optional[MapSurface]) -> Callable[[], Optional[MapSurface]]:
    """Move a surface to the temporary file, and return the function that loads it again."""
    if surface is None:
        return lambda: None
    density, values, spacing = DiskArray(surface.density), DiskArray(surface.values), surface.spacing
    return lambda: MapSurface(density.load(), values.load(), spacing)


def _step(shape: Tuple[int, ...]) -> int:
    return math.ceil(max(shape) / _MAX_PIXELS)


def _section(volume: Volume, axis: int, index: int, step: int) -> Image:
    return np.array(np.take(volume, index, axis=axis)[::step, ::step], dtype=np.float32)
