# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and plots in their places. Needs matplotlib.

None has axes of matplotlib's: the two dozen that a page would have take longer than all the rest of it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle, StepPatch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox, BboxTransform, TransformedBbox

from occupy_core.reporting.pdf.text import TINY, Sheet, height_of, width_of

Range = Tuple[float, float]

_TICK, _TICK_GAP = 0.03, 0.02  # inches
_LINE = 0.8  # points
_INTERVALS = 4  # between ticks, at most
_BAR = 5.0  # points, in the legend
_MIDDLE = 0.47  # of the height of a line of text: where the middle of a digit is
_LEGEND, _SAMPLE, _SAMPLE_GAP, _COLUMN_GAP = 5.5, 0.1, 0.05, 0.12  # points, inches


class Frame:
    """A rectangle on a sheet; what is drawn in it counts in units of its own.

    Parameters
    ----------
    sheet : Sheet
    left, top, width, height : float
        In inches from the left and upper edges of the sheet.
    x, y : tuple of float
        The units at the edges: left and right, lower and upper.
    size : float
        Of the letters around it, points.
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
        # The upper edge first: inches count down, and a box whose edges change places turns its picture over.
        self._place = TransformedBbox(Bbox([[left, top], [self.right, self.bottom]]), sheet.inches)
        self._legend: List[Tuple[str, Any]] = []

    def add(self, artist: Any) -> None:
        """Draw what lies in the frame of something in the frame's units."""
        artist.set_transform(self._transform)
        artist.set_clip_box(self._place)
        self.sheet.figure.add_artist(artist)

    def picture(
        self, image: Any, colours: str, levels: Range, label: str = "", *, interpolation: str = "nearest"
    ) -> None:
        """Fill the frame with a picture, its lowest row below, and draw its border."""
        style: Dict[str, Any] = {
            "cmap": colours,
            "norm": Normalize(*levels),
            "interpolation": interpolation,
            "label": label,
        }
        shown = BboxImage(self._place, origin="lower", **style)
        shown.set_data(image)
        self.sheet.figure.add_artist(shown)
        corners = [(self.left, self.top), (self.right, self.top), (self.right, self.bottom), (self.left, self.bottom)]
        self._strokes([[*corners, corners[0]]])

    def line(self, x: Any, y: Any, label: str = "", **style: Any) -> None:
        """A curve; what has a label is in the legend."""
        self.add(Line2D(x, y, label=label, **style))
        if label:
            self._legend.append((label, style))

    def steps(self, values: Any, edges: Any, label: str, *, fill: bool, colour: str) -> None:
        """A histogram that stands on the frame's lower edge."""
        self.add(StepPatch(values, edges, baseline=self._y[0], fill=fill, color=colour, label=label))
        self._legend.append((label, {"color": colour, "lw": _BAR if fill else 1}))

    def bars(self, middles: Any, tops: Any, width: float, label: str = "", **style: Any) -> None:
        """Bars that stand at zero, all alike."""
        for middle, top in zip(middles, tops):
            self.add(Rectangle((middle - width / 2, 0), width, top, lw=0, **style))
        if label:
            self._legend.append((label, {"lw": _BAR, **style}))

    def sides(self, *, right: bool = False) -> None:
        """Lines on the left and below, and on the right."""
        corners = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom), (self.right, self.top)]
        self._strokes([corners if right else corners[:-1]])

    def ticks_below(self, values: Sequence[float] = (), names: Sequence[str] = ()) -> None:
        """Ticks and numbers, or names, under the frame; at round values where none are given."""
        low, high = self._x
        shown = values or [value for value in MaxNLocator(_INTERVALS).tick_values(low, high) if low <= value <= high]
        places = [self.left + (value - low) / (high - low) * (self.right - self.left) for value in shown]
        self._strokes([[(place, self.bottom), (place, self.bottom + _TICK)] for place in places])
        for place, text in zip(places, names or map(_number, shown)):
            self.sheet.text(place, self.bottom + _TICK + _TICK_GAP, text, size=self._size, ha="center")

    def ticks_beside(self, values: Sequence[float], *, right: bool = False) -> None:
        """Ticks and numbers on the left of the frame, or on its right."""
        low, high = self._y
        edge, outwards, turned = (self.right, 1, "left") if right else (self.left, -1, "right")
        places = [self.bottom - (value - low) / (high - low) * (self.bottom - self.top) for value in values]
        self._strokes([[(edge, place), (edge + outwards * _TICK, place)] for place in places])
        for place, value in zip(places, values):
            left, middle = edge + outwards * (_TICK + _TICK_GAP), _MIDDLE * height_of(self._size)
            self.sheet.text(left, place - middle, _number(value), size=self._size, ha=turned)

    def label_below(self, text: str, *, size: float, beneath_ticks: bool = True) -> None:
        """A line of text under the middle of the frame."""
        below = _TICK + _TICK_GAP + height_of(self._size) if beneath_ticks else 1.5 * _TICK
        self.sheet.text((self.left + self.right) / 2, self.bottom + below, text, size=size, ha="center")

    def legend(self, *others: Frame, columns: int = 2, size: float = _LEGEND) -> None:
        """Say at the top what was drawn here and in other frames."""
        entries = [entry for frame in (self, *others) for entry in frame._legend]
        rows = -(-len(entries) // columns)
        parts = [entries[place : place + rows] for place in range(0, len(entries), rows)]
        widths = [_SAMPLE + _SAMPLE_GAP + max(width_of(label, size) for label, _ in part) for part in parts]
        left = (self.left + self.right - sum(widths) - _COLUMN_GAP * (len(parts) - 1)) / 2
        for part, width in zip(parts, widths):
            for row, (label, style) in enumerate(part):
                top = self.top + (row + 0.3) * height_of(size)
                middle = top + _MIDDLE * height_of(size)
                sample = Line2D((left, left + _SAMPLE), (middle, middle), **{"solid_capstyle": "butt", **style})
                sample.set_transform(self.sheet.inches)
                self.sheet.figure.add_artist(sample)
                self.sheet.text(left + _SAMPLE + _SAMPLE_GAP, top, label, size=size)
            left += width + _COLUMN_GAP

    def _strokes(self, lines: List[List[Tuple[float, float]]]) -> None:
        """Black lines from place to place on the sheet, in inches."""
        drawn = LineCollection(lines, colors="black", linewidths=_LINE, capstyle="projecting")
        drawn.set_transform(self.sheet.inches)
        self.sheet.figure.add_artist(drawn)


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
