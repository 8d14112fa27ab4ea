# SPDX-License-Identifier: GPL-3.0-or-later
"""The little that a report's figures need of each map, so that the maps themselves need not be kept.

Everything is taken section by section: no temporary array is as large as a map.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.binning import Bins, counted
from occupy_core.maps import DensityMap, Volume
from occupy_core.solvent import BINS, CONFIDENT, SolventModel

Image = NDArray[np.float32]

SCALE_BINS = 50
_LARGEST = 256  # pixels along the side of a section; larger ones lose every other voxel, or more
_BINS_MERGED = 4  # of the solvent's histogram
_SOME_SECTIONS = 64  # that a histogram is taken of
_LEVEL_NOISE = 1e-3  # of the voxels that are no more than solvent, above the level


@dataclass(frozen=True)
class MapSlices:
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


def slices_of(volumes: Mapping[str, Volume], tile_section: int) -> MapSlices:
    """Sections through maps on one grid.

    Parameters
    ----------
    volumes : mapping of str to float32 array, 3D
        By kind, "input" first.
    tile_section : int
        Where to cut the input for the reference tile: `tile_of`.
    """
    panels = {kind: central_sections(volume) for kind, volume in volumes.items()}
    return slices_with(panels, volumes["input"], tile_section)


def slices_with(panels: Mapping[str, Tuple[Image, ...]], source: Volume, tile_section: int) -> MapSlices:
    """`slices_of` with the sections through the middle, of `central_sections`, given; `source` is the input."""
    step = _step(source.shape)
    return MapSlices(dict(panels), _section(source, 0, tile_section, step), source.shape, step)


def central_sections(volume: Volume) -> Tuple[Image, ...]:
    """Sections of a map across its axes, through the middle of the box."""
    return tuple(_section(volume, axis, volume.shape[axis] // 2, _step(volume.shape)) for axis in range(3))


class CentralSections:
    """`central_sections` of a map that passes by slab by slab."""

    def __init__(self, shape: Tuple[int, int, int]) -> None:
        self._shape, self._step = shape, _step(shape)
        sizes = [[-(-side // self._step) for side in shape[:axis] + shape[axis + 1 :]] for axis in range(3)]
        self.images: Tuple[Image, ...] = tuple(np.empty(size, dtype=np.float32) for size in sizes)

    def look(self, slab: slice, values: Volume) -> None:
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


def scale_histogram(scale: Volume, confidence: Volume, *, threads: int = 1) -> Dict[str, Any]:
    """How many voxels have which local scale: all of them, and those with confidence above 0.5; in 50 bins, 0..1.

    Of a map of many sections, those of every so many along the first axis are counted, as "every_section" says.
    """
    every = math.ceil(len(scale) / _SOME_SECTIONS)

    scales, confidences = scale[::every], confidence[::every]

    def bins_of(slab: slice) -> Image:
        bins = np.trunc(scales[slab].reshape(-1) * np.float32(SCALE_BINS))
        np.minimum(bins, np.float32(SCALE_BINS - 1), out=bins)
        bins[confidences[slab].reshape(-1) > CONFIDENT] += SCALE_BINS
        return bins

    counts = counted(scales.shape, bins_of, 2 * SCALE_BINS, threads=threads)
    others, confident = counts.reshape(2, -1)
    return {
        "every_section": every,
        "voxels": (others + confident).tolist(),
        "confident_voxels": confident.tolist(),
    }


def solvent_curves(model: SolventModel) -> Dict[str, List[float]]:
    """The histogram and the confidence of a solvent model, in a quarter of its bins and to six digits."""
    return {
        name: [float(f"{value:.6g}") for value in values.reshape(BINS // _BINS_MERGED, _BINS_MERGED).mean(axis=1)]
        for name, values in (("values", model.values), ("density", model.density), ("confidence", model.confidence))
    }


def surface_level(source: DensityMap, confidence: Volume, limit: float, *, threads: int = 1) -> float:
    """A level for a surface: above it there is next to no voxel that is no more than solvent.

    Parameters
    ----------
    source : DensityMap
        The input.
    confidence : float32 array
        On its grid.
    limit : float
        Confidence limit of the solvent model; the level is at least this.
    threads : int

    Returns
    -------
    float
        In the map's grey scale.
    """
    every = math.ceil(len(source.data) / _SOME_SECTIONS)
    values, confidences = source.data[::every], confidence[::every]
    low, high = (float(value) for value in source.limits)
    bins = Bins(BINS, (low, high))

    def bins_of(slab: slice) -> Image:
        return bins.of(values[slab][confidences[slab] <= CONFIDENT])

    counts = counted(values.shape, bins_of, BINS, threads=threads)
    above = counts[::-1].cumsum()[::-1]
    noise = low + (high - low) * int((above > _LEVEL_NOISE * above[0]).sum()) / BINS
    return min(max(limit, noise), (low + high) / 2)


def _step(shape: Tuple[int, ...]) -> int:
    return math.ceil(max(shape) / _LARGEST)


def _section(volume: Volume, axis: int, place: int, step: int) -> Image:
    return np.array(np.take(volume, place, axis=axis)[::step, ::step], dtype=np.float32)
