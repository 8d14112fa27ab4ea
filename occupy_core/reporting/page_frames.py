# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and plots on a page. Needs matplotlib.

None has axes of matplotlib's: the two dozen that a page would have take longer than all the rest of it.
"""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.patches import StepPatch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox, BboxTransform, TransformedBbox

from occupy_core.reporting.page_text import SMALL, TINY, Page, height_of, width_of

Range = Tuple[float, float]

_TICK, _TICK_GAP = 0.03, 0.02  # inches
_LINE = 0.8  # points
_INTERVALS = 4  # between ticks, at most
_MIDDLE = 0.47  # of the height of a line of text: where the middle of a digit is
_LEGEND, _SAMPLE, _SAMPLE_GAP, _COLUMN_GAP = 5.5, 0.1, 0.05, 0.12  # points, inches


class Frame:
    """A rectangle on a page; what is drawn in it counts in units of its own.

    Parameters
    ----------
    page : Page
    left, top, width, height : float
        In inches from the left and upper edges of the page.
    x, y : tuple of float
        The units at the edges: left and right, lower and upper.
    """

    def __init__(
        self, page: Page, left: float, top: float, width: float, height: float, *, x: Range = (0, 1), y: Range = (0, 1)
    ) -> None:
        self.page, self.left, self.top, self.right, self.bottom = page, left, top, left + width, top + height
        self._x, self._y = x, y
        inches = Bbox([[left, self.bottom], [self.right, top]])
        self._transform = BboxTransform(Bbox(list(zip(x, y))), inches) + page.inches
        self._place = TransformedBbox(inches, page.inches)
        self._legend: List[Tuple[str, Any]] = []

    def add(self, artist: Any) -> None:
        """Draw what lies in the frame of something in the frame's units."""
        artist.set_transform(self._transform)
        artist.set_clip_box(self._place)
        self.page.figure.add_artist(artist)

    def picture(self, image: Any, colours: str, levels: Range, label: str) -> None:
        """Fill the frame with a picture, its lowest row below, and draw its border."""
        shown = BboxImage(
            self._place, cmap=colours, norm=Normalize(*levels), interpolation="nearest", origin="lower", label=label
        )
        shown.set_data(image)
        self.page.figure.add_artist(shown)
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
        self._legend.append((label, {"color": colour, "lw": 5 if fill else 1}))

    def sides(self, *, right: bool = False) -> None:
        """Lines on the left and below, and on the right."""
        corners = [(self.left, self.top), (self.left, self.bottom), (self.right, self.bottom), (self.right, self.top)]
        self._strokes([corners if right else corners[:-1]])

    def ticks_below(self, values: Sequence[float] = ()) -> None:
        """Ticks and numbers under the frame, at round values where none are given."""
        low, high = self._x
        shown = values or [value for value in MaxNLocator(_INTERVALS).tick_values(low, high) if low <= value <= high]
        places = [self.left + (value - low) / (high - low) * (self.right - self.left) for value in shown]
        self._strokes([[(place, self.bottom), (place, self.bottom + _TICK)] for place in places])
        for place, value in zip(places, shown):
            self.page.text(place, self.bottom + _TICK + _TICK_GAP, _number(value), size=TINY, ha="center")

    def ticks_beside(self, values: Sequence[float], *, right: bool = False) -> None:
        """Ticks and numbers on the left of the frame, or on its right."""
        low, high = self._y
        edge, outwards, turned = (self.right, 1, "left") if right else (self.left, -1, "right")
        places = [self.bottom - (value - low) / (high - low) * (self.bottom - self.top) for value in values]
        self._strokes([[(edge, place), (edge + outwards * _TICK, place)] for place in places])
        for place, value in zip(places, values):
            left, middle = edge + outwards * (_TICK + _TICK_GAP), _MIDDLE * height_of(TINY)
            self.page.text(left, place - middle, _number(value), size=TINY, ha=turned)

    def label_below(self, text: str, *, beneath_ticks: bool = True) -> None:
        """A line of text under the middle of the frame."""
        below = _TICK + _TICK_GAP + height_of(TINY) if beneath_ticks else 1.5 * _TICK
        self.page.text((self.left + self.right) / 2, self.bottom + below, text, size=SMALL, ha="center")

    def legend(self, *others: Frame) -> None:
        """Say at the top, in two columns, what was drawn here and in other frames at this place."""
        entries = [entry for frame in (self, *others) for entry in frame._legend]
        rows = -(-len(entries) // 2)
        columns = [entries[:rows], entries[rows:]]
        widths = [max((width_of(label, _LEGEND) for label, _ in column), default=0.0) for column in columns]
        left = (self.left + self.right - sum(widths) - 2 * (_SAMPLE + _SAMPLE_GAP) - _COLUMN_GAP) / 2
        for column, width in zip(columns, widths):
            for row, (label, style) in enumerate(column):
                top = self.top + (row + 0.3) * height_of(_LEGEND)
                middle = top + _MIDDLE * height_of(_LEGEND)
                sample = Line2D((left, left + _SAMPLE), (middle, middle), **{"solid_capstyle": "butt", **style})
                sample.set_transform(self.page.inches)
                self.page.figure.add_artist(sample)
                self.page.text(left + _SAMPLE + _SAMPLE_GAP, top, label, size=_LEGEND)
            left += _SAMPLE + _SAMPLE_GAP + width + _COLUMN_GAP

    def _strokes(self, lines: List[List[Tuple[float, float]]]) -> None:
        """Black lines from place to place on the page, in inches."""
        drawn = LineCollection(lines, colors="black", linewidths=_LINE, capstyle="projecting")
        drawn.set_transform(self.page.inches)
        self.page.figure.add_artist(drawn)


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")
