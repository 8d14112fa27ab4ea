# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames on a sheet in which pictures and plots are drawn. Needs matplotlib.

Frames replace matplotlib's axes: a page would need two dozen of these, and they take longer than the rest of the page.
"""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
from contourpy import contour_generator
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox, BboxTransform, TransformedBbox

from occupy_core.reporting.pdf.sheets import TINY, Sheet
from occupy_core.reporting.pdf.text import line_height, text_width

Range = Tuple[float, float]

_TICK_LENGTH, _TICK_GAP = 0.03, 0.02  # inches
_LINE_WIDTH = 0.8  # points
_MAX_INTERVALS = 4  # between ticks at round values
_BAR_WIDTH = 5.0  # line width of a filled area in the legend, points
_DIGIT_MIDDLE = 0.47  # distance from the top of a line of text to the middle of its digits, in line heights
_LEGEND_SIZE = 5.5  # font size, points
_SAMPLE_LENGTH, _SAMPLE_GAP, _COLUMN_GAP = 0.1, 0.05, 0.12  # of the legend, inches


class Frame:
    """A rectangle on a sheet with coordinates of its own, in which curves and pictures are drawn.

    Parameters
    ----------
    sheet : Sheet
    left, top, width, height : float
        Position and size, in inches from the left and upper edges of the sheet.
    x : tuple of float
        Coordinates of the left and the right edge.
    y : tuple of float
        Coordinates of the lower and the upper edge.
    size : float
        Font size of the numbers at the ticks, points.

    Attributes
    ----------
    sheet : Sheet
    left, top, right, bottom : float
        Positions of the edges, in inches from the left and upper edges of the sheet.
    """

    def __init__(
        self,
        sheet: Sheet,
        left: float,
        top: float,
        width: float,
        height: float,
        *,
        x: Range = (0, 1),
        y: Range = (0, 1),
        size: float = TINY,
    ) -> None:
        self.sheet, self.left, self.top, self.right, self.bottom = sheet, left, top, left + width, top + height
        self._x, self._y, self._size = x, y, size
        inches = Bbox([[left, self.bottom], [self.right, top]])
        self._transform = BboxTransform(Bbox(list(zip(x, y))), inches) + sheet.inches
        # The upper edge must be first: inches count downwards, and exchanged edges would turn a picture upside down.
        self._box = TransformedBbox(Bbox([[left, top], [self.right, self.bottom]]), sheet.inches)
        self._legend_entries: List[Tuple[str, Any]] = []

    def add(self, artist: Any) -> None:
        """Draw a matplotlib artist given in the frame's coordinates; parts outside the frame are cut off."""
        artist.set_transform(self._transform)
        artist.set_clip_box(self._box)
        self.sheet.figure.add_artist(artist)

    def picture(
        self, image: Any, colours: str, levels: Range, label: str = "", *, interpolation: str = "nearest"
    ) -> None:
        """Fill the frame with a picture and draw the frame's border.

        Parameters
        ----------
        image : 2D array
            Pixels; the first row is at the bottom.
        colours : str
            Name of a colour map in matplotlib.
        levels : tuple of float
            Values shown in the first and in the last colour.
        label : str
            Name of the picture as an artist; it is not drawn.
        interpolation : str
            Interpolation between pixels, by its name in matplotlib.
        """
        style: Dict[str, Any] = {
            "cmap": colours,
            "norm": Normalize(*levels),
            "interpolation": interpolation,
            "label": label,
        }
        picture = BboxImage(self._box, origin="lower", **style)
        picture.set_data(image)
        self.sheet.figure.add_artist(picture)
        corners = [(self.left, self.top), (self.right, self.top), (self.right, self.bottom), (self.left, self.bottom)]
        self._draw_lines([[*corners, corners[0]]])

    def photo(self, colours: Any, label: str = "") -> None:
        """Fill the frame with a picture in colours of its own, without a border.

        Parameters
        ----------
        colours : uint8 array (rows, columns, 3)
            RGB; the first row is at the bottom.
        label : str
            Name of the picture as an artist; it is not drawn.
        """
        photo = BboxImage(self._box, origin="lower", interpolation="nearest", label=label)
        photo.set_data(colours)
        self.sheet.figure.add_artist(photo)

    def outline(self, mask: Any, colour: str, *, width: float, dashes: Any = "solid", label: str = "") -> None:
        """Draw the outline of a mask, where it crosses 0.5; pixels have their indices as coordinates.

        Parameters
        ----------
        mask : 2D array
            0..1.
        colour : str
        width : float
            Width of the line, points.
        dashes
            Style of the line in matplotlib.
        label : str
            Name of the outline as an artist; it is not drawn.
        """
        lines: Any = contour_generator(z=np.asarray(mask, dtype=np.float32), line_type="Separate").lines(0.5)
        style: Dict[str, Any] = {"colors": [colour], "linewidths": width, "linestyles": [dashes], "label": label}
        self.add(LineCollection(lines, **style))

    def line(self, x: Any, y: Any, label: str = "", **style: Any) -> None:
        """Draw a curve; a curve with a label has an entry in the legend.

        Parameters
        ----------
        x, y : sequence of float
            Points of the curve, in the frame's coordinates.
        label : str
        **style
            Parameters of `matplotlib.lines.Line2D`.
        """
        self.add(Line2D(x, y, label=label, **style))
        if label:
            self._legend_entries.append((label, style))

    def histogram(self, values: Any, edges: Any, label: str, *, fill: bool, colour: str) -> None:
        """Draw a histogram that stands on the frame's lower edge, with an entry in the legend.

        Parameters
        ----------
        values : sequence of float
            Height of each bin, as a y coordinate of the frame.
        edges : sequence of float
            Edges of the bins, x coordinates of the frame, one more than values.
        label : str
        fill : bool
            Whether to fill the histogram instead of drawing its outline.
        colour : str
        """
        self.add(StepPatch(values, edges, baseline=self._y[0], fill=fill, color=colour, label=label))
        self._legend_entries.append((label, {"color": colour, "lw": _BAR_WIDTH if fill else 1}))

    def bars(self, middles: Any, tops: Any, width: float, label: str = "", **style: Any) -> None:
        """Draw bars of one style that stand at y = 0; bars with a label have one entry in the legend.

        Parameters
        ----------
        middles, tops : sequence of float
            Middle and upper end of each bar, in the frame's coordinates.
        width : float
            Width of a bar, in the frame's coordinates.
        label : str
        **style
            Parameters of `matplotlib.patches.Rectangle`.
        """
        for middle, top in zip(middles, tops):
            self.add(Rectangle((middle - width / 2, 0), width, top, lw=0, **style))
        if label:
            self._legend_entries.append((label, {"lw": _BAR_WIDTH, **style}))

    def number_above(self, x: float, y: float, value: str, *, width: float) -> None:
        """Write a number centred above a point, in the frame's coordinates, if it is not wider than `width` there."""
        across = (self.right - self.left) / (self._x[1] - self._x[0])
        if text_width(value, TINY) > width * across:
            return
        down = self.bottom - (y - self._y[0]) / (self._y[1] - self._y[0]) * (self.bottom - self.top)
        middle = self.left + (x - self._x[0]) * across
        self.sheet.text(middle, down - line_height(TINY) - _TICK_GAP, value, size=TINY, ha="center")

    def sides(self, *, right: bool = False) -> None:
        """Draw the left and the lower side of the frame, and optionally the right side."""
        corners = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom), (self.right, self.top)]
        self._draw_lines([corners if right else corners[:-1]])

    def ticks_below(self, values: Sequence[float] = (), names: Sequence[str] = ()) -> None:
        """Draw ticks under the frame.

        Parameters
        ----------
        values : sequence of float
            x coordinates of the ticks; if empty, round values.
        names : sequence of str
            Text at each tick; if empty, the values.
        """
        low, high = self._x
        shown = values or [
            value for value in MaxNLocator(_MAX_INTERVALS).tick_values(low, high) if low <= value <= high
        ]
        positions = [self.left + (value - low) / (high - low) * (self.right - self.left) for value in shown]
        self._draw_lines([[(across, self.bottom), (across, self.bottom + _TICK_LENGTH)] for across in positions])
        for across, text in zip(positions, names or map(_number, shown)):
            self.sheet.text(across, self.bottom + _TICK_LENGTH + _TICK_GAP, text, size=self._size, ha="center")

    def ticks_beside(self, values: Sequence[float], *, right: bool = False) -> None:
        """Draw ticks and their numbers on the left of the frame, or on its right.

        Parameters
        ----------
        values : sequence of float
            y coordinates of the ticks.
        right : bool
            Whether the ticks are on the right.
        """
        low, high = self._y
        edge, outwards, alignment = (self.right, 1, "left") if right else (self.left, -1, "right")
        positions = [self.bottom - (value - low) / (high - low) * (self.bottom - self.top) for value in values]
        self._draw_lines([[(edge, down), (edge + outwards * _TICK_LENGTH, down)] for down in positions])
        for down, value in zip(positions, values):
            anchor, middle = edge + outwards * (_TICK_LENGTH + _TICK_GAP), _DIGIT_MIDDLE * line_height(self._size)
            self.sheet.text(anchor, down - middle, _number(value), size=self._size, ha=alignment)

    def label_below(self, text: str, *, size: float, beneath_ticks: bool = True) -> None:
        """Draw a line of text centred under the frame.

        Parameters
        ----------
        text : str
        size : float
            Font size, points.
        beneath_ticks : bool
            Whether to leave room for ticks and their numbers.
        """
        distance = _TICK_LENGTH + _TICK_GAP + line_height(self._size) if beneath_ticks else 1.5 * _TICK_LENGTH
        self.sheet.text((self.left + self.right) / 2, self.bottom + distance, text, size=size, ha="center")

    def legend(self, *others: Frame, columns: int = 2, size: float = _LEGEND_SIZE) -> None:
        """Draw a legend at the top of the frame.

        Parameters
        ----------
        *others : Frame
            Frames whose curves, histograms and bars the legend lists after those of this frame.
        columns : int
            Number of columns of the legend.
        size : float
            Font size, points.
        """
        entries = [entry for frame in (self, *others) for entry in frame._legend_entries]
        rows = -(-len(entries) // columns)
        parts = [entries[start : start + rows] for start in range(0, len(entries), rows)]
        widths = [_SAMPLE_LENGTH + _SAMPLE_GAP + max(text_width(label, size) for label, _ in part) for part in parts]
        left = (self.left + self.right - sum(widths) - _COLUMN_GAP * (len(parts) - 1)) / 2
        for part, width in zip(parts, widths):
            for row, (label, style) in enumerate(part):
                self._draw_legend_entry(left, self.top + (row + 0.3) * line_height(size), label, style, size)
            left += width + _COLUMN_GAP

    def _draw_legend_entry(self, left: float, top: float, label: str, style: Dict[str, Any], size: float) -> None:
        """Draw a short line in the style of a curve, and the curve's label beside it."""
        middle = top + _DIGIT_MIDDLE * line_height(size)
        ends = (left, left + _SAMPLE_LENGTH)
        sample = Line2D(ends, (middle, middle), **{"solid_capstyle": "butt", **style})
        sample.set_transform(self.sheet.inches)
        self.sheet.figure.add_artist(sample)
        self.sheet.text(left + _SAMPLE_LENGTH + _SAMPLE_GAP, top, label, size=size)

    def _draw_lines(self, lines: List[List[Tuple[float, float]]]) -> None:
        """Draw black lines through points on the sheet, in inches."""
        drawn = LineCollection(lines, colors="black", linewidths=_LINE_WIDTH, capstyle="projecting")
        drawn.set_transform(self.sheet.inches)
        self.sheet.figure.add_artist(drawn)


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
