# SPDX-License-Identifier: GPL-3.0-or-later
"""The mean of all classes as a grey surface, with the regions where they differ as coloured transparent surfaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from occupy_core.arrays.boxes import box_around
from occupy_core.arrays.types import Box, Volume
from occupy_core.reporting.surface.map_surface import averaged, cut_with_margin, step_of, without_dust
from occupy_core.reporting.surface.pictures import Picture, shaded, smooth_picture
from occupy_core.reporting.surface.ray_casting import Hits, cast_rays, lighting, sample, seen_along
from occupy_core.reporting.where_to_cut import around

_GREY = 0.84  # brightness of the mean of the classes
_OPACITY = 0.65  # of regions
# The surface lies at this part of the threshold between solvent and molecule, so that weak parts are seen too.
_OF_THRESHOLD = 0.6
_HALF = 0.5  # masks have their surface at this value
_NEAR = 10.0  # Å: a region shows through the surface of the mean if it begins less than this behind it


@dataclass(frozen=True)
class RegionSurface:
    """What a 3D view of a comparison shows.

    Attributes
    ----------
    density : float32 array, 3D
        Mean of the classes divided by the surface level: 1 at the surface, less than 1 at the faces of the box.
    regions : dict of int to float32 array, 3D
        Mask of each region by its number, 1 at its surface, on the same grid.
    spacing : float
        Edge of a voxel, Å.
    window : three slices
        The part of the maps around molecule and regions, voxels of the grid of the maps (z, y, x).
    """

    density: Volume
    regions: Dict[int, Volume]
    spacing: float
    window: Box


def region_surface(
    volumes: Iterable[Volume], masks: Mapping[int, NDArray[Any]], *, spacing: float
) -> Optional[RegionSurface]:
    """Take from the maps and the regions of a comparison what a 3D view shows.

    Parameters
    ----------
    volumes : iterable of float32 array, 3D
        The classes, on one grid.
    masks : mapping of int to 3D array
        Mask, 0..1, of each region by its number, on the same grid.
    spacing : float
        Edge of a voxel, Å.

    Returns
    -------
    RegionSurface or None
        None if there is nothing to show.
    """
    total: Optional[Volume] = None
    count = 0
    shape: Tuple[int, ...] = ()
    for volume in volumes:  # one in memory at a time
        shape = volume.shape
        coarse = averaged(volume, step_of(shape))
        total = coarse if total is None else np.add(total, coarse, out=total)
        del volume
        count += 1
    if total is None:
        return None
    step, mean = step_of(shape), total / np.float32(count)
    level = _OF_THRESHOLD * _threshold(mean)
    if not level > 0:
        return None
    mean /= np.float32(level)
    inside = mean >= 1
    shown = without_dust(inside)
    np.minimum(mean, np.float32(0.99), out=mean, where=inside & ~shown)
    smooth = {number: _smoothed(averaged(mask, step)) / np.float32(_HALF) for number, mask in masks.items()}
    for mask in smooth.values():
        shown |= mask >= 1
    box = box_around(shown)
    regions = {number: cut_with_margin(mask, box) for number, mask in smooth.items()}
    window = around(box, step, shape)
    return RegionSurface(cut_with_margin(mean, box), regions, spacing * step, window)


def region_pictures(
    surface: RegionSurface, colours: Mapping[int, Sequence[float]], *, pixels: int
) -> Tuple[List[Picture], float]:
    """Draw the mean of the classes in grey and the regions in their colours, seen along z, y and x, in one scale.

    Parameters
    ----------
    surface : RegionSurface
    colours : mapping of int to three float
        RGB, 0..1, of each region.
    pixels : int
        Pixels along the longest side of the surface's box.

    Returns
    -------
    pictures, pixel
        As `pictures.surface_pictures` returns them.
    """
    zoom = pixels / max(surface.density.shape)
    return [_picture(surface, axis, colours, zoom) for axis in range(3)], surface.spacing / zoom


def _picture(surface: RegionSurface, axis: int, colours: Mapping[int, Sequence[float]], zoom: float) -> Picture:
    """Draw one side: from the farthest surface to the nearest one at each pixel, each mixed with what is behind it."""
    hits, light = _cast(surface.density, axis, zoom)
    size = hits.shape[0] * hits.shape[1]
    shown = np.ones((size, 3), dtype=np.float32)
    shown[hits.pixels] = shaded(np.full((len(hits.pixels), 3), _GREY, dtype=np.float32), light, hits, zoom)
    nearest = hits.image(hits.depth, np.inf).reshape(-1)
    layers = []
    for number, mask in surface.regions.items():
        found, lit = _cast(mask, axis, zoom)
        colour = np.array(colours[number], dtype=np.float32)
        layers.append((found, shaded(np.broadcast_to(colour, (len(found.pixels), 3)), lit, found, zoom)))
    layers.sort(key=lambda layer: -float(np.mean(layer[0].depth)) if layer[0].pixels.size else 0.0)
    for found, colour_of_hits in layers:
        seen = found.depth <= nearest[found.pixels] + _NEAR / surface.spacing
        pixels = found.pixels[seen]
        shown[pixels] += np.float32(_OPACITY) * (colour_of_hits[seen] - shown[pixels])
        nearest[pixels] = np.minimum(nearest[pixels], found.depth[seen])
    drawn = np.flatnonzero(np.isfinite(nearest))
    rows, columns = (np.zeros(len(drawn), dtype=np.float32) for _ in range(2))
    return smooth_picture(shown[drawn], Hits(hits.shape, drawn, nearest[drawn].astype(np.float32), rows, columns))


def _cast(volume: Volume, axis: int, zoom: float) -> Tuple[Hits, NDArray[np.float32]]:
    """Return where rays meet a surface, and the light there."""
    seen = np.ascontiguousarray(seen_along(volume, axis))
    hits = cast_rays(seen, zoom)
    return hits, sample(lighting(seen), hits)


def _threshold(values: Volume) -> float:
    """Return the middle between the means below and above it (Ridler & Calvard, IEEE Trans. SMC 8, 630, 1978)."""
    threshold = float(values.mean())
    for _ in range(100):
        above = values > threshold
        if not above.any() or above.all():
            break
        found = (float(values[above].mean()) + float(values[~above].mean())) / 2
        if abs(found - threshold) <= 1e-3 * abs(found):
            return found
        threshold = found
    return threshold


def _smoothed(mask: Volume) -> Volume:
    """Return the mean over the neighbours of each voxel along the three axes, with weights 1, 2 and 1: no steps."""
    for axis in range(3):
        mask = ndimage.convolve1d(mask, [0.25, 0.5, 0.25], axis=axis, mode="constant")
    return mask
