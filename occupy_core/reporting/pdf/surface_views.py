# SPDX-License-Identifier: GPL-3.0-or-later
"""3D views of surfaces from three sides, on a sheet. Needs matplotlib."""

from __future__ import annotations

from typing import Any, Mapping, Sequence, Tuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from occupy_core.reporting.pdf.colour_key import KEY_WIDTH, draw_colour_key
from occupy_core.reporting.pdf.colours import FRACTION_COLOURS
from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.scale_bar import draw_scale_bar
from occupy_core.reporting.pdf.sheets import SMALL, TINY, Sheet
from occupy_core.reporting.pdf.text import line_height, shortened
from occupy_core.reporting.sections import AXIS_NAMES
from occupy_core.reporting.surface.map_surface import MapSurface
from occupy_core.reporting.surface.pictures import Palette, surface_pictures

_PIXELS = 260  # along the longest side of the surface
_GAP = 0.15  # inches between views
_LABEL_HEIGHT = 1.2 * line_height(SMALL)
_LONGEST_BAR = 0.6  # inches
_SIDES = tuple(f"seen along {name}" for name in AXIS_NAMES)
_FIGURE_WIDTH, _MAX_HEIGHT, _KEY_HEIGHT = 9.0, 3.7, 0.55  # of a figure, its views and its colour key, inches


def fraction_palette() -> Palette:
    """Return the colours of values from 0 to 1, as RGB from 0 to 1."""
    colours: Palette = matplotlib.colormaps[FRACTION_COLOURS](np.arange(256))[:, :3]
    return colours


def surface_figure(surface: MapSurface, title: str) -> Figure:
    """Draw a surface seen along z, y and x, coloured by the local scale, as a figure of its own with a colour key."""
    width = _FIGURE_WIDTH - 2 * _GAP
    height = views_height(surface.density.shape, width, _MAX_HEIGHT)
    sheet = Sheet(_FIGURE_WIDTH, height + 2 * _GAP + _KEY_HEIGHT)
    draw_surface(sheet, surface, title, left=_GAP, top=_GAP, width=width, height=height)
    draw_colour_key(
        sheet, (_FIGURE_WIDTH - KEY_WIDTH) / 2, 2 * _GAP + height, FRACTION_COLOURS, (0.0, 1.0), "local scale"
    )
    return sheet.figure


def draw_surface(
    sheet: Sheet, surface: MapSurface, title: str, *, left: float, top: float, width: float, height: float
) -> float:
    """Draw a surface seen along z, y and x, coloured from 0 to 1, with a title and a scale bar.

    Parameters
    ----------
    sheet : Sheet
    surface : MapSurface
    title : str
    left, top, width, height : float
        Position and size of the rectangle to draw in, in inches from the left and upper edges of the sheet.

    Returns
    -------
    float
        Height that was used, inches: less than `height` where the views fill the width first.
    """
    pictures, pixel = surface_pictures(surface, fraction_palette(), pixels=_PIXELS)
    return draw_views(sheet, pictures, pixel, title, left=left, top=top, width=width, height=height)


def draw_surfaces(
    sheet: Sheet,
    surfaces: Mapping[str, MapSurface],
    title: str,
    *,
    left: float,
    top: float,
    width: float,
    height: float,
) -> float:
    """Draw the surfaces of several maps, each with its name: all sides of a single map, one side of each of several.

    Parameters
    ----------
    surfaces : mapping of str to MapSurface
        By the names of the maps, at least one.
    sheet, title, left, top, width, height
        As in `draw_surface`, which also tells what is returned.
    """
    box = {"left": left, "top": top, "width": width, "height": height}
    if len(surfaces) == 1:
        return draw_surface(sheet, next(iter(surfaces.values())), title, **box)
    pixel = max(surface.spacing * max(surface.density.shape) for surface in surfaces.values()) / _PIXELS
    side = _widest_side(next(iter(surfaces.values())))
    pictures = []
    for surface in surfaces.values():
        pixels = round(surface.spacing * max(surface.density.shape) / pixel)
        pictures.append(surface_pictures(surface, fraction_palette(), pixels=pixels)[0][side])
    title = f"{title}, seen along {AXIS_NAMES[side]}"
    return draw_views(sheet, pictures, pixel, title, names=list(surfaces), **box)


def _widest_side(surface: MapSurface) -> int:
    """Return the axis along which a surface covers the largest area."""
    return int(np.argmax([(surface.density >= 1).any(axis=axis).sum() for axis in range(3)]))


def views_height(shape: Tuple[int, ...], width: float, height: float) -> float:
    """Return the height that the views of a box (z, y, x) along its three axes use in a rectangle, inches."""
    z, y, x = shape
    inch = (width - 2 * _GAP) / (x + x + y)  # inches per voxel
    return min(height, max(z, y) * inch + 2 * _LABEL_HEIGHT)


def draw_views(
    sheet: Sheet,
    pictures: Sequence[Any],
    pixel: float,
    title: str,
    *,
    left: float,
    top: float,
    width: float,
    height: float,
    names: Sequence[str] = _SIDES,
) -> float:
    """Draw pictures beside each other, in one scale.

    Parameters
    ----------
    sheet : Sheet
    pictures : sequence of uint8 arrays (rows, columns, 3)
        RGB; the first row is at the bottom.
    pixel : float
        Edge of a pixel, Å.
    names : sequence of str
        Text below each picture; by default, those of the views along z, y and x.
    title, left, top, width, height
        As in `draw_surface`, which also tells what is returned.
    """
    rows, columns = max(len(item) for item in pictures), sum(item.shape[1] for item in pictures)
    gaps = _GAP * (len(pictures) - 1)
    inch = min((height - 2 * _LABEL_HEIGHT) / rows, (width - gaps) / columns)  # inches per pixel
    height = rows * inch + 2 * _LABEL_HEIGHT
    sheet.text(left, top, title, size=SMALL, weight="bold")
    draw_scale_bar(
        sheet, left + width, top, "bar of the surface", inches_per_angstrom=inch / pixel, longest=_LONGEST_BAR
    )
    middle, across = top + height / 2, left + (width - gaps - columns * inch) / 2
    for number, (name, picture) in enumerate(zip(names, pictures)):
        tall, wide = (side * inch for side in picture.shape[:2])
        Frame(sheet, across, middle - tall / 2, wide, tall).photo(picture, f"surface {AXIS_NAMES[number % 3]}")
        label = shortened(name, wide + _GAP, TINY)
        sheet.text(across + wide / 2, top + height - line_height(TINY), label, size=TINY, ha="center")
        across += wide + _GAP
    return height
