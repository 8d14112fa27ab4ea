# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of surfaces: coloured, lit from the viewer's left shoulder, with smooth outlines.

Places that lie deeper than what is around them are darker, as in Luft, Colditz & Deussen, ACM Transactions on Graphics
25 (2006), doi:10.1145/1141911.1142016.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np
from numpy.typing import NDArray

from occupy_core.arrays.types import Image
from occupy_core.reporting.surface.map_surface import MapSurface
from occupy_core.reporting.surface.ray_casting import Hits, cast_rays, lighting, sample, seen_along

# RGB, 0..1, for values from 0 to 1 in equal steps: float array, 2D.
Palette = NDArray[Any]
# RGB, 0..255: uint8 array (rows, columns, 3). The first row is the lowest.
Picture = NDArray[np.uint8]

# How bright surfaces are: in the shade, more where light falls on them, less where they are farther from the viewer or
# in a hollow, and white where they shine. Chosen by eye, so that all colours of a palette can be told apart.
_AMBIENT, _LIT, _FAR, _HOLLOW = 0.62, 0.5, 0.25, 0.45
_SHINE, _SHARPNESS = 0.25, 16
_HOLLOW_WIDTH, _HOLLOW_DEPTH = 3.0, 6.0  # voxels: around a place, and below what is around for the darkest shade
_STEP_OF_EDGE = 1.0  # voxels: neighbouring pixels farther apart in depth are an edge, which is smoothed
_UNKNOWN = 0.75  # brightness of grey, where the value is NaN
_INSIDE = 1.0  # voxels below the surface, where the value for the colour is taken


def surface_pictures(surface: MapSurface, palette: Palette, *, pixels: int) -> Tuple[List[Picture], float]:
    """Draw a surface seen along z, y and x, in one scale.

    x runs to the right and y upwards seen along z; x to the right and z upwards along y; y to the right and z upwards
    along x. The background is white.

    Parameters
    ----------
    surface : MapSurface
    palette : float array, 2D
        RGB colours, 0..1, for values from 0 to 1 in equal steps.
    pixels : int
        Pixels along the longest side of the surface's box.

    Returns
    -------
    pictures : list of uint8 arrays (rows, columns, 3)
        The first row is the lowest.
    pixel : float
        Edge of a pixel, Å.
    """
    zoom = pixels / max(surface.density.shape)
    return [_picture(surface, axis, palette, zoom) for axis in range(3)], surface.spacing / zoom


def _picture(surface: MapSurface, axis: int, palette: Palette, zoom: float) -> Picture:
    density, values = (np.ascontiguousarray(seen_along(item, axis)) for item in (surface.density, surface.values))
    hits = cast_rays(density, zoom)
    found = sample(values, hits, deeper=_INSIDE)
    known = np.clip(np.nan_to_num(found), 0, 1)
    colours = palette[np.rint(known * (len(palette) - 1)).astype(np.intp)]
    colours[np.isnan(found)] = _UNKNOWN
    return smooth_picture(shaded(colours, sample(lighting(density), hits), hits, zoom), hits)


def shaded(colours: Any, light: NDArray[np.float32], hits: Hits, zoom: float) -> NDArray[np.float32]:
    """Return the colours of a surface under light.

    Parameters
    ----------
    colours : float array (hits, 3)
        RGB, 0..1.
    light : float32 array, 1D
        Cosine of the angle between the normal and the light (`lighting`).
    hits : Hits
    zoom : float
        Pixels per voxel.
    """
    if not hits.pixels.size:
        return np.zeros((0, 3), dtype=np.float32)
    lit = np.clip(light, 0, 1)
    nearest, farthest = hits.depth.min(), hits.depth.max()
    away = (hits.depth - nearest) / max(float(farthest - nearest), 1.0)
    depths = hits.image(hits.depth, farthest)
    width = 2 * int(_HOLLOW_WIDTH * zoom / 2) + 1
    around = _blurred(_blurred(depths, width), width).reshape(-1)[hits.pixels]
    hollow = np.clip((hits.depth - around) / _HOLLOW_DEPTH, 0, 1)
    brightness = (_AMBIENT + _LIT * lit) * (1 - _FAR * away) * (1 - _HOLLOW * hollow)
    found: NDArray[np.float32] = np.minimum(
        colours * brightness[:, None] + _SHINE * (lit**_SHARPNESS)[:, None], 1, dtype=np.float32
    )
    return found


def smooth_picture(colours: NDArray[np.float32], hits: Hits) -> Picture:
    """Place colours (hits, 3) on a white picture; at outlines each pixel is the mean of 3 x 3 pixels."""
    picture = np.ones((*hits.shape, 3), dtype=np.float32)
    picture.reshape(-1, 3)[hits.pixels] = colours
    depths = hits.image(hits.depth, np.inf)
    with np.errstate(invalid="ignore"):  # infinity less infinity, on the background
        across, upwards = (np.abs(np.diff(depths, axis=axis)) > _STEP_OF_EDGE for axis in (1, 0))
    edges = np.zeros(hits.shape, dtype=bool)
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= upwards
    edges[:-1] |= upwards
    rows, columns = np.nonzero(edges)
    framed = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    around = [framed[rows + down, columns + right] for down in range(3) for right in range(3)]
    picture[rows, columns] = np.mean(around, axis=0, dtype=np.float32)
    return np.rint(picture * 255).astype(np.uint8)


def _blurred(image: Image, width: int) -> Image:
    """Return the mean of the square of `width` pixels, an odd number, around each pixel; edges are repeated."""
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (width // 2 + 1, width // 2)
        sums = np.cumsum(np.pad(image, padding, mode="edge"), axis=axis, dtype=np.float64)
        first, last = (slice(None, -width), slice(width, None))
        chosen = (last, slice(None)) if axis == 0 else (slice(None), last)
        before = (first, slice(None)) if axis == 0 else (slice(None), first)
        image = ((sums[chosen] - sums[before]) / width).astype(np.float32)
    return image
