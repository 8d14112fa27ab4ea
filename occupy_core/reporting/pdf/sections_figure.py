# SPDX-License-Identifier: GPL-3.0-or-later
"""Figure of the sections of several maps, for the viewers: they move together. Needs matplotlib."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from contourpy import contour_generator
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patheffects import withStroke
from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

from occupy_core.arrays.types import Volume
from occupy_core.reporting.pdf.colours import DENSITY_COLOURS, FRACTION_COLOURS, OUTLINE_COLOURS
from occupy_core.reporting.pdf.scale_bar import round_length
from occupy_core.reporting.sections import AXIS_NAMES
from occupy_core.reporting.where_to_cut import Cut, cut_through_molecule
from occupy_core.settings.output_names import MAP_OUTPUTS
from occupy_core.solvent.model import CONFIDENT

# Titles of the maps with values from 0 to 1; all other maps hold density.
_FRACTIONS = ("local scale", "confidence", *(kind.title for kind in MAP_OUTPUTS.values() if kind.is_mask))
_TITLE_WIDTH, _NARROW_TITLE_WIDTH = 24, 13  # letters in a line; the second of more maps than _WIDE, which are smaller
_WIDE = 5
# Share of the strongest values, below which the scale and the density are solvent, where no confidence tells. Ours.
_WEAKEST, _WEAKEST_DENSITY = 0.2, 0.5
_BAR_PART = 0.35  # of a section: the longest scale bar
_SHOWN_SIGMAS = 4.0  # of a signed difference, as in occupy.cxc
_SIDE_MARGIN = 0.015  # of the figure, beside the labels on its left


@dataclass(frozen=True)
class Colours:
    """Colours for the values of a map.

    Attributes
    ----------
    name : str
        Colour map of matplotlib.
    low, high : float
        Values at its ends.
    label : str
        Text beside the colour key.
    """

    name: str
    low: float
    high: float
    label: str


SPREAD = Colours(FRACTION_COLOURS, 0.0, 1.0, "difference in occupancy")
MASK = Colours(FRACTION_COLOURS, 0.0, 1.0, "mask")
SIGNED = Colours("RdBu", -_SHOWN_SIGMAS, _SHOWN_SIGMAS, "difference, in sigma")
_FRACTIONS_OF_A_RUN = Colours(FRACTION_COLOURS, 0.0, 1.0, "local scale, confidence, masks")


class SectionsFigure:
    """Sections of maps on one grid: a column for each map, a row for each axis. Those of a single map are in a row.

    The local scale, the confidence and masks are coloured from 0 to 1, with one colour key. All maps of density are
    drawn with the input's grey levels, so that amplified density looks brighter than in the input. The sections show
    the molecule, and pass through its middle, or where target masks are largest.

    Parameters
    ----------
    panels : mapping of str to float32 array, 3D
        Map by title, the input first. Titles are "local scale", "confidence" and those in `MAP_OUTPUTS`.
    title : str
        Title of the figure.
    voxel_size : float, optional
        Edge of a voxel, Å; without it no scale bar is drawn.
    planes : sequence of int
        Axes of the array across which to cut: 0 for z, 1 for y, 2 for x.
    masks : mapping of str to array, 3D, optional
        Target masks, 0..1, by name; outlined on all maps.
    colours : Colours, optional
        Colours of a single map that is neither density nor one of the maps with values from 0 to 1 named above.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        Figure without a window, to be saved or shown by a viewer.
    cut : Cut
        Where the sections were cut first.
    planes : tuple of int
        As given.
    """

    def __init__(
        self,
        panels: Mapping[str, Volume],
        *,
        title: str,
        voxel_size: Optional[float] = None,
        planes: Sequence[int] = (0, 1, 2),
        masks: Optional[Mapping[str, Volume]] = None,
        colours: Optional[Colours] = None,
    ) -> None:
        self._panels, self._masks, self.planes = panels, masks or {}, tuple(planes)
        self._colours = colours
        self.cut = _cut_of(panels, list(self._masks.values()))
        is_single = len(panels) == 1
        rows, columns = (1, len(planes)) if is_single else (len(planes), len(panels))
        layout = ConstrainedLayoutEngine(rect=(_SIDE_MARGIN, 0, 1 - _SIDE_MARGIN, 1))
        self.figure = Figure(figsize=(2.6 * columns + 1.0, 2.6 * rows + 0.9), layout=layout)
        axes = self.figure.subplots(rows, columns, squeeze=False)
        self._axes = axes.T if is_single else axes
        self._outlines: Dict[Tuple[int, int], List[LineCollection]] = {}
        levels = _grey_levels(next(iter(panels.values())))
        title_width = _TITLE_WIDTH if len(panels) <= _WIDE else _NARROW_TITLE_WIDTH
        for column, name in enumerate(panels):
            for row, axis in enumerate(planes):
                self._draw(row, column, axis, levels)
            if not is_single:
                self._axes[0, column].set_title(textwrap.fill(name, title_width))
        self.figure.suptitle(f"{next(iter(panels))}\n{title}" if is_single else title)
        if voxel_size:
            _add_scale_bar(self._axes[-1, 0], self.cut, voxel_size)
        coloured = [column for column, name in enumerate(panels) if self._colours_of(name)]
        if coloured:
            picture, name = self._axes[0, coloured[0]].images[0], list(panels)[coloured[0]]
            shown = self._colours_of(name)
            label = name if is_single and name in _FRACTIONS else shown.label if shown else ""
            self.figure.colorbar(picture, ax=axes, shrink=0.8 if is_single else 0.6, label=label)

    def _colours_of(self, name: str) -> Optional[Colours]:
        """Return the colours of a map; None for density, which is grey."""
        return _FRACTIONS_OF_A_RUN if name in _FRACTIONS else self._colours

    def move(self, axis: int, index: int) -> None:
        """Show another section across an axis, of all maps.

        Parameters
        ----------
        axis : int
            One of `planes`.
        index : int
            Index of the section.
        """
        planes = [index if other == axis else plane for other, plane in enumerate(self.cut.planes)]
        self.cut = Cut((planes[0], planes[1], planes[2]), self.cut.window)
        row = self.planes.index(axis)
        for column, volume in enumerate(self._panels.values()):
            self._axes[row, column].images[0].set_data(self.cut.section(volume, axis))
            for lines, mask in zip(self._outlines[row, column], self._masks.values()):
                lines.set_segments(self._outline(mask, axis))
        self._label(row, axis)

    def _draw(self, row: int, column: int, axis: int, levels: Tuple[float, float]) -> None:
        """Draw the section of one map across one axis."""
        name, volume = list(self._panels.items())[column]
        axes, colours = self._axes[row, column], self._colours_of(name)
        low, high = (colours.low, colours.high) if colours else levels
        vertical, horizontal = (part for other, part in enumerate(self.cut.window) if other != axis)
        axes.imshow(
            self.cut.section(volume, axis),
            cmap=colours.name if colours else DENSITY_COLOURS,
            vmin=low,
            vmax=high,
            origin="lower",
            interpolation="nearest",
            extent=(horizontal.start - 0.5, horizontal.stop - 0.5, vertical.start - 0.5, vertical.stop - 0.5),
        )
        axes.set(xticks=[], yticks=[])
        self._outlines[row, column] = []
        for mask, colour in zip(self._masks.values(), OUTLINE_COLOURS):
            lines = LineCollection(self._outline(mask, axis), colors=[colour], linewidths=1.2)
            self._outlines[row, column].append(lines)
            axes.add_collection(lines, autolim=False)
        if column == 0:
            self._label(row, axis)

    def _label(self, row: int, axis: int) -> None:
        self._axes[row, 0].set_ylabel(f"{AXIS_NAMES[axis]} = {self.cut.planes[axis]}")

    def _outline(self, mask: Volume, axis: int) -> Any:
        """Return the outline of a mask in a section, in voxels of the map."""
        vertical, horizontal = (part for other, part in enumerate(self.cut.window) if other != axis)
        section = np.asarray(self.cut.section(mask, axis), dtype=np.float32)
        if min(section.shape) < 2:
            return []
        rows, columns = np.arange(vertical.start, vertical.stop), np.arange(horizontal.start, horizontal.stop)
        return contour_generator(columns, rows, section, line_type="Separate").lines(0.5)


def _cut_of(panels: Mapping[str, Volume], masks: Sequence[Volume]) -> Cut:
    """Cut through the molecule: where the confidence tells it, or else where the first map is strong."""
    if "confidence" in panels:
        return cut_through_molecule(panels["confidence"], masks=masks)
    name, first = next(iter(panels.items()))
    first = np.abs(first)  # a signed difference has parts below 0
    strong = float(np.percentile(first, 99.9))
    least = (_WEAKEST if name in _FRACTIONS else _WEAKEST_DENSITY) * strong / CONFIDENT
    return cut_through_molecule(first / np.float32(least) if least > 0 else np.zeros_like(first), masks=masks)


def _add_scale_bar(axes: Axes, cut: Cut, voxel_size: float) -> None:
    """Draw a scale bar in the lower left corner of a section."""
    length = round_length(_BAR_PART * cut.longest * voxel_size)
    style: Dict[str, Any] = {"frameon": False, "color": "white", "size_vertical": 0}
    bar = AnchoredSizeBar(axes.transData, length / voxel_size, f"{length:g} Å", "lower left", **style)
    for part in bar.findobj():
        part.set_path_effects([withStroke(linewidth=2.5, foreground="black")])
    axes.add_artist(bar)


def _grey_levels(volume: Volume) -> Tuple[float, float]:
    """Return the values shown as black and as white: percentiles 1 and 99.9 of a map."""
    low, high = np.percentile(volume, (1, 99.9))
    return (float(low), float(high)) if high > low else (float(volume.min()), float(volume.max()))
