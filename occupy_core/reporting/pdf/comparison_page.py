# SPDX-License-Identifier: GPL-3.0-or-later
"""Figure of a comparison: sections of all classes with the regions outlined, and a chart of the occupancies.

Needs matplotlib.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from occupy_core.comparing.describe import comparison_notes, no_region_text, sure_regions
from occupy_core.comparing.reference_name import relative_to
from occupy_core.reporting.pdf.colours import DENSITY_COLOURS
from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.sheets import Sheet
from occupy_core.reporting.pdf.surface_views import draw_views, views_height
from occupy_core.reporting.pdf.text import line_height, shortened, text_width, wrapped
from occupy_core.reporting.region_sections import RegionSection
from occupy_core.reporting.surface.region_surface import RegionSurface, region_pictures

Report = Mapping[str, Any]

_CHART_HEIGHT, _SURFACE_HEIGHT = 3.2, 2.4  # inches
_PIXELS = 260  # along the longest side of the 3D views
_FONT_SIZE = 9.0  # points
_LABELS_WIDTH = 0.25  # space for labels on the left of the sections, inches
_GAP = 0.08  # inches
_BELOW_SURFACE = 0.24  # below the 3D views, inches
_LEFT_OF_CHART, _BELOW_CHART = 0.45, 0.35  # space for numbers and names, inches
_NO_REGIONS = "no region where the classes differ by more than noise explains"
_OTHER_MOLECULES = "the maps do not show one molecule in one pose"
_MAX_REGIONS = 12  # in the chart; the bars of more would be too thin
_MAX_CLASSES = 24  # in a figure; viewers of PDF files show no page of more than 200 inches
_OUTLINE, _UNSURE_OUTLINE = 1.4, 0.9  # widths of lines, points
_DASHES = (0, (4, 2))
# Opacity of bars: of classes and of all particles, for sure and for unsure regions.
_OPACITY, _UNSURE_OPACITY = (1.0, 0.55), (0.3, 0.15)


def comparison_figure(
    report: Report,
    sections: Sequence[RegionSection],
    levels: Optional[Tuple[float, float]] = None,
    surface: Optional[RegionSurface] = None,
) -> Figure:
    """Draw classes side by side with the regions outlined, a chart of the occupancies, and notes below it.

    The notes say what an occupancy of 1 stands for, which parts moved or are flexible, and why regions are unsure.

    Parameters
    ----------
    report : mapping
        Report of the comparison (`comparing.outputs.write_comparison`).
    sections : sequence of RegionSection
        Sections of the compared classes (`region_sections`).
    levels : two float, optional
        Values shown as black and as white; by default those of these sections (`grey_levels_of`).
    surface : RegionSurface, optional
        The mean of the classes with the regions, for 3D views above the sections.
    """
    width, height = comparison_size(report, sections, surface)
    notes = [line for text in _notes(report) for line in wrapped(text, width, _FONT_SIZE)]
    notes_height = len(notes) * line_height(_FONT_SIZE)
    sheet = Sheet(width + 2 * _GAP, height + notes_height + 2 * _GAP)
    box = {"left": _GAP, "top": _GAP, "width": width, "height": height}
    draw_comparison(sheet, report, sections, levels or grey_levels_of(sections), surface, **box)
    for number, line in enumerate(notes):
        sheet.text(_GAP, _GAP + height + number * line_height(_FONT_SIZE), line, size=_FONT_SIZE)
    return sheet.figure


def comparison_figures(
    report: Report, sections: Sequence[RegionSection], surface: Optional[RegionSurface] = None
) -> Iterator[Figure]:
    """Draw the figures of a comparison one by one, each with at most 24 classes; parameters as `comparison_figure`."""
    levels = grey_levels_of(sections)
    for first in range(0, len(report["maps"]), _MAX_CLASSES):
        chosen = slice(first, first + _MAX_CLASSES)
        regions = [{**region, "occupancies": region["occupancies"][chosen]} for region in report["regions"]]
        part = {**report, "maps": report["maps"][chosen], "regions": regions}
        shown = [replace(section, images=section.images[chosen]) for section in sections]
        yield comparison_figure(part, shown, levels, None if first else surface)


def comparison_size(
    report: Report, sections: Sequence[RegionSection], surface: Optional[RegionSurface] = None
) -> Tuple[float, float]:
    """Return the natural width and height of a comparison, inches; parameters as in `comparison_figure`."""
    width = max(7.0, 2.2 * len(report["maps"]) + 1.0)
    return width, 2.2 * len(sections) + 0.6 + _CHART_HEIGHT + _surface_height(surface, width)


def draw_comparison(
    sheet: Sheet,
    report: Report,
    sections: Sequence[RegionSection],
    levels: Tuple[float, float],
    surface: Optional[RegionSurface] = None,
    *,
    left: float,
    top: float,
    width: float,
    height: float,
) -> None:
    """Draw a comparison in a rectangle of a sheet.

    Parameters
    ----------
    sheet : Sheet
    report, sections, levels, surface
        As in `comparison_figure`.
    left, top, width, height : float
        Position and size of the rectangle, in inches from the left and upper edges of the sheet.
    """
    natural_height = comparison_size(report, sections, surface)[1]
    chart_height = height * _CHART_HEIGHT / natural_height
    if surface is not None:
        surface_height = height * _surface_height(surface, width) / natural_height
        _draw_surface(sheet, surface, left=left, top=top, width=width, height=surface_height - _BELOW_SURFACE / 2)
        top, height = top + surface_height, height - surface_height
    _draw_sections(sheet, report, sections, levels, left, top, width, height - chart_height)
    _draw_chart(sheet, report, left, top + height - chart_height, width, chart_height)


def _surface_height(surface: Optional[RegionSurface], width: float) -> float:
    """Return the natural height of the 3D views with a gap below them, inches."""
    return 0.0 if surface is None else views_height(surface.density.shape, width, _SURFACE_HEIGHT) + _BELOW_SURFACE


def _draw_surface(sheet: Sheet, surface: RegionSurface, **box: Any) -> None:
    """Draw the mean of the classes from three sides, with the regions in the colours of the chart."""
    colours = {number: to_rgb(_colour(number)) for number in surface.regions}
    pictures, pixel = region_pictures(surface, colours, pixels=_PIXELS)
    title = "Mean of the classes" + (", with the regions in the colours of the chart" if colours else "")
    draw_views(sheet, pictures, pixel, title, **box)


def _draw_sections(
    sheet: Sheet,
    report: Report,
    sections: Sequence[RegionSection],
    levels: Tuple[float, float],
    left: float,
    top: float,
    width: float,
    height: float,
) -> None:
    """Draw a column for each class and a row for each section."""
    titles = [_title(item) for item in report["maps"]]
    title_height = max(map(len, titles)) * line_height(_FONT_SIZE) + _GAP
    across = (width - _LABELS_WIDTH + _GAP) / len(titles) - _GAP
    side = min(across, (height - title_height) / len(sections) - _GAP)
    left += (width + _LABELS_WIDTH - len(titles) * (side + _GAP) + _GAP) / 2
    unsure = {region["number"] for region in report["regions"] if not region["sure"]}
    for column, lines in enumerate(titles):
        column_left = left + column * (side + _GAP)
        for number, line in enumerate(lines):
            line_top = top + number * line_height(_FONT_SIZE)
            text = shortened(line, side, _FONT_SIZE)
            sheet.text(column_left + side / 2, line_top, text, size=_FONT_SIZE, ha="center")
        for row, section in enumerate(sections):
            row_top = top + title_height + row * (side + _GAP)
            _draw_section(sheet, section, column, (column_left, row_top), side, levels, unsure)
    for row, section in enumerate(sections):
        middle = top + title_height + row * (side + _GAP) + side / 2
        sheet.upward_text(left - _GAP, middle, shortened(section.title, side, _FONT_SIZE), size=_FONT_SIZE)


def _draw_section(
    sheet: Sheet,
    section: RegionSection,
    class_index: int,
    corner: Tuple[float, float],
    side: float,
    levels: Tuple[float, float],
    unsure: Set[int],
) -> None:
    """Draw a section of one class in a square, with the outlines of the regions: dashed for the numbers in `unsure`.

    `corner` is the upper left one.
    """
    image = section.images[class_index]
    rows, columns = image.shape
    frame = Frame(sheet, *corner, side, side, x=(-0.5, columns - 0.5), y=(-0.5, rows - 0.5))
    frame.picture(image, DENSITY_COLOURS, levels, interpolation="bilinear")
    for number, mask in section.outlines.items():
        width, dashes = (_UNSURE_OUTLINE, _DASHES) if number in unsure else (_OUTLINE, "solid")
        frame.outline(mask, _colour(number), width=width, dashes=dashes)


def grey_levels_of(sections: Sequence[RegionSection]) -> Tuple[float, float]:
    """Return the values shown as black and as white in all images: the widest range of their percentiles 1 and 99.8."""
    images = [image for section in sections for image in section.images]
    low = min(np.percentile(image, 1) for image in images)
    high = max(np.percentile(image, 99.8) for image in images)
    return float(low), float(high)


def _draw_chart(sheet: Sheet, report: Report, left: float, top: float, width: float, height: float) -> None:
    """Draw a bar chart of the occupancy of each region in each class and over all particles, with 90 % intervals."""
    regions = report["regions"][:_MAX_REGIONS]
    if not regions:
        text = _OTHER_MOLECULES if report.get("other_molecules") else _NO_REGIONS
        sheet.text(left + width / 2, top + height / 2, text, size=_FONT_SIZE, ha="center")
        return
    names = [str(item["name"]) for item in report["maps"]]
    if regions[0]["occupancy_of_all_particles"] is not None:
        names.append("all particles")
    legend_width = max(text_width(_region_name(region), _FONT_SIZE) for region in regions) + 0.3
    chart_width = width - _LEFT_OF_CHART - legend_width
    box = (left + _LEFT_OF_CHART, top + 2 * _GAP, chart_width, height - 2 * _GAP - _BELOW_CHART)
    frame = Frame(sheet, *box, x=(-0.6, len(names) - 0.4), y=(0, 1.05), size=_FONT_SIZE)
    bar_slot = 0.8 / len(regions)
    for number, region in enumerate(regions):
        _draw_bars(frame, region, (number - (len(regions) - 1) / 2) * bar_slot, 0.9 * bar_slot)
    frame.sides()
    frame.ticks_beside((0, 0.2, 0.4, 0.6, 0.8, 1))
    name_width = 0.95 * (frame.right - frame.left) / (len(names) + 0.2)
    frame.ticks_below(range(len(names)), [shortened(name, name_width, _FONT_SIZE) for name in names])
    title = f"{'relative ' * bool(relative_to(report))}occupancy, 90 % interval"
    sheet.upward_text(left + 0.15, (frame.top + frame.bottom) / 2, title, size=_FONT_SIZE)
    legend_frame = Frame(sheet, frame.right, frame.top, legend_width, height)
    legend_frame.legend(frame, columns=1, size=_FONT_SIZE)
    more = len(report["regions"]) - len(regions)
    if more:
        below = frame.top + (len(regions) + 0.3) * line_height(_FONT_SIZE)
        sheet.text(frame.right + legend_width / 2, below, f"and {more} more", size=_FONT_SIZE, ha="center")


def _draw_bars(frame: Frame, region: Report, offset: float, width: float) -> None:
    """Draw a region's bars with their 90 % intervals: one for each class, and one for all particles.

    The bars of an unsure region are pale with a dashed edge. `offset` is the distance of a bar from the middle of its
    class.
    """
    values = [(item["occupancy"], item["low"], item["high"]) for item in region["occupancies"]]
    middles = [number + offset for number in range(len(values))]
    colour = {"color": _colour(region["number"])}
    of_classes, of_all = _OPACITY if region["sure"] else _UNSURE_OPACITY
    frame.bars(middles, [value for value, _, _ in values], width, _region_name(region), **colour, alpha=of_classes)
    if region["occupancy_of_all_particles"] is not None:
        names = [f"occupancy_of_all_particles{end}" for end in ("", "_low", "_high")]
        values.append((region[names[0]], region[names[1]], region[names[2]]))
        middles.append(len(middles) + offset)
        frame.bars(middles[-1:], [values[-1][0]], width, **colour, alpha=of_all)
    if not region["sure"]:
        edges = [_edge(middle, value, width) for middle, (value, _, _) in zip(middles, values)]
        frame.add(LineCollection(edges, colors=[colour["color"]], linewidths=_UNSURE_OUTLINE, linestyles=[_DASHES]))
    intervals = []
    for middle, (_, low, high) in zip(middles, values):
        if low is not None and high is not None:  # reports of earlier versions have no intervals
            ends = [[(middle - width / 10, end), (middle + width / 10, end)] for end in (low, high)]
            intervals += [[(middle, low), (middle, high)], *ends]
    frame.add(LineCollection(intervals, colors="black", linewidths=0.8, zorder=2))
    for middle, (value, _, high) in zip(middles, values):
        frame.number_above(middle, value if high is None else high, f"{value:.2f}", width=1.1 * width)


def _edge(middle: float, top: float, width: float) -> List[Tuple[float, float]]:
    """Return the corners of a bar that stands at 0, from its lower left to its lower right one."""
    left, right = middle - width / 2, middle + width / 2
    return [(left, 0.0), (left, top), (right, top), (right, 0.0)]


def _notes(report: Report) -> List[str]:
    """Return the notes below the chart."""
    nothing_sure = report["regions"] and not sure_regions(report)
    return [*([no_region_text(report)] if nothing_sure else []), *comparison_notes(report)]


def _region_name(region: Report) -> str:
    return f"region {region['number']}" + ("" if region["sure"] else " (unsure)")


def _title(item: Report) -> List[str]:
    """Return the lines above a class: its name, and its share and number of particles where known."""
    details = [] if item["share"] is None else [f"{100 * item['share']:.0f} %"]
    details += [] if item["particles"] is None else [f"{item['particles']:,} particles"]
    return [str(item["name"]), *([", ".join(details)] if details else [])]


def _colour(number: int) -> str:
    """Return the colour of a region in matplotlib's cycle of ten colours."""
    return f"C{(number - 1) % 10}"
