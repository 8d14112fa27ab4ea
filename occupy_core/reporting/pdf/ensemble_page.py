# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages on an ensemble of volumes: parts on the mean map, heat map of the occupancies, volumes by their composition.

Needs matplotlib.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from occupy_core.ensembles.describe import ensemble_lines
from occupy_core.reporting.ensemble_view import EnsembleView
from occupy_core.reporting.next_steps import outcome_blocks
from occupy_core.reporting.pdf.colour_key import draw_colour_key
from occupy_core.reporting.pdf.colours import DENSITY_COLOURS, FRACTION_COLOURS, grey_levels
from occupy_core.reporting.pdf.frames import Frame
from occupy_core.reporting.pdf.sheets import MARGIN, SMALL, TINY, WARNINGS, WIDTH, Page, Sheet, add_blocks
from occupy_core.reporting.pdf.surface_views import draw_views, views_height
from occupy_core.reporting.pdf.text import line_height, shortened
from occupy_core.reporting.surface.region_surface import region_pictures

Report = Mapping[str, Any]

_PIXELS = 260  # along the longest side of the 3D views
_SURFACE_HEIGHT, _SECTION_HEIGHT = 2.6, 1.9  # inches
_SCATTER_SIDE, _SMALLEST_SCATTER = 3.0, 2.2  # inches; smaller only where all then fits on one page
_BESIDE_HEIGHT = _SMALLEST_SCATTER + 0.75  # of a scatter beside a section, with its title and numbers, inches
_GAP = 0.12  # inches
_ROW_HEIGHT, _LEFT = 0.28, 0.62  # of the heat map: height of a part's row, space for its name, inches
_KEY_HEIGHT = 0.5  # inches, with its numbers
_DOT = 3.5  # points
_OUTLINE = 1.2  # points


def ensemble_pages(report: Report, view: EnsembleView) -> List[Figure]:
    """Draw the pages on an ensemble.

    Parameters
    ----------
    report : mapping
        Report of the job, as in report.json.
    view : EnsembleView
        The mean map with the parts.
    """
    ensemble = report["ensemble"]
    title = f"Ensemble of {len(ensemble['volumes'])} volumes"
    page = Page(title, f"OccuPy for Scipion and RELION {report['version']}")
    notes = [*report["warnings"], *ensemble["warnings"]]
    page.add_warning_count(notes)
    page.top += 0.1
    add_blocks(page, outcome_blocks(report), title=f"{title}, continued")
    page.top += 0.1
    page.top += _draw_mean(page, view, ensemble, page.top) + _GAP
    pages = [page]
    present = sum(not part["moves"] for part in ensemble["parts"])
    if present:
        if page.free_height < _charts_height(present, _least_scatter(view)):
            pages.append(Page(f"{title}: occupancies"))
        room = pages[-1].free_height - _charts_height(present, 0.0)
        side = 0.0 if _is_scatter_beside(view) else min(_SCATTER_SIDE, room)
        _draw_charts(pages[-1], ensemble, pages[-1].top + _GAP, side)
        pages[-1].top += _charts_height(present, side)
    heading = f"Compared at a low-pass of {ensemble['lowpass_angstrom']:.3g} Å"
    blocks: Dict[str, Sequence[str]] = {heading: ensemble_lines(ensemble), **({WARNINGS: notes} if notes else {})}
    ended = add_blocks(pages[-1], list(blocks.items()), title=f"{title}: parts and clusters")
    return [item.figure for item in [*pages[:-1], *ended]]


def ensemble_figure(ensemble: Report, view: EnsembleView) -> Figure:
    """Draw the mean map with its parts, and the charts of the occupancies, as one figure.

    Parameters
    ----------
    ensemble : mapping
        The ensemble's part of report.json.
    view : EnsembleView
    """
    present = sum(not part["moves"] for part in ensemble["parts"])
    side = 0.0 if _is_scatter_beside(view) else _SCATTER_SIDE
    charts = _charts_height(present, side) if present else 0.0
    sheet = Sheet(WIDTH + 2 * MARGIN, _mean_height(view, present) + charts + 3 * _GAP)
    top = _GAP + _draw_mean(sheet, view, ensemble, _GAP) + _GAP
    if present:
        _draw_charts(sheet, ensemble, top, side)
    return sheet.figure


def _is_scatter_beside(view: EnsembleView) -> bool:
    """Return whether the scatter is drawn beside the sections: there is room for it beside one section."""
    return len(view.sections) < 2


