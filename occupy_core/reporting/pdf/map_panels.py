# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections of a map and of the maps computed from it: a column for each map, a row for each axis. Needs matplotlib."""

from __future__ import annotations

from occupy_core.reporting.pdf.colour_key import KEY_WIDTH, draw_colour_key
from occupy_core.reporting.pdf.colours import DENSITY_COLOURS, FRACTION_COLOURS, OUTLINE_COLOURS, grey_levels
from occupy_core.reporting.pdf.frames import Frame, Range
from occupy_core.reporting.pdf.scale_bar import draw_scale_bar
from occupy_core.reporting.pdf.sheets import MARGIN, SMALL, WIDTH, Page
from occupy_core.reporting.pdf.text import line_height, shortened, wrapped
from occupy_core.reporting.sections import AXIS_NAMES, MapSections
from occupy_core.settings.output_names import DENSITIES, MAP_OUTPUTS

_MIN_PANEL, _MAX_PANEL = 0.95, 1.7  # side of a section, inches
_GAP = 0.06  # inches
_LABELS_WIDTH = 0.25  # space for labels on the left of the sections, inches
_KEYS_HEIGHT, _BETWEEN_KEYS = 0.7, 0.6  # inches
_OUTLINED = ("input", "scale")  # the maps on which target masks are outlined
_OUTLINE_WIDTH, _SAMPLE_WIDTH = 0.9, 2.0  # of outlines and of their samples in the list of masks, points
_SAMPLE = 0.2  # length of such a sample, inches
_MAX_NAMED = 4  # target masks in the list
_LONGEST_BAR = 0.5  # inches


def draw_panels(page: Page, sections: MapSections, height: float, *, voxel_size: float) -> None:
    """Draw the sections with slice numbers, a scale bar, the names of target masks, and two colour keys.

    Parameters
    ----------
    page : Page
        `page.top` is below all of this afterwards.
    sections : MapSections
    height : float
        Space for all of this, inches; sections have a smallest size even when this needs more space.
    voxel_size : float
        Edge of a voxel, Å.
    """
    count = len(sections.panels)
    height -= _texts_height(sections)
    fitting = max(_MIN_PANEL, height / 3 - _GAP)
    side = min(_MAX_PANEL, fitting, (WIDTH - _LABELS_WIDTH - (count - 1) * _GAP) / count)
    left = MARGIN + _LABELS_WIDTH + (WIDTH - _LABELS_WIDTH - count * side - (count - 1) * _GAP) / 2
    grey = grey_levels(sections.panels["input"])
    titles = {kind: wrapped(_title(kind), side, SMALL, "bold") for kind in sections.panels}
    page.top += max(map(len, titles.values())) * line_height(SMALL) + _GAP
    for column, kind in enumerate(sections.panels):
        middle = left + column * (side + _GAP) + side / 2
        for number, line in enumerate(reversed(titles[kind])):
            page.text(
                middle, page.top - (number + 1) * line_height(SMALL), line, size=SMALL, ha="center", weight="bold"
            )
        for axis in range(3):
            place = (middle, page.top + axis * (side + _GAP) + side / 2)
            _draw_panel(page, sections, kind, axis, place, side, grey if kind in DENSITIES else (0.0, 1.0))
    for axis, name in enumerate(AXIS_NAMES):
        middle = page.top + axis * (side + _GAP) + side / 2
        page.upward_text(left - _GAP, middle, f"{name} = {sections.cut.planes[axis]}", size=SMALL)
    page.top += 3 * (side + _GAP)
    scale = side / (sections.cut.longest * voxel_size)
    page.top += _GAP / 2
    draw_scale_bar(page, left + side, page.top, "bar of the sections", inches_per_angstrom=scale, longest=_LONGEST_BAR)
    page.top += line_height(SMALL) + _GAP
    _draw_mask_names(page, sections)
    _draw_keys(page, grey)


def least_height(sections: MapSections) -> float:
    """Return the height that `draw_panels` needs for sections of the smallest size, inches."""
    return 3 * (_MIN_PANEL + _GAP) + _texts_height(sections)


def _texts_height(sections: MapSections) -> float:
    """Return the height of titles, scale bar, names of target masks and colour keys, inches."""
    names = min(len(sections.outlines), _MAX_NAMED)
    return (3 + names) * line_height(SMALL) + _GAP + _KEYS_HEIGHT


def _title(kind: str) -> str:
    return MAP_OUTPUTS[kind].title if kind in MAP_OUTPUTS else kind


def _draw_panel(
    page: Page, sections: MapSections, kind: str, axis: int, middle: Range, side: float, levels: Range
) -> None:
    """Draw one section around a position, with the target masks outlined; `side` is of the longest window side."""
    image = sections.panels[kind][axis]
    rows, columns = image.shape
    longest = max(max(section.shape) for section in sections.panels[kind])
    height, width = side * rows / longest, side * columns / longest
    corner = (middle[0] - width / 2, middle[1] - height / 2)
    frame = Frame(page, *corner, width, height, x=(-0.5, columns - 0.5), y=(-0.5, rows - 0.5))
    colours = DENSITY_COLOURS if kind in DENSITIES else FRACTION_COLOURS
    frame.picture(image, colours, levels, f"{kind} {AXIS_NAMES[axis]}")
    if kind in _OUTLINED:
        for number, masks in enumerate(sections.outlines.values()):
            colour = OUTLINE_COLOURS[number % len(OUTLINE_COLOURS)]
            frame.outline(masks[axis], colour, width=_OUTLINE_WIDTH, label=f"target mask {number + 1}")


def _draw_mask_names(page: Page, sections: MapSections) -> None:
    """List the target masks, each with a line in the colour of its outline."""
    for number, name in enumerate(list(sections.outlines)[:_MAX_NAMED]):
        sample = Frame(page, MARGIN + _LABELS_WIDTH, page.top, _SAMPLE, line_height(SMALL))
        sample.line((0, 1), (0.5, 0.5), color=OUTLINE_COLOURS[number], lw=_SAMPLE_WIDTH)
        more = len(sections.outlines) - _MAX_NAMED
        text = f"target mask {name}" + (f", and {more} more" if number == _MAX_NAMED - 1 and more > 0 else "")
        left = MARGIN + _LABELS_WIDTH + _SAMPLE + _GAP
        page.text(left, page.top, shortened(text, MARGIN + WIDTH - left, SMALL), size=SMALL)
        page.top += line_height(SMALL)


def _draw_keys(page: Page, levels: Range) -> None:
    left = MARGIN + _LABELS_WIDTH + (WIDTH - _LABELS_WIDTH - _BETWEEN_KEYS) / 2 - KEY_WIDTH
    draw_colour_key(page, left, page.top, DENSITY_COLOURS, levels, "input and modified maps (density)")
    left += KEY_WIDTH + _BETWEEN_KEYS
    label = "local scale, confidence, masks (0 to 1)"
    draw_colour_key(page, left, page.top, FRACTION_COLOURS, (0.0, 1.0), label)
    page.top += _KEYS_HEIGHT
