# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes side by side with the regions where they differ, and how occupied those are. Needs matplotlib."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence, Tuple

import numpy as np
from contourpy import contour_generator
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.slices import DENSITY_COLOURS, RegionSection
from occupy_core.reporting.pdf.text import Sheet, fitted, height_of, width_of

Report = Mapping[str, Any]

_CHART = 3.2  # height, inches
_LETTERS = 9.0  # points
_LABELS = 0.25  # beside the slices, inches
_GAP = 0.08
_BESIDE_CHART, _BELOW_CHART = 0.45, 0.35
_NOTHING = "no region where the classes differ by more than noise explains"


def comparison_figure(report: Report, sections: Sequence[RegionSection]) -> Figure:
    """Classes side by side with the regions outlined, and a chart of the occupancies.

    Parameters
    ----------
    report : mapping
        Of a comparison: `comparison_outputs.write_comparison`.
    sections : sequence of RegionSection
    """
    width, height = comparison_size(report, sections)
    sheet = Sheet(width + 2 * _GAP, height + 2 * _GAP)
    draw_comparison(sheet, report, sections, left=_GAP, top=_GAP, width=width, height=height)
    return sheet.figure


def comparison_size(report: Report, sections: Sequence[RegionSection]) -> Tuple[float, float]:
    """Width and height of a comparison that is not squeezed, inches."""
    return max(7.0, 2.2 * len(report["maps"]) + 1.0), 2.2 * len(sections) + 0.6 + _CHART


def draw_comparison(
    sheet: Sheet,
    report: Report,
    sections: Sequence[RegionSection],
    *,
    left: float,
    top: float,
    width: float,
    height: float,
) -> None:
    """Draw a comparison at a place on a sheet; other parameters as of `comparison_figure`."""
    chart = height * _CHART / comparison_size(report, sections)[1]
    _draw_sections(sheet, report, sections, left, top, width, height - chart)
    _draw_chart(sheet, report, left, top + height - chart, width, chart)


def _draw_sections(
    sheet: Sheet,
    report: Report,
    sections: Sequence[RegionSection],
    left: float,
    top: float,
    width: float,
    height: float,
) -> None:
    """A column for each class, a row for each section."""
    titles = [_title(item) for item in report["maps"]]
    above = max(map(len, titles)) * height_of(_LETTERS) + _GAP
    across = (width - _LABELS + _GAP) / len(titles) - _GAP
    side = min(across, (height - above) / len(sections) - _GAP)
    left += (width + _LABELS - len(titles) * (side + _GAP) + _GAP) / 2
    images = [image for section in sections for image in section.images]
    low = min(np.percentile(image, 1) for image in images)
    high = max(np.percentile(image, 99.8) for image in images)
    for column, lines in enumerate(titles):
        place = left + column * (side + _GAP)
        for number, line in enumerate(lines):
            shown = fitted(line, side, _LETTERS)
            sheet.text(place + side / 2, top + number * height_of(_LETTERS), shown, size=_LETTERS, ha="center")
        for row, section in enumerate(sections):
            rows, columns = section.images[column].shape
            corner = (place, top + above + row * (side + _GAP))
            frame = Frame(sheet, *corner, side, side, x=(-0.5, columns - 0.5), y=(-0.5, rows - 0.5))
            frame.picture(section.images[column], DENSITY_COLOURS, (float(low), float(high)), interpolation="bilinear")
            for number, mask in section.outlines.items():
                outline: Any = contour_generator(z=mask.astype(np.float32), line_type="Separate").lines(0.5)
                frame.add(LineCollection(outline, colors=[_colour(number)], linewidths=1.4))
    for row, section in enumerate(sections):
        middle = top + above + row * (side + _GAP) + side / 2
        sheet.upwards(left - _GAP, middle, fitted(section.title, side, _LETTERS), size=_LETTERS)


def _draw_chart(sheet: Sheet, report: Report, left: float, top: float, width: float, height: float) -> None:
    """Occupancy of each region in each class, with quartiles, and over all particles."""
    regions = report["regions"]
    if not regions:
        sheet.text(left + width / 2, top + height / 2, _NOTHING, size=_LETTERS, ha="center")
        return
    names = [str(item["name"]) for item in report["maps"]]
    if regions[0]["occupancy_of_all_particles"] is not None:
        names.append("all particles")
    legend = width_of(f"region {len(regions)}", _LETTERS) + 0.3
    place = (left + _BESIDE_CHART, top + 2 * _GAP, width - _BESIDE_CHART - legend, height - 2 * _GAP - _BELOW_CHART)
    frame = Frame(sheet, *place, x=(-0.6, len(names) - 0.4), y=(0, 1.05), size=_LETTERS)
    share = 0.8 / len(regions)
    for number, region in enumerate(regions):
        _draw_bars(frame, region, (number - (len(regions) - 1) / 2) * share, 0.9 * share)
    frame.sides()
    frame.ticks_beside((0, 0.2, 0.4, 0.6, 0.8, 1))
    slot = 0.95 * (frame.right - frame.left) / (len(names) + 0.2)
    frame.ticks_below(range(len(names)), [fitted(name, slot, _LETTERS) for name in names])
    sheet.upwards(left + 0.15, (frame.top + frame.bottom) / 2, "occupancy", size=_LETTERS)
    beside = Frame(sheet, frame.right, frame.top, legend, height)
    beside.legend(frame, columns=1, size=_LETTERS)


def _draw_bars(frame: Frame, region: Report, offset: float, width: float) -> None:
    """Of one region: a bar for each class, and one for all particles."""
    low, medians, high = (
        [item[name] for item in region["occupancies"]] for name in ("lower_quartile", "median", "upper_quartile")
    )
    places = np.arange(len(medians)) + offset
    frame.bars(places, medians, width, f"region {region['number']}", color=_colour(region["number"]))
    if region["occupancy_of_all_particles"] is not None:
        everyone = [region["occupancy_of_all_particles"]]
        frame.bars([len(medians) + offset], everyone, width, color=_colour(region["number"]), alpha=0.55)
    spread = []
    for place, lower, upper in zip(places, low, high):
        ends = [[(place - width / 10, end), (place + width / 10, end)] for end in (lower, upper)]
        spread += [[(place, lower), (place, upper)], *ends]
    frame.add(LineCollection(spread, colors="black", linewidths=0.8, zorder=2))


def _title(item: Report) -> List[str]:
    details = [] if item["share"] is None else [f"{100 * item['share']:.0f} %"]
    details += [] if item["particles"] is None else [f"{item['particles']:,} particles"]
    return [str(item["name"]), *([", ".join(details)] if details else [])]


def _colour(number: int) -> str:
    return f"C{(number - 1) % 10}"
