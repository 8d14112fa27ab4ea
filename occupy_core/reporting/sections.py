# SPDX-License-Identifier: GPL-3.0-or-later
"""2D sections through maps, for the figures: with them the maps themselves need not stay in memory.

Sections are copied one by one, so that no temporary array is as large as a map. Those of a job's maps are kept in a
temporary file, so that many maps take no more memory than one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

import numpy as np

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.arrays.types import Image, Volume
from occupy_core.errors import JobError
from occupy_core.reporting.surface.map_surface import MapSurface, map_surface
from occupy_core.reporting.where_to_cut import Cut, cut_through_molecule

Report = Mapping[str, Any]

# Axes of an array (z, y, x), in order.
AXIS_NAMES = ("z", "y", "x")
_MAX_PIXELS = 256  # along a side of a section; sections of larger maps leave out voxels


@dataclass(frozen=True)
class MapSections:
    """Sections through an input map and the maps computed from it.

    Attributes
    ----------
    panels : dict of str to tuple of 2D float32 arrays
        Three sections for each kind of map, "input" first: across z, y and x, where `cut` says.
    cut : Cut
        Where these sections were cut, and the part of the map that they show.
    tile : 2D float32 array
        Section of the input across z, through the middle of the reference tile: of the whole box.
    tile_step : int
        Distance in voxels between neighbouring pixels of this section; 1 when no voxel is left out.
    shape : tuple of int
        Shape of the maps, voxels (z, y, x).
    outlines : dict of str to tuple of 2D arrays
        The same three sections of each target mask, 0..1, by the name of its file.
    surface : MapSurface, optional
        Surface of the input, coloured by the local scale; None where there is none.
    """

    panels: Dict[str, Tuple[Image, ...]]
    cut: Cut
    tile: Image
    tile_step: int
    shape: Tuple[int, ...]
    outlines: Dict[str, Tuple[Image, ...]] = field(default_factory=dict)
    surface: Optional[MapSurface] = None


def map_sections(
    volumes: Mapping[str, Volume], report: Report, *, masks: Optional[Mapping[str, Volume]] = None
) -> MapSections:
    """Take from maps on one grid what the figures need.

    Parameters
    ----------
    volumes : mapping of str to float32 array, 3D
        Map for each kind: "input" first, with "scale" and "confidence".
    report : mapping
        Report of the map (an item of "maps" in report.json).
    masks : mapping of str to float32 array, 3D, optional
        Target masks, 0..1, by the names of their files.
    """
    masks = masks or {}
    cut = cut_through_molecule(volumes["confidence"], masks=list(masks.values()))
    panels = {kind: sections_at(volume, cut) for kind, volume in volumes.items()}
    outlines = {name: sections_at(mask, cut) for name, mask in masks.items()}
    surface = surface_of_map(volumes["input"], volumes["scale"], report)
    return assemble_sections(panels, cut, volumes["input"], tile_section_index(report), outlines, surface)


def surface_of_map(density: Volume, scale: Volume, report: Report, *, threads: int = 1) -> Optional[MapSurface]:
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
    cut: Cut,
    source: Volume,
    tile_section: int,
    outlines: Mapping[str, Tuple[Image, ...]],
    surface: Optional[MapSurface],
) -> MapSections:
    """Combine sections with the section through the reference tile.

    Parameters
    ----------
    panels : mapping of str to tuple of 2D float32 arrays
        Sections (`sections_at`) for each kind of map, "input" first.
    cut : Cut
        Where these were cut.
    source : float32 array, 3D
        Input map.
    tile_section : int
        Index along z of the section through the reference tile (`tile_section_index`).
    outlines, surface
        As in `MapSections`.
    """
    step = _step(max(source.shape))
    tile = np.array(source[tile_section, ::step, ::step], dtype=np.float32)
    return MapSections(dict(panels), cut, tile, step, source.shape, dict(outlines), surface)


def keep_on_disk(sections: MapSections) -> Callable[[], MapSections]:
    """Move sections to a temporary file, and return the function that loads them again.

    They stay in memory if no temporary file can be written: the figures of a job must not cost its maps.
    """
    try:
        panels, outlines = (
            {kind: tuple(DiskArray(image) for image in images) for kind, images in group.items()}
            for group in (sections.panels, sections.outlines)
        )
        tile, load_surface = DiskArray(sections.tile), _surface_on_disk(sections.surface)
    except JobError:
        return lambda: sections
    # The function must not hold the sections themselves.
    cut, step, shape = sections.cut, sections.tile_step, sections.shape

    def load() -> MapSections:
        images, contours = (
            {kind: tuple(image.load() for image in stored) for kind, stored in group.items()}
            for group in (panels, outlines)
        )
        return MapSections(images, cut, tile.load(), step, shape, contours, load_surface())

    return load


def sections_at(volume: Volume, cut: Cut) -> Tuple[Image, ...]:
    """Copy the sections of a 3D map across z, y and x; of large maps, voxels are left out."""
    step = _step(cut.longest)
    return tuple(np.array(cut.section(volume, axis, step), dtype=np.float32) for axis in range(3))


class SectionsOfSlabs:
    """Sections of a map that arrives slab by slab; equal to `sections_at` of the complete map.

    Parameters
    ----------
    cut : Cut

    Attributes
    ----------
    images : tuple of 2D float32 arrays
        Sections across z, y and x; complete after the last slab.
    """

    def __init__(self, cut: Cut) -> None:
        self._cut, self._step = cut, _step(cut.longest)
        sides = [-(-(part.stop - part.start) // self._step) for part in cut.window]
        self.images: Tuple[Image, ...] = tuple(
            np.empty(sides[:axis] + sides[axis + 1 :], dtype=np.float32) for axis in range(3)
        )

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
        (z, y, x), (depth, *window) = self._cut.planes, self._cut.window
        rows, columns = (slice(part.start, part.stop, step) for part in window)
        if slab.start <= z < slab.stop:
            across_z[...] = values[z - slab.start, rows, columns]
        first = max(0, -(-(slab.start - depth.start) // step))  # of the pixels along z
        begin = depth.start + first * step - slab.start
        planes = values[begin : max(begin, depth.stop - slab.start) : step] if begin < len(values) else values[:0]
        pixels = slice(first, first + len(planes))
        across_y[pixels] = planes[:, y, columns]
        across_x[pixels] = planes[:, rows, x]


def reference_tile_box(report: Report) -> Tuple[Tuple[float, ...], Tuple[float, ...]]:
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


def tile_section_index(report: Report) -> int:
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
    density, values = DiskArray(surface.density), DiskArray(surface.values)
    spacing, corner = surface.spacing, surface.corner
    return lambda: MapSurface(density.load(), values.load(), spacing, corner)


def _step(side: int) -> int:
    return math.ceil(side / _MAX_PIXELS)