def _least_scatter(view: EnsembleView) -> float:
    """Return the smallest side of a scatter below the heat map, inches; 0 where it is beside the sections."""
    return 0.0 if _is_scatter_beside(view) else _SMALLEST_SCATTER


def _mean_height(view: EnsembleView, present: int) -> float:
    """Return the height that `_draw_mean` fills for so many parts that come and go, inches."""
    surface = view.surface
    height = 0.0 if surface is None else views_height(surface.density.shape, WIDTH, _SURFACE_HEIGHT) + _GAP
    return height + (_BESIDE_HEIGHT if present and _is_scatter_beside(view) else _SECTION_HEIGHT)


def _charts_height(parts: int, side: float) -> float:
    """Return the height of the heat map of so many parts and of a scatter of this height below it; all in inches.

    Without a scatter (0), that of the heat map alone.
    """
    heat_map = parts * _ROW_HEIGHT + _KEY_HEIGHT + 2.4 * line_height(SMALL) + 2 * _GAP
    return heat_map + (side + 5.6 * line_height(SMALL) + 3 * _GAP if side else 0.0)


def _draw_charts(sheet: Sheet, ensemble: Report, top: float, side: float) -> None:
    """Draw the heat map and, below it, the scatter of this width and height; no scatter if that is 0."""
    top += draw_heat_map(sheet, ensemble, left=MARGIN, top=top, width=WIDTH) + 2 * _GAP
    if side:
        draw_scatter(sheet, ensemble, left=MARGIN + _LEFT, top=top, side=side)


def _draw_mean(sheet: Sheet, view: EnsembleView, ensemble: Report, top: float) -> float:
    """Draw the mean map from three sides and in sections, with the parts; return the height that was used.

    Beside a single section is the scatter of the volumes.
    """
    start = top
    if view.surface is not None:
        colours = {number: to_rgb(part_colour(number)) for number in view.surface.regions}
        pictures, pixel = region_pictures(view.surface, colours, pixels=_PIXELS)
        title = "Mean of all volumes" + (", with the parts in the colours of the sections" if colours else "")
        height = views_height(view.surface.density.shape, WIDTH, _SURFACE_HEIGHT)
        top += draw_views(sheet, pictures, pixel, title, left=MARGIN, top=top, width=WIDTH, height=height) + _GAP
    levels = grey_levels([image for section in view.sections for image in section.images])
    side = min(_SECTION_HEIGHT - line_height(SMALL), (WIDTH - 3 * _GAP) / 4)
    for column, section in enumerate(view.sections):
        left = MARGIN + column * (side + _GAP)
        title = shortened(section.title.replace("region", "part"), side, SMALL)
        sheet.text(left, top, title, size=SMALL)
        image = section.images[0]
        rows, columns = image.shape
        frame = Frame(sheet, left, top + line_height(SMALL), side, side, x=(-0.5, columns - 0.5), y=(-0.5, rows - 0.5))
        frame.picture(image, DENSITY_COLOURS, levels, interpolation="bilinear")
        for number, mask in section.outlines.items():
            frame.outline(mask, part_colour(number), width=_OUTLINE)
    if _is_scatter_beside(view) and any(not part["moves"] for part in ensemble["parts"]):
        draw_scatter(sheet, ensemble, left=MARGIN + side + 0.8, top=top, side=_SMALLEST_SCATTER)
        return top + _BESIDE_HEIGHT - start
    return top + side + line_height(SMALL) - start


def draw_heat_map(sheet: Sheet, ensemble: Report, *, left: float, top: float, width: float) -> float:
    """Draw the occupancy of each part (row) in each volume (column), cluster by cluster; return the height used.

    Parameters
    ----------
    sheet : Sheet
    ensemble : mapping
        The ensemble's part of report.json; at least one part comes and goes.
    left, top, width : float
        Place on the sheet, inches.
    """
    order, volumes = ensemble["order"], ensemble["volumes"]
    present = [part["number"] for part in ensemble["parts"] if not part["moves"]]
    values = np.array([[volumes[index]["occupancies"][row][1] for index in order] for row in range(len(present))])
    clusters = [volumes[index]["cluster"] for index in order]
    sheet.text(left, top, f"Occupancy of the parts in {len(order)} volumes, by cluster", size=SMALL, weight="bold")
    heading = 2.4 * line_height(SMALL)
    height = len(present) * _ROW_HEIGHT
    box = (left + _LEFT, top + heading, width - _LEFT, height)
    frame = Frame(sheet, *box, x=(-0.5, len(order) - 0.5), y=(-0.5, len(present) - 0.5))
    frame.picture(values[::-1].astype(np.float32), FRACTION_COLOURS, (0.0, 1.0))
    for row, number in enumerate(present):
        middle = top + heading + (row + 0.3) * _ROW_HEIGHT
        sheet.text(left + _LEFT - 0.06, middle, f"part {number}", size=SMALL, ha="right", color=part_colour(number))
    across = (width - _LEFT) / len(order)
    starts = [0, *(index for index in range(1, len(order)) if clusters[index] != clusters[index - 1]), len(order)]
    lines = [[(start - 0.5, -0.5), (start - 0.5, len(present) - 0.5)] for start in starts[1:-1]]
    frame.add(LineCollection(lines, colors="white", linewidths=1.0))
    for first, last in zip(starts, starts[1:]):
        room = (last - first) * across
        name = f"{clusters[first]}"
        middle = left + _LEFT + (first + last) / 2 * across
        if room > 0.1:
            sheet.text(middle, top + heading - 1.1 * line_height(TINY), name, size=TINY, ha="center")
    sheet.text(left + _LEFT - 0.06, top + heading - 1.1 * line_height(TINY), "cluster", size=TINY, ha="right")
    draw_colour_key(sheet, left + _LEFT, top + heading + height + _GAP, FRACTION_COLOURS, (0.0, 1.0), "occupancy")
    return heading + height + _GAP + _KEY_HEIGHT


def draw_scatter(sheet: Sheet, ensemble: Report, *, left: float, top: float, side: float) -> None:
    """Draw each volume as a dot at its occupancies of the two main parts, in the colour of its cluster.

    With one part, the volumes are drawn at their ranks.

    Parameters
    ----------
    sheet : Sheet
    ensemble : mapping
        The ensemble's part of report.json; at least one part comes and goes.
    left, top, side : float
        Place on the sheet, inches.
    """
    one, other = main_parts(ensemble)
    values = np.array([[item[1] for item in volume["occupancies"]] for volume in ensemble["volumes"]])
    x = values[:, one]
    y = values[:, other] if other != one else np.argsort(np.argsort(x)) / max(len(x) - 1, 1)
    title = f"Volumes by their occupancies of parts {one + 1} and {other + 1}"
    if other == one:
        title = f"Volumes by their occupancy of part {one + 1}"
    sheet.text(left, top, f"{title}, in the colours of their clusters", size=SMALL, weight="bold")
    top += 1.6 * line_height(SMALL)
    frame = Frame(sheet, left, top, side, side, x=(-0.04, 1.04), y=(-0.04, 1.04))
    numbers = np.array([volume["cluster"] for volume in ensemble["volumes"]])
    for cluster in ensemble["clusters"]:
        number = cluster["number"]
        own = numbers == number
        frame.line(
            x[own],
            y[own],
            color=cluster_colour(number),
            marker="o",
            markersize=_DOT,
            linestyle="none",
            alpha=0.6,
            markeredgewidth=0,
        )
    frame.sides()
    frame.ticks_below((0, 0.2, 0.4, 0.6, 0.8, 1.0))
    frame.ticks_beside((0, 0.2, 0.4, 0.6, 0.8, 1.0))
    frame.label_below(f"occupancy of part {one + 1}", size=SMALL)
    beside = f"occupancy of part {other + 1}" if other != one else "rank, 0..1"
    sheet.upward_text(left - 0.35, top + side / 2, beside, size=SMALL)
    for row, cluster in enumerate(ensemble["clusters"]):
        text = f"cluster {cluster['number']}: {cluster['volumes']} volumes"
        place = top + row * line_height(SMALL)
        sheet.text(left + side + 0.25, place, "\N{BLACK CIRCLE}", size=SMALL, color=cluster_colour(cluster["number"]))
        sheet.text(left + side + 0.4, place, text, size=SMALL)


def main_parts(ensemble: Report) -> Tuple[int, int]:
    """Return the indices of the two parts whose occupancies vary most; the same twice if there is only one."""
    values = np.array([[item[1] for item in volume["occupancies"]] for volume in ensemble["volumes"]])
    order = np.argsort(-values.std(axis=0), kind="stable")
    chosen = sorted(int(index) for index in order[:2])
    return chosen[0], chosen[-1]


def part_colour(number: int) -> str:
    """Return the colour of a part: matplotlib's cycle of ten, as for regions."""
    return f"C{(number - 1) % 10}"


def cluster_colour(number: int) -> str:
    """Return the colour of a cluster, from dark to light so that neighbours differ."""
    return ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C8", "C9", "C7", "black", "navy")[(number - 1) % 12]
